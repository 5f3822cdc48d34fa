//! The mark of one version of a file.

use std::fmt;
use std::sync::Arc;

/// An opaque mark of one version of one file: every save gives the file another, or every save of
/// other contents does, as [`Capabilities::versions`](crate::Capabilities::versions) says.
///
/// Two etags are compared for equality only; nothing can be read from the text.
///
/// # Examples
///
/// ```
/// let etag = store::Etag::new("5f1a");
/// assert_eq!(etag.as_str(), "5f1a");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Etag(Arc<str>);

impl Etag {
    /// Takes the text that a store made.
    #[must_use]
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().into())
    }

    /// The etag as text, to be kept and handed back.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}
