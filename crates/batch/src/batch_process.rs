//! Runs a batch as a process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::outcome::ProcessOutcome;
use crate::process::IProcess;
use crate::progress::IProgress;
use crate::redactor::Redactor;
use crate::runner::ICommandRunner;

mod execution;
mod reporting;
mod watcher;

use execution::Execution;

/// How long a report is tried: a store's short outage is survived, and nobody waits in vain for
/// minutes.
const REPORT_PATIENCE: Duration = Duration::from_secs(30);

/// Runs the steps of a [`Batch`] through an [`ICommandRunner`].
///
/// # Semantics
///
/// The statuses are `STARTED`, each accepted step's own, and `SUCCESS` or `FAILED`.
/// The first step that is not accepted ends the work; steps with another
/// [`When`](crate::When) than `OnSuccess` run after it, and `Finished` is reported last.
/// The work ends as well when the batch's own [time limit](Batch::timeout) is over: the step that
/// runs then is stopped and times out.
///
/// *Reports* overlap with work: the report of a step is written while the next step's command
/// runs, and is awaited before that step's own report begins, so at most one is under way.
/// `Started` is written in the same way.
/// A report that fails, panics or does not return is tried again, with growing pauses, for 30
/// seconds ([`with_report_patience`](Self::with_report_patience)); if it stays down, the running
/// command is stopped, no other step runs, not even one for cleaning up, and the process ends
/// with [`Error::Report`].
///
/// *Cancel*: the token given to `execute` stops the running step, which has the runner's grace to
/// end by itself, and no further step of the work begins.
/// Steps for failure or for always run all the same.
/// The token of [`with_force`](Self::with_force) is the second cancel: it kills the running
/// command at once, whichever it is, and no step runs any more.
/// Dropping the future of `execute` kills the command as well, and nothing is reported then.
///
/// *Events* are shown in their order: `BatchStarted`, for each step `StepStarted`,
/// `ProcessStarted`, `Output` (and `Line`) and `StepFinished`, and `BatchFinished`.
/// Where `execute` fails, its error stands for `BatchFinished`, which tells of a recorded ending.
/// Output waits in a bounded queue to be shown; what finds no room is counted.
/// A panic in [`IProgress::observe`] ends the watching, not the work; one in the runner fails the
/// step.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use batch::{
///     Batch, BatchProcess, Command, IProcess, IProgress, LiveEvent, LocalRunner,
///     LocalRunnerOptions, Milestone, ReportError, Status, Step,
/// };
/// use tokio_util::sync::CancellationToken;
///
/// #[derive(Default)]
/// struct History(std::sync::Mutex<Vec<String>>);
///
/// #[async_trait::async_trait]
/// impl IProgress for History {
///     async fn report(&self, milestone: &Milestone) -> Result<(), ReportError> {
///         let mut history = self.0.lock().map_err(|error| ReportError::from_message(error.to_string()))?;
///         history.extend(milestone.status().map(|status| status.to_string()));
///         Ok(())
///     }
///     fn observe(&self, _event: &LiveEvent) {}
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut batch = Batch::new("/")?;
/// batch.add(Step::new(Status::new("LISTED")?, Command::new("ls")));
/// let runner = Arc::new(LocalRunner::new(LocalRunnerOptions::default()));
/// let history = History::default();
/// let process = BatchProcess::new(batch, runner);
/// let outcome = process.execute(&history, &CancellationToken::new()).await?;
/// assert!(outcome.is_success());
/// assert_eq!(*history.0.lock().unwrap(), ["STARTED", "LISTED", "SUCCESS"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct BatchProcess {
    batch: Batch,
    runner: Arc<dyn ICommandRunner>,
    redactor: Arc<Redactor>,
    report_patience: Duration,
    force: CancellationToken,
    longest_line: Option<usize>,
    started: AtomicBool,
}

