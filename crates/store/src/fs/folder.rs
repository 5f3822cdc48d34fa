//! An open directory in the root, and how what was written gets to the disk.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::fsync;
use rustix::io::Errno;

/// An open directory: the root itself, or one below it.
#[derive(Debug)]
pub(super) enum Folder<'a> {
    /// The root.
    Root(BorrowedFd<'a>),
    /// A directory below the root.
    Below(File),
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
    #[cfg(test)]
    breaking::flush()?;
    match sync(folder) {
        // Some file systems have no flush for directories.
        Err(Errno::INVAL) => Ok(()),
        result => result,
    }
}

/// Makes the contents of a file durable.
pub(super) fn flush_file(file: &File) -> rustix::io::Result<()> {
    sync(file)
}

#[cfg(not(target_vendor = "apple"))]
fn sync(descriptor: impl AsFd) -> rustix::io::Result<()> {
    fsync(descriptor)
}

/// There `fsync` leaves the bytes in the disk's own memory.
#[cfg(target_vendor = "apple")]
fn sync(descriptor: impl AsFd) -> rustix::io::Result<()> {
    match rustix::fs::fcntl_fullfsync(&descriptor) {
        // Some file systems, mostly those of other machines, have no other flush than that.
        Err(Errno::INVAL | Errno::NOTSUP | Errno::NOTTY) => fsync(&descriptor),
        result => result,
    }
}

/// A disk that breaks, for the tests of whoever flushes.
#[cfg(test)]
pub(super) mod breaking {
    use std::cell::Cell;

    use rustix::io::Errno;

    thread_local! {
        /// How many directories this thread flushes before each flush fails.
        static LEFT: Cell<u32> = const { Cell::new(u32::MAX) };
    }

    /// Lets the disk break after so many flushes.
    pub(in super::super) fn break_after(flushes: u32) {
        LEFT.set(flushes);
    }

    /// How many directories this thread flushes meanwhile.
    pub(in super::super) fn flushes_of<T>(work: impl FnOnce() -> T) -> (u32, T) {
        LEFT.set(u32::MAX);
        let done = work();
        (u32::MAX - LEFT.get(), done)
    }

    pub(super) fn flush() -> rustix::io::Result<()> {
        LEFT.set(LEFT.get().checked_sub(1).ok_or(Errno::IO)?);
        Ok(())
    }
}
