//! Reads the rows of the files.

use std::collections::BTreeMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};

use super::error::failed;
use super::{BLOCK, NO_CONTENT, from_nanos};
use crate::{Error, ErrorKind, Etag, FileInfo, FileName, ListOptions, Order, Result};

/// The columns that [`parse`] reads, in its order.
macro_rules! columns {
    () => {
        "name, size, etag, modified, content_type, metadata, content"
    };
}

/// A file's row.
#[derive(Debug)]
pub(super) struct FileRow {
    pub(super) info: FileInfo,
    pub(super) content: i64,
}

/// What a writer has to know of the version that it replaces.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) etag: Etag,
    pub(super) content: i64,
    size: i64,
}

impl Version {
    /// Reads etag, content and size, from this column on.
    fn parse(row: &Row<'_>, column: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            etag: Etag::new(row.get::<_, String>(column)?),
            content: row.get(column + 1)?,
            size: row.get(column + 2)?,
        })
    }

    /// Whether the whole content is its first block.
    pub(super) fn is_one_block(&self) -> bool {
        self.content != NO_CONTENT && usize::try_from(self.size).is_ok_and(|size| size <= BLOCK)
    }
}

pub(super) fn find_version(
    connection: &Connection,
    name: &FileName,
    operation: &'static str,
) -> Result<Option<Version>> {
    let sql = "SELECT etag, content, size FROM file WHERE name = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(failed(operation))?;
    let version = statement.query_row([name.as_str()], |row| Version::parse(row, 0));
    version.optional().map_err(failed(operation))
}

pub(super) fn find(
    connection: &Connection,
    name: &FileName,
    operation: &'static str,
) -> Result<FileRow> {
    let sql = concat!("SELECT ", columns!(), " FROM file WHERE name = ?1");
    let mut statement = connection.prepare_cached(sql).map_err(failed(operation))?;
    statement
        .query_row([name.as_str()], |row| Ok(parse(row, operation)))
        .optional()
        .map_err(failed(operation))?
        .unwrap_or_else(|| Err(Error::new(ErrorKind::NotFound, operation).with_name(name.as_str())))
}

pub(super) fn list(connection: &Connection, options: &ListOptions) -> Result<Vec<FileInfo>> {
    const OPERATION: &str = "list files";
    let (least, end) = options.bounds();
    let limit = i64::try_from(options.limit).unwrap_or(i64::MAX);
    let mut statement = list_statement(connection, options.order, end.as_ref())?;
    let failed = failed(OPERATION);
    let mut rows = match &end {
        Some(end) => statement.query((limit, &least, end)),
        None => statement.query((limit, &least)),
    }
    .map_err(&failed)?;
    let mut infos = Vec::new();
    while let Some(row) = rows.next().map_err(&failed)? {
        infos.push(parse(row, OPERATION)?.info);
    }
    Ok(infos)
}

fn list_statement<'a>(
    connection: &'a Connection,
    order: Order,
    end: Option<&String>,
) -> Result<CachedStatement<'a>> {
    let bound = end.map_or("", |_| "AND name < ?3");
    let direction = match order {
        Order::Ascending => "ASC",
        Order::Descending => "DESC",
    };
    let columns = columns!();
    let sql = format!(
        "SELECT {columns} FROM file WHERE name >= ?2 {bound} ORDER BY name {direction} LIMIT ?1"
    );
    connection
        .prepare_cached(&sql)
        .map_err(failed("list files"))
}

/// What stands at a name, or in its way.
#[derive(Debug)]
pub(super) enum Place {
    Free,
    Taken(Version),
    /// A stored file whose name lies below, or is a folder of it.
    Overlap(String),
}

