//! The URL of a store.

use std::fmt;

use crate::Result;

use super::refused;

/// The URL of a store: a scheme, which tells what kind of store it is, and whatever that kind needs.
///
/// Only the scheme is ever printed: the rest may hold a password.
///
/// # Examples
///
/// ```
/// use store::StoreUrl;
///
/// let url = StoreUrl::parse("fs:/var/lib/files")?;
/// assert_eq!((url.scheme(), url.path()?), ("fs", "/var/lib/files"));
///
/// let url = StoreUrl::parse("redis://user:swordfish@host")?;
/// assert_eq!(url.rest(), "//user:swordfish@host");
/// assert_eq!(format!("{url:?}"), "StoreUrl(redis:…)");
/// # Ok::<(), store::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl {
    scheme: String,
    rest: String,
}

impl StoreUrl {
    /// Takes `text` apart at its first colon.
    ///
    /// # Errors
    ///
    /// - [`Configuration`](crate::ErrorKind::Configuration): there is no scheme: before the first
    ///   colon stands anything but an ASCII letter and then letters, digits, `+`, `-` and `.`.
    pub fn parse(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => Ok(Self {
                scheme: scheme.to_owned(),
                rest: rest.to_owned(),
            }),
            _ => Err(refused(
                "store_url",
                "the value has no scheme, such as `fs:` or `sqlite:`",
            )),
        }
    }

    /// What stands before the first colon.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// What stands behind it; not to be printed.
    #[must_use]
    pub fn rest(&self) -> &str {
        &self.rest
    }

    /// The path of `fs:/path`, of `fs:a/relative/path` and, as in URLs with an empty host, of
    /// `fs:///path`.
    ///
    /// # Errors
    ///
    /// - [`Configuration`](crate::ErrorKind::Configuration): there is no path, it holds NUL, or a
    ///   host stands before it.
    ///
    /// # Examples
    ///
    /// ```
    /// use store::StoreUrl;
    ///
    /// assert_eq!(StoreUrl::parse("fs:files")?.path()?, "files");
    /// assert_eq!(StoreUrl::parse("fs:///var/lib/files")?.path()?, "/var/lib/files");
    /// assert!(StoreUrl::parse("fs://host/var/lib/files")?.path().is_err());
    /// # Ok::<(), store::Error>(())
    /// ```
    pub fn path(&self) -> Result<&str> {
        let path = match self.rest.strip_prefix("//") {
            Some(path) if path.starts_with('/') => path,
            Some(_) => {
                let message = "a path follows the scheme, and no host: `fs:/path`";
                return Err(refused("store_url", message));
            }
            None => &self.rest,
        };
        if path.is_empty() || path.contains('\0') {
            return Err(refused("store_url", "the scheme is not followed by a path"));
        }
        Ok(path)
    }
}

/// Whether the text can be a scheme.
pub(super) fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(
            |byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'-' | b'.'),
        )
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({}:…)", self.scheme)
    }
}
