//! What is in a directory or an archive, as lines to show.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::error::{Error, Result, shown};

/// What is in a directory or an archive: one line each with mode, size in bytes and path.
///
/// At most 1,000 lines are kept; [`left_out`](Self::left_out) counts the rest.
/// Lines hold no control characters.
///
/// # Examples
///
/// ```
/// let directory = std::env::temp_dir();
/// let listing = package::list_directory(&directory)?;
/// assert!(listing.lines().len() <= 1_000);
/// # Ok::<(), package::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Listing {
    lines: Vec<String>,
    left_out: u64,
}

/// The most lines kept: what a person scrolls through, and about 100 KiB of text.
const MOST_LINES: usize = 1_000;

impl Listing {
    /// The lines without line ends, in the order of the archive or by name.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// How many lines were not kept.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    pub(crate) fn add(&mut self, entry: &Line<'_>) {
        if self.lines.len() < MOST_LINES {
            self.lines.push(entry.to_string());
        } else {
            self.left_out += 1;
        }
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        match self.left_out {
            0 => Ok(()),
            count => writeln!(f, "({count} more left out)"),
        }
    }
}

/// One line before it is text.
pub(crate) struct Line<'a> {
    /// `-`, `d`, `l` or `h`, as in `tar -tv`.
    pub(crate) kind: char,
    pub(crate) mode: u32,
    pub(crate) size: u64,
    pub(crate) path: &'a [u8],
    pub(crate) target: Option<&'a [u8]>,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits: String = (0..9)
            .map(|bit| match self.mode >> (8 - bit) & 1 {
                0 => '-',
                _ => ['r', 'w', 'x'][bit % 3],
            })
            .collect();
        let path = shown(self.path);
        write!(f, "{}{bits} {:>12} {path}", self.kind, self.size)?;
        match self.target {
            Some(target) => write!(f, " -> {}", shown(target)),
            None => Ok(()),
        }
    }
}

/// Lists a directory, by name; what is inside its folders is not listed.
///
/// Links are shown, not followed. Memory is bounded by the lines that are kept.
///
/// # Errors
///
/// [`Io`](Error::Io): the directory cannot be read.
///
/// # Examples
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path();
/// std::fs::write(directory.join("index.php"), "<?php")?;
/// let listing = package::list_directory(directory)?;
/// assert!(listing.to_string().ends_with("            5 index.php\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn list_directory(path: impl AsRef<Path>) -> Result<Listing> {
    let path = path.as_ref();
    list(path).map_err(|source| Error::Io {
        action: "list",
        path: path.to_owned(),
        source,
    })
}

fn list(path: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    let mut first = BTreeSet::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        first.insert(entry.file_name());
        if first.len() > MOST_LINES {
            first.pop_last();
            listing.left_out += 1;
        }
    }
    for name in first {
        let file = path.join(&name);
        let metadata = match fs::symlink_metadata(&file) {
            Ok(metadata) => metadata,
            // It was removed since the directory was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let kind = metadata.file_type();
        let target = if kind.is_symlink() {
            fs::read_link(&file).ok()
        } else {
            None
        };
        listing.add(&Line {
            kind: match () {
                () if kind.is_dir() => 'd',
                () if kind.is_symlink() => 'l',
                () if kind.is_file() => '-',
                () => '?',
            },
            mode: metadata.mode(),
            size: metadata.len(),
            path: name.as_bytes(),
            target: target.as_ref().map(|target| target.as_os_str().as_bytes()),
        });
    }
    Ok(listing)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_directory_is_listed_by_name_with_kinds() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs::write(path.join("b\nc"), "12345").unwrap();
        fs::set_permissions(path.join("b\nc"), fs::Permissions::from_mode(0o754)).unwrap();
        symlink("else\x1bwhere", path.join("a")).unwrap();
        fs::create_dir(path.join("z")).unwrap();
        let listing = list_directory(path).unwrap();
        let lines = listing.lines();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with('l') && lines[0].ends_with(" a -> else\\u{1b}where"));
        assert_eq!(lines[1], "-rwxr-xr--            5 b\\nc");
        assert!(lines[2].starts_with('d') && lines[2].ends_with(" z"));
    }

    #[test]
    fn lines_over_the_bound_are_counted() {
        let directory = tempfile::tempdir().unwrap();
        for number in 0..1_003 {
            fs::write(directory.path().join(format!("{number:04}")), "").unwrap();
        }
        let listing = list_directory(directory.path()).unwrap();
        assert_eq!(listing.lines().len(), 1_000);
        assert!(listing.lines()[999].ends_with(" 0999"));
        assert_eq!(listing.left_out(), 3);
        assert!(listing.to_string().ends_with("\n(3 more left out)\n"));
    }

    #[test]
    fn a_missing_directory_is_an_error_that_names_it() {
        let error = list_directory("/nonexistent/x").unwrap_err();
        assert_eq!(error.to_string(), "failed to list `/nonexistent/x`");
    }
}
