//! Deletes files, and the directories that get empty.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, unlinkat};
use rustix::io::Errno;

use super::change::Change;
use super::error::{is_absent, not_found, system};
use super::folder::flush;
use super::lock::Lock;
use super::root::{Root, open_folder};
use super::version::Version;
use super::{facts, listing};
use crate::blocking::Presence;
use crate::{Durability, FileName, Result};

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
        let Self { root, name, .. } = &self;
        let failed = |errno| {
            if is_absent(errno) {
                not_found(Self::OPERATION, name)
            } else {
                system(Self::OPERATION, errno).with_name(name.as_str())
            }
        };
        self.caller.check(Self::OPERATION)?;
        let version = Version::of(&root.stat(name).map_err(failed)?);
        let (folder, file) = root.folder(name).map_err(failed)?;
        unlinkat(&folder, file, AtFlags::empty()).map_err(failed)?;
        facts::remove(root, name, &version);
        drop(lock);
        if self.durability == Durability::Full {
            flush(&folder).map_err(failed)?;
        }
        drop(folder);
        remove_empty_folders(root, name);
        Ok(())
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
