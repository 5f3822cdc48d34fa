//! The seam to whatever runs commands.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::command::Command;
use crate::live::LiveOutput;
use crate::outcome::StepOutcome;
use crate::output::{CaptureLimits, CapturedOutput};
use crate::redactor::Redactor;
use crate::usage::ResourceUsage;

/// Runs one command to its end.
///
/// [`LocalRunner`](crate::LocalRunner) runs it on this machine.
///
/// # Contract
///
/// - A command that fails, in whatever way, is an outcome of the report.
/// - When the options' timeout is over or `cancel` is cancelled, the command and everything that
///   it started are stopped before the report is returned; when the options' `force` token is
///   cancelled as well, without giving them time to end by themselves.
/// - Dropping the future stops them too.
/// - A command whose `cancel` is cancelled already is not started.
/// - Captured and live output go through the options' redactor, and their size is bounded.
///
/// # Examples
///
/// A runner for a rehearsal, which says what it would do:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use batch::{
///     CapturedOutput, Command, ICommandRunner, LiveOutput, RunOptions, RunReport, StepOutcome,
/// };
/// use tokio_util::sync::CancellationToken;
///
/// #[derive(Debug)]
/// struct Rehearsal;
///
/// #[async_trait::async_trait]
/// impl ICommandRunner for Rehearsal {
///     async fn run(
///         &self,
///         command: &Command,
///         options: &RunOptions,
///         _live: &LiveOutput,
///         cancel: &CancellationToken,
///     ) -> RunReport {
///         if cancel.is_cancelled() {
///             return RunReport::new(StepOutcome::Cancelled);
///         }
///         let line = command.to_string(); // which shows no secret of its own
///         let line = options.redactor.redact_text(&line); // nor one of another command
///         RunReport::new(StepOutcome::Done).with_output(CapturedOutput::from_text(line))
///     }
/// }
///
/// let (options, cancel) = (RunOptions::new("/srv/app"), CancellationToken::new());
/// let command = Command::new("cf").arg("apps");
/// let report = Rehearsal.run(&command, &options, &LiveOutput::none(), &cancel).await;
/// assert_eq!(report.output.to_text(), "cf apps");
/// # Ok(())
/// # }
/// ```
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait ICommandRunner: fmt::Debug + Send + Sync {
    /// Runs `command` and reports how it ended.
    async fn run(
        &self,
        command: &Command,
        options: &RunOptions,
        live: &LiveOutput,
        cancel: &CancellationToken,
    ) -> RunReport;
}

const _: fn(&dyn ICommandRunner) = |_| ();

/// How a command is to be run.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use batch::{Redactor, RunOptions, Secret};
///
/// let redactor = Redactor::new([&Secret::new("hunter2")]);
/// let options = RunOptions::new("/srv/app")
///     .with_timeout(Some(Duration::from_secs(60)))
///     .with_redactor(Arc::new(redactor));
/// assert_eq!(options.timeout, Some(Duration::from_secs(60)));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunOptions {
    /// How long it may run; unlimited when absent.
    pub timeout: Option<Duration>,
    /// The directory of a command that names none; relative directories are taken from it.
    pub current_dir: PathBuf,
    /// What is masked in the output.
    pub redactor: Arc<Redactor>,
    /// How much of the output is kept.
    pub capture: CaptureLimits,
    /// Cancelled when the command is to be killed at once, without time to end by itself.
    pub force: CancellationToken,
}

impl RunOptions {
    /// Runs in `current_dir` without a time limit, masks nothing, keeps the default amounts.
    pub fn new(current_dir: impl Into<PathBuf>) -> Self {
        Self {
            timeout: None,
            current_dir: current_dir.into(),
            redactor: Arc::new(Redactor::default()),
            capture: CaptureLimits::default(),
            force: CancellationToken::new(),
        }
    }

    /// Sets how long the command may run.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets what is masked in the output.
    #[must_use]
    pub fn with_redactor(mut self, redactor: Arc<Redactor>) -> Self {
        self.redactor = redactor;
        self
    }

    /// Sets how much of the output is kept.
    #[must_use]
    pub const fn with_capture(mut self, capture: CaptureLimits) -> Self {
        self.capture = capture;
        self
    }

    /// Sets the token that has the command killed at once.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use batch::{
    ///     Command, ICommandRunner, LiveOutput, LocalRunner, LocalRunnerOptions, RunOptions,
    ///     StepOutcome,
    /// };
    /// use tokio_util::sync::CancellationToken;
    ///
    /// let runner = LocalRunner::new(LocalRunnerOptions::default());
    /// let (cancel, force) = (CancellationToken::new(), CancellationToken::new());
    /// let options = RunOptions::new("/").with_force(force.clone());
    /// let stubborn = Command::new("sh").args(["-c", "trap '' TERM; echo up; sleep 60"]);
    /// let (live, mut receiver) = LiveOutput::channel(1);
    ///
    /// let stop = async {
    ///     receiver.recv().await; // it is up
    ///     cancel.cancel();
    ///     force.cancel(); // no grace
    /// };
    /// let (report, ()) = tokio::join!(runner.run(&stubborn, &options, &live, &cancel), stop);
    /// assert_eq!(report.outcome, StepOutcome::Cancelled);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_force(mut self, force: CancellationToken) -> Self {
        self.force = force;
        self
    }
}

/// How a command ended.
///
/// # Examples
///
/// What a runner of one's own returns:
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use batch::{CapturedOutput, RunReport, StepOutcome};
///
/// let report = RunReport::new(StepOutcome::Exited { code: 1 })
///     .with_time(SystemTime::now(), Duration::from_millis(250))
///     .with_output(CapturedOutput::from_text("no such application\n"));
/// assert_eq!(report.outcome.exit_code(), Some(1));
/// assert!(!report.leaked);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunReport {
    /// How it ended.
    pub outcome: StepOutcome,
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

impl RunReport {
    /// A report of a command that began just now, took no time and printed nothing.
    #[must_use]
    pub fn new(outcome: StepOutcome) -> Self {
        Self {
            outcome,
            started: clock::now(),
            took: Duration::ZERO,
            output: CapturedOutput::default(),
            usage: None,
            leaked: false,
        }
    }

    /// Sets when the command began and how long it took.
    #[must_use]
    pub const fn with_time(mut self, started: SystemTime, took: Duration) -> Self {
        self.started = started;
        self.took = took;
        self
    }

    /// Sets what the command used.
    #[must_use]
    pub const fn with_usage(mut self, usage: Option<ResourceUsage>) -> Self {
        self.usage = usage;
        self
    }

    /// Sets what the command printed.
    #[must_use]
    pub fn with_output(mut self, output: CapturedOutput) -> Self {
        self.output = output;
        self
    }

    /// Says that its output was still held open after it had exited.
    #[must_use]
    pub const fn with_leak(mut self) -> Self {
        self.leaked = true;
        self
    }
}
