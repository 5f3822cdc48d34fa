//! The one thread that writes, and commits together what waits together.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::database::Database;
use super::log;
use super::task::{Failure, Need, Task};
use super::tidying;
use crate::streak::PAUSE;
use crate::{Durability, ErrorKind};

/// The most tasks in one transaction.
const GROUP_TASKS: usize = 512;

/// About the most bytes of contents in one transaction: what its waiting savers hold in memory
/// anyway.
const GROUP_BYTES: usize = 8 * 1024 * 1024;

/// After so many transactions some discarded blocks are deleted, even if more tasks wait.
const GROUPS_BETWEEN_DELETES: u32 = 16;

/// The most tasks that are kept to be done later; what the others would have removed stays until
/// the next opening.
const POSTPONED_TASKS: usize = 256;

/// How long is waited for a group that has not as many tasks as the last one.
#[derive(Clone, Copy)]
struct Patience {
    /// From one task to the next.
    pause: Duration,
    /// From the first task to the last, or many who come at random would be gathered to ever larger
    /// groups.
    whole: Duration,
}

/// No longer than a flush of a fast disk and the work of some tasks.
const PATIENCE: Patience = Patience {
    pause: Duration::from_micros(10),
    whole: Duration::from_micros(200),
};

/// What the thread works on.
pub(super) struct Thread {
    database: Database,
    durability: Durability,
    /// What the connection is set up for.
    prepared: Option<Need>,
    /// Transactions since discarded blocks were last deleted.
    groups: u32,
    /// Work that failed and that nobody waits for: it is done with the next save that succeeds.
    postponed: VecDeque<Box<dyn Task>>,
    /// Whether there was found to be nothing to delete or to give back, and nothing was committed
    /// since. What another process discards it tidies up itself, or whoever opens the database next.
    is_tidy: bool,
    /// The tasks of the last group.
    last_group: usize,
}

impl Thread {
    pub(super) fn new(database: Database, durability: Durability) -> Self {
        Self {
            database,
            durability,
            prepared: None,
            groups: 0,
            postponed: VecDeque::new(),
            is_tidy: false,
            last_group: 0,
        }
    }

    /// Works until the last sender is gone and all that waits is done.
    pub(super) fn run(mut self, waiting: &Receiver<Box<dyn Task>>) {
        while let Some(first) = self.next_task(waiting) {
            let group = gather(first, waiting, self.last_group, PATIENCE);
            self.last_group = group.len();
            self.run_group(group);
            self.groups += 1;
            if self.groups >= GROUPS_BETWEEN_DELETES {
                self.tidy();
            }
        }
    }

    /// Waits for a task, and tidies up when none comes; nothing once the store is gone.
    ///
    /// First it watches for one: a caller that saves one file after the other is spared the time that
    /// waking a thread takes.
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
            Some(failure) => self.answer_failed(group, &failure),
            None => {
                for task in group {
                    task.answer(None);
                }
                self.run_postponed();
            }
        }
    }

    fn answer_failed(&mut self, group: Vec<Box<dyn Task>>, failure: &Failure) {
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
            let mut group = vec![task];
            if let Err(failure) = self.commit(&mut group) {
                return self.answer_failed(group, &failure);
            }
            for task in group {
                task.answer(None);
            }
        }
    }

    fn commit(&mut self, group: &mut Vec<Box<dyn Task>>) -> Result<(), Failure> {
        for task in group.iter_mut() {
            task.begin_anew();
        }
        if self
            .database
            .reopen_if_moved()
            .map_err(|error| Failure::of_place(&error))?
        {
            (self.prepared, self.is_tidy) = (None, false);
        }
        if !self.connection().is_autocommit() {
            // An earlier transaction could not even be rolled back.
            self.execute("ROLLBACK").map_err(Failure::of_database)?;
        }
        self.prepare(group).map_err(Failure::of_database)?;
        self.execute("BEGIN IMMEDIATE")
            .map_err(Failure::of_database)?;
        let committed = self.work(group);
        if committed.is_err() && !self.connection().is_autocommit() {
            self.execute("ROLLBACK").map_err(Failure::of_database)?;
        }
        committed?;
        self.is_tidy = false;
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
        self.execute("COMMIT").map_err(Failure::of_database)
    }

    /// Sets the connection up for what the tasks need.
    fn prepare(&mut self, group: &[Box<dyn Task>]) -> rusqlite::Result<()> {
        let is_durable = group.iter().any(|task| task.need() == Need::Durable);
        let need = if is_durable {
            Need::Durable
        } else {
            Need::Order
        };
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
        // Not looked at in the transaction of a save, whose caller would wait for it.
        self.is_tidy = self.is_tidy || tidying::is_tidy(self.connection())?;
        if self.is_tidy {
            return Ok(false);
        }
        self.execute("BEGIN IMMEDIATE")?;
        let is_changed = tidying::tidy(self.connection())?;
        self.execute("COMMIT")?;
        self.is_tidy = !is_changed;
        Ok(is_changed)
    }

    fn connection(&self) -> &Connection {
        self.database.connection()
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection().prepare_cached(sql)?.execute(()).map(drop)
    }
}

