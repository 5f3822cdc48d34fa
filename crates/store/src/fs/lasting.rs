//! What has to be on the disk for a file in a folder to last.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use rustix::fs::fstat;
use rustix::io::Errno;

use super::error::is_absent;
use super::folder::{Folder, flush};
use super::root::Root;
use crate::FileName;

/// How many folders are remembered, in up to 6 MiB if their paths have 40 bytes; past that some are
/// forgotten, which costs each another flush or a few.
const MOST: usize = 24 * 1024;

/// One in so many is forgotten at once: few enough to keep the others, and enough that not each new
/// folder has to look for one.
const FORGOTTEN: usize = 16;

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
            let mut place = 0;
            known.retain(|_, _| {
                place += 1;
                place % FORGOTTEN != 0
            });
        }
        known.insert(path.to_owned(), identity);
    }
}

/// Makes the folder of the file last, though not what is in it.
pub(super) fn flush_parents(
    root: &Root,
    name: &FileName,
    folder: &Folder<'_>,
    writing: &File,
) -> rustix::io::Result<()> {
    match (name.as_str().rsplit_once('/'), folder) {
        (Some((path, _)), Folder::Below(folder)) => {
            flush_parents_of(root, path, folder, Some(writing))
        }
        _ => Ok(()),
    }
}

/// Makes last what a change did to the name in the folder, which somebody may have removed since.
pub(super) fn flush_change(
    root: &Root,
    name: &FileName,
    folder: &Folder<'_>,
) -> rustix::io::Result<()> {
    match flush_left(folder) {
        Err(errno) if is_absent(errno) => flush_entry(root, name),
        result => result,
    }
}

/// Makes last what the name shows, a file or nothing.
///
/// Where a folder of it is missing, somebody may have removed that and not flushed it, so the
/// deepest one that is left is flushed.
pub(super) fn flush_entry(root: &Root, name: &FileName) -> rustix::io::Result<()> {
    let mut path = name.as_str();
    while let Some((folder, _)) = path.rsplit_once('/') {
        match flush_folder(root, folder) {
            Err(errno) if is_absent(errno) => path = folder,
            result => return result,
        }
    }
    flush(root.directory())
}

/// Makes last the folder at the path, and what is in it.
fn flush_folder(root: &Root, path: &str) -> rustix::io::Result<()> {
    let folder = File::from(root.open_folder(path)?);
    flush_parents_of(root, path, &folder, None)?;
    flush_left(folder)
}

/// Flushes the folder, which is absent if it is removed: a power cut may bring it back, and with it
/// what no flush of a removed folder changes.
fn flush_left(folder: impl AsFd) -> rustix::io::Result<()> {
    flush(&folder)?;
    match fstat(folder)?.st_nlink {
        0 => Err(Errno::NOENT),
        _ => Ok(()),
    }
}

/// Makes the folder at the path last, though not what is in it.
///
/// It and its parents are remembered if they are older than `writing`, which was made by the same
/// file system before: the clock of a file system ticks slowly, and a folder that is removed and
/// made again within a tick may be its own double.
fn flush_parents_of(
    root: &Root,
    path: &str,
    folder: &File,
    writing: Option<&File>,
) -> rustix::io::Result<()> {
    let identity = |folder: &File| folder.metadata().ok().as_ref().and_then(Identity::of);
    let (mut path, mut found) = (path, identity(folder));
    let mut flushed = Vec::new();
    while !found.is_some_and(|identity| root.lasting.is_known(path, identity)) {
        flushed.extend(found.map(|identity| (path, identity)));
        let Some((parent, _)) = path.rsplit_once('/') else {
            flush(root.directory())?;
            break;
        };
        let folder = File::from(root.open_folder(parent)?);
        flush(&folder)?;
        (path, found) = (parent, identity(&folder));
    }
    let born = |file: &File| file.metadata().and_then(|file| file.created()).ok();
    let Some(now) = writing.and_then(born) else {
        return Ok(());
    };
    for (path, identity) in flushed {
        if identity.born < now {
            root.lasting.remember(path, identity);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::folder::breaking::flushes_of;
    use super::*;

    #[test]
    fn a_change_in_a_folder_that_is_removed_since_is_flushed_above_it() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("a/b")).unwrap();
        let root = Root::open(directory.path()).unwrap();
        let name = FileName::new("a/b/c").unwrap();
        let (folder, _) = root.folder(&name).unwrap();
        let flushes = || {
            let (flushes, result) = flushes_of(|| flush_change(&root, &name, &folder));
            result.unwrap();
            flushes
        };
        assert_eq!(flushes(), 1);
        std::fs::remove_dir(directory.path().join("a/b")).unwrap();
        assert_eq!(flushes(), 3);
    }

    #[test]
    fn past_the_limit_most_folders_are_still_known() {
        let lasting = Lasting::default();
        let identity = |inode| Identity {
            device: 0,
            inode,
            born: SystemTime::UNIX_EPOCH,
        };
        let folders = 0..=MOST as u64;
        for inode in folders.clone() {
            lasting.remember(&inode.to_string(), identity(inode));
        }
        let is_known = |inode: &u64| lasting.is_known(&inode.to_string(), identity(*inode));
        let known = folders.filter(is_known).count();
        assert!((MOST / 10 * 9..=MOST).contains(&known), "{known}");
        assert!(is_known(&(MOST as u64)));
    }
}
