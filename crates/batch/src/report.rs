//! What is reported of a finished step.

use std::time::{Duration, SystemTime};

use crate::clock;
use crate::outcome::StepOutcome;
use crate::output::CapturedOutput;
use crate::status::Status;
use crate::step::{Accept, When};
use crate::usage::ResourceUsage;

/// What is known of a step that has ended.
///
/// # Examples
///
/// A step that is no command:
///
/// ```
/// use batch::{CapturedOutput, Status, StepOutcome, StepReport};
///
/// let report = StepReport::new(Status::new("UNPACKED")?, "unpack the package", StepOutcome::Done)
///     .with_output(CapturedOutput::from_text("3 files"));
/// assert!(report.accepted);
/// # Ok::<(), batch::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "two facts that do not depend on each other"
)]
pub struct StepReport {
    /// The status that the step reaches.
    pub status: Status,
    /// What was done: the command line with secrets masked, or a description.
    pub what: String,
    /// When the step runs; only [`When::OnSuccess`] steps reach their status.
    pub when: When,
    /// How it ended.
    pub outcome: StepOutcome,
    /// Whether that counts as success.
    pub accepted: bool,
    /// When it began, by the wall clock.
    pub started: SystemTime,
    /// How long it took, by a clock that is never set.
    pub took: Duration,
    /// What it printed, with secrets masked.
    pub output: CapturedOutput,
    /// What it used, where that is known: not of a command that was given up or never began.
    pub usage: Option<ResourceUsage>,
    /// Whether something that it started still held its output open after it had exited.
    pub leaked: bool,
}

impl StepReport {
    /// A report of a step that began just now and took no time.
    ///
    /// It is accepted when it is done or exited with code 0, and it has no output.
    pub fn new(status: Status, what: impl Into<String>, outcome: StepOutcome) -> Self {
        Self {
            status,
            what: what.into(),
            when: When::OnSuccess,
            accepted: Accept::Success.accepts(&outcome),
            outcome,
            started: clock::now(),
            took: Duration::ZERO,
            output: CapturedOutput::default(),
            usage: None,
            leaked: false,
        }
    }

    /// Sets when the step runs.
    #[must_use]
    pub fn with_when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// Sets whether the outcome counts as success.
    ///
    /// # Examples
    ///
    /// A step that may fail:
    ///
    /// ```
    /// use batch::{Status, StepOutcome, StepReport};
    ///
    /// let outcome = StepOutcome::Failed { reason: "there is no such application".to_owned() };
    /// let report = StepReport::new(Status::new("REMOVED")?, "remove `shop`", outcome);
    /// assert!(!report.accepted);
    /// assert!(report.with_accepted(true).accepted);
    /// # Ok::<(), batch::Error>(())
    /// ```
    #[must_use]
    #[expect(
        clippy::fn_params_excessive_bools,
        reason = "sets the field of this name"
    )]
    pub const fn with_accepted(mut self, accepted: bool) -> Self {
        self.accepted = accepted;
        self
    }

    /// Sets when the step began and how long it took.
    #[must_use]
    pub const fn with_time(mut self, started: SystemTime, took: Duration) -> Self {
        self.started = started;
        self.took = took;
        self
    }

    /// Sets what the step used.
    #[must_use]
    pub const fn with_usage(mut self, usage: Option<ResourceUsage>) -> Self {
        self.usage = usage;
        self
    }

    /// Says that its output was still held open after it had exited.
    #[must_use]
    pub const fn with_leak(mut self) -> Self {
        self.leaked = true;
        self
    }

    /// Sets what the step printed.
    #[must_use]
    pub fn with_output(mut self, output: CapturedOutput) -> Self {
        self.output = output;
        self
    }
}
