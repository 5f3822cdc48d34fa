//! An open directory in the root.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::fsync;
use rustix::io::Errno;

/// An open directory: the root itself, or one below it.
#[derive(Debug)]
pub(super) enum Folder<'a> {
    /// The root.
    Root(BorrowedFd<'a>),
    /// A directory below the root.
    Below(OwnedFd),
}

impl AsFd for Folder<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Root(root) => *root,
            Self::Below(folder) => folder.as_fd(),
        }
    }
}

/// Makes the entries of a directory durable.
pub(super) fn flush(folder: impl AsFd) -> rustix::io::Result<()> {
    match fsync(folder) {
        // Some file systems have no flush for directories.
        Err(Errno::INVAL) => Ok(()),
        result => result,
    }
}
