//! The one thread that writes, and commits together what waits together.

use std::collections::VecDeque;
use std::iter;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Instant;

use rusqlite::Connection;

use super::database::Database;
use super::group::{Arrivals, Group};
use super::log;
use super::task::{Failure, Need, Task};
use super::tidying;
use crate::streak::PAUSE;
use crate::{Durability, ErrorKind};

/// After so many tasks some discarded blocks are deleted, even if more wait.
const TASKS_BETWEEN_DELETES: usize = 16;

/// After so many transactions it is looked whether there are any, where there were none.
const GROUPS_BETWEEN_LOOKS: u32 = 16;

/// The most tasks that are kept to be done later; what the others would have removed stays until
/// the next opening.
const POSTPONED_TASKS: usize = 256;

/// What is known of discarded blocks and of free space to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tidiness {
    /// There was nothing to do, and nothing was committed since. What another process discards it
    /// tidies up itself, or whoever opens the database next.
    Tidy,
    /// There may be something to do since then.
    Unknown,
    /// There was something to do.
    Untidy,
}

/// What the thread works on.
pub(super) struct Thread {
    database: Database,
    durability: Durability,
    /// What the connection is set up for.
    prepared: Option<Need>,
    /// Tasks for which no discarded blocks were deleted yet.
    tasks: usize,
    /// Transactions since it was last looked for them.
    groups: u32,
    /// Work that failed and that nobody waits for: it is done with the next save that succeeds.
    postponed: VecDeque<Box<dyn Task>>,
    tidiness: Tidiness,
}

impl Thread {
    pub(super) fn new(database: Database, durability: Durability) -> Self {
        Self {
            database,
            durability,
            prepared: None,
            tasks: 0,
            groups: 0,
            postponed: VecDeque::new(),
            tidiness: Tidiness::Unknown,
        }
    }

    /// Works until the last sender is gone and all that waits is done.
    pub(super) fn run(mut self, waiting: &Receiver<Box<dyn Task>>) {
        while let Some(first) = self.next_task(waiting) {
            let group = Group::gather(first, waiting);
            self.run_group(group, &mut waiting.try_iter());
            self.groups += 1;
            if self.is_tidying_due() {
                self.groups = 0;
                self.tasks = self.tasks.saturating_sub(TASKS_BETWEEN_DELETES);
                self.tidy();
            }
        }
    }

    /// Whether to tidy up although more tasks may wait.
    fn is_tidying_due(&self) -> bool {
        match self.tidiness {
            Tidiness::Tidy => false,
            Tidiness::Unknown => self.groups >= GROUPS_BETWEEN_LOOKS,
            Tidiness::Untidy => self.tasks >= TASKS_BETWEEN_DELETES,
        }
    }

