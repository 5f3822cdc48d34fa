//! What a check finds.

use std::error::Error as StdError;
use std::fmt;

/// A promise that the engine and a platform did not keep together, as a check saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub(super) check: String,
    pub(super) seen: String,
}

impl Violation {
    /// The check that saw it.
    #[must_use]
    pub fn check(&self) -> &str {
        &self.check
    }

    /// What it saw, and at which fault.
    #[must_use]
    pub fn seen(&self) -> &str {
        &self.seen
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "promise broken, seen by `{}`: {}", self.check, self.seen)
    }
}

impl StdError for Violation {}
