//! `SqliteStore` in trouble.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;
use store::{SqliteOptions, SqliteStore};

use super::*;
use crate::samples::wait_for;

async fn open(path: &Path) -> Result<Arc<dyn IStore>> {
    let options = SqliteOptions::default().with_busy_timeout(Duration::from_secs(1));
    SqliteStore::open(path, options).await.map(boxed)
}

/// A database of its own with one file, and nothing beside it.
async fn backup(directory: &Path, text: &str) -> PathBuf {
    let path = directory.join(format!("backup-{text}.db"));
    let store = open(&path).await.unwrap();
    save(store.as_ref(), text, "backup").await.unwrap();
    let connection = Connection::open(&path).unwrap();
    let copy = directory.join(format!("{text}.db"));
    connection
        .execute("VACUUM INTO ?1", [copy.to_str().unwrap()])
        .unwrap();
    copy
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

#[tokio::test]
async fn a_full_disk_is_told_and_survived() {
    let Some(disk) = Disk::mount(48) else { return };
    let path = disk.path().join("files.db");
    let store = open(&path).await.unwrap();
    check_full_disk(&disk, store.as_ref()).await;
    // Not even the uploads that failed stay behind.
    let connection = Connection::open(&path).unwrap();
    let count = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        connection.query_row(&sql, (), |row| row.get(0)).unwrap()
    };
    wait_for("no upload is left", || {
        count("upload") + count("discarded") == 0
    });
}

