//! The lock under which a name's file is replaced, between threads and processes.

use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock, openat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::error::failed;
use super::root::{FILE_MODE, Root};
use crate::{FileName, Result};

/// The times from one try for a lock to the next double from the first to the second: 25 ms in all.
///
/// Many savers at once hold one for milliseconds, since the file system lets them into a directory
/// one after the other; only those whose process is stopped hold one for much longer.
const PAUSES: [Duration; 2] = [Duration::from_micros(50), Duration::from_micros(12_800)];

/// A held lock; freed when dropped, or by the system when the process dies.
///
/// Names share lock files, which are never removed: to remove one that another process is about to
/// lock would let two in. Nobody holds two, so sharing cannot end in a deadlock.
#[derive(Debug)]
pub(super) struct Lock {
    _file: OwnedFd,
}

impl Lock {
    /// How many locks a root has.
    pub(super) const COUNT: usize = 256;

    /// Which of the locks is that on the name.
    pub(super) fn index(name: &FileName) -> usize {
        usize::from(Sha256::digest(name.as_str())[0])
    }

    /// Takes the lock on the name, unless somebody else holds it for long.
    pub(super) fn try_take(
        root: &Root,
        operation: &'static str,
        name: &FileName,
    ) -> Result<Option<Self>> {
        let [mut pause, longest] = PAUSES;
        while pause <= longest {
            match lock(root, name, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) => thread::sleep(pause),
                locked => return locked.map(Some).map_err(failed(operation, name)),
            }
            pause *= 2;
        }
        Ok(None)
    }

    /// Waits for the lock on the name, for as long as another process may hold it.
    pub(super) fn wait(root: &Root, operation: &'static str, name: &FileName) -> Result<Self> {
        lock(root, name, FlockOperation::LockExclusive).map_err(failed(operation, name))
    }
}

fn lock(root: &Root, name: &FileName, how: FlockOperation) -> rustix::io::Result<Lock> {
    let file = format!("{:02x}", Lock::index(name));
    let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(&root.locks, &file, flags, FILE_MODE)?;
    loop {
        match flock(&file, how) {
            Err(Errno::INTR) => {}
            result => return result.map(|()| Lock { _file: file }),
        }
    }
}
