//! What can go wrong besides a step.

use std::path::PathBuf;

use crate::progress::ReportError;
use crate::status::Status;

/// This crate's result.
///
/// # Examples
///
/// ```
/// use batch::{Batch, Command, Status, Step};
///
/// fn logout() -> batch::Result<Batch> {
///     let mut batch = Batch::new("~")?;
///     batch.add(Step::new(Status::new("LOGOUT")?, Command::new("cf").arg("logout")));
///     Ok(batch)
/// }
/// # logout()?;
/// # Ok::<(), batch::Error>(())
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong besides a step: a step that fails is an
/// [outcome](crate::ProcessOutcome), not an error.
///
/// # Examples
///
/// ```
/// use batch::{Error, Status};
///
/// let error = Status::new("logged in").unwrap_err();
/// assert!(matches!(&error, Error::InvalidStatus { text, .. } if text == "logged in"));
/// assert_eq!(
///     error.to_string(),
///     "invalid status `logged in`: 1 to 64 of A-Z, 0-9, `_` and `-` are needed",
/// );
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is no status word.
    #[error("invalid status `{}`: 1 to 64 of A-Z, 0-9, `_` and `-` are needed", text.escape_debug())]
    #[non_exhaustive]
    InvalidStatus {
        /// The text, cut after 65 characters.
        text: String,
    },
    /// A path is no directory to run commands in.
    #[error("invalid directory `{}`: {reason}", path.display().to_string().escape_debug())]
    #[non_exhaustive]
    InvalidDirectory {
        /// The path as given.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A process was executed before; each runs once.
    #[error("the process was started before")]
    AlreadyStarted,
    /// Progress could not be recorded for as long as it was tried; the work was stopped.
    #[error("failed to record {}", status.as_ref().map_or("the progress", Status::as_str))]
    #[non_exhaustive]
    Report {
        /// The status that was not recorded, where the report was to set one.
        status: Option<Status>,
        /// The last try's error.
        source: ReportError,
    },
}

impl From<ReportError> for Error {
    fn from(source: ReportError) -> Self {
        Self::Report {
            status: None,
            source,
        }
    }
}
