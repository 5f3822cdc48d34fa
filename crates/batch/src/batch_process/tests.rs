//! A runner and a listener of their own, for the tests of what a process does.

mod reporting;
mod steps;
mod stopping;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use tokio::sync::Notify;

use super::*;
use crate::progress::{LiveEvent, Milestone, ReportError};
use crate::{Command, LiveOutput, RunOptions, RunReport, Status, Step, StepOutcome, When};

/// Runs commands by their names: `ok`, `fail`, `late`, `hang` (until it is stopped), `panic`.
#[derive(Debug, Default)]
struct Scripted {
    runs: Mutex<Vec<(String, Option<Duration>)>>,
    hanging: Notify,
}

impl Scripted {
    fn programs(&self) -> Vec<String> {
        self.runs
            .lock()
            .unwrap()
            .iter()
            .map(|(program, _)| program.clone())
            .collect()
    }
}

#[async_trait]
impl ICommandRunner for Scripted {
    async fn run(
        &self,
        command: &Command,
        options: &RunOptions,
        live: &LiveOutput,
        cancel: &CancellationToken,
    ) -> RunReport {
        self.runs
            .lock()
            .unwrap()
            .push((command.program().to_owned(), options.timeout));
        live.start(7);
        live.send(command.program().as_bytes());
        RunReport::new(match command.program() {
            "fail" => StepOutcome::Exited { code: 1 },
            "late" => StepOutcome::TimedOut {
                after: Duration::from_secs(1),
            },
            "hang" => {
                self.hanging.notify_one();
                cancel.cancelled().await;
                StepOutcome::Cancelled
            }
            "panic" => panic!("on purpose"),
            _ => StepOutcome::Exited { code: 0 },
        })
    }
}

/// Writes down what it is told.
#[derive(Default)]
struct Notes {
    milestones: Mutex<Vec<String>>,
    events: Mutex<Vec<String>>,
    /// How the next reports fail.
    failures: Mutex<VecDeque<Failure>>,
    reports: AtomicUsize,
}

enum Failure {
    Error,
    Panic,
    Hang,
}

impl Notes {
    fn failing(failures: impl IntoIterator<Item = Failure>) -> Self {
        Self {
            failures: Mutex::new(failures.into_iter().collect()),
            ..Self::default()
        }
    }

    fn milestones(&self) -> Vec<String> {
        self.milestones.lock().unwrap().clone()
    }
}

#[async_trait]
impl IProgress for Notes {
    async fn report(&self, milestone: &Milestone) -> Result<(), ReportError> {
        self.reports.fetch_add(1, Ordering::Relaxed);
        let failure = self.failures.lock().unwrap().pop_front();
        match failure {
            None => {}
            Some(Failure::Error) => return Err(ReportError::new("disk full")),
            Some(Failure::Panic) => panic!("on purpose"),
            Some(Failure::Hang) => std::future::pending().await,
        }
        let note = match (milestone, milestone.status()) {
            (Milestone::Step(step), None) => format!("({} {})", step.status, step.outcome),
            (_, status) => status.unwrap().to_string(),
        };
        self.milestones.lock().unwrap().push(note);
        Ok(())
    }

    fn observe(&self, event: &LiveEvent) {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let event = match event {
            LiveEvent::BatchStarted { steps } => format!("{steps} steps"),
            LiveEvent::BatchFinished { outcome } => outcome.to_string(),
            LiveEvent::ProcessStarted { index, pid } => format!("{index} is process {pid}"),
            LiveEvent::Line { index, bytes, end } => format!("{index} {end:?} {}", text(bytes)),
            LiveEvent::StepStarted { index, command, .. } => format!("{index} started {command}"),
            LiveEvent::Output { index, bytes } => format!("{index} output {}", text(bytes)),
            LiveEvent::OutputDropped { index, bytes } => format!("{index} dropped {bytes}"),
            LiveEvent::StepFinished { index, outcome, .. } => format!("{index} {outcome}"),
        };
        self.events.lock().unwrap().push(event);
    }
}

fn step(status: &'static str, program: &str) -> Step {
    Step::new(Status::from_static(status), Command::new(program))
}

fn process(steps: impl IntoIterator<Item = Step>) -> (BatchProcess, Arc<Scripted>) {
    let mut batch = Batch::new("/").unwrap();
    for step in steps {
        batch.add(step);
    }
    let runner = Arc::new(Scripted::default());
    (
        BatchProcess::new(batch, Arc::<Scripted>::clone(&runner)),
        runner,
    )
}

async fn execute(process: &BatchProcess, notes: &Notes) -> Result<ProcessOutcome> {
    process.execute(notes, &CancellationToken::new()).await
}
