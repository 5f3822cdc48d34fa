//! Lists files in the order of their whole names.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Dir, FileType, fstat, statat};
use rustix::io::Errno;

use super::contents::with_facts;
use super::error::{is_absent, system};
use super::root::{Root, open_folder};
use super::version::Version;
use crate::{FileInfo, FileName, ListOptions, Order, Result};

/// How often a directory is read that changes meanwhile.
const SCANS: usize = 8;

/// An entry of a directory whose name is text.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: FileType,
}

/// One page of the files.
pub(super) fn list(root: &Root, options: &ListOptions) -> Result<Vec<FileInfo>> {
    let (least, end) = options.bounds();
    let mut page = Page {
        root,
        options,
        least,
        end,
        infos: Vec::new(),
    };
    page.visit(root.directory(), "")?;
    if page.infos.is_empty() && root.is_removed() {
        // A directory that was removed reads as an empty one.
        return Err(system("list files", Errno::NOENT));
    }
    Ok(page.infos)
}

/// The entries of a directory but for those whose names are no text, which no stored file's is.
pub(super) fn entries(folder: BorrowedFd<'_>) -> rustix::io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else {
            continue;
        };
        if name == "." || name == ".." {
            continue;
        }
        let kind = match entry.file_type() {
            // Some file systems do not tell.
            FileType::Unknown => match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => continue,
                stat => FileType::from_raw_mode(stat?.st_mode),
            },
            kind => kind,
        };
        entries.push(Entry {
            name: name.to_owned(),
            kind,
        });
    }
    Ok(entries)
}

/// As [`entries`], and no file is missing that was replaced meanwhile; some may be there twice.
///
/// A rename puts a file in another's place at once. But some file systems, such as tmpfs, give it
/// another place in the directory, and who passes between the two sees neither. So a directory
/// that changed while it was read is read again, and what any reading saw is returned.
fn entries_of_all_scans(folder: BorrowedFd<'_>) -> rustix::io::Result<Vec<Entry>> {
    let changed = || fstat(folder).map(|stat| (stat.st_ctime, stat.st_ctime_nsec));
    let mut found = Vec::new();
    let mut before = changed()?;
    for _ in 0..SCANS {
        found.extend(entries(folder)?);
        let after = changed()?;
        if after == before {
            break;
        }
        before = after;
    }
    Ok(found)
}

/// The first bytes as a number that sorts as they do; no name holds the NUL that fills it up.
fn start(text: &str) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(bytes.len());
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    u64::from_be_bytes(bytes)
}

/// A page that is being filled.
struct Page<'a> {
    root: &'a Root,
    options: &'a ListOptions,
    least: String,
    end: Option<String>,
    infos: Vec<FileInfo>,
}

impl Page<'_> {
    /// Adds the files below `folder`, whose path ends in `/` unless it is the root.
    fn visit(&mut self, folder: BorrowedFd<'_>, path: &str) -> Result<()> {
        let names = self.sorted(folder, path)?;
        let room = self.options.limit.saturating_sub(self.infos.len());
        self.infos.reserve(names.len().min(room));
        for (_, name) in names {
            if self.infos.len() >= self.options.limit {
                return Ok(());
            }
            let Some(below) = name.strip_suffix('/') else {
                self.add(folder, &name[path.len()..], &name)?;
                continue;
            };
            let segment = &below[path.len()..];
            match open_folder(folder, segment) {
                // It was removed, or replaced by a file, meanwhile.
                Err(errno) if is_absent(errno) => {}
                Err(errno) => return Err(system("list files", errno).with_name(name)),
                Ok(below) => self.visit(below.as_fd(), &name)?,
            }
        }
        Ok(())
    }

    /// The whole names of the files and folders that may be on the page, in order; those of folders
    /// end in `/`.
    ///
    /// Before each stands how it starts within the folder, where most names differ already, and two
    /// numbers are compared at once. With the `/` a folder sorts as the names below it do: `a.b`
    /// before `a/b`, and `a0` after it.
    fn sorted(&self, folder: BorrowedFd<'_>, path: &str) -> Result<Vec<(u64, String)>> {
        let entries = entries_of_all_scans(folder).map_err(|errno| system("list files", errno))?;
        let mut names = Vec::with_capacity(entries.len());
        for Entry { name, kind } in entries {
            if path.is_empty() && name.eq_ignore_ascii_case(FileName::RESERVED) {
                continue;
            }
            let mut whole = String::with_capacity(path.len() + name.len() + 1);
            whole.push_str(path);
            whole.push_str(&name);
            let wanted = match kind {
                FileType::RegularFile => whole >= self.least,
                FileType::Directory => {
                    whole.push('/');
                    whole >= self.least || self.least.starts_with(&whole)
                }
                _ => false,
            };
            if wanted && self.end.as_ref().is_none_or(|end| whole < *end) {
                names.push((start(&whole[path.len()..]), whole));
            }
        }
        match self.options.order {
            Order::Ascending => names.sort_unstable(),
            Order::Descending => names.sort_unstable_by(|a, b| b.cmp(a)),
        }
        names.dedup();
        Ok(names)
    }

    fn add(&mut self, folder: BorrowedFd<'_>, file: &str, name: &str) -> Result<()> {
        // An entry with a line break, say, was not saved by a store.
        let Ok(name) = FileName::new(name) else {
            return Ok(());
        };
        let stat = || match statat(folder, file, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                Ok(Some(Version::of(&stat)))
            }
            Ok(_) => Ok(None),
            Err(errno) if is_absent(errno) => Ok(None),
            Err(errno) => Err(system("list files", errno).with_name(name.as_str())),
        };
        let mut seen = stat()?;
        while let Some(version) = seen {
            if let Some(info) = with_facts(self.root, &name, &version)? {
                self.infos.push(info);
                return Ok(());
            }
            // The facts are gone: with the version, or because there never were any.
            let now = stat()?;
            if now == seen {
                self.infos.push(version.info(name));
                return Ok(());
            }
            seen = now;
        }
        Ok(())
    }
}
