//! `SqliteStore`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use rusqlite::Connection;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use store::{ErrorKind, FileContents, IStore, ListOptions, SqliteOptions, SqliteStore, StoreExt};
use tempfile::TempDir;

use crate::samples::{
    LONG, bytes_of, lose_no_increment, name, names_of, options, pattern, save, streamed, wait_for,
};

fn path(directory: &TempDir) -> PathBuf {
    directory.path().join("files.db")
}

async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, SqliteOptions::default())
        .await
        .unwrap()
}

async fn refusal(path: &Path) -> ErrorKind {
    let options = SqliteOptions::default().with_busy_timeout(Duration::ZERO);
    let error = SqliteStore::open(path, options).await.unwrap_err();
    assert!(error.to_string().contains("files.db"), "{error}");
    error.kind()
}

#[cfg(feature = "conformance")]
mod conformance {
    use super::*;

    async fn make_place() -> (TempDir, String) {
        let directory = tempfile::tempdir().unwrap();
        let address = path(&directory).to_str().unwrap().to_owned();
        (directory, address)
    }

    async fn open_store(address: String) -> SqliteStore {
        open(Path::new(&address)).await
    }

    store::store_conformance!(make_place, open_store);
}

fn count(connection: &Connection, table: &str) -> i64 {
    connection
        .query_row(&format!("SELECT count(*) FROM {table}"), (), |row| {
            row.get(0)
        })
        .unwrap()
}

/// Waits for what the writing thread does when it has nothing else to do.
#[track_caller]
fn wait_until(connection: &Connection, table: &str, expected: i64) {
    let what = format!("{expected} rows in `{table}`");
    wait_for(&what, || count(connection, table) == expected);
}

#[tokio::test]
async fn files_survive_a_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&path(&directory)).await;
    let info = store
        .save_bytes(&name("a"), pattern(LONG), &options())
        .await
        .unwrap();
    drop(store);
    let store = open(&path(&directory)).await;
    assert_eq!(store.get_file_info(&name("a")).await.unwrap(), info);
    assert!(bytes_of(&store, "a").await == pattern(LONG));
}

#[tokio::test]
async fn replaced_deleted_and_abandoned_contents_go() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&path(&directory)).await;
    let connection = Connection::open(path(&directory)).unwrap();
    for _ in 0..3 {
        store
            .save_file(&name("a"), streamed(&pattern(LONG)), &options())
            .await
            .unwrap();
    }
    wait_until(&connection, "block", 3);
    let wrong = options().with_expected_sha256([0; 32]);
    store
        .save_file(&name("a"), streamed(&pattern(LONG)), &wrong)
        .await
        .unwrap_err();
    wait_until(&connection, "upload", 0);
    wait_until(&connection, "block", 3);
    store.delete_file(&name("a")).await.unwrap();
    wait_until(&connection, "block", 0);
    wait_until(&connection, "discarded", 0);
}

#[tokio::test]
async fn an_opening_discards_the_uploads_of_the_dead_and_none_of_the_living() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&path(&directory)).await;
    save(&store, "a", "x").await;
    let connection = Connection::open(path(&directory)).unwrap();
    let living = directory.path().join("files.db-locks/living");
    let living = fs::File::create(living).unwrap();
    living.try_lock().unwrap();
    fs::write(directory.path().join("files.db-locks/dead"), "").unwrap();
    let rows = "INSERT INTO upload VALUES ('dead', 1, 50), ('gone', 1, 51), ('living', 1, 52);
                INSERT INTO block VALUES (50 << 20, x'00'), (51 << 20, x'00'), (52 << 20, x'00');";
    connection.execute_batch(rows).unwrap();
    let other = open(&path(&directory)).await;
    wait_until(&connection, "block", 2);
    let owner: String = connection
        .query_row("SELECT owner FROM upload", (), |row| row.get(0))
        .unwrap();
    assert_eq!(owner, "living");
    assert!(!directory.path().join("files.db-locks/dead").exists());
    assert_eq!(bytes_of(&other, "a").await, "x");
}

#[tokio::test]
async fn files_that_are_no_database_of_ours_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = path(&directory);
    fs::write(
        &path,
        "no database at all, but long enough to have had a header, had it been one; ".repeat(9),
    )
    .unwrap();
    assert_eq!(refusal(&path).await, ErrorKind::Corrupt);
    fs::remove_file(&path).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE file (x)").unwrap();
    assert_eq!(refusal(&path).await, ErrorKind::Configuration);
    drop(connection);
    fs::remove_file(&path).unwrap();
    drop(open(&path).await);
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    assert_eq!(refusal(&path).await, ErrorKind::Configuration);
    drop(connection);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(refusal(&path).await, ErrorKind::Configuration);
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused_and_gets_nothing_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = path(&directory);
    for kind in [FileType::Fifo, FileType::Directory] {
        match kind {
            FileType::Fifo => mknodat(CWD, &path, kind, Mode::RUSR | Mode::WUSR, 0).unwrap(),
            _ => fs::create_dir(&path).unwrap(),
        }
        let error = SqliteStore::open(&path, SqliteOptions::default()).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("no regular file"), "{error}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        fs::remove_file(&path)
            .or_else(|_| fs::remove_dir(&path))
            .unwrap();
    }
}