pub(super) fn find_place(connection: &Connection, name: &FileName) -> Result<Place> {
    let failed = failed("save file");
    // `0` is the character after `/`.
    let next = "SELECT name, etag, content, size FROM file
                WHERE name >= ?1 AND name < ?1 || '0' ORDER BY name LIMIT 1";
    let below = "SELECT name FROM file WHERE name >= ?1 || '/' AND name < ?1 || '0' LIMIT 1";
    let mut statement = connection.prepare_cached(next).map_err(&failed)?;
    let mut rows = statement.query([name.as_str()]).map_err(&failed)?;
    // Mostly nothing lies there, and one look tells it.
    if let Some(row) = rows.next().map_err(&failed)? {
        let found = row.get_ref(0).map_err(&failed)?;
        if found.as_bytes() == Ok(name.as_str().as_bytes()) {
            return Version::parse(row, 1).map(Place::Taken).map_err(&failed);
        }
        let mut statement = connection.prepare_cached(below).map_err(&failed)?;
        let found = statement.query_row([name.as_str()], |row| row.get(0));
        if let Some(found) = found.optional().map_err(&failed)? {
            return Ok(Place::Overlap(found));
        }
    }
    for folder in name.folders() {
        let sql = "SELECT 1 FROM file WHERE name = ?1";
        let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
        if statement.exists([folder]).map_err(&failed)? {
            return Ok(Place::Overlap(folder.to_owned()));
        }
    }
    Ok(Place::Free)
}

/// The metadata as the database keeps it: nothing, or a JSON object.
pub(super) fn metadata_text(metadata: &BTreeMap<String, String>) -> Option<String> {
    (!metadata.is_empty()).then(|| serde_json::json!(metadata).to_string())
}

fn parse(row: &Row<'_>, operation: &'static str) -> Result<FileRow> {
    let failed = failed(operation);
    let corrupt = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(ErrorKind::Corrupt, operation)
            .with_message("the database holds a file that no store wrote")
            .with_source(error)
    };
    let text = |column| {
        let value = row.get_ref(column).map_err(&failed)?;
        value.as_str().map_err(|error| corrupt(error.into()))
    };
    let name = FileName::try_from(text(0)?).map_err(|error| corrupt(error.into()))?;
    let size: i64 = row.get(1).map_err(&failed)?;
    let size = u64::try_from(size).map_err(|error| corrupt(error.into()))?;
    let etag = Etag::new(text(2)?);
    let modified = from_nanos(row.get(3).map_err(&failed)?);
    let content_type: String = row.get(4).map_err(&failed)?;
    let metadata = match row.get::<_, Option<String>>(5).map_err(&failed)? {
        Some(text) => serde_json::from_str(&text).map_err(|error| corrupt(error.into()))?,
        None => BTreeMap::new(),
    };
    let content: i64 = row.get(6).map_err(&failed)?;
    let info = FileInfo {
        name,
        size,
        etag,
        modified,
        content_type,
        metadata,
    };
    Ok(FileRow { info, content })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::super::{schema, transaction};
    use super::*;
    use crate::SaveOptions;

    fn name(text: &str) -> FileName {
        FileName::new(text).unwrap()
    }

    #[track_caller]
    fn check(connection: &Connection, text: &str, expected: &str) {
        let found = match find_place(connection, &name(text)).unwrap() {
            Place::Free => "free".to_owned(),
            Place::Taken(version) => format!("taken by {}", version.etag),
            Place::Overlap(found) => format!("in the way is {found}"),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn what_stands_in_the_way_is_found_behind_what_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("files.db");
        let connection = schema::open_writer(&path, Duration::ZERO).unwrap();
        for (text, etag) in [
            ("b.c", "1"),
            ("b/d", "2"),
            ("b0", "3"),
            ("e-", "4"),
            ("e.", "5"),
        ] {
            let info = FileInfo::new(name(text), 1, Etag::new(etag), SystemTime::UNIX_EPOCH);
            transaction::save(&connection, &info, b"x", &SaveOptions::default()).unwrap();
        }
        let broken = "INSERT INTO file VALUES (CAST(x'672dff' AS TEXT), 0, 0, '6', 0, '', NULL)";
        connection.execute(broken, ()).unwrap();
        check(&connection, "g", "free");
        check(&connection, "a", "free");
        check(&connection, "b", "in the way is b/d");
        check(&connection, "b.c", "taken by 1");
        check(&connection, "b/d/f/g", "in the way is b/d");
        check(&connection, "e", "free");
        check(&connection, "e.", "taken by 5");
        check(&connection, "z", "free");
    }
}
