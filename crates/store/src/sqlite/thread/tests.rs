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
    bytes: usize,
    work: impl Fn(&Connection) -> Result<()> + Send + 'static,
    reply: Option<oneshot::Sender<Result<()>>>,
) -> Box<dyn Task> {
    Box::new(Call {
        operation: "save file",
        bytes,
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
    (call(Need::Order, 0, work, Some(reply)), answer)
}

fn needing(need: Need, work: impl Fn(&Connection) -> Result<()> + Send + 'static) -> Box<dyn Task> {
    call(need, 0, work, None)
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

/// Tasks of so many bytes that save a file of three blocks.
fn save_long(number: i64, bytes: usize) -> [Box<dyn Task>; 3] {
    let append = |position| {
        let work = move |connection: &Connection| {
            transaction::append(connection, "o", number, position, b"x")
        };
        call(Need::Order, bytes, work, None)
    };
    let publish = move |connection: &Connection| {
        let (name, etag) = (FileName::new("long")?, Etag::new(number.to_string()));
        let info = FileInfo::new(name, u64::MAX >> 1, etag, SystemTime::UNIX_EPOCH);
        let last = (2, &Bytes::from_static(b"x"));
        let options = SaveOptions::default();
        transaction::publish(connection, "o", number, last, &info, &options).map(drop)
    };
    let publish = call(Need::Order, bytes, publish, None);
    [append(0), append(1), publish]
}

#[test]
fn what_replaced_files_leave_does_not_grow_while_nobody_pauses() {
    for together in [1, 4, 12, 16] {
        let (directory, thread) = thread();
        let (tasks, waiting) = mpsc::channel();
        let bytes = GROUP_BYTES.div_ceil(together);
        for task in (0..400).flat_map(|number| save_long(number, bytes)) {
            tasks.send(task).unwrap();
        }
        drop(tasks);
        thread.run(&waiting);
        let connection = Connection::open(directory.path().join("files.db")).unwrap();
        let sql = "SELECT count(*) FROM block";
        let blocks: i64 = connection.query_row(sql, (), |row| row.get(0)).unwrap();
        // In 16 groups nobody looks at first.
        let bound = 16 * i64::try_from(together).unwrap() + 40;
        assert!(
            blocks < bound,
            "{blocks} blocks of 1200 are left by groups of {together}"
        );
    }
}

#[test]
fn nothing_is_saved_while_the_store_cannot_be_announced() {
    let (directory, mut thread) = thread();
    replace_by(directory.path(), "ALTER TABLE upload RENAME TO hidden");
    for _ in 0..2 {
        let (saved, mut answer) = task(|_, _| Ok(()));
        run(&mut thread, vec![saved]);
        check_kind(&mut answer, ErrorKind::Other);
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