#[tokio::test]
async fn an_opening_by_another_path_discards_no_uploads_of_the_living() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("link.db");
    symlink("files.db", &link).unwrap();
    check_no_upload_is_discarded(&path(&directory), &link).await;
    // This one leads nowhere until the database is made.
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("link.db");
    symlink("files.db", &link).unwrap();
    check_no_upload_is_discarded(&link, &path(&directory)).await;
}

async fn check_no_upload_is_discarded(first: &Path, second: &Path) {
    let store = open(first).await;
    let other = second.to_owned();
    // The first blocks are written before the fifth piece is asked for.
    let pieces = stream::iter(0..6).then(move |index| {
        let other = other.clone();
        async move {
            if index == 4 {
                let connection = Connection::open(&other).unwrap();
                assert_eq!(count(&connection, "upload"), 1);
                save(&open(&other).await, "b", "x").await;
            }
            Ok(Bytes::from(vec![7; 1 << 20]))
        }
    });
    let contents = FileContents::from_stream(pieces.boxed(), None);
    store
        .save_file(&name("a"), contents, &options())
        .await
        .unwrap();
    assert!(bytes_of(&store, "a").await == vec![7; 6 << 20]);
    assert!(!first.with_file_name("link.db-locks").exists());
}

#[tokio::test]
async fn an_opening_that_another_holds_up_is_unavailable() {
    let directory = tempfile::tempdir().unwrap();
    let path = path(&directory);
    let busy = SqliteOptions::default().with_busy_timeout(Duration::ZERO);
    let store = SqliteStore::open(&path, busy).await.unwrap();
    save(&store, "a", "x").await;
    let other = directory.path().join("other.db");
    Connection::open(&path)
        .unwrap()
        .execute("VACUUM INTO ?1", [other.to_str().unwrap()])
        .unwrap();
    let held = fs::File::open(directory.path().join("files.db-locks/opening")).unwrap();
    held.lock().unwrap();
    assert_eq!(refusal(&path).await, ErrorKind::Unavailable);
    // The writing thread opens a database that was replaced, and waits no longer either.
    for ending in ["-wal", "-shm"] {
        fs::remove_file(directory.path().join(format!("files.db{ending}"))).unwrap();
    }
    fs::rename(&other, &path).unwrap();
    let refused = store.save_bytes(&name("b"), "y", &options()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable);
    drop(held);
    save(&store, "b", "y").await;
    assert_eq!(names_of(&store, &ListOptions::default()).await, ["a", "b"]);
    open(&path).await;
}

#[tokio::test]
async fn a_locked_database_is_unavailable_and_writable_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let busy = SqliteOptions::default().with_busy_timeout(Duration::ZERO);
    let store = SqliteStore::open(path(&directory), busy).await.unwrap();
    save(&store, "a", "x").await;
    let other = Connection::open(path(&directory)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store
        .save_bytes(&name("a"), "y", &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.is_retryable());
    assert_eq!(bytes_of(&store, "a").await, "x");
    other.execute_batch("ROLLBACK").unwrap();
    save(&store, "a", "z").await;
    assert_eq!(bytes_of(&store, "a").await, "z");
}

#[tokio::test]
async fn an_upload_that_cannot_be_given_up_at_once_is_given_up_later() {
    let directory = tempfile::tempdir().unwrap();
    let path = path(&directory);
    let busy = SqliteOptions::default().with_busy_timeout(Duration::ZERO);
    let store = SqliteStore::open(&path, busy).await.unwrap();
    let (sent, locked) = tokio::sync::oneshot::channel();
    let mut sent = Some((sent, path.clone()));
    let pieces = stream::iter(0..6).map(move |index| {
        if index == 4
            && let Some((sent, path)) = sent.take()
        {
            // The first blocks are written before the fifth piece is asked for.
            let other = Connection::open(path).unwrap();
            assert_eq!(count(&other, "upload"), 1);
            other.execute_batch("BEGIN IMMEDIATE").unwrap();
            sent.send(other).unwrap();
        }
        Ok(Bytes::from(vec![7; 1 << 20]))
    });
    let contents = FileContents::from_stream(pieces.boxed(), None);
    let error = store
        .save_file(&name("a"), contents, &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    let other = locked.await.unwrap();
    // The writing thread works in order: it has tried to give the upload up before it fails here.
    let refused = store.save_bytes(&name("b"), "x", &options()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(count(&other, "upload"), 1);
    other.execute_batch("ROLLBACK").unwrap();
    save(&store, "b", "x").await;
    wait_until(&other, "upload", 0);
    wait_until(&other, "block", 1);
}

#[tokio::test]
async fn a_save_that_fails_takes_nothing_of_its_group_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&path(&directory)).await;
    save(&store, "taken", "x").await;
    // All of these are sent before the writing thread can commit the first.
    let create = options().with_mode(store::SaveMode::Create);
    let names: Vec<_> = (0..40)
        .map(|number| {
            if number % 2 == 0 {
                "taken".to_owned()
            } else {
                format!("n{number:02}")
            }
        })
        .map(|text| name(&text))
        .collect();
    let saves = names
        .iter()
        .map(|name| store.save_bytes(name, "y", &create));
    for (name, result) in names
        .iter()
        .zip(futures_util::future::join_all(saves).await)
    {
        match result {
            Ok(info) => assert_eq!(store.get_file_info(name).await.unwrap(), info),
            Err(error) => {
                assert_eq!(
                    (error.kind(), name.as_str()),
                    (ErrorKind::AlreadyExists, "taken")
                );
            }
        }
    }
    assert_eq!(names_of(&store, &ListOptions::default()).await.len(), 21);
    assert_eq!(bytes_of(&store, "taken").await, "x");
}

