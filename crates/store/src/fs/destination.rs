//! The name that a written file gets.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, renameat, statat};
use rustix::io::Errno;

use super::deletion::remove_empty;
use super::error::{failed, is_absent, unsettled};
use super::folder::Folder;
use super::lasting::{flush_change, flush_entry, flush_parents};
use super::listing;
use super::new_name::give_new_name;
use super::root::Root;
use super::temporary::Temporary;
use super::version::Version;
use crate::{Durability, Error, ErrorKind, FileName, ListOptions, Result, SaveMode, SaveOptions};

/// How often a folder may vanish, or appear, under a save before it gives up; each time another
/// call made or removed it.
const PUBLISH_TRIES: u32 = 64;

/// What is found at the name of a save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing, or a file.
    Free,
    /// A directory without a stored file, in which there is something else or soon will be.
    Folder,
}

/// What came of a try to give the file its name.
enum Naming {
    Done {
        /// What had the name before.
        replaced: Option<Version>,
    },
    /// Something came or went meanwhile.
    Again(Place),
}

/// Where a save goes, and what it may replace there.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) root: Arc<Root>,
    pub(super) durability: Durability,
    pub(super) name: FileName,
    pub(super) options: SaveOptions,
}

impl Destination {
    /// The version that the save replaces, if it is allowed.
    ///
    /// A refusal tells of what is on the disk: a version that a crash may take back, or bring back,
    /// is flushed first.
    pub(super) fn check_mode(&self) -> Result<Option<Version>> {
        let current = match self.root.stat(&self.name) {
            Ok(stat) => Some(Version::of(&stat)),
            Err(errno) if is_absent(errno) => None,
            Err(errno) => return Err(self.failed(errno)),
        };
        let etag = current.map(|version| version.etag());
        match self.options.check_mode(&self.name, etag.as_ref()) {
            Ok(()) => Ok(current),
            Err(refusal) => {
                self.flush_found(&self.name)?;
                Err(refusal)
            }
        }
    }

    /// Makes the file visible in the folder that is returned, in place of the version that is; to
    /// be called under the name's lock.
    pub(super) fn publish(
        &self,
        temporary: &mut Temporary,
    ) -> Result<(Folder<'_>, Option<Version>)> {
        let mut place = Place::Free;
        for _ in 0..PUBLISH_TRIES {
            let (folder, file) = match self.make_folder(temporary) {
                Ok(found) => found,
                // A folder was removed, with its last file, as soon as it was made.
                Err(Errno::NOENT) => continue,
                Err(Errno::NOTDIR | Errno::LOOP) => match self.blocked_folder() {
                    Some(error) => return Err(error),
                    None => continue,
                },
                Err(errno) => return Err(self.failed(errno)),
            };
            match self.give_name(temporary, folder.as_fd(), file)? {
                Naming::Done { replaced } => return Ok((folder, replaced)),
                Naming::Again(found) => place = found,
            }
        }
        Err(match place {
            Place::Folder => self.foreign("the name"),
            Place::Free => Error::new(ErrorKind::Unavailable, "save file")
                .with_name(self.name.as_str())
                .with_message("its folder was made and removed all the time"),
        })
    }

    /// The folder of the file, which lasts if the file has to.
    fn make_folder(&self, temporary: &Temporary) -> rustix::io::Result<(Folder<'_>, &str)> {
        let (folder, file) = self.root.make_folder(&self.name)?;
        if self.durability == Durability::Full {
            flush_parents(&self.root, &self.name, &folder, temporary.opened())?;
        }
        Ok((folder, file))
    }

