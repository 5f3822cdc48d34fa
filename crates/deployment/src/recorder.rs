//! The one task that writes a deployment's record.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use batch::{IProgress, LiveEvent, Milestone, ReportError, StepReport};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::event::{EventKind, EventSender};
use crate::id::DeploymentId;
use crate::phase::Phase;
use crate::record::{DeploymentRecord, StepRecord};
use crate::status::{IStatus, StatusChange};
use crate::step_span::RunningCommand;

/// The first pause before a failed write is tried again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often a lease is renewed before it ends; a renewal that fails is tried again as often until
/// the next one.
const RENEWALS: u32 = 3;

/// How long a noted status may wait for others to share its write: nobody sees the difference,
/// and a small package is unpacked in less.
const NOTE_WINDOW: Duration = Duration::from_millis(10);

/// Takes what happens to one deployment and has it recorded, in order.
///
/// Statuses of the engine's own work are [noted](Self::note): they are written within
/// [`NOTE_WINDOW`], together with others that come in that time.
/// Statuses of a process are awaited, so that no command runs with more than one unrecorded
/// status before it.
#[derive(Debug)]
pub(crate) struct Recorder {
    id: DeploymentId,
    clock: Clock,
    events: EventSender,
    command: RunningCommand,
    entries: mpsc::UnboundedSender<Entry>,
}

/// The record as it was written; `None` when there was nothing to write.
type Written = Option<Arc<DeploymentRecord>>;

/// What the writer is handed.
#[derive(Debug)]
struct Entry {
    change: StatusChange,
    /// Told when the change is durable; a change that nobody awaits is kept until it is.
    done: Option<oneshot::Sender<Result<Written>>>,
}

/// What the writer needs besides the recorder.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) status: Arc<dyn IStatus>,
    /// How long the record counts as owned after a write.
    pub(crate) lease: Duration,
    /// When that time ends, by the clock that is never set: whoever watches is told of each
    /// renewal.
    pub(crate) lease_ends: watch::Sender<Instant>,
    /// Cancelled when the record belongs to somebody else; nothing is written from then on.
    pub(crate) lost: CancellationToken,
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
        let task = WriterTask {
            id,
            clock: clock.clone(),
            events: events.clone(),
            writer,
            noted: StatusChange::default(),
            write_at: None,
        };
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

    /// Has a finished step recorded, and its status when it was accepted, without waiting.
    pub(crate) fn note_step(&self, report: &StepReport) {
        self.note_change(self.step_change(report));
    }

    fn note_change(&self, change: StatusChange) {
        // The writer lives as long as this sender, so there is always somebody to take it.
        drop(self.entries.send(Entry { change, done: None }));
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
            .send(Entry {
                change,
                done: Some(done),
            })
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
                .write(StatusChange::default())
                .await
                .map(drop)
                .map_err(ReportError::new),
            Milestone::Step(report) => {
                let change = self.step_change(report);
                if change.reached.is_empty() {
                    // It reaches no status, so it is written together with what comes next.
                    self.note_step(report);
                    return Ok(());
                }
                self.write(change).await.map_err(ReportError::new)?;
                Ok(())
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
            LiveEvent::StepFinished {
                status, outcome, ..
            } => EventKind::StepFinished {
                status: status.to_string(),
                outcome: outcome.to_string(),
            },
            _ => return,
        };
        self.events.send(self.id, kind);
    }
}

