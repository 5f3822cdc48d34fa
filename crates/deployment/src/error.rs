//! The crate's one public error.

use std::error::Error as StdError;
use std::path::PathBuf;

use crate::id::DeploymentId;

/// A result of this crate.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> deployment::Result<()> {
/// use deployment::{DeploymentId, IStatus};
///
/// async fn is_over(status: &dyn IStatus, id: &DeploymentId) -> deployment::Result<bool> {
///     let record = status.get_status(id).await?;
///     Ok(record.is_some_and(|record| record.is_terminal()))
/// }
/// # let status = deployment::DeploymentStatus::new(std::sync::Arc::new(store::MemoryStore::new()));
/// # assert!(!is_over(&status, &DeploymentId::generate()).await?);
/// # Ok(())
/// # }
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong; [`kind`](Self::kind) sorts it for callers that branch.
///
/// `Display` never prints the source: whoever reports prints the chain.
///
/// # Examples
///
/// Reports an error with its causes:
///
/// ```
/// use std::error::Error as _;
/// use deployment::Error;
///
/// fn report(error: &Error) -> String {
///     let causes = std::iter::successors(error.source(), |&cause| cause.source());
///     causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
/// }
///
/// let source = store::Error::new(store::ErrorKind::Unavailable, "save file");
/// let error = Error::storage("record a status", source);
/// assert_eq!(
///     report(&error),
///     "failed to record a status: failed to save file: the store is unavailable for now",
/// );
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value of the request was refused before anything happened.
    #[error("invalid {what} `{value}`: {reason}")]
    #[non_exhaustive]
    InvalidRequest {
        /// Which value, in words.
        what: &'static str,
        /// The value, shortened, or `***`.
        value: String,
        /// Why it was refused.
        reason: String,
    },
    /// No package of that name is in the store.
    #[error("package `{name}` was not found in the store")]
    #[non_exhaustive]
    PackageNotFound {
        /// The package's name.
        name: String,
    },
    /// No record of that deployment is in the store.
    #[error("deployment `{id}` was not found in the store")]
    #[non_exhaustive]
    DeploymentNotFound {
        /// The deployment's id.
        id: DeploymentId,
    },
    /// Another deployment of the same application to the same endpoint is active.
    #[error("application `{application}` is being deployed to `{endpoint}` by deployment `{by}`")]
    #[non_exhaustive]
    Busy {
        /// The application's name on the platform.
        application: String,
        /// The platform's address.
        endpoint: String,
        /// The deployment that holds the lock.
        by: DeploymentId,
    },
    /// The idempotency key was used before, for a request that was not the same.
    #[error("the idempotency key was used for a different request, deployment `{by}`")]
    #[non_exhaustive]
    KeyReused {
        /// The deployment that the key belongs to.
        by: DeploymentId,
    },
    /// A deployment runs once.
    #[error("deployment `{id}` was already started")]
    #[non_exhaustive]
    AlreadyStarted {
        /// The deployment's id.
        id: DeploymentId,
    },
    /// A phase that may not follow the recorded one.
    #[error("{}", illegal_move(from.as_deref(), to))]
    #[non_exhaustive]
    IllegalMove {
        /// The recorded phase; `None` before the first.
        from: Option<String>,
        /// The phase that was asked for.
        to: String,
    },
    /// The history has as many statuses as [`RecordLimits`](crate::RecordLimits) allow.
    #[error("the record of deployment `{id}` holds {limit} statuses, and takes only its ending")]
    #[non_exhaustive]
    HistoryFull {
        /// The deployment's id.
        id: DeploymentId,
        /// The most statuses that it may hold.
        limit: usize,
    },
    /// A record would be larger than what is read back
    /// ([`DeploymentRecord::MAX_BYTES`](crate::DeploymentRecord::MAX_BYTES)).
    #[error("record `{file}` would have {bytes} bytes, at most {limit} are read back")]
    #[non_exhaustive]
    RecordTooLarge {
        /// The store's file.
        file: String,
        /// The bytes that it would have.
        bytes: u64,
        /// The most bytes that it may have.
        limit: u64,
    },
    /// Somebody else has written the record that this owner alone may write.
    #[error("the record of deployment `{id}` was changed by another owner")]
    #[non_exhaustive]
    LostOwnership {
        /// The deployment's id.
        id: DeploymentId,
    },
    /// A stored record cannot be read as one.
    #[error("failed to read record `{file}`: {reason}")]
    #[non_exhaustive]
    BadRecord {
        /// The store's file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A stored record was written by a newer engine and may only be read.
    #[error("record `{file}` has schema {schema}, this engine writes up to {known}")]
    #[non_exhaustive]
    NewerRecord {
        /// The store's file.
        file: String,
        /// Its schema.
        schema: u64,
        /// The newest schema that this engine writes.
        known: u64,
    },
    /// The store failed.
    #[error("failed to {doing}")]
    #[non_exhaustive]
    Store {
        /// What the engine was doing.
        doing: &'static str,
        /// The store's own error.
        source: store::Error,
    },
    /// The package is not one, or is not safe to unpack.
    #[error("failed to {doing}")]
    #[non_exhaustive]
    Package {
        /// What the engine was doing.
        doing: &'static str,
        /// The package's own error, which names entry and limit.
        source: package::Error,
    },
    /// The deployment's private directory, or a local package file, could not be used.
    #[error("failed to {doing} `{path}`")]
    #[non_exhaustive]
    Directory {
        /// What the engine was doing.
        doing: &'static str,
        /// The directory or file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The platform could not make a process for the request.
    #[error("failed to prepare the platform's commands: {reason}")]
    #[non_exhaustive]
    Platform {
        /// What the platform says; made with [`Error::platform`].
        reason: String,
        /// Its own error.
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// The platform's process could not go on; a command that fails is no error but an outcome.
    #[error("failed to run the platform's process")]
    #[non_exhaustive]
    Process {
        /// The process's own error.
        source: batch::Error,
    },
    /// Processes of a deployment that has ended are still there, and start others faster than they
    /// can be killed.
    #[error("processes of deployment `{id}` are left on this machine")]
    #[non_exhaustive]
    ProcessesLeft {
        /// The deployment's id.
        id: DeploymentId,
    },
    /// The engine itself failed; a defect.
    #[error("the deployment's task ended unexpectedly: {reason}")]
    #[non_exhaustive]
    Internal {
        /// What is known of it.
        reason: String,
    },
}

fn illegal_move(from: Option<&str>, to: &str) -> String {
    match from {
        Some(from) => format!("a deployment cannot go from `{from}` to `{to}`"),
        None => format!("a deployment cannot begin with `{to}`"),
    }
}

/// The kinds of [`Error`] that callers tell apart.
///
/// # Examples
///
/// The status code of a web service:
///
/// ```
/// use deployment::{Error, ErrorKind};
///
/// fn status_code(error: &Error) -> u16 {
///     match error.kind() {
///         ErrorKind::InvalidInput => 400,
///         ErrorKind::NotFound => 404,
///         ErrorKind::Conflict => 409,
///         ErrorKind::Store if error.is_retryable() => 503,
///         _ => 500,
///     }
/// }
///
/// let error = "".parse::<deployment::Endpoint>().unwrap_err();
/// assert_eq!(status_code(&error), 400);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller's input is at fault; nothing happened.
    InvalidInput,
    /// The package or deployment is not there.
    NotFound,
    /// Another deployment stands in the way.
    Conflict,
    /// The store failed; see [`Error::is_retryable`].
    Store,
    /// A stored record cannot be used.
    Record,
    /// The package's contents are at fault.
    Package,
    /// The platform or its process failed.
    Platform,
    /// This machine or the engine failed.
    Internal,
}

impl Error {
    /// The error's kind.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidRequest { .. } => ErrorKind::InvalidInput,
            Self::PackageNotFound { .. } | Self::DeploymentNotFound { .. } => ErrorKind::NotFound,
            Self::Busy { .. }
            | Self::KeyReused { .. }
            | Self::AlreadyStarted { .. }
            | Self::IllegalMove { .. }
            | Self::LostOwnership { .. } => ErrorKind::Conflict,
            Self::BadRecord { .. }
            | Self::NewerRecord { .. }
            | Self::HistoryFull { .. }
            | Self::RecordTooLarge { .. } => ErrorKind::Record,
            Self::Store { .. } => ErrorKind::Store,
            Self::Package { .. } => ErrorKind::Package,
            Self::Platform { .. } | Self::Process { .. } => ErrorKind::Platform,
            Self::Directory { .. } | Self::ProcessesLeft { .. } | Self::Internal { .. } => {
                ErrorKind::Internal
            }
        }
    }

    /// Whether the same call may succeed later without any change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store { source, .. } => source.is_retryable(),
            Self::Busy { .. } | Self::ProcessesLeft { .. } => true,
            Self::InvalidRequest { .. }
            | Self::PackageNotFound { .. }
            | Self::DeploymentNotFound { .. }
            | Self::KeyReused { .. }
            | Self::AlreadyStarted { .. }
            | Self::IllegalMove { .. }
            | Self::LostOwnership { .. }
            | Self::BadRecord { .. }
            | Self::NewerRecord { .. }
            | Self::HistoryFull { .. }
            | Self::RecordTooLarge { .. }
            | Self::Package { .. }
            | Self::Directory { .. }
            | Self::Platform { .. }
            | Self::Process { .. }
            | Self::Internal { .. } => false,
        }
    }

    /// An error of an [`IPlatform`](crate::IPlatform) that cannot make its process.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = deployment::Error::platform("no such region");
    /// assert_eq!(
    ///     error.to_string(),
    ///     "failed to prepare the platform's commands: no such region"
    /// );
    /// ```
    pub fn platform(reason: impl Into<String>) -> Self {
        Self::Platform {
            reason: reason.into(),
            source: None,
        }
    }

    /// An error of an [`IStatus`](crate::IStatus) whose own storage failed while `doing`; whether
    /// it is worth another try is told by `source`.
    ///
    /// # Examples
    ///
    /// ```
    /// let source = store::Error::new(store::ErrorKind::Unavailable, "insert row");
    /// let error = deployment::Error::storage("record a status", source);
    /// assert!(error.is_retryable());
    /// ```
    #[must_use]
    pub const fn storage(doing: &'static str, source: store::Error) -> Self {
        Self::Store { doing, source }
    }

    /// An error of an [`IStatus`](crate::IStatus) that finds the record of `id` written by somebody
    /// else.
    ///
    /// # Examples
    ///
    /// ```
    /// use deployment::{DeploymentId, Error, ErrorKind};
    ///
    /// let error = Error::lost_ownership(DeploymentId::generate());
    /// assert_eq!(error.kind(), ErrorKind::Conflict);
    /// assert!(!error.is_retryable());
    /// ```
    #[must_use]
    pub const fn lost_ownership(id: DeploymentId) -> Self {
        Self::LostOwnership { id }
    }

    pub(crate) fn invalid(
        what: &'static str,
        value: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        let mut value: String = value.into();
        if value.len() > 200 {
            value = value.chars().take(200).chain("…".chars()).collect();
        }
        Self::InvalidRequest {
            what,
            value,
            reason: reason.into(),
        }
    }

    pub(crate) fn store(doing: &'static str) -> impl Fn(store::Error) -> Self {
        move |source| Self::Store { doing, source }
    }

    pub(crate) fn package(doing: &'static str) -> impl Fn(package::Error) -> Self {
        move |source| Self::Package { doing, source }
    }

    pub(crate) fn directory(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Directory {
            doing,
            path,
            source,
        }
    }

    /// A task of the engine that panicked or was dropped by its runtime.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "used as a function for map_err"
    )]
    pub(crate) fn task(error: tokio::task::JoinError) -> Self {
        Self::Internal {
            reason: error.to_string(),
        }
    }

    /// The whole chain on one line, for a record.
    pub(crate) fn chain(&self) -> String {
        chain(self)
    }
}

/// An error with its causes, on one line.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

impl From<helion_cli::Error> for Error {
    fn from(error: helion_cli::Error) -> Self {
        Self::Platform {
            reason: "a command could not be composed".to_owned(),
            source: Some(Box::new(error)),
        }
    }
}

impl From<batch::Error> for Error {
    fn from(source: batch::Error) -> Self {
        Self::Process { source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_leaves_the_source_to_the_reporter() {
        let source = store::Error::new(store::ErrorKind::Unavailable, "save file");
        let error = Error::store("record a status")(source);
        assert_eq!(error.to_string(), "failed to record a status");
        assert!(StdError::source(&error).is_some());
        assert!(error.chain().starts_with("failed to record a status: "));
        assert!(error.is_retryable());
    }

    #[test]
    fn long_values_are_shortened() {
        let error = Error::invalid("endpoint", "x".repeat(10_000), "is not a URL");
        assert!(error.to_string().len() < 300);
    }
}
