//! The one thread that writes, and commits together what waits together.

use std::collections::VecDeque;
use std::iter;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Instant;

use rusqlite::Connection;

use super::database::Database;
use super::group::{Coming, Group};
use super::log;
use super::task::{Failure, Need, Task};
use super::tidying;
use crate::streak::PAUSE;
use crate::{Durability, ErrorKind};

/// After so many tasks some discarded blocks are deleted, even if more wait.
const TASKS_BETWEEN_DELETES: usize = 16;

/// The most tasks that are kept to be done later; what the others would have removed stays until
/// the next opening.
const POSTPONED_TASKS: usize = 256;

/// What the thread works on.
pub(super) struct Thread {
    database: Database,
    durability: Durability,
    /// What the connection is set up for.
    prepared: Option<Need>,
    /// Tasks since discarded blocks were last deleted.
    tasks: usize,
    /// Work that failed and that nobody waits for: it is done with the next save that succeeds.
    postponed: VecDeque<Box<dyn Task>>,
    /// Whether there was found to be nothing to delete or to give back, and nothing was committed
    /// since. What another process discards it tidies up itself, or whoever opens the database
    /// next.
    is_tidy: bool,
}

impl Thread {
    pub(super) fn new(database: Database, durability: Durability) -> Self {
        Self {
            database,
            durability,
            prepared: None,
            tasks: 0,
            postponed: VecDeque::new(),
            is_tidy: false,
        }
    }

