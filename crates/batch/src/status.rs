//! The words that a deployment's history is made of.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Error, Result};

/// The longest status word, in bytes: histories are lists of them.
const LONGEST: usize = 64;

/// A status word such as `STARTED` or `DEPLOYED`.
///
/// It is 1 to 64 characters of `A`–`Z`, `0`–`9`, `_` and `-`, and cheap to clone.
///
/// # Examples
///
/// ```
/// use batch::Status;
///
/// const DEPLOYED: Status = Status::from_static("DEPLOYED");
/// assert_eq!(Status::new("DEPLOYED")?, DEPLOYED);
/// assert!(Status::new("two words").is_err());
/// # Ok::<(), batch::Error>(())
/// ```
#[derive(Clone)]
pub struct Status(Text);

#[derive(Clone)]
enum Text {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Status {
    /// Work has begun.
    pub const STARTED: Self = Self::from_static("STARTED");
    /// All work was done.
    pub const SUCCESS: Self = Self::from_static("SUCCESS");
    /// Work broke off.
    pub const FAILED: Self = Self::from_static("FAILED");

    /// Checks a status word.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidStatus`] when it is empty, too long, or holds another character.
    pub fn new(text: impl AsRef<str>) -> Result<Self> {
        let text = text.as_ref();
        if is_valid(text) {
            Ok(Self(Text::Shared(text.into())))
        } else {
            Err(Error::InvalidStatus {
                text: text.chars().take(LONGEST + 1).collect(),
            })
        }
    }

    /// A status word that is known when the program is written.
    ///
    /// # Panics
    ///
    /// When the word is not valid; in a constant, the program does not compile then.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        assert!(
            is_valid(text),
            "a status is 1 to 64 of A-Z, 0-9, `_` and `-`"
        );
        Self(Text::Static(text))
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Static(text) => text,
            Text::Shared(text) => text,
        }
    }
}

const fn is_valid(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if !matches!(bytes[i], b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-') {
            return false;
        }
        i += 1;
    }
    !bytes.is_empty() && bytes.len() <= LONGEST
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for Status {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Status {}

impl PartialOrd for Status {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Status {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Status {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for Status {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Status {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl FromStr for Status {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<&str> for Status {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_alphabet_are_statuses() {
        for text in ["A", "STARTED", "STEP-2_OK", "0", &"X".repeat(64)] {
            assert_eq!(Status::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            " ",
            "started",
            "A B",
            "A\n",
            "Ä",
            "A~B",
            &"X".repeat(65),
        ] {
            assert!(
                matches!(Status::new(text), Err(Error::InvalidStatus { .. })),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_constant_equals_its_word() {
        let status = Status::new("STARTED").unwrap();
        assert_eq!(status, Status::STARTED);
        assert_eq!(status.cmp(&Status::SUCCESS), "STARTED".cmp("SUCCESS"));
        let set = std::collections::HashSet::from([status]);
        assert!(set.contains("STARTED"));
        assert!(set.contains(&Status::STARTED));
    }
}
