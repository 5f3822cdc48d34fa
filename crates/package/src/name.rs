//! Names of packages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, shown};

/// A package's name: safe as a file name, a path segment, a host label's start and an argument.
///
/// 1 to 200 bytes of ASCII letters, digits, `.`, `_` and `-`; the first is a letter or a digit;
/// no `..`; and, in any case, no start with `deployment_`, `cancel_` or `lock_`, which mark files
/// that are no packages.
///
/// # Examples
///
/// ```
/// use package::PackageName;
///
/// let name: PackageName = "hello-world".parse()?;
/// assert_eq!(name.as_str(), "hello-world");
/// assert!("-rf".parse::<PackageName>().is_err());
/// # Ok::<(), package::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageName(String);

/// The longest name in bytes: `<name>.tar.gz` and an id beside it still fit a file name.
const LONGEST: usize = 200;

/// Starts of the file names that belong to the engine.
const RESERVED: [&str; 3] = ["deployment_", "cancel_", "lock_"];

impl PackageName {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// [`InvalidName`](Error::InvalidName) with the rule that the text breaks.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        match broken_rule(&name) {
            None => Ok(Self(name)),
            Some(reason) => Err(Error::InvalidName {
                name: shown(name.as_bytes()),
                reason,
            }),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn broken_rule(name: &str) -> Option<&'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > LONGEST {
        Some("it is longer than 200 bytes")
    } else if !name.bytes().all(allowed) {
        Some("only ASCII letters, digits, `.`, `_` and `-` are allowed")
    } else if !name.as_bytes()[0].is_ascii_alphanumeric() {
        Some("it must start with a letter or a digit")
    } else if name.contains("..") {
        Some("it has `..` in it")
    } else if RESERVED.iter().any(|start| starts_with(name, start)) {
        Some("names that start with `deployment_`, `cancel_` or `lock_` are reserved")
    } else {
        None
    }
}

fn starts_with(name: &str, start: &str) -> bool {
    name.get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
}

impl FromStr for PackageName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

impl TryFrom<String> for PackageName {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        Self::new(name)
    }
}

impl From<PackageName> for String {
    fn from(name: PackageName) -> Self {
        name.0
    }
}

impl AsRef<str> for PackageName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(name: &str) {
        let error = PackageName::new(name).unwrap_err();
        assert!(matches!(error, Error::InvalidName { .. }), "{error:?}");
    }

    #[test]
    fn names_of_the_safe_alphabet_are_taken() {
        for name in [
            "a",
            "7",
            "hello-world",
            "foo.bar",
            "A_b-1.2",
            "deployment",
            "locks",
        ] {
            assert_eq!(PackageName::new(name).unwrap().to_string(), name);
        }
        assert_eq!(
            PackageName::new("x".repeat(200)).unwrap().as_str().len(),
            200
        );
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "", ".", "..", "-a", "_a", ".a", "a..b", "a/b", "a b", "ä", "a\n", "a\0",
        ] {
            refused(name);
        }
        refused(&"x".repeat(201));
    }

    #[test]
    fn the_engines_own_files_are_refused_in_any_case() {
        for name in ["deployment_1", "Deployment_1", "cancel_x", "LOCK_x"] {
            refused(name);
        }
    }

    #[test]
    fn serde_checks_too() {
        let name: PackageName = serde_json::from_str("\"foo\"").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"foo\"");
        assert!(serde_json::from_str::<PackageName>("\"../foo\"").is_err());
    }
}
