//! One execution of a batch, step by step.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::batch_process::BatchProcess;
use crate::batch_process::reporting::Reporting;
use crate::batch_process::watcher::Watcher;
use crate::command::Command;
use crate::deadline::{Deadline, passed};
use crate::error::Result;
use crate::live::{LiveOutput, LiveReceiver};
use crate::outcome::{ProcessOutcome, StepOutcome};
use crate::progress::{IProgress, LiveEvent, Milestone};
use crate::report::StepReport;
use crate::runner::{RunOptions, RunReport};
use crate::status::Status;
use crate::step::{Step, When};

/// How long a step after the work may take where it sets no limit of its own.
const AFTER_TIMEOUT: Duration = Duration::from_mins(1);

/// Pieces of output that may wait for the watcher; a piece of the local runner is at most 64 KiB
/// and mostly a line.
const LIVE_PIECES: usize = 64;

/// One execution of a process.
pub(super) struct Execution<'a> {
    process: &'a BatchProcess,
    watcher: Watcher<'a>,
    reporting: Reporting<'a>,
}

/// What ends a step before its time.
#[derive(Clone, Copy)]
struct Limits<'a> {
    /// How long its command may run.
    timeout: Option<Duration>,
    cancel: &'a CancellationToken,
    /// When the whole work, or a step after it, is to be done.
    deadline: Option<Deadline>,
}

impl Limits<'_> {
    /// How a step ends that would begin now, if it must not.
    fn ending(&self) -> Option<StepOutcome> {
        if self.cancel.is_cancelled() {
            return Some(StepOutcome::Cancelled);
        }
        let Deadline { at, limit: after } = self.deadline?;
        (Instant::now() >= at).then_some(StepOutcome::TimedOut { after })
    }
}

impl BatchProcess {
    fn steps(&self, is_due: impl Fn(&When) -> bool) -> impl Iterator<Item = (usize, &Step)> {
        let steps = self.batch.steps().iter().enumerate();
        steps.filter(move |(_, step)| is_due(step.conditions()))
    }
}

impl<'a> Execution<'a> {
    pub(super) fn new(process: &'a BatchProcess, progress: &'a dyn IProgress) -> Self {
        Self {
            process,
            watcher: Watcher::new(progress, process.longest_line),
            reporting: Reporting::new(progress, process.report_patience),
        }
    }

    pub(super) async fn run(mut self, cancel: &CancellationToken) -> Result<ProcessOutcome> {
        self.watcher.show(&LiveEvent::BatchStarted {
            steps: self.process.batch.steps().len(),
        });
        let (outcome, unreached) = self.work(cancel).await?;
        self.after_work(&outcome, unreached).await?;
        self.reporting
            .begin(Milestone::Finished(outcome.clone()))
            .await?;
        self.reporting.join().await?;
        self.watcher.show(&LiveEvent::BatchFinished {
            outcome: outcome.clone(),
        });
        Ok(outcome)
    }

