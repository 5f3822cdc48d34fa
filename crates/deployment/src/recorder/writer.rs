//! The task that writes a record.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::LONGEST_PAUSE;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::event::{EventKind, EventSender};
use crate::id::DeploymentId;
use crate::record::DeploymentRecord;
use crate::status::{IStatus, StatusChange};

/// How often a lease is renewed before it ends; a renewal that fails is tried again as often until
/// the next one.
const RENEWALS: u32 = 3;

/// How long a noted status may wait for others to share its write: nobody sees the difference,
/// and a small package is unpacked in less.
pub(super) const NOTE_WINDOW: Duration = Duration::from_millis(10);

/// The record as it was written; `None` when there was nothing to write.
pub(super) type Written = Option<Arc<DeploymentRecord>>;

/// What the writer is handed.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) change: StatusChange,
    /// Told when the change is durable; a change that nobody awaits is kept until it is.
    pub(super) done: Option<oneshot::Sender<Result<Written>>>,
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

#[derive(Debug)]
pub(super) struct WriterTask {
    pub(super) id: DeploymentId,
    pub(super) clock: Clock,
    pub(super) events: EventSender,
    pub(super) writer: Writer,
    /// When the lease ends by the wall clock, which goes on while the machine sleeps.
    pub(super) lease_until: SystemTime,
    /// What was noted and is not durable yet.
    pub(super) noted: StatusChange,
    /// When it is to be written, if nobody awaits a write before.
    pub(super) write_at: Option<Instant>,
    /// The change that was awaited last, where its write failed.
    pub(super) tried: Option<Box<Tried>>,
}

/// An awaited change whose write failed.
///
/// It is noted, since it may have reached the store: a write of anything else would not be known
/// for the one that goes on from there, and would have steps and statuses recorded twice.
#[derive(Debug)]
pub(super) struct Tried {
    change: StatusChange,
    /// The record, when another write has taken the change along.
    written: Written,
}

/// Whether the record takes no such status, whoever owns it and however often it is tried.
const fn is_refused(written: &Result<Written>) -> bool {
    matches!(
        written,
        Err(Error::IllegalMove { .. } | Error::HistoryFull { .. })
    )
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

impl WriterTask {
    pub(super) async fn run(mut self, mut entries: mpsc::UnboundedReceiver<Box<Entry>>) {
        let mut renewal = tokio::time::interval(self.writer.lease / RENEWALS);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renewal.reset();
        loop {
            let is_over = tokio::select! {
                biased;
                entry = entries.recv() => match entry.map(|entry| *entry) {
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
                _ = renewal.tick(), if !self.has_ended() => {
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
        let result = match self.tried.take() {
            Some(tried) if tried.change == change => match tried.written {
                None => self.write(StatusChange::default()).await,
                written => Ok(written),
            },
            _ => self.write(change.clone()).await,
        };
        if matches!(result, Err(Error::Store { .. })) {
            let written = None;
            self.tried = Some(Box::new(Tried { change, written }));
        }
        let is_over = matches!(&result, Ok(Some(record)) if record.is_terminal());
        // Whoever stopped waiting has its reason.
        drop(done.send(result));
        is_over
    }

    /// Whether the ending stands in the store already, and whoever awaits it does not know.
    fn has_ended(&self) -> bool {
        let tried = self.tried.as_ref();
        let written = tried.and_then(|tried| tried.written.as_ref());
        written.is_some_and(|record| record.is_terminal())
    }

    /// Writes what was noted and then `change`.
    ///
    /// It is on the heap while it runs: a deployment that waits for its turn is kept small.
    async fn write(&mut self, change: StatusChange) -> Result<Written> {
        Box::pin(self.write_at_once(change)).await
    }

    async fn write_at_once(&mut self, change: StatusChange) -> Result<Written> {
        self.write_at = None;
        let mut result = self.save_noted_and(&change).await;
        if is_refused(&result) && is_refused(&self.save_noted_and(&StatusChange::default()).await) {
            // What the record refuses now, it refuses for ever: the ending must not wait for it.
            self.noted.reached.clear();
            self.tried = None;
            result = self.save_noted_and(&change).await;
        }
        result
    }

    async fn save_noted_and(&mut self, change: &StatusChange) -> Result<Written> {
        let mut all = self.noted.clone();
        all.append(change.clone());
        let saved = self.save(all.clone()).await;
        match &saved {
            Ok(record) => {
                self.noted = StatusChange::default();
                if let Some(tried) = &mut self.tried {
                    tried.written.clone_from(record);
                }
            }
            Err(Error::Store { .. }) => {
                self.noted = StatusChange {
                    lease_until: None,
                    ..all
                };
            }
            Err(_) => {}
        }
        saved
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
        let lease_until = self.clock.now() + self.writer.lease;
        change.lease_until = (!ends).then_some(lease_until);
        #[cfg(feature = "metrics")]
        let began = Instant::now();
        let written = self.writer.status.set_status(&self.id, &change).await;
        #[cfg(feature = "metrics")]
        crate::metrics::status_write(began.elapsed(), &written);
        match written {
            Ok(record) => {
                self.lease_until = lease_until;
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
    /// Either clock may say so: the one that is never set may stand still while the machine
    /// sleeps, and a look for nothing, after the other one was set, does no harm.
    async fn check_ownership(&self) -> Result<()> {
        let lost = Error::LostOwnership { id: self.id };
        if self.writer.lost.is_cancelled() {
            return Err(lost);
        }
        let lease_ends = *self.writer.lease_ends.borrow();
        if Instant::now() < lease_ends && self.clock.now() < self.lease_until {
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
