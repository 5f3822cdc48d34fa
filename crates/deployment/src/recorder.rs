//! What happens to a deployment, on its way to the record.

mod writer;

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use batch::{IProgress, LiveEvent, Milestone, ReportError, StepReport};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::event::{EventKind, EventSender};
use crate::id::DeploymentId;
use crate::phase::Phase;
use crate::record::StepRecord;
use crate::status::StatusChange;
use crate::step_span::RunningCommand;

pub(crate) use self::writer::Writer;
use self::writer::{Entry, WriterTask, Written};

/// The first pause before a failed write is tried again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long a status of a process is tried to be recorded, whoever wrote the process: a store's
/// short outage is survived, and nothing runs for minutes without a record.
const REPORT_PATIENCE: Duration = Duration::from_secs(30);

/// Takes what happens to one deployment and has it recorded, in order.
///
/// Statuses of the engine's own work are [noted](Self::note): they are written within
/// [`NOTE_WINDOW`](writer::NOTE_WINDOW), together with others that come in that time.
/// Statuses of a process are awaited, so that no command runs with more than one unrecorded
/// status before it.
#[derive(Debug)]
pub(crate) struct Recorder {
    id: DeploymentId,
    clock: Clock,
    events: EventSender,
    command: RunningCommand,
    /// Boxed, since a channel makes room for 32 of them at once.
    entries: mpsc::UnboundedSender<Box<Entry>>,
}

impl Recorder {
    /// Starts the writing task; it ends when the recorder is dropped.
    pub(crate) fn start(
        id: DeploymentId,
        clock: Clock,
        events: EventSender,
        writer: Writer,
    ) -> Self {
        let (entries, receiver) = mpsc::unbounded_channel();
        let task = WriterTask::new(id, clock.clone(), events.clone(), writer);
        tokio::spawn(task.run(receiver).in_current_span());
        Self {
            id,
            clock,
            events,
            command: RunningCommand::in_current_span(),
            entries,
        }
    }

    /// Has `phase` recorded without waiting for it.
    pub(crate) fn note(&self, phase: Phase) {
        self.note_change(StatusChange::reach(phase, self.clock.now()));
    }

    /// Has a finished step of the engine's own told and recorded, and its status when it was
    /// accepted, without waiting.
    pub(crate) fn note_step(&self, report: &StepReport) {
        self.tell_step(report);
        self.note_change(self.step_change(report));
    }

    /// Tells subscribers of a finished step.
    fn tell_step(&self, report: &StepReport) {
        let finished = EventKind::StepFinished {
            status: report.status.to_string(),
            command: report.what.clone(),
            outcome: report.outcome.to_string(),
            accepted: report.accepted,
            took: report.took,
        };
        self.events.send(self.id, finished);
    }

    fn note_change(&self, change: StatusChange) {
        // The writer lives as long as this sender, so there is always somebody to take it.
        drop(self.entries.send(Box::new(Entry { change, done: None })));
    }

    /// Records `change` durably, trying again for up to `patience`, and returns the record.
    pub(crate) async fn record(&self, change: StatusChange, patience: Duration) -> Result<Written> {
        let give_up = Instant::now() + patience;
        let mut pause = FIRST_PAUSE;
        loop {
            let written = tokio::time::timeout_at(give_up, self.write(change.clone()));
            let error = match written.await {
                Ok(Ok(written)) => return Ok(written),
                Ok(Err(error)) => error,
                Err(_) => return Err(unanswered()),
            };
            let is_final = !matches!(error, Error::Store { .. });
            if is_final || Instant::now() + pause > give_up {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn write(&self, change: StatusChange) -> Result<Written> {
        let (done, written) = oneshot::channel();
        let gone = || Error::Internal {
            reason: "the record's writer is gone".to_owned(),
        };
        self.entries
            .send(Box::new(Entry {
                change,
                done: Some(done),
            }))
            .map_err(|_| gone())?;
        written.await.map_err(|_| gone())?
    }

    /// Tells subscribers how much of the package has been fetched.
    pub(crate) fn fetched(&self, bytes: u64, size: u64) {
        self.events
            .send(self.id, EventKind::Fetched { bytes, size });
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    fn step_change(&self, report: &StepReport) -> StatusChange {
        let reached = Milestone::Step(report.clone()).status();
        let phase = reached.and_then(|status| Phase::parse(status.as_str()));
        let change = match phase {
            Some(phase @ Phase::Step(_)) => StatusChange::reach(phase, self.clock.now()),
            // The engine alone says when a deployment begins and ends.
            Some(_) | None => StatusChange::default(),
        };
        change.with_step(StepRecord::from(report))
    }
}

/// A store that neither takes a write nor refuses it.
fn unanswered() -> Error {
    let error = store::Error::new(store::ErrorKind::Timeout, "save file")
        .with_message("the store does not answer");
    Error::store("record a status")(error)
}

#[async_trait]
impl IProgress for Recorder {
    async fn report(&self, milestone: &Milestone) -> Result<(), ReportError> {
        match milestone {
            // The engine's own unpacking is the first part of the work, so STARTED was noted
            // before the process began; what matters is that all of that is durable now.
            Milestone::Started => self
                .record(StatusChange::default(), REPORT_PATIENCE)
                .await
                .map(drop)
                .map_err(ReportError::new),
            Milestone::Step(report) => {
                let change = self.step_change(report);
                if change.reached.is_empty() {
                    // It reaches no status, so it is written together with what comes next.
                    self.note_change(change);
                    return Ok(());
                }
                let recorded = self.record(change, REPORT_PATIENCE).await;
                recorded.map(drop).map_err(ReportError::new)
            }
            // The ending is recorded after the clean-up.
            _ => Ok(()),
        }
    }

    fn observe(&self, event: &LiveEvent) {
        self.command.follow(event);
        let kind = match event {
            LiveEvent::StepStarted {
                status, command, ..
            } => EventKind::StepStarted {
                status: status.to_string(),
                command: command.clone(),
            },
            LiveEvent::Output { bytes, .. } => EventKind::Output(bytes.clone()),
            // Told here and not when it is reported: by then the next command may have begun.
            LiveEvent::StepFinished {
                status,
                command,
                outcome,
                accepted,
                took,
                ..
            } => EventKind::StepFinished {
                status: status.to_string(),
                command: command.clone(),
                outcome: outcome.to_string(),
                accepted: *accepted,
                took: *took,
            },
            _ => return,
        };
        self.events.send(self.id, kind);
    }
}
