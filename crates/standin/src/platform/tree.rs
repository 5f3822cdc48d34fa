//! Copying an application's tree.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use walkdir::WalkDir;

use crate::error::{Error, Result};

/// Copies the folder `source` to `target`, or the single file `source` into it.
///
/// Files keep their modes, links are copied as links, and folders stay open to their owner so that they can be deleted.
/// Anything else (sockets, devices, pipes) is refused.
pub(super) fn copy_tree(source: &Path, target: &Path) -> Result<()> {
    // A link to an application's folder is followed; links inside are not.
    let source = fs::canonicalize(source).map_err(Error::io("find", source))?;
    if source.is_file() {
        fs::create_dir(target).map_err(Error::io("create", target))?;
        return copy_file(
            &source,
            &target.join(source.file_name().unwrap_or_default()),
        );
    }
    let mut folders = Vec::new();
    for entry in WalkDir::new(&source) {
        let entry = entry.map_err(|error| Error::io("read", &source)(error.into()))?;
        let relative = entry.path().strip_prefix(&source).unwrap_or(entry.path());
        let copy = if relative.as_os_str().is_empty() {
            target.to_owned()
        } else {
            target.join(relative)
        };
        let kind = entry.file_type();
        if kind.is_dir() {
            fs::create_dir(&copy).map_err(Error::io("create", &copy))?;
            let mode = entry
                .path()
                .metadata()
                .map_err(Error::io("read", entry.path()))?
                .permissions()
                .mode();
            folders.push((copy, mode | 0o700));
        } else if kind.is_symlink() {
            let to = fs::read_link(entry.path()).map_err(Error::io("read", entry.path()))?;
            symlink(to, &copy).map_err(Error::io("create", &copy))?;
        } else if kind.is_file() {
            copy_file(entry.path(), &copy)?;
        } else {
            return Err(Error::NotAFile {
                path: entry.into_path(),
            });
        }
    }
    for (folder, mode) in folders {
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode))
            .map_err(Error::io("change", &folder))?;
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(drop)
        .map_err(Error::io("copy", from))
}
