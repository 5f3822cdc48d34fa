//! The task that writes a record.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::LONGEST_PAUSE;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::event::{EventKind, EventSender};
use crate::id::DeploymentId;
use crate::lease::{Lease, LeaseEnd};
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
    pub(crate) lease: Arc<Lease>,
    /// Cancelled when the record belongs to somebody else; nothing is written from then on.
    pub(crate) lost: CancellationToken,
}

#[derive(Debug)]
pub(super) struct WriterTask {
    id: DeploymentId,
    clock: Clock,
    events: EventSender,
    writer: Writer,
    /// What was noted and is not durable yet.
    noted: StatusChange,
    /// When it is to be written, if nobody awaits a write before.
    write_at: Option<Instant>,
    /// When the lease is to be renewed, if nothing is written before.
    renew_at: Instant,
    /// The change that was awaited last, where its write failed.
    tried: Option<Box<Tried>>,
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
    pub(super) fn new(id: DeploymentId, clock: Clock, events: EventSender, writer: Writer) -> Self {
        Self {
            renew_at: Instant::now() + writer.lease.length() / RENEWALS,
            id,
            clock,
            events,
            writer,
            noted: StatusChange::default(),
            write_at: None,
            tried: None,
        }
    }

    /// Writes what comes until the last status is written.
    pub(super) async fn run(mut self, mut entries: mpsc::UnboundedReceiver<Box<Entry>>) {
        loop {
            let entry = tokio::select! {
                biased;
                entry = entries.recv() => match entry {
                    None => return,
                    entry => entry,
                },
                () = due(self.due_at()) => None,
            };
            // On the heap while it goes on: a deployment that waits for its turn is kept small.
            if Box::pin(self.go_on(entry)).await {
                return;
            }
        }
    }

    /// When the next write is due that nobody hands in.
    fn due_at(&self) -> Option<Instant> {
        // An ending that stands in the store needs no renewal.
        let renew_at = (!self.has_ended()).then_some(self.renew_at);
        self.write_at.into_iter().chain(renew_at).min()
    }

    /// Does what `entry` says, or else what is due; whether the last status is written.
    async fn go_on(&mut self, entry: Option<Box<Entry>>) -> bool {
        let is_over = match entry.map(|entry| *entry) {
            Some(Entry { change, done: None }) => {
                self.note(change);
                return false;
            }
            Some(Entry {
                change,
                done: Some(done),
            }) => self.record(change, done).await,
            None if self.write_at.is_some_and(|at| at <= Instant::now()) => {
                // What fails here stays noted, and is told to whoever awaits the next write.
                if self.write(StatusChange::default()).await.is_err() {
                    self.write_at = Some(Instant::now() + LONGEST_PAUSE);
                }
                false
            }
            None => {
                let pause = self.renewal_pause();
                let pause = if self.renew().await {
                    pause
                } else {
                    pause / RENEWALS
                };
                self.renew_at = Instant::now() + pause;
                return false;
            }
        };
        self.renew_at = Instant::now() + self.renewal_pause();
        is_over
    }

    fn renewal_pause(&self) -> Duration {
        self.writer.lease.length() / RENEWALS
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
    async fn write(&mut self, change: StatusChange) -> Result<Written> {
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
        let lease = &self.writer.lease;
        let end = LeaseEnd::after(lease.length(), (self.clock.now(), Instant::now()));
        change.lease_until = (!ends).then_some(end.until);
        #[cfg(feature = "metrics")]
        let began = Instant::now();
        let written = self.writer.status.set_status(&self.id, &change).await;
        #[cfg(feature = "metrics")]
        crate::metrics::status_write(began.elapsed(), &written);
        match written {
            Ok(record) => {
                self.writer.lease.renew(end);
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
    /// Either clock may say so: a look for nothing, after the wall clock was set, does no harm.
    async fn check_ownership(&self) -> Result<()> {
        let lost = Error::LostOwnership { id: self.id };
        if self.writer.lost.is_cancelled() {
            return Err(lost);
        }
        if !self.writer.lease.end().has_come(self.clock.now()) {
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
        let until = self.clock.now() + self.writer.lease.length();
        let renewed = self.write(StatusChange::default().with_lease(until)).await;
        if let Err(error) = &renewed {
            tracing::warn!(deployment = %self.id, error = %error.chain(), "lease not renewed");
        }
        renewed.is_ok()
    }
}
