//! The lock under which a name's file is replaced, between threads and processes.

use std::os::fd::OwnedFd;

use rustix::fs::{FlockOperation, OFlags, flock, openat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::error::failed;
use super::root::{FILE_MODE, Root};
use crate::{FileName, Result};

/// A held lock; freed when dropped, or by the system when the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: OwnedFd,
}

impl Lock {
    /// Waits for the lock on the name.
    ///
    /// Names share 256 lock files, which are never removed: to remove one that another process is
    /// about to lock would let two in. Nobody holds two, so sharing cannot end in a deadlock.
    pub(super) fn take(root: &Root, operation: &'static str, name: &FileName) -> Result<Self> {
        let file = format!("{:02x}", Sha256::digest(name.as_str())[0]);
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let lock = || -> rustix::io::Result<OwnedFd> {
            let file = openat(&root.locks, &file, flags, FILE_MODE)?;
            loop {
                match flock(&file, FlockOperation::LockExclusive) {
                    Err(Errno::INTR) => {}
                    result => return result.map(|()| file),
                }
            }
        };
        lock()
            .map(|file| Self { _file: file })
            .map_err(failed(operation, name))
    }
}
