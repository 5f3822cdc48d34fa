//! Hands work to the thread that writes.

use std::fmt;
use std::sync::mpsc::{self, Sender};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::database::Database;
use super::task::{Call, Need, Task};
use super::thread::Thread;
use crate::streak::Streak;
use crate::{Durability, Error, ErrorKind, Result};

/// A handle on the writing thread, which ends when the handle is dropped and all that waits is
/// done.
pub(super) struct Writer {
    tasks: Sender<Box<dyn Task>>,
    streak: Streak,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    /// Starts the thread; the database stays open as long as it runs.
    pub(super) fn start(database: Database, durability: Durability) -> Result<Self> {
        let (tasks, waiting) = mpsc::channel();
        let thread = Thread::new(database, durability);
        std::thread::Builder::new()
            .name("store-sqlite".to_owned())
            .spawn(move || thread.run(&waiting))
            .map_err(|error| {
                Error::new(ErrorKind::Unavailable, "open store")
                    .with_message("the writing thread cannot be started")
                    .with_source(error)
            })?;
        Ok(Self {
            tasks,
            streak: Streak::default(),
        })
    }

    /// Runs `work` in a transaction and returns when it is committed and durable.
    ///
    /// `work` may run more than once, each time on a database that does not show the earlier runs.
    /// It does not run if the returned future is dropped before its turn.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        bytes: usize,
        work: impl Fn(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.send(operation, bytes, Need::Durable, work).await
    }

    /// Like [`run`](Self::run), for what nobody can see yet: durable with the next task that must
    /// be.
    pub(super) async fn run_unseen<T: Send + 'static>(
        &self,
        operation: &'static str,
        bytes: usize,
        work: impl Fn(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.send(operation, bytes, Need::Order, work).await
    }

    /// Like [`run_unseen`](Self::run_unseen), with nobody waiting; a failure is logged.
    pub(super) fn send_detached(
        &self,
        operation: &'static str,
        work: impl Fn(&Connection) -> Result<()> + Send + 'static,
    ) {
        let task = Call {
            operation,
            bytes: 0,
            need: Need::Order,
            work,
            result: None,
            reply: None,
        };
        // Without its thread the store is of no use any more; the next opening removes what stays.
        if self.tasks.send(Box::new(task)).is_err() {
            tracing::warn!(operation, "the writing thread has ended");
        }
    }

    async fn send<T: Send + 'static>(
        &self,
        operation: &'static str,
        bytes: usize,
        need: Need,
        work: impl Fn(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let ended = || {
            Error::new(ErrorKind::Unavailable, operation)
                .with_message("the store's writing thread has ended")
        };
        let (reply, answer) = oneshot::channel();
        let task = Call {
            operation,
            bytes,
            need,
            work,
            result: None,
            reply: Some(reply),
        };
        self.tasks.send(Box::new(task)).map_err(|_| ended())?;
        let answered = self.streak.wait(answer).await;
        answered.unwrap_or_else(|| Err(ended()))
    }
}
