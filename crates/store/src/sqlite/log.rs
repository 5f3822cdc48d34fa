//! How long the write-ahead log gets before a commit copies it into the database.

use std::fs;

use rusqlite::Connection;

use super::task::Need;

/// The least bytes at which it is copied.
const SHORTEST: u64 = 8 * 1024 * 1024;

/// The bytes before each page in the log: <https://sqlite.org/fileformat2.html#walformat>.
const FRAME_HEADER: u64 = 24;

/// The most, to which the log is also cut after readers, or one long transaction, took it further.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Sets how long the log may get by commits of this need.
///
/// A durable commit fills what space the log has, and is flushed twice as fast as one that makes it
/// grow. The others let it grow, so that a long upload is not stopped again and again for the two
/// flushes that a copy takes.
pub(super) fn limit(connection: &Connection, need: Need) -> rusqlite::Result<()> {
    let bytes = match need {
        Need::Durable => length(connection).clamp(SHORTEST, LONGEST),
        Need::Order => LONGEST,
    };
    // A database keeps the length that its pages were made with.
    let page: u32 = connection.query_row("PRAGMA page_size", (), |row| row.get(0))?;
    let pages = bytes / (u64::from(page) + FRAME_HEADER);
    connection.execute_batch(&format!("PRAGMA wal_autocheckpoint = {pages}"))
}

/// Sets to what length the log is cut.
pub(super) fn cut(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("PRAGMA journal_size_limit = {LONGEST}"))
}

/// The bytes of the log's file; 0 where it is missing, or lies at a path that is no text.
fn length(connection: &Connection) -> u64 {
    let file = connection
        .path()
        .map(|path| fs::metadata(format!("{path}-wal")));
    file.and_then(Result::ok).map_or(0, |file| file.len())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::schema;
    use super::*;

    fn number(connection: &Connection, name: &str) -> u64 {
        let number = connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        number.unwrap().try_into().unwrap()
    }

    fn set(connection: &Connection, need: Need) -> u64 {
        limit(connection, need).unwrap();
        number(connection, "wal_autocheckpoint") * (number(connection, "page_size") + FRAME_HEADER)
    }

    #[test]
    fn uploads_let_the_log_grow_and_durable_commits_fill_it() {
        let directory = tempfile::tempdir().unwrap();
        for page in [4096, 8192] {
            let path = directory.path().join(page.to_string());
            let connection = Connection::open(&path).unwrap();
            // The first word about the file settles the length of its pages.
            let mark = format!("PRAGMA page_size = {page}; PRAGMA application_id = 0x73746f72");
            connection.execute_batch(&mark).unwrap();
            drop(connection);
            let connection = schema::open_writer(&path, Duration::ZERO).unwrap();
            assert_eq!(number(&connection, "page_size"), page);
            assert_eq!(number(&connection, "journal_size_limit"), LONGEST);
            let shortest = set(&connection, Need::Durable);
            assert!((SHORTEST - 2 * page..=SHORTEST).contains(&shortest));
            let longest = set(&connection, Need::Order);
            assert!((LONGEST - 2 * page..=LONGEST).contains(&longest));
            for id in 0..19 {
                let block = "INSERT INTO block VALUES (?1, zeroblob(1 << 20))";
                connection.execute(block, [id]).unwrap();
            }
            let grown = length(&connection);
            assert!(grown > 19 << 20, "{grown}");
            set(&connection, Need::Durable);
            for id in 0..100 {
                let block = "INSERT INTO block VALUES (?1, zeroblob(300 << 10))";
                connection.execute(block, [100 + id]).unwrap();
            }
            let filled = length(&connection);
            assert!(filled < grown + (400 << 10), "{grown} grew to {filled}");
        }
    }

    #[test]
    fn a_log_without_a_file_is_short() {
        let connection = Connection::open_in_memory().unwrap();
        assert!(set(&connection, Need::Durable) <= SHORTEST);
    }
}