/// The task and those that wait behind it, up to what one transaction takes.
///
/// Those who were answered together come back one after the other. So as long as they are fewer
/// than the `expected`, the next one is watched for, which spares a commit for the first few alone.
fn gather(
    first: Box<dyn Task>,
    waiting: &Receiver<Box<dyn Task>>,
    expected: usize,
    patience: Patience,
) -> Vec<Box<dyn Task>> {
    let mut bytes = first.bytes();
    let mut group = vec![first];
    let begun = Instant::now();
    let mut came = begun;
    while group.len() < GROUP_TASKS && bytes < GROUP_BYTES {
        match waiting.try_recv() {
            Ok(task) => {
                bytes += task.bytes();
                group.push(task);
                came = Instant::now();
            }
            Err(TryRecvError::Empty)
                if group.len() < expected
                    && came.elapsed() < patience.pause
                    && begun.elapsed() < patience.whole =>
            {
                std::thread::yield_now();
            }
            Err(_) => break,
        }
    }
    group
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use tempfile::TempDir;
    use tokio::sync::oneshot;
    use tokio::sync::oneshot::error::TryRecvError;

    use super::super::error::failed;
    use super::super::task::Call;
    use super::*;
    use crate::{Error, Result};

    type Answer = oneshot::Receiver<Result<()>>;

    fn thread() -> (TempDir, Thread) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("files.db");
        let database = Database::open(&path, Duration::ZERO).unwrap();
        (directory, Thread::new(database, Durability::Process))
    }

    fn call(
        work: impl Fn(&Connection) -> Result<()> + Send + 'static,
        reply: Option<oneshot::Sender<Result<()>>>,
    ) -> Box<dyn Task> {
        Box::new(Call {
            operation: "save file",
            bytes: 0,
            need: Need::Order,
            work,
            result: None,
            reply,
        })
    }

    /// A task that is told the number of the run, from 0.
    fn task(
        work: impl Fn(&Connection, usize) -> Result<()> + Send + 'static,
    ) -> (Box<dyn Task>, Answer) {
        let (reply, answer) = oneshot::channel();
        let runs = AtomicUsize::new(0);
        let work =
            move |connection: &Connection| work(connection, runs.fetch_add(1, Ordering::Relaxed));
        (call(work, Some(reply)), answer)
    }

    fn detached(work: impl Fn(&Connection) -> Result<()> + Send + 'static) -> Box<dyn Task> {
        call(work, None)
    }

    fn create(connection: &Connection) -> Result<()> {
        let exists = connection.prepare("SELECT 1 FROM upload").unwrap();
        if { exists }.exists(()).unwrap() {
            return Err(Error::new(ErrorKind::AlreadyExists, "save file"));
        }
        let row = "INSERT INTO upload VALUES ('o', 1, 1)";
        connection.execute_batch(row).map_err(failed("save file"))
    }

    fn fail(connection: &Connection) -> Result<()> {
        let failing = "INSERT INTO upload SELECT owner, number, content FROM nothing";
        connection
            .execute_batch(failing)
            .map_err(failed("save file"))
    }

    fn take_away(directory: &Path) {
        std::fs::rename(directory.join("files.db"), directory.join("gone.db")).unwrap();
    }

    #[track_caller]
    fn check_kind(answer: &mut Answer, kind: ErrorKind) {
        let error = answer.try_recv().unwrap().unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
    }

    const LONG: Duration = Duration::from_hours(1);
    const PATIENT: Patience = Patience {
        pause: LONG,
        whole: LONG,
    };

    #[test]
    fn those_who_come_back_one_after_the_other_are_one_group() {
        let (tasks, waiting) = mpsc::channel();
        let sender = std::thread::spawn(move || {
            tasks.send(detached(|_| Ok(()))).unwrap();
            tasks
        });
        let group = gather(detached(|_| Ok(())), &waiting, 2, PATIENT);
        assert_eq!(group.len(), 2);
        sender.join().unwrap();
    }

    #[test]
    fn nobody_is_waited_for_in_vain() {
        let (tasks, waiting) = mpsc::channel();
        let group = gather(detached(|_| Ok(())), &waiting, 1, PATIENT);
        assert_eq!(group.len(), 1, "who is alone goes at once");
        for (pause, whole) in [(LONG, Duration::ZERO), (Duration::ZERO, LONG)] {
            let patience = Patience { pause, whole };
            let group = gather(detached(|_| Ok(())), &waiting, 2, patience);
            assert_eq!(group.len(), 1, "who does not come is given up");
        }
        drop(tasks);
        let group = gather(detached(|_| Ok(())), &waiting, 2, PATIENT);
        assert_eq!(group.len(), 1, "the store is gone");
    }

    #[test]
    fn a_refusal_by_what_is_rolled_back_is_not_told() {
        let (directory, mut thread) = thread();
        let path = directory.path().to_owned();
        let (first, mut first_answer) = task(move |connection, run| {
            match run {
                0 => create(connection),
                // Before the others run again.
                _ => fail(connection).inspect_err(|_| take_away(&path)),
            }
        });
        let (second, mut second_answer) = task(|connection, _| create(connection));
        let (third, mut third_answer) = task(|connection, _| fail(connection));
        thread.run_group(vec![first, second, third]);
        check_kind(&mut first_answer, ErrorKind::Other);
        check_kind(&mut second_answer, ErrorKind::Unavailable);
        check_kind(&mut third_answer, ErrorKind::Unavailable);
    }

    #[test]
    fn a_refusal_by_what_is_not_committed_is_not_told() {
        let (directory, mut thread) = thread();
        let path = directory.path().to_owned();
        let (first, mut first_answer) = task(move |connection, _| {
            take_away(&path);
            create(connection)
        });
        let (second, mut second_answer) = task(|connection, _| create(connection));
        thread.run_group(vec![first, second]);
        check_kind(&mut first_answer, ErrorKind::Unavailable);
        check_kind(&mut second_answer, ErrorKind::Unavailable);
    }

    #[test]
    fn a_refusal_by_what_is_committed_is_told() {
        let (_directory, mut thread) = thread();
        let (first, mut first_answer) = task(|connection, _| create(connection));
        let (second, mut second_answer) = task(|connection, _| create(connection));
        let (third, mut third_answer) = task(|connection, _| fail(connection));
        thread.run_group(vec![first, second, third]);
        first_answer.try_recv().unwrap().unwrap();
        check_kind(&mut second_answer, ErrorKind::AlreadyExists);
        check_kind(&mut third_answer, ErrorKind::Other);
    }

    /// Puts another database in the place of the thread's.
    fn replace(directory: &Path) {
        let other = directory.join("other.db");
        drop(Database::open(&other, Duration::ZERO).unwrap());
        for ending in ["-wal", "-shm"] {
            std::fs::remove_file(directory.join(format!("files.db{ending}"))).unwrap();
        }
        std::fs::rename(other, directory.join("files.db")).unwrap();
    }

    /// What the connection is set up for, after a group that needs this: its `synchronous`, and the
    /// pages at which the log is copied.
    fn set_up(thread: &mut Thread, need: Need) -> (i64, i64) {
        thread.run_group(vec![Box::new(Call {
            operation: "save file",
            bytes: 0,
            need,
            work: |_: &Connection| Ok(()),
            result: None,
            reply: None,
        })]);
        let number = |name| {
            let connection = thread.connection();
            connection.pragma_query_value(None, name, |row| row.get(0))
        };
        (
            number("synchronous").unwrap(),
            number("wal_autocheckpoint").unwrap(),
        )
    }

    #[test]
    fn each_group_finds_the_connection_set_up_for_it() {
        for (durability, awaited) in [(Durability::Full, 2), (Durability::Process, 1)] {
            let (directory, mut thread) = thread();
            thread.durability = durability;
            let (level, long) = set_up(&mut thread, Need::Order);
            assert_eq!(level, 1);
            let (level, short) = set_up(&mut thread, Need::Durable);
            assert_eq!(level, awaited);
            assert!(short < long / 4, "{short} of {long}");
            replace(directory.path());
            assert_eq!(set_up(&mut thread, Need::Durable), (awaited, short));
            replace(directory.path());
            assert_eq!(set_up(&mut thread, Need::Order), (1, long));
        }
    }

    #[test]
    fn postponed_work_is_bounded_and_costs_a_success_one_more_try() {
        let (_directory, mut thread) = thread();
        let tries = Arc::new(AtomicUsize::new(0));
        for _ in 0..2 * POSTPONED_TASKS {
            let tries = Arc::clone(&tries);
            thread.run_group(vec![detached(move |connection| {
                tries.fetch_add(1, Ordering::Relaxed);
                fail(connection)
            })]);
        }
        assert_eq!(thread.postponed.len(), POSTPONED_TASKS);
        let before = tries.load(Ordering::Relaxed);
        let (saved, mut answer) = task(|connection, _| create(connection));
        thread.run_group(vec![saved]);
        answer.try_recv().unwrap().unwrap();
        assert_eq!(tries.load(Ordering::Relaxed), before + 1);
        assert_eq!(thread.postponed.len(), POSTPONED_TASKS);
    }

    #[test]
    fn postponed_work_is_done_with_the_next_success() {
        let (_directory, mut thread) = thread();
        let runs = AtomicUsize::new(0);
        let (done, mut is_done) = oneshot::channel();
        let done = std::sync::Mutex::new(Some(done));
        thread.run_group(vec![detached(move |connection| {
            if runs.fetch_add(1, Ordering::Relaxed) == 0 {
                return fail(connection);
            }
            let done = done.lock().unwrap().take();
            done.unwrap().send(()).unwrap();
            Ok(())
        })]);
        assert_eq!(is_done.try_recv(), Err(TryRecvError::Empty));
        let (saved, _answer) = task(|connection, _| create(connection));
        thread.run_group(vec![saved]);
        is_done.try_recv().unwrap();
        assert!(thread.postponed.is_empty());
    }
}
