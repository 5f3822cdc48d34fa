//! The private directory of one deployment.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, Result};
use crate::id::DeploymentId;

/// What the name of every private directory begins with; the deployment's id is the rest.
const PREFIX: &str = "helion-deploy-";

/// A directory that the engine made for one deployment, and removes with all that is in it.
///
/// It is made new, readable by its owner only (mode 0700); when something stands at its path
/// already it is not made, and then never removed either.
#[derive(Debug)]
pub(crate) struct PrivateDirectory {
    layout: Layout,
    /// Tells others that its owner lives: a lock that goes with this process, however it ends.
    _presence: Presence,
}

/// The lock of a private directory, held.
#[derive(Debug)]
pub(crate) struct Presence {
    _directory: File,
}

/// The places inside a deployment's private directory.
///
/// Beside the application's tree stands what the clients keep, since the directory is their home:
/// names with a dot in front, which no package has.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The private directory of deployment `id` under `temp_root`: its name tells whose it is.
    pub(crate) fn of(temp_root: &Path, id: DeploymentId) -> Self {
        Self::new(temp_root.join(format!("{PREFIX}{id}")))
    }

    /// The deployment whose private directory has this name.
    pub(crate) fn owner_of(name: &str) -> Option<DeploymentId> {
        name.strip_prefix(PREFIX)?.parse().ok()
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The tree of the application in package `name`.
    pub(crate) fn application(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

impl PrivateDirectory {
    /// Makes the directory.
    pub(crate) fn create(layout: Layout) -> Result<Self> {
        DirBuilder::new()
            .mode(0o700)
            .create(layout.root())
            .map_err(Error::directory(
                "create the private directory",
                layout.root(),
            ))?;
        match Presence::begin(layout.root()) {
            Ok(presence) => Ok(Self {
                layout,
                _presence: presence,
            }),
            Err(error) => {
                drop(fs::remove_dir(layout.root()));
                let doing = "open the private directory";
                Err(Error::directory(doing, layout.root())(error))
            }
        }
    }

    /// Removes the directory and all that is in it; links are removed, never followed.
    pub(crate) fn remove(&self) -> Result<()> {
        remove(self.layout.root())
    }
}

impl Presence {
    fn begin(root: &Path) -> io::Result<Self> {
        let directory = File::open(root)?;
        // A file system without locks takes none from anybody else either, and what nobody can
        // lock is never taken for abandoned.
        drop(directory.try_lock());
        Ok(Self {
            _directory: directory,
        })
    }

    /// Takes the place of an owner that is no more, in a directory that nothing was put into since
    /// `then`; `None` where it lives, or where nobody can tell.
    ///
    /// The time is for an owner that has made the directory in this moment.
    pub(crate) fn succeed(root: &Path, then: SystemTime) -> Option<Self> {
        // What others put there under such a name, a pipe for one, is not opened.
        let metadata = fs::symlink_metadata(root).ok()?;
        if !metadata.is_dir() || metadata.modified().ok()? >= then {
            return None;
        }
        let directory = File::open(root).ok()?;
        directory.try_lock().ok()?;
        Some(Self {
            _directory: directory,
        })
    }
}

/// Removes the private directory at `root`, if it is there.
pub(crate) fn remove(root: &Path) -> Result<()> {
    let removed = fs::remove_dir_all(root).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        io::ErrorKind::PermissionDenied => {
            make_writable(root);
            fs::remove_dir_all(root)
        }
        // Something was still writing; whoever does so for long keeps the directory.
        io::ErrorKind::DirectoryNotEmpty => fs::remove_dir_all(root),
        _ => Err(error),
    });
    removed.map_err(Error::directory("remove the private directory", root))
}

impl Drop for PrivateDirectory {
    /// Cleans up after a deployment that was dropped in the middle; otherwise nothing is left.
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            tracing::warn!(error = %error.chain(), "clean-up failed");
        }
    }
}

/// Gives back the right to empty folders that a command made read-only.
fn make_writable(directory: &Path) {
    use std::os::unix::fs::PermissionsExt as _;

    let Ok(metadata) = fs::symlink_metadata(directory) else {
        return;
    };
    if !metadata.is_dir() {
        return;
    }
    // What still cannot be opened is reported by the removal that follows.
    drop(fs::set_permissions(
        directory,
        fs::Permissions::from_mode(0o700),
    ));
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        make_writable(&entry.path());
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn it_is_private_and_goes_with_all_that_is_in_it() {
        let temp = tempfile::tempdir().unwrap();
        let outside = temp.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "x").unwrap();
        let root = temp.path().join("private");

        let directory = PrivateDirectory::create(Layout::new(&root)).unwrap();
        assert_eq!(
            fs::metadata(&root).unwrap().permissions().mode() & 0o777,
            0o700
        );
        symlink(&outside, directory.layout.root().join("link")).unwrap();
        let locked = directory.layout.root().join("locked");
        fs::create_dir(&locked).unwrap();
        fs::write(locked.join("file"), "x").unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o500)).unwrap();

        directory.remove().unwrap();
        assert!(!root.exists());
        assert!(outside.join("kept").exists());
        directory.remove().unwrap();
    }

    #[test]
    fn what_somebody_else_made_is_neither_used_nor_removed() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("theirs");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("kept"), "x").unwrap();
        let error = PrivateDirectory::create(Layout::new(&root)).unwrap_err();
        assert!(matches!(error, Error::Directory { .. }), "{error}");
        assert!(root.join("kept").exists());
    }
}
