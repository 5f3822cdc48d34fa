//! The one error of this crate.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::{FileName, Operation};

/// The result of every call of this crate.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// use store::{FileName, IStore, SaveOptions, StoreExt};
///
/// async fn note(store: &dyn IStore, text: &'static str) -> store::Result<()> {
///     let name = FileName::new("notes/today.txt")?;
///     store.save_bytes(&name, text, &SaveOptions::default()).await?;
///     Ok(())
/// }
/// # #[cfg(feature = "memory")]
/// note(&store::MemoryStore::new(), "hello").await?;
/// # Ok(())
/// # }
/// ```
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call on a store failed.
///
/// A caller branches on [`kind`](Error::kind) and asks [`is_retryable`](Error::is_retryable)
/// whether the same call may succeed later. [`Display`](fmt::Display) names the operation, the file
/// and the reason, and never the cause: that is [`source`](StdError::source), printed by whoever
/// reports.
///
/// # Examples
///
/// ```
/// use store::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::NotFound, "read file").with_name("notes.txt");
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert_eq!(error.to_string(), "failed to read file `notes.txt`: not found");
///
/// let error = Error::new(ErrorKind::StorageFull, "save file")
///     .with_name("notes.txt")
///     .with_message("the quota of 2 GiB is used up");
/// assert_eq!(error.to_string(), "failed to save file `notes.txt`: the quota of 2 GiB is used up");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: &'static str,
    name: Option<String>,
    message: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` that ended `operation`, a verb and its object such as `save file`.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: &'static str) -> Self {
        Self(Box::new(Inner {
            kind,
            operation,
            name: None,
            message: None,
            retry_after: None,
            source: None,
        }))
    }

    /// Names the file, or the setting, that the call was about.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.0.name = Some(name.into());
        self
    }

    /// Says what went wrong, where the kind alone is not enough; lower case, no full stop, no
    /// secret.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = Some(message.into());
        self
    }

    /// Records how long the store asked its callers to stay away.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// Records the cause.
    ///
    /// # Examples
    ///
    /// How a store tells a failure of what lies under it:
    ///
    /// ```
    /// use std::error::Error as _;
    /// use store::{Error, ErrorKind};
    ///
    /// fn unreadable(name: &str, error: std::io::Error) -> Error {
    ///     let kind = match error.kind() {
    ///         std::io::ErrorKind::NotFound => ErrorKind::NotFound,
    ///         std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
    ///         _ => ErrorKind::Other,
    ///     };
    ///     Error::new(kind, "read file").with_name(name).with_source(error)
    /// }
    ///
    /// let error = unreadable("a", std::io::ErrorKind::PermissionDenied.into());
    /// assert_eq!(error.to_string(), "failed to read file `a`: permission denied");
    /// assert!(error.source().is_some());
    /// ```
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The refusal of `name` beside the stored file `found`; a store calls it where it meets a
    /// [`NameOverlap`](ErrorKind::NameOverlap).
    ///
    /// # Examples
    ///
    /// ```
    /// use store::{Error, FileName};
    ///
    /// let error = Error::overlap(&FileName::new("a/b")?, "a");
    /// assert_eq!(
    ///     error.to_string(),
    ///     "failed to save file `a/b`: `a` is a file, so no name can lie below it",
    /// );
    /// # Ok::<(), store::Error>(())
    /// ```
    #[must_use]
    pub fn overlap(name: &FileName, found: &str) -> Self {
        let message = if name.folders().any(|folder| folder == found) {
            format!("`{found}` is a file, so no name can lie below it")
        } else {
            format!("`{name}` is a folder of the file `{found}`")
        };
        Self::new(ErrorKind::NameOverlap, Operation::SaveFile.as_str())
            .with_name(name.as_str())
            .with_message(message)
    }

    /// The same error as it looks from inside the folder, whose `path` ends in `/`: names that
    /// start with it, also those that the message quotes, lose it. The source stays as it is.
    pub(crate) fn seen_from(mut self, path: &str) -> Self {
        if let Some(name) = &mut self.0.name
            && let Some(inside) = name.strip_prefix(path)
        {
            *name = inside.to_owned();
        }
        if let Some(message) = &mut self.0.message {
            let quoted = format!("`{path}");
            if message.contains(&quoted) {
                *message = message.replace(&quoted, "`").into();
            }
        }
        self
    }

    /// The reason, to branch on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was being done: a verb and its object.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// The file, or the setting, that the call was about.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Whether the same call may succeed later without anybody changing anything.
    ///
    /// True for [`Unavailable`](ErrorKind::Unavailable), [`RateLimited`](ErrorKind::RateLimited),
    /// [`Timeout`](ErrorKind::Timeout) and [`Interrupted`](ErrorKind::Interrupted). A save that is
    /// tried again needs its contents anew.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use store::{Error, ErrorKind};
    ///
    /// /// How long to wait before the same call is made again, if it is.
    /// fn pause(error: &Error) -> Option<Duration> {
    ///     error.is_retryable().then(|| error.retry_after().unwrap_or(Duration::from_secs(1)))
    /// }
    ///
    /// let busy = Error::new(ErrorKind::RateLimited, "save file").with_retry_after(Duration::from_secs(7));
    /// assert_eq!(pause(&busy), Some(Duration::from_secs(7)));
    /// assert_eq!(pause(&Error::new(ErrorKind::NotFound, "read file")), None);
    /// ```
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            ErrorKind::RateLimited
            | ErrorKind::Unavailable
            | ErrorKind::Timeout
            | ErrorKind::Interrupted => true,
            ErrorKind::NotFound
            | ErrorKind::AlreadyExists
            | ErrorKind::Conflict
            | ErrorKind::NameOverlap
            | ErrorKind::InvalidName
            | ErrorKind::InvalidInput
            | ErrorKind::OutOfRange
            | ErrorKind::TooLarge
            | ErrorKind::ChecksumMismatch
            | ErrorKind::Unsupported
            | ErrorKind::PermissionDenied
            | ErrorKind::Unauthenticated
            | ErrorKind::StorageFull
            | ErrorKind::Corrupt
            | ErrorKind::Configuration
            | ErrorKind::Other => false,
        }
    }

    /// How long the store asked its callers to stay away, where it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}", self.0.operation)?;
        if let Some(name) = &self.0.name {
            // A refused name may hold line breaks: it is shown escaped, on one line.
            write!(f, " `{}`", name.escape_debug())?;
        }
        match &self.0.message {
            Some(message) => write!(f, ": {message}"),
            None => write!(f, ": {}", self.0.kind),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug
            .field("kind", &self.0.kind)
            .field("operation", &self.0.operation);
        if let Some(name) = &self.0.name {
            debug.field("name", name);
        }
        if let Some(message) = &self.0.message {
            debug.field("message", message);
        }
        if let Some(delay) = &self.0.retry_after {
            debug.field("retry_after", delay);
        }
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// The reasons for which a call on a store fails.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// use store::{ErrorKind, FileName, MemoryStore, StoreExt};
///
/// let store = MemoryStore::new();
/// let name = FileName::new("config.toml")?;
/// let config = match store.get_file_bytes(&name, 65_536).await {
///     Ok((_, bytes)) => bytes,
///     Err(error) if error.kind() == ErrorKind::NotFound => "log = true".into(),
///     Err(error) => return Err(error),
/// };
/// assert_eq!(config, "log = true");
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No file has this name.
    NotFound,
    /// [`SaveMode::Create`](crate::SaveMode::Create) met a file of this name.
    AlreadyExists,
    /// [`SaveMode::Update`](crate::SaveMode::Update) met another version than the one named, or no
    /// file at all.
    Conflict,
    /// The name is a folder of a stored file (`a` beside `a/b`), or a stored file is a folder of
    /// it.
    NameOverlap,
    /// The text is no [`FileName`](crate::FileName).
    InvalidName,
    /// An option, or the contents, cannot be right whatever the store holds.
    InvalidInput,
    /// A range of bytes starts past the end of the file.
    OutOfRange,
    /// More bytes than the caller or the store allows.
    TooLarge,
    /// The contents do not have the expected sha256.
    ChecksumMismatch,
    /// The store cannot do this; its [`Capabilities`](crate::Capabilities) say so.
    Unsupported,
    /// The store, or the operating system, refused access.
    PermissionDenied,
    /// The store did not accept the credentials.
    Unauthenticated,
    /// No space, or no quota, is left.
    StorageFull,
    /// The store asked for fewer calls; see [`Error::retry_after`].
    RateLimited,
    /// The store cannot be reached or is busy, for now.
    Unavailable,
    /// No answer came in time; whether the call took effect is unknown.
    Timeout,
    /// What is stored cannot be read back as it was saved.
    Corrupt,
    /// The store was set up wrongly.
    Configuration,
    /// A stream of contents broke before its end.
    Interrupted,
    /// None of the other reasons; the source says more.
    Other,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "not found",
            Self::AlreadyExists => "a file of this name exists",
            Self::Conflict => "the file is not the version that was to be replaced",
            Self::NameOverlap => "one file's name is a folder of the other's",
            Self::InvalidName => "the name is not allowed",
            Self::InvalidInput => "the input is invalid",
            Self::OutOfRange => "the range starts past the end of the file",
            Self::TooLarge => "too large",
            Self::ChecksumMismatch => "the contents do not have the expected sha256",
            Self::Unsupported => "this store does not support it",
            Self::PermissionDenied => "permission denied",
            Self::Unauthenticated => "the credentials were not accepted",
            Self::StorageFull => "no space is left",
            Self::RateLimited => "too many requests",
            Self::Unavailable => "the store is unavailable for now",
            Self::Timeout => "timed out",
            Self::Corrupt => "the stored data is corrupt",
            Self::Configuration => "the store is set up wrongly",
            Self::Interrupted => "the stream of contents broke",
            Self::Other => "unexpected failure",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names_operation_file_and_reason_but_never_the_source() {
        let error = Error::new(ErrorKind::Unavailable, "save file")
            .with_name("a\nb")
            .with_message("the disk is away")
            .with_source("the cause");
        assert_eq!(
            error.to_string(),
            r"failed to save file `a\nb`: the disk is away"
        );
        assert_eq!(
            error.source().map(ToString::to_string),
            Some("the cause".to_owned())
        );
    }

    #[test]
    fn seen_from_a_folder_its_names_lose_it_wherever_they_stand() {
        let error = Error::new(ErrorKind::NameOverlap, "save file")
            .with_name("a/b/a/b/c")
            .with_message("`a/b/a/b/c` is a folder of `a/b/x`, and `a` of `a/by`");
        assert_eq!(
            error.seen_from("a/b/").to_string(),
            "failed to save file `a/b/c`: `a/b/c` is a folder of `x`, and `a` of `a/by`"
        );
    }

    #[test]
    fn temporary_failures_alone_are_retryable() {
        assert!(Error::new(ErrorKind::RateLimited, "x").is_retryable());
        assert!(!Error::new(ErrorKind::Conflict, "x").is_retryable());
        let delay = Duration::from_secs(3);
        let error = Error::new(ErrorKind::RateLimited, "x").with_retry_after(delay);
        assert_eq!(error.retry_after(), Some(delay));
    }
}
