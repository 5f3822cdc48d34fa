//! What is done to the database inside the writer's transactions.

use bytes::Bytes;
use rusqlite::Connection;

use super::error::failed;
use super::rows::{self, FileRow};
use super::{BLOCK, POSITION_BITS, to_nanos};
use crate::{Error, ErrorKind, FileInfo, FileName, Result, SaveOptions};

/// The content of every empty file.
const NO_CONTENT: i64 = 0;

/// How many blocks one transaction deletes: few enough that waiting saves hardly notice.
const DISCARDED_AT_ONCE: usize = 16;

/// Saves a file of at most one block.
pub(super) fn save(
    connection: &Connection,
    info: &FileInfo,
    bytes: &[u8],
    options: &SaveOptions,
) -> Result<FileInfo> {
    let replaced = check(connection, info, options)?;
    let content = if bytes.is_empty() {
        NO_CONTENT
    } else {
        let content = next_content(connection)?;
        insert_block(connection, content, 0, bytes)?;
        content
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
    let content = if position == 0 {
        let content = next_content(connection)?;
        let sql = "INSERT INTO upload (owner, number, content) VALUES (?1, ?2, ?3)";
        run(connection, "save file", sql, (owner, number, content))?;
        content
    } else {
        upload(connection, owner, number)?
    };
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
    let row = rows::find(connection, name, "delete file")?;
    run(
        connection,
        "delete file",
        "DELETE FROM file WHERE name = ?1",
        [name.as_str()],
    )?;
    discard(connection, "delete file", &row)
}

/// Deletes some blocks of discarded contents; whether there may be more.
pub(super) fn delete_discarded(connection: &Connection) -> rusqlite::Result<bool> {
    let mut first = connection.prepare_cached("SELECT content FROM discarded LIMIT 1")?;
    let mut rows = first.query(())?;
    let Some(row) = rows.next()? else {
        return Ok(false);
    };
    let content: i64 = row.get(0)?;
    drop(rows);
    let sql = "DELETE FROM block WHERE id IN
               (SELECT id FROM block WHERE id BETWEEN ?1 AND ?2 LIMIT ?3)";
    let (first, last) = (key(content, 0), key(content + 1, 0) - 1);
    let deleted = connection.prepare_cached(sql)?.execute((
        first,
        last,
        i64::try_from(DISCARDED_AT_ONCE).unwrap_or(i64::MAX),
    ))?;
    if deleted < DISCARDED_AT_ONCE {
        connection
            .prepare_cached("DELETE FROM discarded WHERE content = ?1")?
            .execute([content])?;
    }
    Ok(true)
}

/// The key of a block.
pub(super) fn key(content: i64, position: i64) -> i64 {
    (content << POSITION_BITS) + position
}

/// The row that the save replaces, if it is allowed.
fn check(
    connection: &Connection,
    info: &FileInfo,
    options: &SaveOptions,
) -> Result<Option<FileRow>> {
    let name = &info.name;
    let current = rows::find_optional(connection, name, "save file")?;
    options.check_mode(name, current.as_ref().map(|row| &row.info.etag))?;
    if current.is_none()
        && let Some(found) = rows::overlapping(connection, name)?
    {
        return Err(Error::overlap(name, &found));
    }
    Ok(current)
}

fn put(
    connection: &Connection,
    info: &FileInfo,
    content: i64,
    replaced: Option<&FileRow>,
) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO file
               (name, content, size, etag, modified, content_type, metadata)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let size = i64::try_from(info.size).unwrap_or(i64::MAX);
    let metadata = rows::metadata_text(&info.metadata);
    let (etag, modified) = (info.etag.as_str(), to_nanos(info.modified));
    let row = (
        info.name.as_str(),
        content,
        size,
        etag,
        modified,
        &info.content_type,
        metadata,
    );
    run(connection, "save file", sql, row)?;
    replaced.map_or(Ok(()), |replaced| {
        discard(connection, "save file", replaced)
    })
}

/// Deletes a short content at once and leaves a long one to be deleted bit by bit.
fn discard(connection: &Connection, operation: &'static str, row: &FileRow) -> Result<()> {
    if row.content == NO_CONTENT {
        return Ok(());
    }
    if row.info.size <= BLOCK as u64 {
        run(
            connection,
            operation,
            "DELETE FROM block WHERE id = ?1",
            [key(row.content, 0)],
        )?;
    } else {
        let sql = "INSERT OR IGNORE INTO discarded (content) VALUES (?1)";
        run(connection, operation, sql, [row.content])?;
    }
    Ok(())
}

/// A number that no block has; those of deleted contents may come again, which nobody can tell.
fn next_content(connection: &Connection) -> Result<i64> {
    let failed = failed("save file");
    let mut statement = connection
        .prepare_cached("SELECT max(id) FROM block")
        .map_err(&failed)?;
    let last: Option<i64> = statement.query_row((), |row| row.get(0)).map_err(&failed)?;
    Ok(last.map_or(NO_CONTENT, |id| id >> POSITION_BITS) + 1)
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
    statement
        .query_row((owner, number), |row| row.get(0))
        .map_err(&failed)
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
