//! Text that nobody may see.

use std::fmt;

use reqwest::header::HeaderValue;

/// A password, a key or a token.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, to be sent and not to be printed.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// The text as a header that no log shows; `None` where it cannot be one.
    pub(super) fn to_header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&self.0).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