#[derive(Debug)]
struct WriterTask {
    id: DeploymentId,
    clock: Clock,
    events: EventSender,
    writer: Writer,
    /// What was noted and is not durable yet.
    noted: StatusChange,
    /// When it is to be written, if nobody awaits a write before.
    write_at: Option<Instant>,
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

impl WriterTask {
    async fn run(mut self, mut entries: mpsc::UnboundedReceiver<Entry>) {
        let mut renewal = tokio::time::interval(self.writer.lease / RENEWALS);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renewal.reset();
        loop {
            let is_over = tokio::select! {
                biased;
                entry = entries.recv() => match entry {
                    None => return,
                    Some(Entry { change, done: None }) => {
                        self.note(change);
                        continue;
                    }
                    Some(Entry { change, done: Some(done) }) => self.record(change, done).await,
                },
                () = due(self.write_at) => {
                    // What fails here stays noted, and is told to whoever awaits the next write.
                    if self.write(StatusChange::default()).await.is_err() {
                        self.write_at = Some(Instant::now() + LONGEST_PAUSE);
                    }
                    false
                }
                _ = renewal.tick() => {
                    if !self.renew().await {
                        renewal.reset_after(self.writer.lease / RENEWALS / RENEWALS);
                    }
                    continue;
                }
            };
            if is_over {
                return;
            }
            renewal.reset();
        }
    }

    fn note(&mut self, change: StatusChange) {
        self.noted.append(change);
        self.write_at
            .get_or_insert_with(|| Instant::now() + NOTE_WINDOW);
    }

    /// Records `change` behind what was noted; whether it was the last one of the record.
    async fn record(
        &mut self,
        change: StatusChange,
        done: oneshot::Sender<Result<Written>>,
    ) -> bool {
        let result = self.write(change).await;
        let is_over = matches!(&result, Ok(Some(record)) if record.is_terminal());
        // Whoever stopped waiting has its reason.
        drop(done.send(result));
        is_over
    }

    /// Writes what was noted and then `change`.
    async fn write(&mut self, change: StatusChange) -> Result<Written> {
        self.write_at = None;
        let mut all = self.noted.clone();
        all.append(change);
        let result = self.save(all).await;
        if result.is_ok() {
            self.noted = StatusChange::default();
        }
        result
    }

    async fn save(&mut self, mut change: StatusChange) -> Result<Written> {
        if change.is_empty() {
            return Ok(None);
        }
        self.check_ownership().await?;
        let ends = change
            .reached
            .last()
            .is_some_and(|(phase, _)| phase.is_terminal());
        let lease_ends = Instant::now() + self.writer.lease;
        if !ends {
            change.lease_until = Some(self.clock.now() + self.writer.lease);
        }
        #[cfg(feature = "metrics")]
        let began = Instant::now();
        let written = self.writer.status.set_status(&self.id, &change).await;
        #[cfg(feature = "metrics")]
        crate::metrics::status_write(began.elapsed(), &written);
        match written {
            Ok(record) => {
                self.writer.lease_ends.send_replace(lease_ends);
                for (phase, _) in change.reached {
                    self.events.send(self.id, EventKind::Status(phase));
                }
                Ok(Some(record))
            }
            Err(error) => {
                if matches!(
                    error,
                    Error::LostOwnership { .. } | Error::NewerRecord { .. }
                ) {
                    self.writer.lost.cancel();
                }
                Err(error)
            }
        }
    }

    /// Refuses to write a record that is, or may be, somebody else's.
    ///
    /// An owner whose lease has run out looks first: where the store's update is not exclusive,
    /// its write would undo the ending that another process has recorded.
    async fn check_ownership(&self) -> Result<()> {
        let lost = Error::LostOwnership { id: self.id };
        if self.writer.lost.is_cancelled() {
            return Err(lost);
        }
        let lease_ends = *self.writer.lease_ends.borrow();
        if Instant::now() < lease_ends {
            return Ok(());
        }
        match self.writer.status.get_status(&self.id).await? {
            Some(record) if !record.is_terminal() => Ok(()),
            _ => {
                self.writer.lost.cancel();
                Err(lost)
            }
        }
    }

    /// Keeps the record owned while nothing else is written; whether that worked.
    async fn renew(&mut self) -> bool {
        let until = self.clock.now() + self.writer.lease;
        let renewed = self.write(StatusChange::default().with_lease(until)).await;
        if let Err(error) = &renewed {
            tracing::warn!(deployment = %self.id, error = %error.chain(), "lease not renewed");
        }
        renewed.is_ok()
    }
}
