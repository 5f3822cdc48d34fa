//! Removes what crashed writers left.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, openat, unlinkat};
use rustix::io::Errno;

use super::error::{is_absent, system};
use super::facts::Facts;
use super::lasting::flush_entry;
use super::listing::entries;
use super::lock::Lock;
use super::root::Root;
use super::version::Version;
use crate::{FileName, Result};

/// Removes temporary files whose writers died, and facts whose versions are gone.
pub(super) fn sweep(root: &Root) -> Result<()> {
    let failed = |errno| system("open store", errno).with_name(root.path().display().to_string());
    for entry in entries(root.temporary.as_fd()).map_err(failed)? {
        sweep_temporary(root, &entry.name).map_err(failed)?;
    }
    for entry in entries(root.facts.as_fd()).map_err(failed)? {
        sweep_facts(root, &entry.name)?;
    }
    Ok(())
}

fn sweep_temporary(root: &Root, file: &str) -> rustix::io::Result<()> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = match openat(&root.temporary, file, flags, Mode::empty()) {
        // Its writer is done, or it is nothing that a writer made.
        Err(Errno::NOENT | Errno::LOOP | Errno::ISDIR | Errno::NXIO) => return Ok(()),
        opened => opened?,
    };
    match flock(&opened, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => return Ok(()),
        locked => locked?,
    }
    match unlinkat(&root.temporary, file, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        result => {
            tracing::info!(file, "removed what a writer that died left");
            result
        }
    }
}

fn sweep_facts(root: &Root, file: &str) -> Result<()> {
    const OPERATION: &str = "open store";
    let facts = match Facts::read(root, file) {
        Ok(Some(facts)) => facts,
        Ok(None) => return Ok(()),
        Err(error) => {
            // Whoever reads the file that they are about gets the error.
            tracing::warn!(file, %error, "facts cannot be read");
            return Ok(());
        }
    };
    let Ok(name) = FileName::new(facts.name) else {
        return Ok(());
    };
    // Facts are written under the lock before their version shows, so under the lock they have it
    // or are left over.
    let Some(_lock) = Lock::try_take(root, OPERATION, &name)? else {
        // Whoever holds it may be stopped; the next sweep comes to them.
        return Ok(());
    };
    let current = match root.stat(&name) {
        Ok(stat) => Some(Version::of(&stat).facts_file(&name)),
        Err(errno) if is_absent(errno) => None,
        Err(errno) => return Err(system(OPERATION, errno).with_name(name.as_str())),
    };
    if current.as_deref() == Some(file) {
        return Ok(());
    }
    // Their version may be gone just now, in a way that a crash takes back.
    let removed =
        flush_entry(root, &name).and_then(|()| unlinkat(&root.facts, file, AtFlags::empty()));
    match removed {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(system(OPERATION, errno)),
    }
}