    /// Works until the last sender is gone and all that waits is done.
    pub(super) fn run(mut self, waiting: &Receiver<Box<dyn Task>>) {
        while let Some(first) = self.next_task(waiting) {
            let group = Group::gather(first, waiting);
            self.run_group(group, &mut waiting.try_iter());
            if self.tasks >= TASKS_BETWEEN_DELETES {
                self.tidy();
            }
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
    fn run_group(&mut self, mut group: Group, coming: &mut Coming<'_>) {
        let failure = self.commit(&mut group, coming).err();
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
    fn commit(&mut self, group: &mut Group, coming: &mut Coming<'_>) -> Result<(), Failure> {
        group.begin_anew();
        self.reopen_if_moved()?;
        let Err(failure) = self.try_commit(group, coming) else {
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
            self.prepared = None;
        }
        Ok(is_reopened)
    }

    fn try_commit(&mut self, group: &mut Group, coming: &mut Coming<'_>) -> Result<(), Failure> {
        if !self.connection().is_autocommit() {
            // An earlier transaction could not even be rolled back.
            self.execute("ROLLBACK").map_err(Failure::of_database)?;
        }
        self.prepare(group.need()).map_err(Failure::of_database)?;
        self.execute("BEGIN IMMEDIATE")
            .map_err(Failure::of_database)?;
        let committed = self.work(group, coming);
        if committed.is_err() && !self.connection().is_autocommit() {
            self.execute("ROLLBACK").map_err(Failure::of_database)?;
        }
        committed?;
        self.is_tidy = false;
        Ok(())
    }

    fn work(&mut self, group: &mut Group, coming: &mut Coming<'_>) -> Result<(), Failure> {
        // Whoever must be on the disk may not join a group that goes without.
        let is_open = group.need() == Need::Durable;
        let mut done = 0;
        loop {
            for task in group.from(done) {
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
            if !is_open || !group.add_next(coming) {
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
        self.tasks = 0;
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, SystemTime};

    use bytes::Bytes;
    use tempfile::TempDir;
    use tokio::sync::oneshot;
    use tokio::sync::oneshot::error::TryRecvError;

    use super::super::error::failed;
    use super::super::group::GROUP_BYTES;
    use super::super::task::Call;
    use super::super::transaction;
    use super::*;
    use crate::{Error, Etag, FileInfo, FileName, Result, SaveOptions};

    type Answer = oneshot::Receiver<Result<()>>;

    fn thread() -> (TempDir, Thread) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("files.db");
        let database = Database::open(&path, Duration::ZERO).unwrap();
        (directory, Thread::new(database, Durability::Process))
    }

    /// Runs the tasks as one group, which nobody joins.
    fn run(thread: &mut Thread, tasks: Vec<Box<dyn Task>>) {
        let mut coming = tasks.into_iter();
        let mut group = Group::new(coming.next().unwrap());
        while group.add_next(&mut coming) {}
        thread.run_group(group, &mut iter::empty());
    }

    fn call(
        need: Need,
        work: impl Fn(&Connection) -> Result<()> + Send + 'static,
        reply: Option<oneshot::Sender<Result<()>>>,
    ) -> Box<dyn Task> {
        Box::new(Call {
            operation: "save file",
            bytes: 0,
            need,
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
        (call(Need::Order, work, Some(reply)), answer)
    }

    fn needing(
        need: Need,
        work: impl Fn(&Connection) -> Result<()> + Send + 'static,
    ) -> Box<dyn Task> {
        call(need, work, None)
    }

    fn detached(work: impl Fn(&Connection) -> Result<()> + Send + 'static) -> Box<dyn Task> {
        needing(Need::Order, work)
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

    /// Commits a task that needs this, while which another comes; how many were worked on.
    fn worked_on_together(need: Need) -> usize {
        let (_directory, mut thread) = thread();
        let (tasks, waiting) = mpsc::channel();
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let (joining, _answer) = task(move |_, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
        let joining = Mutex::new(Some(joining));
        let mut group = Group::new(needing(need, move |_| {
            tasks.send(joining.lock().unwrap().take().unwrap()).unwrap();
            Ok(())
        }));
        let committed = thread.commit(&mut group, &mut waiting.try_iter());
        committed.unwrap();
        assert_eq!(group.len() + waiting.try_iter().count(), 2);
        1 + runs.load(Ordering::Relaxed)
    }

    #[test]
    fn those_who_come_meanwhile_share_the_flush() {
        assert_eq!(worked_on_together(Need::Durable), 2);
        assert_eq!(worked_on_together(Need::Order), 1, "nothing is flushed");
    }

    /// How many uploads began in the file that lies where the thread's database should.
    fn uploads(directory: &Path) -> i64 {
        let connection = Connection::open(directory.join("files.db")).unwrap();
        let sql = "SELECT count(*) FROM upload";
        connection.query_row(sql, (), |row| row.get(0)).unwrap()
    }

    #[test]
    fn who_joins_after_the_file_was_replaced_is_saved_to_the_new_one() {
        let (directory, mut thread) = thread();
        let path = directory.path().to_owned();
        let (tasks, waiting) = mpsc::channel();
        let (joining, mut answer) = task(move |connection, run| {
            if run == 0 {
                replace(&path);
            }
            create(connection)
        });
        let joining = Mutex::new(Some(joining));
        let first = needing(Need::Durable, move |_| {
            if let Some(joining) = joining.lock().unwrap().take() {
                tasks.send(joining).unwrap();
            }
            Ok(())
        });
        thread.run_group(Group::new(first), &mut waiting.try_iter());
        answer.try_recv().unwrap().unwrap();
        assert_eq!(uploads(directory.path()), 1);
    }

    #[test]
    fn what_was_begun_in_a_file_that_was_replaced_is_done_in_the_new_one() {
        let (directory, mut thread) = thread();
        let path = directory.path().to_owned();
        let (first, mut answer) = task(move |connection, run| {
            if run == 0 {
                replace(&path);
            }
            create(connection)
        });
        run(&mut thread, vec![first]);
        answer.try_recv().unwrap().unwrap();
        assert_eq!(uploads(directory.path()), 1);
    }

    /// Nothing that works takes as long.
    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn who_holds_the_file_that_was_replaced_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("files.db");
        let database = Database::open(&path, 2 * LONG).unwrap();
        let mut thread = Thread::new(database, Durability::Process);
        let holder = Connection::open(&path).unwrap();
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        replace(directory.path());
        let (saved, answer) = task(|connection, _| create(connection));
        let (ended, end) = mpsc::channel();
        std::thread::spawn(move || {
            run(&mut thread, vec![saved]);
            ended.send(thread).unwrap();
        });
        end.recv_timeout(LONG).expect("the holder is waited for");
        answer.blocking_recv().unwrap().unwrap();
        assert_eq!(uploads(directory.path()), 1);
    }

    /// A task that shares its transaction with three others at most.
    fn large(work: impl Fn(&Connection) -> Result<()> + Send + 'static) -> Box<dyn Task> {
        Box::new(Call {
            operation: "save file",
            bytes: GROUP_BYTES / 4,
            need: Need::Order,
            work,
            result: None,
            reply: None,
        })
    }

    /// Tasks that save a file of three blocks.
    fn save_long(number: i64) -> [Box<dyn Task>; 3] {
        let append = |position| {
            large(move |connection| transaction::append(connection, "o", number, position, b"x"))
        };
        let publish = large(move |connection| {
            let (name, etag) = (FileName::new("long")?, Etag::new(number.to_string()));
            let info = FileInfo::new(name, u64::MAX >> 1, etag, SystemTime::UNIX_EPOCH);
            let last = (2, &Bytes::from_static(b"x"));
            let options = SaveOptions::default();
            transaction::publish(connection, "o", number, last, &info, &options).map(drop)
        });
        [append(0), append(1), publish]
    }

    #[test]
    fn what_replaced_files_leave_does_not_grow_while_nobody_pauses() {
        let (directory, thread) = thread();
        let (tasks, waiting) = mpsc::channel();
        for task in (0..40).flat_map(save_long) {
            tasks.send(task).unwrap();
        }
        drop(tasks);
        thread.run(&waiting);
        let connection = Connection::open(directory.path().join("files.db")).unwrap();
        let sql = "SELECT count(*) FROM block";
        let blocks: i64 = connection.query_row(sql, (), |row| row.get(0)).unwrap();
        assert!(blocks < 32, "{blocks} blocks of 120 are left");
    }

    #[test]
    fn nothing_is_saved_while_the_store_cannot_be_announced() {
        let (directory, mut thread) = thread();
        replace_by(directory.path(), "ALTER TABLE upload RENAME TO hidden");
        for _ in 0..2 {
            let (saved, mut answer) = task(|_, _| Ok(()));
            run(&mut thread, vec![saved]);
            answer.try_recv().unwrap().unwrap_err();
        }
        let other = Connection::open(directory.path().join("files.db")).unwrap();
        let sql = "ALTER TABLE hidden RENAME TO upload";
        other.execute_batch(sql).unwrap();
        let (saved, mut answer) = task(|connection, _| create(connection));
        run(&mut thread, vec![saved]);
        answer.try_recv().unwrap().unwrap();
    }

    #[test]
    fn what_was_given_up_is_not_done() {
        let (_directory, mut thread) = thread();
        let (given_up, answer) = task(|connection, _| create(connection));
        drop(answer);
        let (saved, mut answer) = task(|connection, _| create(connection));
        run(&mut thread, vec![given_up, saved]);
        answer.try_recv().unwrap().unwrap();
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
        run(&mut thread, vec![first, second, third]);
        check_kind(&mut first_answer, ErrorKind::Unavailable);
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
        run(&mut thread, vec![first, second]);
        check_kind(&mut first_answer, ErrorKind::Unavailable);
        check_kind(&mut second_answer, ErrorKind::Unavailable);
    }

    #[test]
    fn a_refusal_by_what_is_committed_is_told() {
        let (_directory, mut thread) = thread();
        let (first, mut first_answer) = task(|connection, _| create(connection));
        let (second, mut second_answer) = task(|connection, _| create(connection));
        let (third, mut third_answer) = task(|connection, _| fail(connection));
        run(&mut thread, vec![first, second, third]);
        first_answer.try_recv().unwrap().unwrap();
        check_kind(&mut second_answer, ErrorKind::AlreadyExists);
        check_kind(&mut third_answer, ErrorKind::Other);
    }

    /// Puts another database in the place of the thread's.
    fn replace(directory: &Path) {
        replace_by(directory, "");
    }

    /// Puts a database that was changed by this in the place of the thread's.
    fn replace_by(directory: &Path, sql: &str) {
        let other = directory.join("other.db");
        let database = Database::open(&other, Duration::ZERO).unwrap();
        database.connection().execute_batch(sql).unwrap();
        drop(database);
        for ending in ["-wal", "-shm"] {
            std::fs::remove_file(directory.join(format!("files.db{ending}"))).unwrap();
        }
        std::fs::rename(other, directory.join("files.db")).unwrap();
    }

    /// What the connection is set up for, after a group that needs this: its `synchronous`, and the
    /// pages at which the log is copied.
    fn set_up(thread: &mut Thread, need: Need) -> (i64, i64) {
        run(thread, vec![needing(need, |_| Ok(()))]);
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
            run(
                &mut thread,
                vec![detached(move |connection| {
                    tries.fetch_add(1, Ordering::Relaxed);
                    fail(connection)
                })],
            );
        }
        assert_eq!(thread.postponed.len(), POSTPONED_TASKS);
        let before = tries.load(Ordering::Relaxed);
        let (saved, mut answer) = task(|connection, _| create(connection));
        run(&mut thread, vec![saved]);
        answer.try_recv().unwrap().unwrap();
        assert_eq!(tries.load(Ordering::Relaxed), before + 1);
        assert_eq!(thread.postponed.len(), POSTPONED_TASKS);
    }

    #[test]
    fn postponed_work_is_done_with_the_next_success() {
        let (_directory, mut thread) = thread();
        let runs = AtomicUsize::new(0);
        let (done, mut is_done) = oneshot::channel();
        let done = Mutex::new(Some(done));
        run(
            &mut thread,
            vec![detached(move |connection| {
                if runs.fetch_add(1, Ordering::Relaxed) == 0 {
                    return fail(connection);
                }
                let done = done.lock().unwrap().take();
                done.unwrap().send(()).unwrap();
                Ok(())
            })],
        );
        assert_eq!(is_done.try_recv(), Err(TryRecvError::Empty));
        let (saved, _answer) = task(|connection, _| create(connection));
        run(&mut thread, vec![saved]);
        is_done.try_recv().unwrap();
        assert!(thread.postponed.is_empty());
    }
}
