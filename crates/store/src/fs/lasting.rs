//! What has to be on the disk for a file in a folder to last.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::error::is_absent;
use super::folder::{Folder, flush};
use super::root::Root;
use crate::FileName;

/// How many folders are remembered; past that all are forgotten, which costs each a few flushes.
const MOST: usize = 1024;

/// The folders that are known to last: the entry of each in its parent, and those of all its
/// parents up to the root, are on the disk.
///
/// A folder that is found may be one that another save, or another process, made just now and did
/// not flush yet.
#[derive(Debug, Default)]
pub(super) struct Lasting(Mutex<HashMap<String, Identity>>);

/// Tells a folder from each other one that ever had the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    born: SystemTime,
}

impl Identity {
    /// Nothing where the file system does not tell when the folder was made: the inode alone may
    /// have been another folder's before.
    fn of(folder: &Metadata) -> Option<Self> {
        Some(Self {
            device: folder.dev(),
            inode: folder.ino(),
            born: folder.created().ok()?,
        })
    }
}

impl Lasting {
    fn is_known(&self, path: &str, identity: Identity) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(path) == Some(&identity)
    }

    fn remember(&self, path: &str, identity: Identity) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(path.to_owned(), identity);
    }
}

/// Makes the folder of the file last, though not what is in it.
///
/// It is remembered if it is older than `writing`, which was made by the same file system before:
/// the clock of a file system ticks slowly, and a folder that is removed and made again within a
/// tick may be its own double.
pub(super) fn flush_parents(
    root: &Root,
    name: &FileName,
    folder: &Folder<'_>,
    writing: Option<&File>,
) -> rustix::io::Result<()> {
    let (Some((path, _)), Folder::Below(opened)) = (name.as_str().rsplit_once('/'), folder) else {
        return Ok(());
    };
    let identity = opened.metadata().ok().as_ref().and_then(Identity::of);
    if identity.is_some_and(|identity| root.lasting.is_known(path, identity)) {
        return Ok(());
    }
    flush(root.directory())?;
    for parent in name.folders().filter(|parent| *parent != path) {
        flush(root.open_folder(parent)?)?;
    }
    let born = |file: &File| file.metadata().and_then(|file| file.created()).ok();
    if let (Some(identity), Some(now)) = (identity, writing.and_then(born))
        && identity.born < now
    {
        root.lasting.remember(path, identity);
    }
    Ok(())
}

/// Makes last what the name shows, a file or nothing.
pub(super) fn flush_entry(root: &Root, name: &FileName) -> rustix::io::Result<()> {
    let flushed = root.folder(name).and_then(|(folder, _)| {
        flush_parents(root, name, &folder, None)?;
        flush(folder)
    });
    match flushed {
        // Who removes a folder flushed what was removed from it before.
        Err(errno) if is_absent(errno) => Ok(()),
        result => result,
    }
}