    /// Runs the steps of the work; returns the status that was not reached, too.
    async fn work(
        &mut self,
        cancel: &CancellationToken,
    ) -> Result<(ProcessOutcome, Option<&'a Status>)> {
        let deadline = self.process.batch.time_limit().and_then(Deadline::after);
        self.reporting.begin(Milestone::Started).await?;
        for (index, step) in self.process.steps(|when| *when == When::OnSuccess) {
            if self.process.force.is_cancelled() {
                return Ok((ProcessOutcome::Cancelled, None));
            }
            let limits = Limits {
                timeout: step.time_limit(),
                cancel,
                deadline,
            };
            if let Some(outcome) = limits.ending() {
                // It did not begin, so nothing is reported of it.
                let ending = ending(step.status(), &outcome);
                return Ok((ending, None));
            }
            let report = self.step(index, step, limits).await?;
            if !report.accepted {
                let ending = ending(step.status(), &report.outcome);
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
        let process = self.process;
        let is_due = |when: &When| match when {
            When::OnSuccess => false,
            When::OnFailure => !outcome.is_success(),
            When::OnFailureOf(status) => unreached == Some(status),
            When::Always => true,
        };
        for (index, step) in process.steps(is_due) {
            if process.force.is_cancelled() {
                break;
            }
            let limit = step.time_limit().unwrap_or(AFTER_TIMEOUT);
            let limits = Limits {
                timeout: Some(limit),
                cancel: &process.force,
                // A timeout begins with the command, which may have to wait for a place.
                deadline: Deadline::after(limit),
            };
            self.step(index, step, limits).await?;
        }
        Ok(())
    }

    /// Runs one step to its end and begins to report it.
    async fn step(&mut self, index: usize, step: &Step, limits: Limits<'_>) -> Result<StepReport> {
        let process = self.process;
        let what = step.command().line(&process.redactor);
        let status = step.status().clone();
        self.watcher.show(&LiveEvent::StepStarted {
            index,
            status: status.clone(),
            command: what.clone(),
        });
        let options = RunOptions::new(process.batch.cwd())
            .with_timeout(limits.timeout)
            .with_redactor(Arc::clone(&process.redactor))
            .with_force(process.force.clone());
        let (run, reported) = self.command(index, step.command(), &options, limits).await;
        let accepted = step.accepted().accepts(&run.outcome);
        self.watcher.show(&LiveEvent::StepFinished {
            index,
            status: status.clone(),
            command: what.clone(),
            outcome: run.outcome.clone(),
            accepted,
            took: run.took,
        });
        reported?;
        let report = StepReport::new(status, what, run.outcome)
            .with_when(step.conditions().clone())
            .with_time(run.started, run.took)
            .with_output(run.output)
            .with_usage(run.usage)
            .with_accepted(accepted);
        let report = if run.leaked {
            report.with_leak()
        } else {
            report
        };
        self.reporting
            .begin(Milestone::Step(report.clone()))
            .await?;
        Ok(report)
    }

    /// Runs a command while the report before it is written and its output is shown; returns
    /// whether that report was written, too.
    async fn command(
        &mut self,
        index: usize,
        command: &Command,
        options: &RunOptions,
        limits: Limits<'_>,
    ) -> (RunReport, Result<()>) {
        let stop = limits.cancel.child_token();
        let (live, mut receiver) = LiveOutput::channel(LIVE_PIECES);
        let runner = &self.process.runner;
        // Asked for within a future, since the call itself may panic.
        let run = async { runner.run(command, options, &live, &stop).await };
        let mut run = std::pin::pin!(AssertUnwindSafe(run).catch_unwind());
        let mut passed = std::pin::pin!(passed(limits.deadline));
        let mut expired = None;
        let mut result = Ok(());
        let mut report = loop {
            tokio::select! {
                biased;
                reported = self.reporting.join(), if self.reporting.is_under_way() => {
                    if reported.is_err() {
                        stop.cancel();
                        result = reported;
                    }
                }
                report = &mut run => break report.unwrap_or_else(|_| runner_panicked()),
                () = options.force.cancelled(), if !stop.is_cancelled() => stop.cancel(),
                after = &mut passed, if !stop.is_cancelled() => {
                    expired = Some(after);
                    stop.cancel();
                }
                Some(live) = receiver.next() => self.watcher.show_live(index, live),
            }
        };
        self.show_rest(index, &live, &mut receiver);
        if let Some(after) = expired
            && report.outcome == StepOutcome::Cancelled
        {
            report.outcome = StepOutcome::TimedOut { after };
        }
        (report, result)
    }

    /// Shows what a command that has ended had printed last.
    fn show_rest(&mut self, index: usize, live: &LiveOutput, receiver: &mut LiveReceiver) {
        while let Some(live) = receiver.try_next() {
            self.watcher.show_live(index, live);
        }
        self.watcher.end_output(index);
        if live.dropped() > 0 {
            self.watcher.show(&LiveEvent::OutputDropped {
                index,
                bytes: live.dropped(),
            });
        }
    }
}

/// How the process ends because of a step that was not accepted.
fn ending(status: &Status, outcome: &StepOutcome) -> ProcessOutcome {
    let status = Some(status.clone());
    match outcome {
        StepOutcome::Cancelled => ProcessOutcome::Cancelled,
        StepOutcome::TimedOut { .. } => ProcessOutcome::TimedOut { status },
        StepOutcome::Done
        | StepOutcome::Exited { .. }
        | StepOutcome::Signaled { .. }
        | StepOutcome::SpawnFailed(_)
        | StepOutcome::Failed { .. } => ProcessOutcome::failed(status, outcome.to_string()),
    }
}

fn runner_panicked() -> RunReport {
    RunReport::new(StepOutcome::Failed {
        reason: "the runner panicked".to_owned(),
    })
}
