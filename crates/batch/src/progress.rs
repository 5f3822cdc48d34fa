//! The seam to whoever records and watches a process.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::lines::LineEnd;
use crate::outcome::{ProcessOutcome, StepOutcome};
use crate::report::StepReport;
use crate::status::Status;
use crate::step::When;

/// Takes what happens in a process: milestones to be recorded, events to be shown.
///
/// # Contract
///
/// - `report` returns once the milestone is durably recorded; the process may go on with its next
///   step meanwhile and awaits it before it reports the next milestone.
/// - A `report` that fails may be called again with the same milestone, so recording is
///   idempotent.
/// - `observe` returns at once: it is called where output is read and timeouts are kept.
///   A listener that may be slow or fail gets its events through a [`LiveFeed`](crate::LiveFeed).
///
/// # Examples
///
/// Keeps the last status for a reader, and prints what commands print:
///
/// ```
/// use std::sync::Mutex;
/// use batch::{IProgress, LiveEvent, Milestone, ReportError, Status};
///
/// #[derive(Debug, Default)]
/// struct Last(Mutex<Option<Status>>);
///
/// #[async_trait::async_trait]
/// impl IProgress for Last {
///     async fn report(&self, milestone: &Milestone) -> Result<(), ReportError> {
///         let poisoned = |_| ReportError::from_message("a reader of the status has panicked");
///         if let Some(status) = milestone.status() {
///             *self.0.lock().map_err(poisoned)? = Some(status);
///         }
///         Ok(())
///     }
///
///     fn observe(&self, event: &LiveEvent) {
///         if let LiveEvent::Output { bytes, .. } = event {
///             eprint!("{}", String::from_utf8_lossy(bytes));
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let last = Last::default();
/// last.report(&Milestone::Started).await?;
/// assert_eq!(*last.0.lock().unwrap(), Some(Status::STARTED));
/// # Ok(())
/// # }
/// ```
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait IProgress: Send + Sync {
    /// Records a milestone.
    ///
    /// # Errors
    ///
    /// [`ReportError`] when it could not be recorded; a process tries again for a while.
    async fn report(&self, milestone: &Milestone) -> Result<(), ReportError>;

    /// Shows an event; it must not block, see [`LiveFeed`](crate::LiveFeed).
    fn observe(&self, event: &LiveEvent);
}

const _: fn(&dyn IProgress) = |_| ();

/// A point of a process that is recorded.
///
/// # Examples
///
/// ```
/// use batch::{Milestone, ProcessOutcome, Status, StepOutcome, StepReport};
///
/// let listed = Status::new("LISTED")?;
/// let reached = StepReport::new(listed.clone(), "cf apps", StepOutcome::Exited { code: 0 });
/// assert_eq!(Milestone::Step(reached).status(), Some(listed.clone()));
///
/// let missed = StepReport::new(listed, "cf apps", StepOutcome::Exited { code: 1 });
/// assert_eq!(Milestone::Step(missed).status(), None);
/// assert_eq!(Milestone::Finished(ProcessOutcome::Cancelled).status(), Some(Status::FAILED));
/// # Ok::<(), batch::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each step, and a box would stand in every pattern"
)]
pub enum Milestone {
    /// The process has begun.
    Started,
    /// A step has ended.
    Step(StepReport),
    /// The process has ended.
    Finished(ProcessOutcome),
}

impl Milestone {
    /// The status that is reached, where one is.
    ///
    /// A step that was not accepted reaches none, nor does one that runs after the work
    /// ([`When`] other than `OnSuccess`); every ending but success is `FAILED`.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::Started => Some(Status::STARTED),
            Self::Step(report) => {
                (report.accepted && report.when == When::OnSuccess).then(|| report.status.clone())
            }
            Self::Finished(ProcessOutcome::Success) => Some(Status::SUCCESS),
            Self::Finished(_) => Some(Status::FAILED),
        }
    }
}

