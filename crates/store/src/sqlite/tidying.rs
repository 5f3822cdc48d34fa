//! Deletes what was discarded, bit by bit, and gives free space back.

use rusqlite::{Connection, OptionalExtension};

use super::transaction::key;

/// How many blocks one transaction deletes: few enough that waiting saves hardly notice, and no
/// fewer than the tasks after which it comes, each of which may have added one.
const DISCARDED_AT_ONCE: i64 = 16;

/// Pages given back to the file system in one go.
const VACUUMED_PAGES: i64 = 256;

/// Bytes of free pages that are kept for the files to come.
const KEPT_FREE_BYTES: i64 = 64 * 1024 * 1024;

/// Whether no block is discarded and no more free pages are kept than should be.
pub(super) fn is_tidy(connection: &Connection) -> rusqlite::Result<bool> {
    let discarded = "SELECT 1 FROM discarded LIMIT 1";
    Ok(!connection.prepare_cached(discarded)?.exists(())? && !has_much_free(connection)?)
}

fn has_much_free(connection: &Connection) -> rusqlite::Result<bool> {
    let count = |sql| -> rusqlite::Result<i64> {
        connection
            .prepare_cached(sql)?
            .query_row((), |row| row.get(0))
    };
    let free = count("PRAGMA freelist_count")?;
    Ok(free > 0
        && free * count("PRAGMA page_size")? > KEPT_FREE_BYTES
        && free > count("PRAGMA page_count")? / 4)
}

/// Deletes a few discarded blocks or, if there are none, gives a few free pages back; whether there
/// was anything to do.
///
/// A database that another program made may be of a kind that gives nothing back.
pub(super) fn tidy(connection: &Connection) -> rusqlite::Result<bool> {
    if delete_discarded(connection)? {
        return Ok(true);
    }
    if !has_much_free(connection)? {
        return Ok(false);
    }
    let sql = format!("PRAGMA incremental_vacuum({VACUUMED_PAGES})");
    let mut vacuum = connection.prepare_cached(&sql)?;
    // Each step gives one page back.
    let mut pages = vacuum.query(())?;
    let mut is_changed = false;
    while pages.next()?.is_some() {
        is_changed = true;
    }
    Ok(is_changed)
}

/// Deletes some blocks of discarded contents; whether there were any contents.
fn delete_discarded(connection: &Connection) -> rusqlite::Result<bool> {
    let mut left = DISCARDED_AT_ONCE;
    while left > 0 {
        let sql = "SELECT content FROM discarded LIMIT 1";
        let mut first = connection.prepare_cached(sql)?;
        let Some(content) = first.query_row((), |row| row.get(0)).optional()? else {
            break;
        };
        left -= delete_blocks(connection, content, left)?.max(1);
    }
    Ok(left < DISCARDED_AT_ONCE)
}

