//! Values that never print.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// A value that is handed to a child program and never printed.
///
/// `Debug` shows `***`, there is no `Display`, and the memory is overwritten when the last clone
/// is dropped.
/// Clones share one copy of the value.
///
/// # Examples
///
/// ```
/// use batch::Secret;
///
/// let password = Secret::new("open sesame");
/// assert_eq!(format!("{password:?}"), "***");
/// assert_eq!(password.expose(), "open sesame");
/// ```
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes `value` into custody; copies that the caller keeps are the caller's to erase.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(value.into())))
    }

    /// The value itself, for whoever has to hand it on.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

/// What is shown where a secret stands.
pub(crate) const MASK: &str = "***";
