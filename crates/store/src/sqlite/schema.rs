//! The database's tables, and how a connection is set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::failed;
use super::log;
use crate::{Error, ErrorKind, Result};

/// Marks the file as ours: the bytes `stor`, in the header's `application_id`.
const APPLICATION: i64 = 0x7374_6f72;

/// The KiB of pages that the writer keeps: those of a few hundred small files.
const WRITER_CACHE: u32 = 4096;

/// The KiB of pages that each reader keeps, until the next save makes them useless.
const READER_CACHE: u32 = 1024;

/// One script for each version of the schema; the version of a database is how many were run on it.
///
/// A block's key is its content's number and its position, so that contents are read and deleted by
/// range. Content 0 is that of every empty file. `discarded` are contents whose blocks are deleted
/// bit by bit, each of which has at least one left: new contents are numbered above all blocks.
///
/// The second script removes what earlier builds left there without a block, whose number a new
/// content would get or has got, to be deleted by it.
const MIGRATIONS: [&str; 2] = [
    "
    CREATE TABLE file (
        name TEXT PRIMARY KEY NOT NULL,
        content INTEGER NOT NULL,
        size INTEGER NOT NULL,
        etag TEXT NOT NULL,
        modified INTEGER NOT NULL,
        content_type TEXT NOT NULL,
        metadata TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE block (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
    CREATE TABLE upload (
        owner TEXT NOT NULL,
        number INTEGER NOT NULL,
        content INTEGER NOT NULL,
        PRIMARY KEY (owner, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE discarded (content INTEGER PRIMARY KEY) STRICT;
",
    "
    DELETE FROM discarded WHERE
        content IN (SELECT content FROM file UNION ALL SELECT content FROM upload)
        OR NOT EXISTS
        (SELECT 1 FROM block WHERE id BETWEEN content << 20 AND (content + 1 << 20) - 1);
",
];

/// Opens the connection that writes; makes the database or brings it up to date.
///
/// Not to be called by two at the same time: SQLite does not wait for the change to the write-ahead
/// log.
pub(super) fn open_writer(path: &Path, busy_timeout: Duration) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    set_up_writer(path, flags, busy_timeout)
}

/// Like [`open_writer`], on a database that must be there.
pub(super) fn reopen_writer(path: &Path, busy_timeout: Duration) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    set_up_writer(path, flags, busy_timeout)
}

fn set_up_writer(path: &Path, flags: OpenFlags, busy_timeout: Duration) -> Result<Connection> {
    let opened = open(path, flags, busy_timeout).and_then(|mut connection| {
        check_writable(&connection)?;
        check_ours(&connection)?;
        // These two take effect while the file is empty, and do nothing later.
        connection
            .execute_batch("PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL;")
            .map_err(failed("open store"))?;
        use_log(&connection)?;
        log::cut(&connection).map_err(failed("open store"))?;
        // On Apple's systems a flush otherwise ends in the disk's own memory; elsewhere nothing
        // changes.
        connection
            .execute_batch("PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1;")
            .map_err(failed("open store"))?;
        set_cache(&connection, WRITER_CACHE)?;
        migrate(&mut connection)?;
        Ok(connection)
    });
    opened.map_err(|error| error.with_name(path.display().to_string()))
}

/// Opens a connection that reads.
pub(super) fn open_reader(path: &Path, busy_timeout: Duration) -> Result<Connection> {
    // A reader of a write-ahead log writes to its index, so the file is opened for writing.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags, busy_timeout)?;
    connection
        .execute_batch("PRAGMA query_only = 1;")
        .map_err(failed("open store"))?;
    set_cache(&connection, READER_CACHE)?;
    Ok(connection)
}

/// Limits the pages that a connection keeps in memory.
///
/// SQLite's own limit of 2,000 KiB is counted in pages before it knows how long a page is, and so
/// would let four times as much be kept.
fn set_cache(connection: &Connection, kib: u32) -> Result<()> {
    connection
        .execute_batch(&format!("PRAGMA cache_size = -{kib};"))
        .map_err(failed("open store"))
}

fn open(path: &Path, flags: OpenFlags, busy_timeout: Duration) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags).map_err(failed("open store"))?;
    connection
        .busy_timeout(busy_timeout)
        .map_err(failed("open store"))?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

fn check_writable(connection: &Connection) -> Result<()> {
    // SQLite opens a file that it may not write for reading, and says nothing.
    if connection
        .is_readonly("main")
        .map_err(failed("open store"))?
    {
        return Err(Error::new(ErrorKind::PermissionDenied, "open store")
            .with_message("the database cannot be written"));
    }
    Ok(())
}

fn check_ours(connection: &Connection) -> Result<()> {
    let number = |sql| connection.query_row(sql, (), |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id").map_err(failed("open store"))?;
    let tables = number("SELECT count(*) FROM sqlite_schema").map_err(failed("open store"))?;
    if application == APPLICATION || (application == 0 && tables == 0) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Configuration, "open store")
        .with_message("the database belongs to another program"))
}

