//! A file that is being written and that nobody sees yet.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{
    AtFlags, FlockOperation, OFlags, Timespec, Timestamps, UTIME_OMIT, flock, fstat, futimens,
    openat, unlinkat,
};
use rustix::io::Errno;

use super::error::system;
use super::root::{FILE_MODE, Root};
use super::version::{FactsOrigin, Stamps, Version};
use crate::{Error, ErrorKind, Result};

/// A file in the store's own directory; removed when it is dropped, unless it got a name to stay
/// under.
///
/// It stays locked while it is open, which tells a sweep that its writer lives.
#[derive(Debug)]
pub(super) struct Temporary {
    root: Arc<Root>,
    name: String,
    file: File,
    kept: bool,
}

impl Temporary {
    pub(super) fn new(root: &Arc<Root>) -> rustix::io::Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let random = RandomState::new();
        loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let name = format!("{:016x}", random.hash_one((std::process::id(), count)));
            let flags =
                OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = match openat(&root.temporary, &name, flags, FILE_MODE) {
                Err(Errno::EXIST | Errno::INTR) => continue,
                opened => File::from(opened?),
            };
            let temporary = Self {
                root: Arc::clone(root),
                name,
                file,
                kept: false,
            };
            match flock(&temporary.file, FlockOperation::NonBlockingLockExclusive) {
                // A sweep looked at it before it was locked, and may have removed it.
                Err(Errno::WOULDBLOCK) => continue,
                locked => locked?,
            }
            if fstat(&temporary.file)?.st_nlink > 0 {
                return Ok(temporary);
            }
        }
    }

    /// The folder that it lies in until it has a name to stay under.
    pub(super) fn folder(&self) -> BorrowedFd<'_> {
        self.root.temporary.as_fd()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn opened(&self) -> &File {
        &self.file
    }

    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Marks the file with the time of its save; nothing may be written afterwards.
    pub(super) fn stamp(&self, stamp: Timespec) -> rustix::io::Result<Version> {
        let unchanged = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        };
        let times = Timestamps {
            last_access: unchanged,
            last_modification: stamp,
        };
        futimens(&self.file, &times)?;
        Ok(Version::of(&fstat(&self.file)?))
    }

    /// Leaves the file where it was moved to.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        match unlinkat(&self.root.temporary, &self.name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => tracing::warn!(%errno, "a temporary file stays until the next sweep"),
        }
    }
}

/// Checks that the file system has what versions and locks rest upon.
pub(super) fn check_file_system(root: &Arc<Root>, stamps: &Stamps) -> Result<()> {
    let refused = |message| {
        Error::new(ErrorKind::Configuration, "open store")
            .with_name(root.path().display().to_string())
            .with_message(message)
    };
    let temporary = match Temporary::new(root) {
        Err(Errno::NOLCK | Errno::NOTSUP | Errno::NOSYS) => {
            return Err(refused("the root's file system has no locks"));
        }
        created => created.map_err(|errno| {
            system("open store", errno).with_name(root.path().display().to_string())
        })?,
    };
    let stamp = stamps.next(FactsOrigin::Recorded);
    temporary
        .stamp(stamp)
        .map_err(|errno| system("open store", errno))?;
    let stat = fstat(&temporary.file).map_err(|errno| system("open store", errno))?;
    if i128::from(stat.st_mtime_nsec) != i128::from(stamp.tv_nsec) {
        return Err(refused(
            "the root's file system does not keep times to the nanosecond",
        ));
    }
    Ok(())
}
