//! What is done to the database inside the writer's transactions.
//!
//! Each of these functions refuses before it changes anything: only the database itself may fail
//! half-way, and then the transaction is rolled back.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};

use super::error::failed;
use super::rows::{self, Place, Version};
use super::{NO_CONTENT, POSITION_BITS, to_nanos};
use crate::{Error, ErrorKind, FileInfo, FileName, Result, SaveOptions};

/// Saves a file of at most one block.
pub(super) fn save(
    connection: &Connection,
    info: &FileInfo,
    bytes: &[u8],
    options: &SaveOptions,
) -> Result<FileInfo> {
    let replaced = check(connection, info, options)?;
    let content = match &replaced {
        _ if bytes.is_empty() => NO_CONTENT,
        Some(replaced) if replaced.is_one_block() => {
            // Readers keep their snapshot, so the block is written over: one page changes, where
            // one would lose a row, and another gain it.
            let sql = "INSERT OR REPLACE INTO block (id, bytes) VALUES (?1, ?2)";
            let id = key(replaced.content, 0);
            run(connection, "save file", sql, (id, bytes))?;
            replaced.content
        }
        Some(_) | None => begin_content(connection, bytes)?,
    };
    put(connection, info, content, replaced.as_ref())?;
    Ok(info.clone())
}

/// Adds a block to an upload, which the first block begins.
pub(super) fn append(
    connection: &Connection,
    owner: &str,
    number: i64,
    position: i64,
    bytes: &[u8],
) -> Result<()> {
    if position == 0 {
        let content = begin_content(connection, bytes)?;
        let sql = "INSERT INTO upload (owner, number, content) VALUES (?1, ?2, ?3)";
        return run(connection, "save file", sql, (owner, number, content)).map(drop);
    }
    let content = upload(connection, owner, number)?;
    insert_block(connection, content, position, bytes)
}

/// Adds the last block to an upload and makes it the file.
pub(super) fn publish(
    connection: &Connection,
    owner: &str,
    number: i64,
    (position, last): (i64, &Bytes),
    info: &FileInfo,
    options: &SaveOptions,
) -> Result<FileInfo> {
    let replaced = check(connection, info, options)?;
    let content = upload(connection, owner, number)?;
    insert_block(connection, content, position, last)?;
    let sql = "DELETE FROM upload WHERE owner = ?1 AND number = ?2";
    run(connection, "save file", sql, (owner, number))?;
    put(connection, info, content, replaced.as_ref())?;
    Ok(info.clone())
}

/// Gives an upload up; nothing happens if it never began.
pub(super) fn abandon(connection: &Connection, owner: &str, number: i64) -> Result<()> {
    let sql = "INSERT OR IGNORE INTO discarded
               SELECT content FROM upload WHERE owner = ?1 AND number = ?2";
    run(connection, "abandon upload", sql, (owner, number))?;
    let sql = "DELETE FROM upload WHERE owner = ?1 AND number = ?2";
    run(connection, "abandon upload", sql, (owner, number))?;
    Ok(())
}

pub(super) fn delete(connection: &Connection, name: &FileName) -> Result<()> {
    const OPERATION: &str = "delete file";
    let version = rows::find_version(connection, name, OPERATION)?
        .ok_or_else(|| Error::new(ErrorKind::NotFound, OPERATION).with_name(name.as_str()))?;
    let sql = "DELETE FROM file WHERE name = ?1";
    run(connection, OPERATION, sql, [name.as_str()])?;
    discard(connection, OPERATION, &version)
}

/// The key of a block.
pub(super) fn key(content: i64, position: i64) -> i64 {
    (content << POSITION_BITS) + position
}

/// The version that the save replaces, if it is allowed.
fn check(
    connection: &Connection,
    info: &FileInfo,
    options: &SaveOptions,
) -> Result<Option<Version>> {
    let name = &info.name;
    let place = rows::find_place(connection, name)?;
    let current = match &place {
        Place::Taken(version) => Some(&version.etag),
        Place::Free | Place::Overlap(_) => None,
    };
    options.check_mode(name, current)?;
    match place {
        Place::Free => Ok(None),
        Place::Taken(version) => Ok(Some(version)),
        Place::Overlap(found) => Err(Error::overlap(name, &found)),
    }
}

fn put(
    connection: &Connection,
    info: &FileInfo,
    content: i64,
    replaced: Option<&Version>,
) -> Result<()> {
    let sql = match replaced {
        Some(_) => {
            "UPDATE file SET content = ?2, size = ?3, etag = ?4, modified = ?5, content_type = ?6,
             metadata = ?7 WHERE name = ?1"
        }
        None => {
            "INSERT INTO file (name, content, size, etag, modified, content_type, metadata)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        }
    };
    let row = (
        info.name.as_str(),
        content,
        i64::try_from(info.size).unwrap_or(i64::MAX),
        info.etag.as_str(),
        to_nanos(info.modified),
        &info.content_type,
        rows::metadata_text(&info.metadata),
    );
    run(connection, "save file", sql, row)?;
    match replaced {
        Some(replaced) if replaced.content != content => discard(connection, "save file", replaced),
        Some(_) | None => Ok(()),
    }
}

/// Deletes a short content at once and leaves a long one to be deleted bit by bit.
fn discard(connection: &Connection, operation: &'static str, version: &Version) -> Result<()> {
    let content = version.content;
    if content == NO_CONTENT {
        return Ok(());
    }
    let (sql, number) = if version.is_one_block() {
        ("DELETE FROM block WHERE id = ?1", key(content, 0))
    } else {
        let sql = "INSERT OR IGNORE INTO discarded (content) VALUES (?1)";
        (sql, content)
    };
    run(connection, operation, sql, [number]).map(drop)
}

/// Inserts the first block of a content under a number that no content has; that number.
///
/// Those of contents that are deleted to the last block may come again, which nobody can tell.
fn begin_content(connection: &Connection, bytes: &[u8]) -> Result<i64> {
    // Whatever will be deleted by its number has a block until then.
    let sql = "INSERT INTO block (id, bytes) VALUES (
                   (1 + ifnull((SELECT id FROM block ORDER BY id DESC LIMIT 1) >> ?1, 0)) << ?1,
                   ?2
               )";
    run(connection, "save file", sql, (POSITION_BITS, bytes))?;
    Ok(connection.last_insert_rowid() >> POSITION_BITS)
}

fn insert_block(connection: &Connection, content: i64, position: i64, bytes: &[u8]) -> Result<()> {
    if position >> POSITION_BITS != 0 {
        return Err(Error::new(ErrorKind::TooLarge, "save file")
            .with_message("the file holds more than 1 TiB"));
    }
    let sql = "INSERT INTO block (id, bytes) VALUES (?1, ?2)";
    run(
        connection,
        "save file",
        sql,
        (key(content, position), bytes),
    )
    .map(drop)
}

fn upload(connection: &Connection, owner: &str, number: i64) -> Result<i64> {
    let failed = failed("save file");
    let sql = "SELECT content FROM upload WHERE owner = ?1 AND number = ?2";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let content = statement.query_row((owner, number), |row| row.get(0));
    content.optional().map_err(&failed)?.ok_or_else(|| {
        Error::new(ErrorKind::Unavailable, "save file")
            .with_message("the database was replaced while the file was saved")
    })
}

fn run(
    connection: &Connection,
    operation: &'static str,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<usize> {
    let mut statement = connection.prepare_cached(sql).map_err(failed(operation))?;
    statement.execute(values).map_err(failed(operation))
}
