//! The root directory, and how names are resolved in it without following a link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, mkdirat, openat, statat};
use rustix::io::Errno;

use super::error::system;
use super::folder::{Folder, flush};
use super::lasting::Lasting;
use crate::directory::make_directory;
use crate::{Error, ErrorKind, FileName, Result};

/// New files and directories get what the process's umask leaves of these.
pub(super) const FILE_MODE: Mode = Mode::from_raw_mode(0o666);
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o777);

/// A directory is opened for reading, so that it can be listed and flushed.
const FOLDER_FLAGS: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::RDONLY);

/// The open root directory and the store's own directories in it.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    directory: OwnedFd,
    /// What is being written.
    pub(super) temporary: OwnedFd,
    /// The facts of files that their names do not tell.
    pub(super) facts: OwnedFd,
    /// The locks on names.
    pub(super) locks: OwnedFd,
    /// The folders that are known to last.
    pub(super) lasting: Lasting,
    resolution: Resolution,
}

/// How the folders of a name are resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolution {
    /// All at once, by the kernel, which refuses links.
    #[cfg(target_os = "linux")]
    Kernel,
    /// One after the other.
    Walk,
}

impl Root {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let named = |error: Error| error.with_name(path.display().to_string());
        make_directory(path).map_err(|error| {
            named(match Errno::from_io_error(&error) {
                Some(Errno::EXIST | Errno::NOTDIR) | None => no_directory(),
                Some(errno) => system("open store", errno),
            })
        })?;
        Self::open_directories(path).map_err(|errno| {
            named(match errno {
                Errno::NOTDIR | Errno::LOOP => no_directory(),
                errno => system("open store", errno),
            })
        })
    }

    fn open_directories(path: &Path) -> rustix::io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let directory = openat(CWD, path, flags, Mode::empty())?;
        let own = make_folder(directory.as_fd(), FileName::RESERVED)?;
        let root = Self {
            path: path.to_owned(),
            temporary: make_folder(own.as_fd(), "temporary")?,
            facts: make_folder(own.as_fd(), "facts")?,
            locks: make_folder(own.as_fd(), "locks")?,
            lasting: Lasting::default(),
            resolution: Resolution::of_kernel(directory.as_fd()),
            directory,
        };
        // Facts last no longer than the folder that they are in.
        flush(&own)?;
        flush(&root.directory)?;
        Ok(root)
    }

    /// Opens the directory at the same path, which is not made: an empty store in place of one that
    /// is gone would hide the loss.
    pub(super) fn reopen(&self) -> rustix::io::Result<Self> {
        Self::open_directories(&self.path)
    }

    /// Whether the root, or one of the store's own directories in it, was removed.
    pub(super) fn is_removed(&self) -> bool {
        [&self.directory, &self.temporary, &self.facts, &self.locks]
            .into_iter()
            .any(|directory| fstat(directory).is_ok_and(|stat| stat.st_nlink == 0))
    }

    /// The error as it is, unless the root was removed: then that is the reason.
    pub(super) fn explain(&self, error: Error) -> Error {
        if !self.is_removed() {
            return error;
        }
        let explained = Error::new(ErrorKind::Unavailable, error.operation())
            .with_message("the store's directory was removed");
        match error.name() {
            Some(name) => explained.with_name(name.to_owned()),
            None => explained,
        }
        .with_source(error)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// The folder that the file lies in, and the file's own name there.
    pub(super) fn folder<'a>(
        &self,
        name: &'a FileName,
    ) -> rustix::io::Result<(Folder<'_>, &'a str)> {
        let Some((folder, file)) = name.as_str().rsplit_once('/') else {
            return Ok((Folder::Root(self.directory.as_fd()), name.as_str()));
        };
        Ok((Folder::Below(self.open_folder(folder)?.into()), file))
    }

    /// Like [`folder`](Self::folder), making what is missing.
    pub(super) fn make_folder<'a>(
        &self,
        name: &'a FileName,
    ) -> rustix::io::Result<(Folder<'_>, &'a str)> {
        match self.folder(name) {
            Err(Errno::NOENT) => {}
            found => return found,
        }
        let mut folder = Folder::Root(self.directory.as_fd());
        let mut rest = name.as_str();
        while let Some((segment, below)) = rest.split_once('/') {
            let next = make_folder(folder.as_fd(), segment)?;
            (folder, rest) = (Folder::Below(next.into()), below);
        }
        Ok((folder, rest))
    }

    /// What the file is, where it is a regular one.
    pub(super) fn stat(&self, name: &FileName) -> rustix::io::Result<Stat> {
        let (folder, file) = self.folder(name)?;
        regular(statat(folder, file, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Opens the file for reading, where it is a regular one.
    pub(super) fn open_file(&self, name: &FileName) -> rustix::io::Result<(OwnedFd, Stat)> {
        let (folder, file) = self.folder(name)?;
        // A pipe would wait for its writer; it is refused below instead.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(folder, file, flags, Mode::empty()) {
            // A socket, or a device without a driver.
            Err(Errno::NXIO | Errno::NODEV) => return Err(Errno::NOENT),
            opened => opened?,
        };
        let stat = regular(fstat(&file)?)?;
        Ok((file, stat))
    }

    pub(super) fn open_folder(&self, path: &str) -> rustix::io::Result<OwnedFd> {
        match self.resolution {
            #[cfg(target_os = "linux")]
            Resolution::Kernel => open_beneath(self.directory.as_fd(), path),
            Resolution::Walk => {
                let mut segments = path.split('/');
                let first = segments.next().unwrap_or_default();
                let folder = open_folder(self.directory.as_fd(), first)?;
                segments.try_fold(folder, |folder, segment| {
                    open_folder(folder.as_fd(), segment)
                })
            }
        }
    }
}

impl Resolution {
    #[cfg(target_os = "linux")]
    fn of_kernel(directory: BorrowedFd<'_>) -> Self {
        match open_beneath(directory, ".") {
            Ok(_) => Self::Kernel,
            // An old kernel, or a sandbox that forbids the call.
            Err(_) => Self::Walk,
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn of_kernel(_: BorrowedFd<'_>) -> Self {
        Self::Walk
    }
}

#[cfg(target_os = "linux")]
fn open_beneath(directory: BorrowedFd<'_>, path: &str) -> rustix::io::Result<OwnedFd> {
    use rustix::fs::{ResolveFlags, openat2};

    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    loop {
        match openat2(directory, path, FOLDER_FLAGS, Mode::empty(), resolve) {
            // A rename elsewhere made the kernel unsure of where it is.
            Err(Errno::AGAIN | Errno::INTR) => {}
            result => return result,
        }
    }
}

/// Opens a directory in another one, if it is one and no link.
pub(super) fn open_folder(parent: BorrowedFd<'_>, segment: &str) -> rustix::io::Result<OwnedFd> {
    openat(parent, segment, FOLDER_FLAGS, Mode::empty())
}

/// Opens a directory in another one, or makes it.
fn make_folder(parent: BorrowedFd<'_>, segment: &str) -> rustix::io::Result<OwnedFd> {
    match open_folder(parent, segment) {
        Err(Errno::NOENT) => {}
        found => return found,
    }
    match mkdirat(parent, segment, FOLDER_MODE) {
        Ok(()) | Err(Errno::EXIST) => open_folder(parent, segment),
        Err(errno) => Err(errno),
    }
}

fn regular(stat: Stat) -> rustix::io::Result<Stat> {
    if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
        return Ok(stat);
    }
    Err(Errno::NOENT)
}

fn no_directory() -> Error {
    Error::new(ErrorKind::Configuration, "open store")
        .with_message("the root, or the folder `.store` in it, is no directory")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[track_caller]
    fn check(resolution: Resolution) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("a/b")).unwrap();
        std::fs::write(directory.path().join("a/b/c"), "x").unwrap();
        symlink(directory.path().join("a"), directory.path().join("l")).unwrap();
        symlink("b", directory.path().join("a/m")).unwrap();
        let root = Root {
            resolution,
            ..Root::open(directory.path()).unwrap()
        };
        let stat = |text| {
            root.stat(&FileName::new(text).unwrap())
                .map(|stat| stat.st_size)
        };
        assert_eq!(stat("a/b/c"), Ok(1));
        assert_eq!(stat("a/b"), Err(Errno::NOENT));
        assert_eq!(stat("a/x/c"), Err(Errno::NOENT));
        for link in ["l/b/c", "a/m/c"] {
            let errno = stat(link).unwrap_err();
            assert!(
                matches!(errno, Errno::LOOP | Errno::NOTDIR),
                "{link}: {errno}"
            );
        }
        assert_eq!(stat("a/b/c/d"), Err(Errno::NOTDIR));
    }

    #[test]
    fn both_resolutions_find_files_and_follow_no_link() {
        check(Resolution::Walk);
        #[cfg(target_os = "linux")]
        check(Resolution::Kernel);
    }
}