    fn give_name(
        &self,
        temporary: &mut Temporary,
        folder: BorrowedFd<'_>,
        file: &str,
    ) -> Result<Naming> {
        let mode = &self.options.mode;
        let mut is_taken = false;
        // Most names are new: to ask first would be to wait for others in the folder once more.
        if matches!(mode, SaveMode::Overwrite | SaveMode::Create) {
            match give_new_name(temporary, folder, file) {
                Ok(()) => return Ok(Naming::Done { replaced: None }),
                // The folder went.
                Err(Errno::NOENT) => return Ok(Naming::Again(Place::Free)),
                // Whatever else it is, the steps below meet it again, or can do without.
                Err(errno) => is_taken = errno == Errno::EXIST,
            }
        }
        let replaced = self.check_mode()?;
        if replaced.is_none() && self.clear(folder, file)? == Place::Folder {
            // Another save made it and is about to fill it, or to give up.
            return Ok(Naming::Again(Place::Folder));
        }
        if is_taken && *mode == SaveMode::Create {
            // What was there went.
            return Ok(Naming::Again(Place::Free));
        }
        match renameat(temporary.folder(), temporary.name(), folder, file) {
            Ok(()) => {
                temporary.keep();
                Ok(Naming::Done { replaced })
            }
            // The folder went, or something came, since the look above: look again.
            Err(Errno::NOENT | Errno::ISDIR) => Ok(Naming::Again(Place::Free)),
            Err(errno) => Err(self.failed(errno)),
        }
    }

    /// The error of a save below something that is no directory, if it still is none.
    fn blocked_folder(&self) -> Option<Error> {
        for folder in self.name.folders() {
            let Ok(folder_name) = FileName::new(folder) else {
                continue;
            };
            let stat = self
                .root
                .folder(&folder_name)
                .and_then(|(parent, last)| statat(parent, last, AtFlags::SYMLINK_NOFOLLOW));
            match stat.map(|stat| FileType::from_raw_mode(stat.st_mode)) {
                Ok(FileType::Directory) => {}
                Ok(FileType::RegularFile) => return Some(self.overlap(&folder_name)),
                Ok(_) => return Some(self.foreign(&format!("`{folder}`"))),
                Err(errno) if is_absent(errno) => return None,
                Err(errno) => return Some(self.failed(errno)),
            }
        }
        None
    }

    /// Sees to it that nothing but a file of the store stands at the name, as far as it may be
    /// removed.
    fn clear(&self, folder: BorrowedFd<'_>, file: &str) -> Result<Place> {
        match self.kind_of(folder, file)? {
            None | Some(FileType::RegularFile) => return Ok(Place::Free),
            Some(FileType::Directory) => {}
            Some(_) => return Err(self.foreign("the name")),
        }
        remove_empty(folder, file).map_err(|errno| self.failed(errno))?;
        let below = ListOptions::default()
            .with_prefix(format!("{}/", self.name))
            .with_limit(1);
        if let Some(found) = listing::list(&self.root, &below)?.first() {
            return Err(self.overlap(&found.name));
        }
        match self.kind_of(folder, file)? {
            None => Ok(Place::Free),
            Some(_) => Ok(Place::Folder),
        }
    }

    fn kind_of(&self, folder: BorrowedFd<'_>, file: &str) -> Result<Option<FileType>> {
        match statat(folder, file, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
            Err(errno) if is_absent(errno) => Ok(None),
            Err(errno) => Err(self.failed(errno)),
        }
    }

    /// Makes the name that is shown last, if it has to.
    pub(super) fn flush(&self, folder: &Folder<'_>) -> Result<()> {
        match self.durability {
            Durability::Full => {
                let flushed = flush_change(&self.root, &self.name, folder);
                flushed.map_err(unsettled("save file", &self.name))
            }
            Durability::Process => Ok(()),
        }
    }

    /// The error of a save that a file is in the way of, once a crash cannot take that file away.
    fn overlap(&self, found: &FileName) -> Error {
        match self.flush_found(found) {
            Ok(()) => Error::overlap(&self.name, found.as_str()),
            Err(error) => error,
        }
    }

    /// Makes last what the name shows, if what is told of it has to.
    fn flush_found(&self, name: &FileName) -> Result<()> {
        match self.durability {
            Durability::Full => flush_entry(&self.root, name).map_err(|errno| self.failed(errno)),
            Durability::Process => Ok(()),
        }
    }

    fn foreign(&self, place: &str) -> Error {
        Error::new(ErrorKind::PermissionDenied, "save file")
            .with_name(self.name.as_str())
            .with_message(format!(
                "at {place} stands a link, or something else that is no file"
            ))
    }

    pub(super) fn failed(&self, errno: Errno) -> Error {
        failed("save file", &self.name)(errno)
    }
}