    /// Waits for a task, and tidies up when none comes; nothing once the store is gone.
    ///
    /// First it watches for one: a caller that saves one file after the other is spared the time
    /// that waking a thread takes.
    fn next_task(&mut self, waiting: &Receiver<Box<dyn Task>>) -> Option<Box<dyn Task>> {
        let begun = Instant::now();
        while begun.elapsed() < PAUSE {
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

    /// Commits the tasks together, with those that come meanwhile, or each alone if that fails.
    fn run_group(&mut self, mut group: Group, arrivals: &mut Arrivals<'_>) {
        let failure = self.commit(&mut group, arrivals).err();
        match failure {
            // One that cannot be committed must not fail the others.
            Some(failure) if group.len() > 1 && failure.kind != ErrorKind::Unavailable => {
                for task in group {
                    self.run_group(Group::new(task), &mut iter::empty());
                }
            }
            Some(failure) => self.answer_failed(group, &failure),
            None => {
                self.tasks += group.len();
                for task in group {
                    task.answer(None);
                }
                self.run_postponed();
            }
        }
    }

    fn answer_failed(&mut self, group: Group, failure: &Failure) {
        for task in group {
            if task.is_detached() && self.postponed.len() < POSTPONED_TASKS {
                tracing::debug!(failure.text, "background work is postponed");
                self.postponed.push_back(task);
            } else {
                task.answer(Some(failure));
            }
        }
    }

    /// Does what was postponed, up to the first that fails again: on a damaged database all may.
    fn run_postponed(&mut self) {
        while let Some(task) = self.postponed.pop_front() {
            let mut group = Group::new(task);
            if let Err(failure) = self.commit(&mut group, &mut iter::empty()) {
                return self.answer_failed(group, &failure);
            }
            for task in group {
                task.answer(None);
            }
        }
    }

    /// Commits the tasks to the file that lies where the database should.
    fn commit(&mut self, group: &mut Group, arrivals: &mut Arrivals<'_>) -> Result<(), Failure> {
        group.begin_anew();
        self.reopen_if_moved()?;
        let Err(failure) = self.try_commit(group, arrivals) else {
            return Ok(());
        };
        let is_reopened = self.reopen_if_moved();
        if matches!(is_reopened, Ok(false)) {
            return Err(failure);
        }
        // What they found in a file that is gone says nothing.
        group.begin_anew();
        is_reopened?;
        self.try_commit(group, &mut iter::empty())
    }

    fn reopen_if_moved(&mut self) -> Result<bool, Failure> {
        let reopened = self.database.reopen_if_moved();
        let is_reopened = reopened.map_err(|error| Failure::of_place(&error))?;
        if is_reopened {
            (self.prepared, self.tidiness) = (None, Tidiness::Unknown);
        }
        Ok(is_reopened)
    }

    fn try_commit(
        &mut self,
        group: &mut Group,
        arrivals: &mut Arrivals<'_>,
    ) -> Result<(), Failure> {
        if !self.connection().is_autocommit() {
            // An earlier transaction could not even be rolled back.
            self.execute("ROLLBACK").map_err(Failure::of_database)?;
        }
        self.prepare(group.need()).map_err(Failure::of_database)?;
        self.execute("BEGIN IMMEDIATE")
            .map_err(Failure::of_database)?;
        let committed = self.work(group, arrivals);
        if committed.is_err() && !self.connection().is_autocommit() {
            self.execute("ROLLBACK").map_err(Failure::of_database)?;
        }
        committed?;
        if self.tidiness == Tidiness::Tidy {
            self.tidiness = Tidiness::Unknown;
        }
        Ok(())
    }

    fn work(&mut self, group: &mut Group, arrivals: &mut Arrivals<'_>) -> Result<(), Failure> {
        // Whoever must be on the disk may not join a group that goes without.
        let may_be_joined = group.need() == Need::Durable;
        let mut done = 0;
        loop {
            for task in group.tasks_from(done) {
                // No savepoint of its own, which would copy each page that the task changes: a task
                // that is refused changes nothing, and after any other failure each task of the
                // group runs again alone.
                if !task.is_given_up() && !task.work(self.database.connection()) {
                    return Err(Failure {
                        kind: ErrorKind::Other,
                        text: "another save in it failed".to_owned(),
                    });
                }
            }
            done = group.len();
            // Those who were answered together come back one after the other, faster than one of
            // them is worked on, and all share a flush.
            if !may_be_joined || !group.add_next(arrivals) {
                break;
            }
        }
        // Not before: who joined may know that the file is gone.
        let place = self.database.check_place();
        place.map_err(|error| Failure::of_place(&error))?;
        self.execute("COMMIT").map_err(Failure::of_database)
    }

    /// Sets the connection up for what the tasks need.
    fn prepare(&mut self, need: Need) -> rusqlite::Result<()> {
        if self.prepared == Some(need) {
            return Ok(());
        }
        self.prepared = None;
        // NORMAL keeps the order of commits but leaves the flush to the next FULL one.
        let level = match (need, self.durability) {
            (Need::Durable, Durability::Full) => "FULL",
            (Need::Durable, Durability::Process) | (Need::Order, _) => "NORMAL",
        };
        self.connection()
            .execute_batch(&format!("PRAGMA synchronous = {level}"))?;
        log::limit(self.connection(), need)?;
        self.prepared = Some(need);
        Ok(())
    }

    /// Deletes a few discarded blocks, or gives a few free pages back; whether there may be more to
    /// do.
    fn tidy(&mut self) -> bool {
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
        // Not looked at in the transaction of a save, whose caller would wait for it.
        if self.tidiness != Tidiness::Tidy && tidying::is_tidy(self.connection())? {
            (self.tidiness, self.tasks) = (Tidiness::Tidy, 0);
        }
        if self.tidiness == Tidiness::Tidy {
            return Ok(false);
        }
        self.execute("BEGIN IMMEDIATE")?;
        let is_changed = tidying::tidy(self.connection())?;
        self.execute("COMMIT")?;
        self.tidiness = if is_changed {
            Tidiness::Untidy
        } else {
            Tidiness::Tidy
        };
        Ok(is_changed)
    }

    fn connection(&self) -> &Connection {
        self.database.connection()
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection().prepare_cached(sql)?.execute(()).map(drop)
    }
}

#[cfg(test)]
mod tests;
