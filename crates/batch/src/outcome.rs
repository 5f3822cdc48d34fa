//! How steps and processes end.

use std::fmt;
use std::time::Duration;

use crate::status::Status;

/// How one step ended.
///
/// Every way is a case of its own: no exit code stands for a signal or a timeout.
///
/// # Examples
///
/// ```
/// use batch::StepOutcome;
///
/// fn advice(outcome: &StepOutcome) -> &'static str {
///     match outcome {
///         StepOutcome::Done | StepOutcome::Exited { code: 0 } => "nothing to do",
///         StepOutcome::TimedOut { .. } => "allow more time",
///         StepOutcome::SpawnFailed(_) => "install the client",
///         _ => "read the output",
///     }
/// }
///
/// let killed = StepOutcome::Signaled { signal: 9 };
/// assert_eq!(killed.to_string(), "ended by signal 9 (SIGKILL)");
/// assert_eq!(killed.exit_code(), None);
/// assert_eq!(advice(&killed), "read the output");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepOutcome {
    /// Work inside this process was done.
    Done,
    /// The command exited by itself.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// A signal that was not ours ended the command.
    Signaled {
        /// The signal's number.
        signal: i32,
    },
    /// The command ran longer than it may and was stopped.
    TimedOut {
        /// How long it was allowed to run.
        after: Duration,
    },
    /// The command was stopped, or not even started, because of a cancel.
    Cancelled,
    /// The command could not be started.
    SpawnFailed(SpawnFailure),
    /// The work failed in another way.
    Failed {
        /// Why, for people.
        reason: String,
    },
}

impl StepOutcome {
    /// The exit code, where the command exited by itself.
    #[must_use]
    pub const fn exit_code(&self) -> Option<i32> {
        match self {
            Self::Exited { code } => Some(*code),
            Self::Done
            | Self::Signaled { .. }
            | Self::TimedOut { .. }
            | Self::Cancelled
            | Self::SpawnFailed(_)
            | Self::Failed { .. } => None,
        }
    }
}

impl fmt::Display for StepOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Exited { code } => write!(f, "exit code {code}"),
            Self::Signaled { signal } => match signal_name(*signal) {
                Some(name) => write!(f, "ended by signal {signal} ({name})"),
                None => write!(f, "ended by signal {signal}"),
            },
            Self::TimedOut { after } => write!(f, "timed out after {after:?}"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::SpawnFailed(failure) => write!(f, "not started: {failure}"),
            Self::Failed { reason } => f.write_str(reason),
        }
    }
}

/// The signals whose numbers are the same on every system.
const fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return None,
    })
}

/// Why a command could not be started.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use batch::{
///     Command, ICommandRunner, LiveOutput, LocalRunner, LocalRunnerOptions, RunOptions,
///     SpawnFailureKind, StepOutcome,
/// };
/// use tokio_util::sync::CancellationToken;
///
/// let runner = LocalRunner::new(LocalRunnerOptions::default());
/// let (command, cancel) = (Command::new("/no/such/program"), CancellationToken::new());
/// let report = runner.run(&command, &RunOptions::new("/"), &LiveOutput::none(), &cancel).await;
/// let StepOutcome::SpawnFailed(failure) = report.outcome else {
///     panic!("it was started");
/// };
/// assert_eq!(failure.kind, SpawnFailureKind::ProgramNotFound);
/// assert!(failure.detail.contains("/no/such/program"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpawnFailure {
    /// What is wrong, for programs.
    pub kind: SpawnFailureKind,
    /// What is wrong with which path, for people.
    pub detail: String,
}

impl SpawnFailure {
    /// A failure of `kind`; `detail` names the path and holds no secret.
    pub fn new(kind: SpawnFailureKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for SpawnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// What is wrong with a command that could not be started.
///
/// # Examples
///
/// What a runner of one's own reports where its program is missing:
///
/// ```
/// use batch::{RunReport, SpawnFailure, SpawnFailureKind, StepOutcome};
///
/// let failure = SpawnFailure::new(SpawnFailureKind::ProgramNotFound, "no `cf` on the build host");
/// let report = RunReport::new(StepOutcome::SpawnFailed(failure));
/// assert_eq!(report.outcome.to_string(), "not started: no `cf` on the build host");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpawnFailureKind {
    /// The program is neither at its path nor in the child's `PATH`.
    ProgramNotFound,
    /// The directory to run in does not exist or is no directory.
    DirectoryNotFound,
    /// The program is there, and what its first line (or its loader entry) names is not.
    InterpreterNotFound,
    /// The program may not be executed, or the directory not be entered.
    PermissionDenied,
    /// The command is malformed: an empty program, a NUL, a bad variable name, or too long.
    InvalidInput,
    /// The system refused for another reason.
    Other,
}

/// How a process ended.
///
/// # Examples
///
/// ```
/// use batch::{ProcessOutcome, Status};
///
/// let outcome = ProcessOutcome::failed(Status::new("LOGIN")?, "exit code 1");
/// assert!(!outcome.is_success());
/// assert_eq!(outcome.to_string(), "LOGIN failed: exit code 1");
///
/// let between_steps = ProcessOutcome::failed(None, "the connection broke");
/// assert_eq!(between_steps.to_string(), "failed: the connection broke");
/// # Ok::<(), batch::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProcessOutcome {
    /// All steps were accepted.
    Success,
    /// A step was not accepted.
    Failed {
        /// The status that was not reached; absent where the process failed between steps.
        status: Option<Status>,
        /// Why, for people; it holds no secret.
        reason: String,
    },
    /// The process was cancelled.
    Cancelled,
    /// A step ran longer than it may.
    TimedOut {
        /// The status that was not reached.
        status: Option<Status>,
    },
}

impl ProcessOutcome {
    /// A failure of the step that would have reached `status`.
    pub fn failed(status: impl Into<Option<Status>>, reason: impl Into<String>) -> Self {
        Self::Failed {
            status: status.into(),
            reason: reason.into(),
        }
    }

    /// Whether all steps were accepted.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Success)
    }
}

impl fmt::Display for ProcessOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success => f.write_str("success"),
            Self::Failed {
                status: Some(status),
                reason,
            } => {
                write!(f, "{status} failed: {reason}")
            }
            Self::Failed {
                status: None,
                reason,
            } => write!(f, "failed: {reason}"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::TimedOut {
                status: Some(status),
            } => write!(f, "{status} timed out"),
            Self::TimedOut { status: None } => f.write_str("timed out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_told_in_words() {
        for (outcome, text) in [
            (StepOutcome::Exited { code: 1 }, "exit code 1"),
            (
                StepOutcome::Signaled { signal: 9 },
                "ended by signal 9 (SIGKILL)",
            ),
            (StepOutcome::Signaled { signal: 60 }, "ended by signal 60"),
            (
                StepOutcome::TimedOut {
                    after: Duration::from_secs(2),
                },
                "timed out after 2s",
            ),
            (
                StepOutcome::SpawnFailed(SpawnFailure::new(
                    SpawnFailureKind::ProgramNotFound,
                    "program `cf` not found",
                )),
                "not started: program `cf` not found",
            ),
        ] {
            assert_eq!(outcome.to_string(), text);
        }
    }

    #[test]
    fn only_an_exit_has_an_exit_code() {
        assert_eq!(StepOutcome::Exited { code: 3 }.exit_code(), Some(3));
        assert_eq!(StepOutcome::Signaled { signal: 3 }.exit_code(), None);
        assert_eq!(StepOutcome::Done.exit_code(), None);
    }
}