impl BatchProcess {
    /// Prepares a process; nothing runs yet.
    pub fn new(batch: Batch, runner: Arc<dyn ICommandRunner>) -> Self {
        Self {
            redactor: Arc::new(Redactor::new(batch.secrets())),
            batch,
            runner,
            report_patience: REPORT_PATIENCE,
            force: CancellationToken::new(),
            longest_line: None,
            started: AtomicBool::new(false),
        }
    }

    /// Sets how long a report is tried; 30 seconds unless set.
    #[must_use]
    pub const fn with_report_patience(mut self, patience: Duration) -> Self {
        self.report_patience = patience;
        self
    }

    /// Sets the token of the second cancel: it kills the running command at once and lets no step
    /// run any more.
    ///
    /// # Examples
    ///
    /// The first interrupt of a user cancels, the second kills:
    ///
    /// ```
    /// use std::sync::Arc;
    /// use batch::{Batch, BatchProcess, LocalRunner, LocalRunnerOptions};
    /// use tokio_util::sync::CancellationToken;
    ///
    /// let (cancel, force) = (CancellationToken::new(), CancellationToken::new());
    /// let runner = Arc::new(LocalRunner::new(LocalRunnerOptions::default()));
    /// let process = BatchProcess::new(Batch::new("/srv/app")?, runner).with_force(force.clone());
    ///
    /// let on_interrupt = || {
    ///     if cancel.is_cancelled() {
    ///         force.cancel();
    ///     }
    ///     cancel.cancel(); // the token that `execute` is given
    /// };
    /// on_interrupt();
    /// assert!(!force.is_cancelled());
    /// on_interrupt();
    /// assert!(force.is_cancelled());
    /// # Ok::<(), batch::Error>(())
    /// ```
    #[must_use]
    pub fn with_force(mut self, force: CancellationToken) -> Self {
        self.force = force;
        self
    }

    /// Shows output in lines as well, as [`LiveEvent::Line`](crate::LiveEvent::Line)s of at most
    /// `longest` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::{Arc, Mutex};
    /// use batch::{
    ///     Batch, BatchProcess, Command, IProcess, IProgress, LiveEvent, LocalRunner,
    ///     LocalRunnerOptions, Milestone, ReportError, Status, Step,
    /// };
    /// use tokio_util::sync::CancellationToken;
    ///
    /// #[derive(Default)]
    /// struct Lines(Mutex<Vec<String>>);
    ///
    /// #[async_trait::async_trait]
    /// impl IProgress for Lines {
    ///     async fn report(&self, _: &Milestone) -> Result<(), ReportError> {
    ///         Ok(())
    ///     }
    ///     fn observe(&self, event: &LiveEvent) {
    ///         if let (LiveEvent::Line { bytes, .. }, Ok(mut lines)) = (event, self.0.lock()) {
    ///             lines.push(String::from_utf8_lossy(bytes).into_owned());
    ///         }
    ///     }
    /// }
    ///
    /// let mut batch = Batch::new("/")?;
    /// let hello = Command::new("printf").arg("one\ntwo\n");
    /// batch.add(Step::new(Status::new("PRINTED")?, hello));
    /// let runner = Arc::new(LocalRunner::new(LocalRunnerOptions::default()));
    /// let process = BatchProcess::new(batch, runner).with_lines(8 * 1024);
    /// let lines = Lines::default();
    /// process.execute(&lines, &CancellationToken::new()).await?;
    /// assert_eq!(*lines.0.lock().unwrap(), ["one", "two"]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn with_lines(mut self, longest: usize) -> Self {
        self.longest_line = Some(longest);
        self
    }
}

#[async_trait]
impl IProcess for BatchProcess {
    async fn execute(
        &self,
        progress: &dyn IProgress,
        cancel: &CancellationToken,
    ) -> Result<ProcessOutcome> {
        if self.started.swap(true, Ordering::Relaxed) {
            return Err(Error::AlreadyStarted);
        }
        Execution::new(self, progress).run(cancel).await
    }
}

#[cfg(test)]
mod tests;