#[tokio::test]
async fn a_full_disk_opens_no_store_and_takes_nothing_from_one() {
    let Some(disk) = Disk::mount(24) else { return };
    let path = disk.path().join("files.db");
    let store = open(&path).await.unwrap();
    save(store.as_ref(), "old", "x").await.unwrap();
    drop(store);
    let filler = disk.fill();
    let rest = disk.path().join("rest");
    // To the last byte.
    let full = fs::write(&rest, vec![7; 2 * MIB]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    check_kind(
        open(&disk.path().join("new.db")).await,
        ErrorKind::StorageFull,
    );
    fs::remove_file(filler).unwrap();
    let store = open(&path).await.unwrap();
    assert_eq!(read(store.as_ref(), "old").await.unwrap(), "x");
    save(store.as_ref(), "old", "y").await.unwrap();
}

#[tokio::test]
async fn a_read_only_disk_opens_no_store() {
    let Some(disk) = Disk::mount(8) else { return };
    let path = disk.path().join("files.db");
    let store = open(&path).await.unwrap();
    save(store.as_ref(), "old", "x").await.unwrap();
    drop(store);
    // The writing thread closes the database a moment later.
    wait_for("the database is closed", || {
        !beside(&path, "-wal").exists() && disk.turn_read_only()
    });
    check_kind(open(&path).await, ErrorKind::PermissionDenied);
    disk.turn_writable();
    let store = open(&path).await.unwrap();
    assert_eq!(read(store.as_ref(), "old").await.unwrap(), "x");
}

#[test]
fn refused_access_is_told() {
    where_permissions_count(async || {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("files.db");
        let store = open(&path).await.unwrap();
        save(store.as_ref(), "old", "x").await.unwrap();
        let denied = ErrorKind::PermissionDenied;
        set_mode(&path, 0o444);
        check_kind(open(&path).await, denied);
        set_mode(&path, 0);
        check_kind(open(&path).await, denied);
        set_mode(&path, 0o644);
        set_mode(directory.path(), 0o555);
        check_kind(open(&directory.path().join("new.db")).await, denied);
        set_mode(directory.path(), 0);
        check_kind(save(store.as_ref(), "old", "y").await, denied);
        check_kind(read(store.as_ref(), "old").await, denied);
        set_mode(directory.path(), 0o755);

        assert_eq!(read(store.as_ref(), "old").await.unwrap(), "x");
        save(store.as_ref(), "old", "y").await.unwrap();
        let other = open(&path).await.unwrap();
        assert_eq!(read(other.as_ref(), "old").await.unwrap(), "y");
    });
}

#[tokio::test]
async fn a_directory_that_was_removed_is_unavailable_until_it_is_back() {
    let directory = tempfile::tempdir().unwrap();
    let copy = backup(directory.path(), "old").await;
    let place = directory.path().join("store");
    let path = place.join("files.db");
    let store = open(&path).await.unwrap();
    save(store.as_ref(), "old", "x").await.unwrap();
    fs::remove_dir_all(&place).unwrap();
    check_all(store.as_ref(), ErrorKind::Unavailable).await;
    assert!(!place.exists());
    fs::create_dir(&place).unwrap();
    check_all(store.as_ref(), ErrorKind::Unavailable).await;
    assert!(!path.exists());
    fs::rename(copy, &path).unwrap();
    assert_eq!(read(store.as_ref(), "old").await.unwrap(), "backup");
    save_long(store.as_ref(), "new", 2).await.unwrap();
    let other = open(&path).await.unwrap();
    assert_eq!(names(other.as_ref()).await.unwrap(), ["new", "old"]);
}

#[tokio::test]
async fn a_database_that_was_replaced_is_opened_anew() {
    let directory = tempfile::tempdir().unwrap();
    let copy = backup(directory.path(), "copy").await;
    let path = directory.path().join("files.db");
    let store = open(&path).await.unwrap();
    save(store.as_ref(), "old", "x").await.unwrap();
    assert_eq!(read(store.as_ref(), "old").await.unwrap(), "x");
    for ending in ["-wal", "-shm"] {
        fs::remove_file(beside(&path, ending)).unwrap();
    }
    fs::rename(copy, &path).unwrap();
    assert_eq!(names(store.as_ref()).await.unwrap(), ["copy"]);
    save(store.as_ref(), "new", "y").await.unwrap();
    drop(store);
    let other = open(&path).await.unwrap();
    assert_eq!(names(other.as_ref()).await.unwrap(), ["copy", "new"]);
    assert_eq!(read(other.as_ref(), "new").await.unwrap(), "y");
}

#[tokio::test]
async fn a_long_save_whose_database_is_replaced_is_unavailable() {
    let directory = tempfile::tempdir().unwrap();
    let copy = backup(directory.path(), "copy").await;
    let path = directory.path().join("files.db");
    let store = open(&path).await.unwrap();
    let mut replace = Some((copy, path.clone()));
    let pieces = stream::iter(0..6).map(move |index| {
        // The first blocks are written before the fifth piece is asked for.
        if index == 4
            && let Some((copy, path)) = replace.take()
        {
            for ending in ["-wal", "-shm"] {
                fs::remove_file(beside(&path, ending)).unwrap();
            }
            fs::rename(copy, path).unwrap();
        }
        Ok(Bytes::from(vec![7; MIB]))
    });
    let contents = FileContents::from_stream(pieces.boxed(), None);
    let options = SaveOptions::default();
    let saved = store.save_file(&name("new"), contents, &options).await;
    check_kind(saved, ErrorKind::Unavailable);
    assert_eq!(names(store.as_ref()).await.unwrap(), ["copy"]);
    save_long(store.as_ref(), "new", 3).await.unwrap();
    assert_eq!(names(store.as_ref()).await.unwrap(), ["copy", "new"]);
}

#[tokio::test]
async fn damage_is_told_as_corrupt_and_spares_the_other_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("files.db");
    let store = open(&path).await.unwrap();
    save_long(store.as_ref(), "long", 3).await.unwrap();
    save(store.as_ref(), "old", "x").await.unwrap();
    drop(store);
    let connection = Connection::open(&path).unwrap();
    // The blocks of the long file get the type byte of no page.
    let page = |sql: &str| -> i64 { connection.query_row(sql, (), |row| row.get(0)).unwrap() };
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
        .unwrap();
    let damaged = page("SELECT rootpage FROM sqlite_schema WHERE name = 'block'");
    let length = page("PRAGMA page_size");
    drop(connection);
    let mut bytes = fs::read(&path).unwrap();
    bytes[usize::try_from((damaged - 1) * length).unwrap()] = 0xff;
    fs::write(&path, bytes).unwrap();
    let store = open(&path).await.unwrap();
    check_kind(read(store.as_ref(), "long").await, ErrorKind::Corrupt);
    check_kind(save(store.as_ref(), "old", "y").await, ErrorKind::Corrupt);
    assert_eq!(names(store.as_ref()).await.unwrap(), ["long", "old"]);
}