/// Turns the write-ahead log on, without which readers and the writer would wait for each other.
fn use_log(connection: &Connection) -> Result<()> {
    // SQLite tells the mode that stays, as where the file system has no shared memory.
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))
        .map_err(failed("open store"))?;
    if mode == "wal" {
        return Ok(());
    }
    Err(
        Error::new(ErrorKind::Configuration, "open store").with_message(format!(
            "the database takes no write-ahead log: its journal mode stays `{mode}`"
        )),
    )
}

fn migrate(connection: &mut Connection) -> Result<()> {
    let version = |connection: &Connection| {
        connection
            .query_row("PRAGMA user_version", (), |row| row.get::<_, i64>(0))
            // A negative version is none of ours either.
            .map(|version| usize::try_from(version).unwrap_or(usize::MAX))
            .map_err(failed("open store"))
    };
    if version(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed("open store"))?;
    let found = version(&transaction)?;
    let Some(missing) = MIGRATIONS.get(found..) else {
        return Err(
            Error::new(ErrorKind::Configuration, "open store").with_message(format!(
                "the database has version {found}, newer than this program's {}",
                MIGRATIONS.len()
            )),
        );
    };
    for script in missing {
        transaction
            .execute_batch(script)
            .map_err(failed("open store"))?;
    }
    let marks = format!(
        "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {};",
        MIGRATIONS.len()
    );
    transaction
        .execute_batch(&marks)
        .map_err(failed("open store"))?;
    transaction.commit().map_err(failed("open store"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flush_reaches_the_disk_itself() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("files.db");
        let connection = open_writer(&path, Duration::ZERO).unwrap();
        for pragma in ["fullfsync", "checkpoint_fullfsync"] {
            let is_set = connection.pragma_query_value(None, pragma, |row| row.get(0));
            assert_eq!(is_set, Ok(1), "{pragma}");
        }
    }

    #[test]
    fn a_new_database_has_long_pages_and_gives_space_back() {
        let directory = tempfile::tempdir().unwrap();
        let connection = open_writer(&directory.path().join("files.db"), Duration::ZERO).unwrap();
        // 2 stands for `INCREMENTAL`.
        for (pragma, expected) in [("page_size", 8192), ("auto_vacuum", 2)] {
            let value = connection.pragma_query_value(None, pragma, |row| row.get(0));
            assert_eq!(value, Ok(expected), "{pragma}");
        }
    }

    #[test]
    fn no_content_has_the_number_of_what_earlier_builds_discarded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("files.db");
        let connection = open_writer(&path, Duration::ZERO).unwrap();
        let rows = "INSERT INTO discarded VALUES (1), (2), (3), (4), (5);
                    INSERT INTO block SELECT id, x'00' FROM (SELECT (2 << 20) + 5 AS id
                        UNION SELECT 4 << 20 UNION SELECT 5 << 20 UNION SELECT 6 << 20);
                    INSERT INTO file VALUES ('a', 4, 1, '1', 0, '', NULL);
                    INSERT INTO upload VALUES ('o', 1, 5);
                    PRAGMA user_version = 1;";
        connection.execute_batch(rows).unwrap();
        drop(connection);
        let connection = open_writer(&path, Duration::ZERO).unwrap();
        let sql = "SELECT group_concat(content) FROM discarded";
        let left = connection.query_row(sql, (), |row| row.get(0));
        assert_eq!(left, Ok("2".to_owned()));
        assert_eq!(
            connection.pragma_query_value(None, "user_version", |row| row.get(0)),
            Ok(2)
        );
    }

    #[test]
    fn a_database_that_takes_no_log_is_refused() {
        // As one on a file system without shared memory.
        let connection = Connection::open_in_memory().unwrap();
        let error = use_log(&connection).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
        assert!(error.to_string().contains("`memory`"), "{error}");
    }
}
