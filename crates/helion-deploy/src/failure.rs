//! What the program ends with when it cannot do what it was asked for.

use std::error::Error as StdError;
use std::fmt;

use serde_json::{Value, json};

use crate::hint;

/// A reason to stop, and the exit code that stands for it.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
    document: Document,
    /// The package that the store lacks, where that is what went wrong.
    missing_package: Option<String>,
}

/// Whether the one JSON document has been printed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Document {
    Owed,
    Printed,
}

/// The deployment ended otherwise than in `SUCCESS`, or the program itself failed.
pub(crate) const FAILED: u8 = 1;
/// Invalid input or usage.
pub(crate) const INVALID: u8 = 2;
/// There is no such package or deployment.
pub(crate) const NOT_FOUND: u8 = 3;
/// Something else stands in the way.
pub(crate) const CONFLICT: u8 = 4;
/// The store cannot be used.
pub(crate) const STORE: u8 = 5;

impl Failure {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            document: Document::Owed,
            missing_package: None,
        }
    }

    /// A failure that the document on standard output already tells of.
    pub(crate) fn after_document(code: u8, message: impl Into<String>) -> Self {
        Self {
            document: Document::Printed,
            ..Self::new(code, message)
        }
    }

    /// Says what to do next.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) const fn code(&self) -> u8 {
        self.code
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Tells also where what is wrong came from.
    pub(crate) fn with_source(mut self, source: impl fmt::Display) -> Self {
        self.message = format!("{} ({source})", self.message);
        self
    }

    /// What to do next, where something can be done.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The package that the store lacks, where that is what went wrong.
    pub(crate) fn missing_package(&self) -> Option<&str> {
        self.missing_package.as_deref()
    }

    /// The failure as the one document of `--output json`; `None` when that was printed.
    pub(crate) fn to_json(&self) -> Option<Value> {
        if self.document == Document::Printed {
            return None;
        }
        let mut error = json!({ "exit_code": self.code, "message": self.message });
        if let Some(hint) = &self.hint {
            error["hint"] = json!(hint);
        }
        Some(json!({ "error": error }))
    }
}

impl From<deployment::Error> for Failure {
    fn from(error: deployment::Error) -> Self {
        use deployment::ErrorKind;

        let code = match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::Package => INVALID,
            ErrorKind::NotFound => NOT_FOUND,
            ErrorKind::Conflict => CONFLICT,
            ErrorKind::Store | ErrorKind::Record => STORE,
            ErrorKind::Platform => platform_code(&error),
            ErrorKind::Internal => internal_code(&error),
            _ => FAILED,
        };
        let missing_package = match &error {
            deployment::Error::PackageNotFound { name, .. } => Some(name.clone()),
            _ => None,
        };
        Self {
            hint: hint::after(&error),
            missing_package,
            ..Self::new(code, chain(&error))
        }
    }
}

/// A request that cannot be turned into commands is invalid; a process that broke is a failure.
fn platform_code(error: &deployment::Error) -> u8 {
    match error {
        deployment::Error::Platform { .. } => INVALID,
        _ => FAILED,
    }
}

/// A file that the user named and that is not there is the user's to mend.
fn internal_code(error: &deployment::Error) -> u8 {
    match error {
        deployment::Error::Directory { source, .. }
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            NOT_FOUND
        }
        deployment::Error::Directory { .. } => INVALID,
        _ => FAILED,
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        // The setting itself is wrong, as opposed to the place that it names.
        let code = match (error.kind(), error.name()) {
            (store::ErrorKind::Configuration, Some("store_url")) => INVALID,
            _ => STORE,
        };
        Self {
            hint: hint::after_store(&error),
            ..Self::new(code, chain(&error))
        }
    }
}

/// An error with all its causes on one line.
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