#[tokio::test]
async fn a_save_that_the_database_fails_half_way_leaves_nothing_and_fails_alone() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&path(&directory)).await;
    let connection = Connection::open(path(&directory)).unwrap();
    // The row of the file comes after its block.
    let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON file WHEN new.name GLOB 'bad*'
                   BEGIN SELECT RAISE(FAIL, 'refused'); END";
    connection.execute_batch(trigger).unwrap();
    let names: Vec<_> = (0..20)
        .flat_map(|number| {
            [
                name(&format!("bad{number}")),
                name(&format!("good{number}")),
            ]
        })
        .collect();
    let options = options();
    let saves = names
        .iter()
        .map(|name| store.save_bytes(name, "y", &options));
    let results = futures_util::future::join_all(saves).await;
    for (name, result) in names.iter().zip(results) {
        match result {
            Ok(_) => assert!(name.as_str().starts_with("good"), "{name}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Other);
                assert!(name.as_str().starts_with("bad"), "{name}: {error:?}");
            }
        }
    }
    assert_eq!(
        (count(&connection, "file"), count(&connection, "block")),
        (20, 20)
    );
}

#[tokio::test]
async fn space_that_is_free_is_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&path(&directory)).await;
    let connection = Connection::open(path(&directory)).unwrap();
    let number = |sql| -> i64 { connection.query_row(sql, (), |row| row.get(0)).unwrap() };
    let size = || number("PRAGMA page_count") * number("PRAGMA page_size");
    let long = vec![7; 80 << 20];
    store
        .save_bytes(&name("a"), long, &options())
        .await
        .unwrap();
    assert!(size() > 80 << 20);
    store.delete_file(&name("a")).await.unwrap();
    wait_for("free pages are given back", || size() <= 66 << 20);
}

#[tokio::test]
async fn missing_blocks_are_told_as_corrupt() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&path(&directory)).await;
    let connection = Connection::open(path(&directory)).unwrap();
    save(&store, "a", "xyz").await;
    connection
        .execute_batch("UPDATE block SET bytes = x'00'")
        .unwrap();
    let error = store.get_file_bytes(&name("a"), 9).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    connection.execute_batch("DELETE FROM block").unwrap();
    let error = store.get_file_bytes(&name("a"), 9).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(store.get_file_info(&name("a")).await.unwrap().size, 3);
}

#[tokio::test]
async fn missing_and_cut_blocks_of_a_long_file_are_told_as_corrupt() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&path(&directory)).await;
    let connection = Connection::open(path(&directory)).unwrap();
    store
        .save_bytes(&name("a"), pattern(LONG), &options())
        .await
        .unwrap();
    for (damage, told) in [
        ("UPDATE block SET bytes = x'00' WHERE id & 1", "length"),
        ("DELETE FROM block WHERE id & 1", "missing"),
    ] {
        connection.execute_batch(damage).unwrap();
        let file = store
            .get_file_contents(&name("a"), &store::ReadOptions::default())
            .await
            .unwrap();
        let mut blocks = file.contents.into_stream();
        assert!(pattern(LONG).starts_with(&blocks.next().await.unwrap().unwrap()));
        let error = blocks.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!(error.name(), Some("a"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_on_one_database_lose_no_increment() {
    let directory = tempfile::tempdir().unwrap();
    let path = path(&directory);
    lose_no_increment([open(&path).await, open(&path).await]).await;
}

#[tokio::test]
async fn streams_that_are_read_slowly_hold_up_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&path(&directory)).await;
    store
        .save_bytes(&name("a"), pattern(LONG), &options())
        .await
        .unwrap();
    let mut streams = Vec::new();
    for _ in 0..20 {
        let file = store
            .get_file_contents(&name("a"), &store::ReadOptions::default())
            .await;
        streams.push(file.unwrap());
    }
    save(&store, "b", "x").await;
    assert_eq!(names_of(&store, &ListOptions::default()).await, ["a", "b"]);
}
