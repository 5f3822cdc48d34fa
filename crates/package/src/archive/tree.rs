//! The sink that writes files, each relative to an open directory, never through a link.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, fchmod, fstat, linkat, mkdirat, openat, symlinkat};

use crate::error::{Error, Refusal, Result};

use super::path::EntryPath;
use super::walk::{Contents, Sink};

/// A directory that is being filled.
///
/// Every path is walked part by part from the directory's own handle, and no part may be a link,
/// so what another program does to the tree meanwhile cannot lead outside it either.
pub(super) struct Tree {
    archive: String,
    path: PathBuf,
    root: OwnedFd,
    /// The folders from the root to where the last entry was made.
    open: Vec<(String, OwnedFd)>,
}

/// What the owner may always do, so that the tree can be read, pushed and removed.
const OWNER_FILE: u32 = 0o600;
const OWNER_FOLDER: u32 = 0o700;

impl Tree {
    /// Opens the directory to fill, which must be there.
    pub(super) fn open(path: &Path, archive: &str) -> Result<Self> {
        let root = openat(CWD, path, folder_flags(), Mode::empty()).map_err(|error| Error::Io {
            action: "open directory",
            path: path.to_owned(),
            source: error.into(),
        })?;
        Ok(Self {
            archive: archive.to_owned(),
            path: path.to_owned(),
            root,
            open: Vec::new(),
        })
    }

    /// The folder that an entry is in.
    fn enter(&mut self, folder: Option<&str>) -> Result<BorrowedFd<'_>> {
        let wanted = folder.unwrap_or_default();
        let parts = || wanted.split('/').filter(|part| !part.is_empty());
        let common = self
            .open
            .iter()
            .zip(parts())
            .take_while(|((open, _), part)| open == part)
            .count();
        self.open.truncate(common);
        for part in parts().skip(common) {
            let opened = openat(self.here(), part, no_link_flags(), Mode::empty())
                .map_err(|error| self.failed("open folder", wanted, error.into()))?;
            self.open.push((part.to_owned(), opened));
        }
        Ok(self.here())
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.open
            .last()
            .map_or(self.root.as_fd(), |(_, folder)| folder.as_fd())
    }

    fn failed(&self, action: &'static str, entry: &str, source: io::Error) -> Error {
        if source.kind() == io::ErrorKind::AlreadyExists {
            return Error::Refused {
                archive: self.archive.clone(),
                entry: crate::error::shown(entry.as_bytes()),
                refusal: Refusal::AlreadyExists,
            };
        }
        Error::Io {
            action,
            path: self.path.join(OsStr::new(entry)),
            source,
        }
    }

    fn create(&mut self, path: &EntryPath, mode: u32) -> Result<File> {
        let (folder, name) = path.split();
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let created = openat(self.enter(folder)?, name, flags, bits(mode));
        let created =
            created.map_err(|error| self.failed("create", path.as_str(), error.into()))?;
        Ok(File::from(created))
    }
}

impl Sink for Tree {
    fn folder(&mut self, path: &EntryPath, mode: u32) -> Result<()> {
        let (folder, name) = path.split();
        mkdirat(self.enter(folder)?, name, bits(mode | OWNER_FOLDER))
            .map_err(|error| self.failed("create folder", path.as_str(), error.into()))?;
        self.folder_mode(path, mode)
    }

    fn folder_mode(&mut self, path: &EntryPath, mode: u32) -> Result<()> {
        set_mode(self.enter(Some(path.as_str()))?, mode | OWNER_FOLDER)
            .map_err(|error| self.failed("set the mode of", path.as_str(), error.into()))
    }

    fn file<R: Read>(
        &mut self,
        path: &EntryPath,
        mode: u32,
        contents: &mut Contents<'_, R>,
    ) -> Result<()> {
        let mode = mode | OWNER_FILE;
        let mut file = self.create(path, mode)?;
        while let Some(bytes) = contents.next()? {
            file.write_all(bytes)
                .map_err(|error| self.failed("write", path.as_str(), error))?;
        }
        set_mode(file.as_fd(), mode)
            .map_err(|error| self.failed("set the mode of", path.as_str(), error.into()))
    }

    fn hard_link(&mut self, path: &EntryPath, target: &EntryPath) -> Result<()> {
        let (target_folder, target_name) = target.split();
        let failed = |error: rustix::io::Errno| error.into();
        let target_folder = self
            .enter(target_folder)?
            .try_clone_to_owned()
            .map_err(|error| self.failed("open the folder of", target.as_str(), error))?;
        let (folder, name) = path.split();
        let made = linkat(
            &target_folder,
            target_name,
            self.enter(folder)?,
            name,
            AtFlags::empty(),
        );
        made.map_err(|error| self.failed("link", path.as_str(), failed(error)))
    }

    fn link(&mut self, path: &EntryPath, target: &str) -> Result<()> {
        let (folder, name) = path.split();
        symlinkat(target, self.enter(folder)?, name)
            .map_err(|error| self.failed("link", path.as_str(), error.into()))
    }
}

/// Sets a mode unless it is that already, which it mostly is: looking is much cheaper.
fn set_mode(file: BorrowedFd<'_>, mode: u32) -> rustix::io::Result<()> {
    // Both a set-group-ID bit that a folder inherited and the umask may make a difference.
    if Mode::from_raw_mode(fstat(file)?.st_mode) == bits(mode) {
        return Ok(());
    }
    fchmod(file, bits(mode))
}

fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC
}

fn no_link_flags() -> OFlags {
    folder_flags() | OFlags::NOFOLLOW
}

fn bits(mode: u32) -> Mode {
    Mode::from_raw_mode(mode as rustix::fs::RawMode)
}
