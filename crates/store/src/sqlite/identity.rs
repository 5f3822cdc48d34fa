//! Which file lies where the database does.

use std::path::Path;

use super::error::cannot_open;
use crate::{Error, ErrorKind, Result};

/// Tells the file that a connection is open on from another at the same path.
///
/// SQLite itself goes on with a file that was removed or replaced, where no other process sees what
/// it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(super) fn of(path: &Path) -> Result<Self> {
        match std::fs::metadata(path) {
            Ok(file) => Ok(Self::new(&file)),
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                Err(moved())
            }
            Err(error) => Err(cannot_open(path)(error)),
        }
    }

    #[cfg(unix)]
    fn new(file: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;

        Self {
            device: file.dev(),
            inode: file.ino(),
        }
    }

    // An open file can be neither removed nor replaced there.
    #[cfg(not(unix))]
    fn new(_: &std::fs::Metadata) -> Self {
        Self {
            device: 0,
            inode: 0,
        }
    }
}

pub(super) fn moved() -> Error {
    Error::new(ErrorKind::Unavailable, "open store")
        .with_message("the database file was removed or replaced")
}
