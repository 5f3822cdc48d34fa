//! SQLite's failures as this crate's errors.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::{Error, ErrorKind};

/// Maps what SQLite answered while `operation` was done.
pub(super) fn failed(operation: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    move |error| {
        let (kind, message) = describe(&error);
        Error::new(kind, operation)
            .with_message(message)
            .with_source(error)
    }
}

/// Maps what the file system answered about the database's own files.
pub(super) fn cannot_open(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.display().to_string();
    move |error| {
        let kind = match error.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                ErrorKind::PermissionDenied
            }
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                ErrorKind::StorageFull
            }
            _ => ErrorKind::Configuration,
        };
        Error::new(kind, "open store")
            .with_name(path.clone())
            .with_message("the database's directory cannot be used")
            .with_source(error)
    }
}

/// Refuses a path where something else lies than a file.
pub(super) fn no_regular_file(path: &Path) -> Error {
    Error::new(ErrorKind::Configuration, "open store")
        .with_name(path.display().to_string())
        .with_message("the database is no regular file")
}

fn describe(error: &rusqlite::Error) -> (ErrorKind, &'static str) {
    let Some(code) = error.sqlite_error_code() else {
        return match error {
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::Utf8Error(..) => (
                ErrorKind::Corrupt,
                "the database holds a value that no store wrote",
            ),
            _ => (ErrorKind::Other, "the database answered unexpectedly"),
        };
    };
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => (
            ErrorKind::Unavailable,
            "the database stayed locked by another writer",
        ),
        ErrorCode::DatabaseCorrupt => (ErrorKind::Corrupt, "the database is damaged"),
        ErrorCode::NotADatabase => (ErrorKind::Corrupt, "the file is no SQLite database"),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => (
            ErrorKind::PermissionDenied,
            "the database cannot be written",
        ),
        ErrorCode::CannotOpen => (ErrorKind::Configuration, "the database cannot be opened"),
        ErrorCode::DiskFull => (ErrorKind::StorageFull, "no space is left for the database"),
        ErrorCode::TooBig => (ErrorKind::TooLarge, "the database takes no such size"),
        _ => (ErrorKind::Other, "the database failed"),
    }
}
