//! The one thread that writes, and commits together what waits together.

use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::database::Database;
use super::task::{Failure, Need, Task};
use super::tidying;
use crate::{Durability, ErrorKind};

/// The most tasks in one transaction.
const GROUP_TASKS: usize = 512;

/// About the most bytes of contents in one transaction: what its waiting savers hold in memory
/// anyway.
const GROUP_BYTES: usize = 8 * 1024 * 1024;

/// After so many transactions some discarded blocks are deleted, even if more tasks wait.
const GROUPS_BETWEEN_DELETES: u32 = 16;

/// How long the thread watches for the next task before it sleeps: a caller that saves one file
/// after the other is spared the time that waking a thread takes.
const WATCHED: Duration = Duration::from_micros(50);

/// What the thread works on.
pub(super) struct Thread {
    database: Database,
    durability: Durability,
    /// What the connection's `synchronous` is set to.
    synced: Option<Need>,
    /// Transactions since discarded blocks were last deleted.
    groups: u32,
    /// Work that failed and that nobody waits for: it is done with the next save that succeeds.
    postponed: Vec<Box<dyn Task>>,
    /// Whether there is nothing to delete or to give back. What another process discards it tidies
    /// up itself, or whoever opens the database next.
    is_tidy: bool,
}

impl Thread {
    pub(super) fn new(database: Database, durability: Durability) -> Self {
        Self {
            database,
            durability,
            synced: None,
            groups: 0,
            postponed: Vec::new(),
            is_tidy: false,
        }
    }

    /// Works until the last sender is gone and all that waits is done.
    pub(super) fn run(mut self, waiting: &Receiver<Box<dyn Task>>) {
        while let Some(first) = self.next_task(waiting) {
            self.run_group(gather(first, waiting));
            self.groups += 1;
            if self.groups >= GROUPS_BETWEEN_DELETES {
                self.tidy();
            }
        }
    }

    /// Waits for a task, and tidies up when none comes; nothing once the store is gone.
    fn next_task(&mut self, waiting: &Receiver<Box<dyn Task>>) -> Option<Box<dyn Task>> {
        let begun = Instant::now();
        while begun.elapsed() < WATCHED {
            match waiting.try_recv() {
                Ok(task) => return Some(task),
                Err(TryRecvError::Empty) => std::thread::yield_now(),
                Err(TryRecvError::Disconnected) => return None,
            }
        }
        while self.tidy() {
            match waiting.try_recv() {
                Ok(task) => return Some(task),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return None,
            }
        }
        waiting.recv().ok()
    }

    /// Commits the tasks together, or each alone if that fails.
    fn run_group(&mut self, mut group: Vec<Box<dyn Task>>) {
        let failure = self.commit(&mut group).err();
        match failure {
            // One that cannot be committed must not fail the others.
            Some(failure) if group.len() > 1 && failure.kind != ErrorKind::Unavailable => {
                for task in group {
                    self.run_group(vec![task]);
                }
            }
            Some(failure) => {
                for task in group {
                    if task.is_detached() {
                        tracing::debug!(failure.text, "background work is postponed");
                        self.postponed.push(task);
                    } else {
                        task.answer(Some(&failure));
                    }
                }
            }
            None => {
                for task in group {
                    task.answer(None);
                }
                for task in std::mem::take(&mut self.postponed) {
                    self.run_group(vec![task]);
                }
            }
        }
    }

    fn commit(&mut self, group: &mut Vec<Box<dyn Task>>) -> Result<(), Failure> {
        if self
            .database
            .reopen_if_moved()
            .map_err(|error| Failure::of_place(&error))?
        {
            (self.synced, self.is_tidy) = (None, false);
        }
        if !self.connection().is_autocommit() {
            // An earlier transaction could not even be rolled back.
            self.execute("ROLLBACK").map_err(Failure::of_database)?;
        }
        self.set_synced(group).map_err(Failure::of_database)?;
        self.execute("BEGIN IMMEDIATE")
            .map_err(Failure::of_database)?;
        let committed = self.work(group);
        if committed.is_err() && !self.connection().is_autocommit() {
            self.execute("ROLLBACK").map_err(Failure::of_database)?;
        }
        committed?;
        self.database
            .check_place()
            .map_err(|error| Failure::of_place(&error))
    }

    fn work(&mut self, group: &mut Vec<Box<dyn Task>>) -> Result<(), Failure> {
        group.retain(|task| !task.is_given_up());
        for task in group {
            // No savepoint of its own, which would copy each page that the task changes: a task
            // that is refused changes nothing, and after any other failure each task of the group
            // runs again alone.
            if !task.work(self.connection()) {
                return Err(Failure {
                    kind: ErrorKind::Other,
                    text: "another save in it failed".to_owned(),
                });
            }
        }
        self.is_tidy =
            self.is_tidy && tidying::is_tidy(self.connection()).map_err(Failure::of_database)?;
        self.execute("COMMIT").map_err(Failure::of_database)
    }

    fn set_synced(&mut self, group: &[Box<dyn Task>]) -> rusqlite::Result<()> {
        let durable = self.durability == Durability::Full
            && group.iter().any(|task| task.need() == Need::Durable);
        let need = if durable { Need::Durable } else { Need::Order };
        if self.synced != Some(need) {
            // NORMAL keeps the order of commits but leaves the flush to the next FULL one.
            let level = if durable { "FULL" } else { "NORMAL" };
            self.connection()
                .execute_batch(&format!("PRAGMA synchronous = {level}"))?;
            self.synced = Some(need);
        }
        Ok(())
    }

    /// Deletes a few discarded blocks, or gives a few free pages back; whether there may be more to
    /// do.
    fn tidy(&mut self) -> bool {
        self.groups = 0;
        match self.try_tidy() {
            Ok(more) => more,
            Err(error) => {
                // It is tried again after the next save.
                tracing::debug!(%error, "discarded blocks stay for now");
                if !self.connection().is_autocommit()
                    && let Err(error) = self.execute("ROLLBACK")
                {
                    tracing::warn!(%error, "a transaction cannot be rolled back");
                }
                false
            }
        }
    }

    fn try_tidy(&mut self) -> rusqlite::Result<bool> {
        if self.is_tidy {
            return Ok(false);
        }
        self.execute("BEGIN IMMEDIATE")?;
        tidying::tidy(self.connection())?;
        let is_tidy = tidying::is_tidy(self.connection())?;
        self.execute("COMMIT")?;
        self.is_tidy = is_tidy;
        Ok(!is_tidy)
    }

    fn connection(&self) -> &Connection {
        self.database.connection()
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection().prepare_cached(sql)?.execute(()).map(drop)
    }
}

/// The task and those that wait behind it, up to what one transaction takes.
fn gather(first: Box<dyn Task>, waiting: &Receiver<Box<dyn Task>>) -> Vec<Box<dyn Task>> {
    let mut bytes = first.bytes();
    let mut group = vec![first];
    while group.len() < GROUP_TASKS && bytes < GROUP_BYTES {
        let Ok(task) = waiting.try_recv() else { break };
        bytes += task.bytes();
        group.push(task);
    }
    group
}
