//! Deletes what was discarded, bit by bit, and gives free space back.

use rusqlite::Connection;

use super::transaction::key;

/// How many blocks one transaction deletes: few enough that waiting saves hardly notice.
const DISCARDED_AT_ONCE: usize = 16;

/// Pages given back to the file system in one go.
const VACUUMED_PAGES: i64 = 256;

/// Free pages that are kept for the files to come, 64 MiB of them.
const KEPT_FREE_PAGES: i64 = 4096;

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
    Ok(free > KEPT_FREE_PAGES && free > count("PRAGMA page_count")? / 4)
}

/// Deletes a few discarded blocks or, if there are none, gives a few free pages back.
pub(super) fn tidy(connection: &Connection) -> rusqlite::Result<()> {
    if delete_discarded(connection)? || !has_much_free(connection)? {
        return Ok(());
    }
    let sql = format!("PRAGMA incremental_vacuum({VACUUMED_PAGES})");
    let mut vacuum = connection.prepare_cached(&sql)?;
    // Each step gives one page back.
    let mut pages = vacuum.query(())?;
    while pages.next()?.is_some() {}
    Ok(())
}

/// Deletes some blocks of discarded contents; whether there were any.
fn delete_discarded(connection: &Connection) -> rusqlite::Result<bool> {
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