/// Deletes some blocks of a discarded content; how many.
fn delete_blocks(connection: &Connection, content: i64, most: i64) -> rusqlite::Result<i64> {
    let sql = "DELETE FROM block WHERE id IN
               (SELECT id FROM block WHERE id BETWEEN ?1 AND ?2 LIMIT ?3)";
    let (first, last) = (key(content, 0), key(content + 1, 0) - 1);
    let count = connection
        .prepare_cached(sql)?
        .execute((first, last, most))?;
    // With its last block, or the row would outlive what it speaks of.
    let sql = "DELETE FROM discarded WHERE content = ?1 AND NOT EXISTS
               (SELECT 1 FROM block WHERE id BETWEEN ?2 AND ?3)";
    connection
        .prepare_cached(sql)?
        .execute((content, first, last))?;
    Ok(i64::try_from(count).unwrap_or(most))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use bytes::Bytes;

    use super::super::{schema, transaction};
    use super::*;
    use crate::{Etag, FileInfo, FileName, SaveOptions};

    fn info(text: &str) -> FileInfo {
        let name = FileName::new(text).unwrap();
        FileInfo::new(name, 1, Etag::new("1"), SystemTime::UNIX_EPOCH)
    }

    fn save(connection: &Connection, text: &str) {
        transaction::save(connection, &info(text), b"x", &SaveOptions::default()).unwrap();
    }

    fn upload(connection: &Connection, number: i64, blocks: i64) {
        for position in 0..blocks {
            transaction::append(connection, "o", number, position, b"y").unwrap();
        }
    }

    /// The blocks that are the first of a file, and the discarded contents.
    fn counts(connection: &Connection) -> (i64, i64) {
        let sql = "SELECT (SELECT count(DISTINCT id) FROM file JOIN block ON id = content << 20),
                          (SELECT count(*) FROM discarded)";
        let row = connection.query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?)));
        row.unwrap()
    }

    /// Tidies up to the end, and saves a file after each step.
    fn check_saves_between(connection: &Connection, text: &str) {
        let (before, _) = counts(connection);
        let mut saved = 0;
        while !is_tidy(connection).unwrap() {
            tidy(connection).unwrap();
            save(connection, &format!("{text}/{saved}"));
            saved += 1;
        }
        assert_eq!(counts(connection), (before + saved, 0), "{text}");
    }

    #[test]
    fn what_is_saved_while_contents_are_deleted_bit_by_bit_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("files.db");
        let connection = schema::open_writer(&path, Duration::ZERO).unwrap();
        for blocks in [1, 2, 15, 16, 17, 31, 32, 33, 48] {
            upload(&connection, blocks, blocks);
            transaction::abandon(&connection, "o", blocks).unwrap();
            check_saves_between(&connection, &format!("abandoned{blocks}"));

            let long = FileInfo {
                size: u64::MAX >> 1,
                ..info("long")
            };
            upload(&connection, blocks, blocks);
            let last = (blocks, &Bytes::from_static(b"z"));
            let options = SaveOptions::default();
            transaction::publish(&connection, "o", blocks, last, &long, &options).unwrap();
            transaction::delete(&connection, &long.name).unwrap();
            check_saves_between(&connection, &format!("deleted{blocks}"));
        }
    }

    /// Blocks of 1 MiB, numbered from 0.
    fn insert_blocks(connection: &Connection, count: i64) {
        let block = "INSERT INTO block VALUES (?1, zeroblob(1 << 20))";
        for id in 0..count {
            connection.execute(block, [id]).unwrap();
        }
    }

    #[test]
    fn free_space_is_given_back_down_to_what_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("files.db");
        let connection = schema::open_writer(&path, Duration::ZERO).unwrap();
        insert_blocks(&connection, 80);
        connection.execute("DELETE FROM block", ()).unwrap();
        while !is_tidy(&connection).unwrap() {
            tidy(&connection).unwrap();
        }
        let number = |name| -> i64 {
            let number = connection.pragma_query_value(None, name, |row| row.get(0));
            number.unwrap()
        };
        let kept = number("freelist_count") * number("page_size");
        assert!(kept <= KEPT_FREE_BYTES, "{kept} bytes are kept");
        assert!(kept > KEPT_FREE_BYTES - (2 << 20), "{kept} bytes are kept");
    }

    #[test]
    fn tidying_ends_where_no_space_can_be_given_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("files.db");
        let connection = Connection::open(&path).unwrap();
        // Which settles that free pages stay in the file.
        connection.execute_batch("PRAGMA user_version = 0").unwrap();
        drop(connection);
        let connection = schema::open_writer(&path, Duration::ZERO).unwrap();
        insert_blocks(&connection, 65);
        connection.execute("DELETE FROM block", ()).unwrap();
        assert!(!is_tidy(&connection).unwrap());
        assert!(!tidy(&connection).unwrap());
    }

    #[test]
    fn a_quarter_of_a_large_file_may_be_free() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("files.db");
        let connection = schema::open_writer(&path, Duration::ZERO).unwrap();
        insert_blocks(&connection, 280);
        connection
            .execute("DELETE FROM block WHERE id < 68", ())
            .unwrap();
        assert!(is_tidy(&connection).unwrap());
        connection
            .execute("DELETE FROM block WHERE id < 75", ())
            .unwrap();
        assert!(!is_tidy(&connection).unwrap());
    }
}
