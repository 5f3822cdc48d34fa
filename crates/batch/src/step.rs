//! One step of a batch.

use std::fmt;
use std::time::Duration;

use crate::command::Command;
use crate::outcome::StepOutcome;
use crate::redactor::{Masked, Redactor};
use crate::status::Status;

/// A command, the status that is reached by it, and what counts as reaching it.
///
/// `Debug` shows `***` for the secrets of the command, wherever they stand.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use batch::{Accept, Command, Status, Step, When};
///
/// let remove = Step::new(Status::new("REMOVED")?, Command::new("cf").args(["delete", "app"]))
///     .accept(Accept::AnyExit)
///     .timeout(Duration::from_secs(60))
///     .describe("remove the old application");
/// let logout = Step::new(Status::new("LOGOUT")?, Command::new("cf").arg("logout"))
///     .when(When::Always);
/// assert_eq!(remove.status().as_str(), "REMOVED");
/// assert_eq!(logout.conditions(), &When::Always);
/// # Ok::<(), batch::Error>(())
/// ```
#[derive(Clone)]
pub struct Step {
    status: Status,
    command: Command,
    accept: Accept,
    timeout: Option<Duration>,
    when: When,
    description: Option<String>,
}

/// Which exits of a command count as success.
///
/// A timeout, a cancel, a command that could not be started and one that a signal ended are
/// never accepted.
///
/// # Examples
///
/// ```
/// use batch::{Accept, StepOutcome};
///
/// let nothing_found = StepOutcome::Exited { code: 1 };
/// assert!(!Accept::Success.accepts(&nothing_found));
/// assert!(Accept::Codes(vec![0, 1]).accepts(&nothing_found));
/// assert!(!Accept::AnyExit.accepts(&StepOutcome::Signaled { signal: 9 }));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accept {
    /// Exit code 0.
    #[default]
    Success,
    /// The listed exit codes, and no other: 0 has to be listed too.
    Codes(Vec<i32>),
    /// Any exit code.
    AnyExit,
}

impl Accept {
    /// Whether `outcome` counts as success.
    #[must_use]
    pub fn accepts(&self, outcome: &StepOutcome) -> bool {
        match (self, outcome) {
            (_, StepOutcome::Done) | (Self::AnyExit, StepOutcome::Exited { .. }) => true,
            (Self::Success, StepOutcome::Exited { code }) => *code == 0,
            (Self::Codes(codes), StepOutcome::Exited { code }) => codes.contains(code),
            (
                _,
                StepOutcome::Signaled { .. }
                | StepOutcome::TimedOut { .. }
                | StepOutcome::Cancelled
                | StepOutcome::SpawnFailed(_)
                | StepOutcome::Failed { .. },
            ) => false,
        }
    }
}

/// When a step runs.
///
/// Steps other than [`OnSuccess`](Self::OnSuccess) ones run after all of those, in their order,
/// also after a cancel or a timeout.
/// They never change how the batch ends and reach no status; each has the time of its own
/// timeout, 60 seconds where it has none, and its wait for a place in the runner counts.
///
/// # Examples
///
/// Logs are fetched where the push failed, and a logout comes in any case:
///
/// ```
/// use batch::{Batch, Command, Status, Step, When};
///
/// let cf = |argument| Command::new("cf").args([argument, "shop"]);
/// let pushed = Status::new("PUSHED")?;
/// let mut batch = Batch::new("/srv/app")?;
/// batch
///     .add(Step::new(pushed.clone(), cf("push")))
///     .add(Step::new(Status::new("LOGS")?, cf("logs")).when(When::OnFailureOf(pushed)))
///     .add(Step::new(Status::new("LOGOUT")?, Command::new("cf").arg("logout")).when(When::Always));
/// assert_eq!(batch.steps()[0].conditions(), &When::OnSuccess);
/// # Ok::<(), batch::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// In its turn, while all steps before it were accepted.
    #[default]
    OnSuccess,
    /// After a step was not accepted, timed out or was cancelled.
    OnFailure,
    /// After the step of this status was not accepted, timed out or was cancelled.
    OnFailureOf(Status),
    /// After the other steps, however they ended.
    Always,
}

impl Step {
    /// A step that reaches `status` when `command` exits with code 0.
    #[must_use]
    pub const fn new(status: Status, command: Command) -> Self {
        Self {
            status,
            command,
            accept: Accept::Success,
            timeout: None,
            when: When::OnSuccess,
            description: None,
        }
    }

    /// Sets what counts as success.
    #[must_use]
    pub fn accept(mut self, accept: Accept) -> Self {
        self.accept = accept;
        self
    }

    /// Sets how long the command may run; unlimited unless set.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets when the step runs.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// Sets a description for people.
    #[must_use]
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// The status that is reached.
    #[must_use]
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// The command.
    #[must_use]
    pub const fn command(&self) -> &Command {
        &self.command
    }

    /// What counts as success.
    #[must_use]
    pub const fn accepted(&self) -> &Accept {
        &self.accept
    }

    /// How long the command may run.
    #[must_use]
    pub const fn time_limit(&self) -> Option<Duration> {
        self.timeout
    }

    /// When the step runs.
    #[must_use]
    pub const fn conditions(&self) -> &When {
        &self.when
    }

    /// The description, where there is one.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Masked {
            value: self,
            redactor: &Redactor::new(self.command.secrets()),
        }
        .fmt(f)
    }
}

impl fmt::Debug for Masked<'_, Step> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (step, redactor) = (self.value, self.redactor);
        let command = Masked {
            value: &step.command,
            redactor,
        };
        let description = step.description().map(|text| redactor.redact_text(text));
        f.debug_struct("Step")
            .field("status", &step.status)
            .field("command", &command)
            .field("accept", &step.accept)
            .field("timeout", &step.timeout)
            .field("when", &step.when)
            .field("description", &description)
            .finish()
    }
}
