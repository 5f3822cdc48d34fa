//! Deletes files, and the directories that get empty.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, unlinkat};
use rustix::io::Errno;

use super::change::Change;
use super::error::{failed, is_absent, not_found, unsettled};
use super::folder::Folder;
use super::lasting::{flush_change, flush_entry};
use super::lock::Lock;
use super::root::{Root, open_folder};
use super::version::Version;
use super::{facts, listing};
use crate::blocking::Presence;
use crate::{Durability, Error, FileName, Result};

/// The deletion of a file, and of the folders that it was the last in.
#[derive(Debug)]
pub(super) struct Deletion {
    pub(super) root: Arc<Root>,
    pub(super) durability: Durability,
    pub(super) name: FileName,
    pub(super) caller: Presence,
}

impl Change for Deletion {
    const OPERATION: &'static str = "delete file";
    type Outcome = ();

    fn root(&self) -> &Arc<Root> {
        &self.root
    }

    fn name(&self) -> &FileName {
        &self.name
    }

    fn make(self, lock: Lock) -> Result<()> {
        self.caller.check(Self::OPERATION)?;
        let (version, folder) = match self.unlink() {
            Ok(unlinked) => unlinked,
            Err(errno) => return Err(self.refused(errno)),
        };
        drop(lock);
        let flushed = match self.durability {
            Durability::Full => flush_change(&self.root, &self.name, &folder),
            Durability::Process => Ok(()),
        };
        flushed.map_err(unsettled(Self::OPERATION, &self.name))?;
        // Until then a crash may bring the version back.
        facts::remove(&self.root, &self.name, &version);
        drop(folder);
        remove_empty_folders(&self.root, &self.name);
        Ok(())
    }
}

impl Deletion {
    fn unlink(&self) -> rustix::io::Result<(Version, Folder<'_>)> {
        let version = Version::of(&self.root.stat(&self.name)?);
        let (folder, file) = self.root.folder(&self.name)?;
        unlinkat(&folder, file, AtFlags::empty())?;
        Ok((version, folder))
    }

    /// That there is no file is told once a crash cannot bring one back.
    fn refused(&self, errno: Errno) -> Error {
        let failed = failed(Self::OPERATION, &self.name);
        if !is_absent(errno) {
            return failed(errno);
        }
        let flushed = match self.durability {
            Durability::Full => flush_entry(&self.root, &self.name),
            Durability::Process => Ok(()),
        };
        match flushed {
            Ok(()) => not_found(Self::OPERATION, &self.name),
            Err(errno) => failed(errno),
        }
    }
}

/// Removes the folders that the file was the last in.
fn remove_empty_folders(root: &Root, name: &FileName) {
    let folders: Vec<&str> = name.folders().collect();
    for folder in folders.into_iter().rev() {
        let Ok(folder) = FileName::new(folder) else {
            return;
        };
        let removed = root
            .folder(&folder)
            .and_then(|(parent, last)| unlinkat(parent, last, AtFlags::REMOVEDIR));
        // Most often it is not empty; whatever else it is, an empty folder harms nobody.
        if removed.is_err() {
            return;
        }
    }
}

/// Removes a directory in which there are only directories, as far as it is one.
pub(super) fn remove_empty(parent: BorrowedFd<'_>, file: &str) -> rustix::io::Result<()> {
    match unlinkat(parent, file, AtFlags::REMOVEDIR) {
        Err(Errno::NOTEMPTY | Errno::EXIST) => {}
        Err(errno) if is_absent(errno) => return Ok(()),
        result => return result,
    }
    let folder = match open_folder(parent, file) {
        Err(errno) if is_absent(errno) => return Ok(()),
        folder => folder?,
    };
    for entry in listing::entries(folder.as_fd())? {
        if entry.kind != FileType::Directory {
            return Ok(());
        }
        remove_empty(folder.as_fd(), &entry.name)?;
    }
    match unlinkat(parent, file, AtFlags::REMOVEDIR) {
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
        Err(errno) if is_absent(errno) => Ok(()),
        result => result,
    }
}
