//! Runs a batch as a process.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use crate::batch::Batch;
use crate::command::Command;
use crate::error::{Error, Result};
use crate::live::LiveOutput;
use crate::outcome::{ProcessOutcome, StepOutcome};
use crate::process::IProcess;
use crate::progress::{IProgress, LiveEvent, Milestone};
use crate::redactor::Redactor;
use crate::report::StepReport;
use crate::runner::{ICommandRunner, RunOptions, RunReport};
use crate::status::Status;
use crate::step::{Step, When};

mod reporting;
mod watcher;

use reporting::Reporting;
use watcher::Watcher;

/// How long a report is tried: a store's short outage is survived, and nobody waits in vain for
/// minutes.
const REPORT_PATIENCE: Duration = Duration::from_secs(30);

/// How long a step after the work may take where it sets no limit of its own.
const AFTER_TIMEOUT: Duration = Duration::from_mins(1);

/// Pieces of output that may wait for the watcher; a piece of the local runner is at most 64 KiB
/// and mostly a line.
const LIVE_PIECES: usize = 64;

/// Runs the steps of a [`Batch`] through an [`ICommandRunner`].
///
/// # Semantics
///
/// The statuses are `STARTED`, each accepted step's own, and `SUCCESS` or `FAILED`.
/// The first step that is not accepted ends the work; steps with another [`When`] than
/// `OnSuccess` run after it, and `Finished` is reported last.
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
    #[must_use]
    pub fn with_force(mut self, force: CancellationToken) -> Self {
        self.force = force;
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
        let mut execution = Execution {
            process: self,
            watcher: Watcher::new(progress),
            reporting: Reporting::new(progress, self.report_patience),
        };
        let (outcome, unreached) = execution.work(cancel).await?;
        execution.after_work(&outcome, unreached).await?;
        execution
            .reporting
            .begin(Milestone::Finished(outcome.clone()))
            .await?;
        execution.reporting.join().await?;
        Ok(outcome)
    }
}

/// One execution of a process.
struct Execution<'a> {
    process: &'a BatchProcess,
    watcher: Watcher<'a>,
    reporting: Reporting<'a>,
}

impl BatchProcess {
    fn steps(&self, is_due: impl Fn(&When) -> bool) -> impl Iterator<Item = (usize, &Step)> {
        let steps = self.batch.steps().iter().enumerate();
        steps.filter(move |(_, step)| is_due(step.conditions()))
    }
}

impl<'a> Execution<'a> {
    /// Runs the steps of the work; returns the status that was not reached, too.
    async fn work(
        &mut self,
        cancel: &CancellationToken,
    ) -> Result<(ProcessOutcome, Option<&'a Status>)> {
        self.reporting.begin(Milestone::Started).await?;
        for (index, step) in self.process.steps(|when| *when == When::OnSuccess) {
            if cancel.is_cancelled() || self.process.force.is_cancelled() {
                return Ok((ProcessOutcome::Cancelled, None));
            }
            let report = self.run(index, step, step.time_limit(), cancel).await?;
            if let Some(ending) = ending(&report) {
                return Ok((ending, Some(step.status())));
            }
        }
        Ok((ProcessOutcome::Success, None))
    }

    /// Runs the steps that are for this ending, or for any.
    async fn after_work(
        &mut self,
        outcome: &ProcessOutcome,
        unreached: Option<&Status>,
    ) -> Result<()> {
        let is_due = |when: &When| match when {
            When::OnSuccess => false,
            When::OnFailure => !outcome.is_success(),
            When::OnFailureOf(status) => unreached == Some(status),
            When::Always => true,
        };
        for (index, step) in self.process.steps(is_due) {
            if self.process.force.is_cancelled() {
                break;
            }
            let timeout = step.time_limit().unwrap_or(AFTER_TIMEOUT);
            self.run(index, step, Some(timeout), &self.process.force)
                .await?;
        }
        Ok(())
    }

    /// Runs one step to its end and begins to report it.
    async fn run(
        &mut self,
        index: usize,
        step: &Step,
        timeout: Option<Duration>,
        cancel: &CancellationToken,
    ) -> Result<StepReport> {
        let process = self.process;
        let what = step.command().line(&process.redactor);
        let status = step.status().clone();
        self.watcher.show(&LiveEvent::StepStarted {
            index,
            status: status.clone(),
            command: what.clone(),
        });
        let options = RunOptions::new(process.batch.cwd())
            .with_timeout(timeout)
            .with_redactor(Arc::clone(&process.redactor))
            .with_force(process.force.clone());
        let run = self
            .run_command(index, step.command(), &options, cancel)
            .await?;
        self.watcher.show(&LiveEvent::StepFinished {
            index,
            status: status.clone(),
            outcome: run.outcome.clone(),
        });
        let report = StepReport::new(status, what, run.outcome)
            .with_when(step.conditions().clone())
            .with_time(run.started, run.took)
            .with_output(run.output);
        let accepted = step.accepted().accepts(&report.outcome);
        let report = report.with_accepted(accepted);
        self.reporting
            .begin(Milestone::Step(report.clone()))
            .await?;
        Ok(report)
    }

    /// Runs a command while the report before it is written and its output is shown.
    async fn run_command(
        &mut self,
        index: usize,
        command: &Command,
        options: &RunOptions,
        cancel: &CancellationToken,
    ) -> Result<RunReport> {
        let stop = cancel.child_token();
        let (live, mut receiver) = LiveOutput::channel(LIVE_PIECES);
        let run = AssertUnwindSafe(self.process.runner.run(command, options, &live, &stop));
        let mut run = std::pin::pin!(run.catch_unwind());
        let mut failure = None;
        let report = loop {
            tokio::select! {
                biased;
                reported = self.reporting.join(), if self.reporting.is_under_way() => {
                    if let Err(error) = reported {
                        stop.cancel();
                        failure = Some(error);
                    }
                }
                report = &mut run => break report.unwrap_or_else(|_| runner_panicked()),
                () = options.force.cancelled(), if !stop.is_cancelled() => stop.cancel(),
                Some(bytes) = receiver.recv() => {
                    self.watcher.show(&LiveEvent::Output { index, bytes });
                }
            }
        };
        while let Some(bytes) = receiver.try_recv() {
            self.watcher.show(&LiveEvent::Output { index, bytes });
        }
        if live.dropped() > 0 {
            self.watcher.show(&LiveEvent::OutputDropped {
                index,
                bytes: live.dropped(),
            });
        }
        match failure {
            None => Ok(report),
            Some(error) => Err(error),
        }
    }
}

/// How the process ends because of a step, where it does.
fn ending(report: &StepReport) -> Option<ProcessOutcome> {
    if report.accepted {
        return None;
    }
    let status = Some(report.status.clone());
    Some(match &report.outcome {
        StepOutcome::Cancelled => ProcessOutcome::Cancelled,
        StepOutcome::TimedOut { .. } => ProcessOutcome::TimedOut { status },
        outcome => ProcessOutcome::failed(status, outcome.to_string()),
    })
}

fn runner_panicked() -> RunReport {
    RunReport::new(StepOutcome::Failed {
        reason: "the runner panicked".to_owned(),
    })
}

#[cfg(test)]
mod tests;