/// What happens right now, for people who watch; no event holds a secret.
///
/// # Examples
///
/// A line for a terminal:
///
/// ```
/// use batch::LiveEvent;
///
/// fn line(event: &LiveEvent) -> Option<String> {
///     match event {
///         LiveEvent::BatchStarted { steps } => Some(format!("{steps} steps")),
///         LiveEvent::StepStarted { index, command, .. } => Some(format!("{}. {command}", index + 1)),
///         LiveEvent::StepFinished { outcome, took, .. } => Some(format!("   {outcome}, {took:.1?}")),
///         LiveEvent::BatchFinished { outcome } => Some(outcome.to_string()),
///         _ => None,
///     }
/// }
///
/// assert_eq!(line(&LiveEvent::BatchStarted { steps: 6 }).as_deref(), Some("6 steps"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LiveEvent {
    /// A batch begins.
    BatchStarted {
        /// How many steps it has.
        steps: usize,
    },
    /// A step begins.
    StepStarted {
        /// The step's place in the batch, from 0.
        index: usize,
        /// The status that it reaches.
        status: Status,
        /// The command line with secrets masked.
        command: String,
    },
    /// The command of a step was started as a process of this machine.
    ProcessStarted {
        /// The step's place in the batch, from 0.
        index: usize,
        /// The number of the process, which is its process group's number too.
        pid: u32,
    },
    /// A step printed something; it may end in the middle of a line or a character.
    Output {
        /// The step's place in the batch, from 0.
        index: usize,
        /// The bytes, with secrets masked.
        bytes: Bytes,
    },
    /// A line of what a step printed, where
    /// [lines were asked for](crate::BatchProcess::with_lines); where output was dropped, it may
    /// be made of two.
    Line {
        /// The step's place in the batch, from 0.
        index: usize,
        /// The line without its line break, with secrets masked.
        bytes: Bytes,
        /// Where it ends.
        end: LineEnd,
    },
    /// Output came faster than it was taken, and some was left out; the report's captured output
    /// is not affected.
    OutputDropped {
        /// The step's place in the batch, from 0.
        index: usize,
        /// How many bytes were left out in all during this step.
        bytes: u64,
    },
    /// A step has ended.
    StepFinished {
        /// The step's place in the batch, from 0.
        index: usize,
        /// The status that it reaches.
        status: Status,
        /// The command line, secrets as `***`.
        command: String,
        /// How it ended.
        outcome: StepOutcome,
        /// Whether the batch goes on after it.
        accepted: bool,
        /// How long it took.
        took: Duration,
    },
    /// A batch has ended, and its ending is recorded.
    BatchFinished {
        /// How it ended.
        outcome: ProcessOutcome,
    },
}

/// Why a milestone was not recorded.
///
/// # Examples
///
/// ```
/// use std::error::Error as _;
/// use batch::ReportError;
///
/// let refused = std::io::Error::from(std::io::ErrorKind::StorageFull);
/// let error = ReportError::new(refused);
/// assert_eq!(error.to_string(), "failed to report progress");
/// assert!(error.source().is_some());
///
/// let error = ReportError::from_message("the record is another's by now");
/// assert!(error.source().is_none());
/// ```
#[derive(Debug)]
pub struct ReportError {
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl ReportError {
    /// An error that was caused by `source`, or by what a text says.
    pub fn new(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            message: "failed to report progress".to_owned(),
            source: Some(source.into()),
        }
    }

    /// An error without a cause.
    pub fn from_message(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for ReportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reached_steps_have_a_status() {
        let report = |code, when| {
            let outcome = StepOutcome::Exited { code };
            let status = Status::from_static("LISTED");
            Milestone::Step(StepReport::new(status, "ls", outcome).with_when(when)).status()
        };
        assert_eq!(
            report(0, When::OnSuccess),
            Some(Status::from_static("LISTED"))
        );
        assert_eq!(report(1, When::OnSuccess), None);
        assert_eq!(report(0, When::Always), None);
        assert_eq!(report(0, When::OnFailure), None);
    }

    #[test]
    fn every_ending_but_success_is_failed() {
        let ending = |outcome| Milestone::Finished(outcome).status();
        assert_eq!(ending(ProcessOutcome::Success), Some(Status::SUCCESS));
        assert_eq!(ending(ProcessOutcome::Cancelled), Some(Status::FAILED));
        assert_eq!(
            ending(ProcessOutcome::TimedOut { status: None }),
            Some(Status::FAILED)
        );
        assert_eq!(
            ending(ProcessOutcome::failed(None, "x")),
            Some(Status::FAILED)
        );
    }

    #[test]
    fn a_report_error_does_not_print_its_source() {
        let error = ReportError::new("disk full");
        assert_eq!(error.to_string(), "failed to report progress");
        assert_eq!(error.source().unwrap().to_string(), "disk full");
    }
}
