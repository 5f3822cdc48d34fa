//! Symbolic links: where they lead, and that they stay inside.

use super::index::{Held, Index};

/// A symbolic link that waits until everything else is unpacked.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) path: super::path::EntryPath,
    pub(super) target: String,
}

/// Whether a link stays in the archive's top folder, however its target is followed.
///
/// A target goes up from a place that is known to be a real folder of this archive, or it does not
/// go up; so no other link can bend it. Going down only ever meets other links, each of which was
/// checked the same way: a chain of links stays inside as well.
/// The end of the target need not exist.
pub(super) fn stays_inside(folder: &str, target: &str, index: &Index) -> bool {
    if target.starts_with('/') {
        return false;
    }
    let mut place: Vec<&str> = folder.split('/').collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                let here = index.get(&place.join("/"));
                if !matches!(here, Some(Held::Folder | Held::ImpliedFolder)) || place.len() < 2 {
                    return false;
                }
                place.pop();
            }
            _ => place.push(part),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(folder: &str, target: &str) -> bool {
        let mut index = Index::new();
        for folder in ["foo", "foo/a", "foo/a/b"] {
            index.set(folder, Held::Folder);
        }
        index.set("foo/link", Held::Link);
        index.set("foo/file", Held::File);
        stays_inside(folder, target, &index)
    }

    #[track_caller]
    fn stays(folder: &str, target: &str) {
        assert!(inside(folder, target), "{target}");
    }

    #[track_caller]
    fn leaves(folder: &str, target: &str) {
        assert!(!inside(folder, target), "{target}");
    }

    #[test]
    fn links_to_places_in_the_top_folder_stay() {
        stays("foo", "a/b");
        stays("foo", ".");
        stays("foo/a/b", "../..");
        stays("foo/a/b", "../../file");
        stays("foo", "a/b/../../file");
        stays("foo", "nowhere/at/all");
        stays("foo", "link/x");
    }

    #[test]
    fn links_that_leave_or_may_be_bent_do_not() {
        leaves("foo", "/etc/passwd");
        leaves("foo", "..");
        leaves("foo", "../foo/file");
        leaves("foo/a/b", "../../..");
        leaves("foo", "a/../..");
        leaves("foo", "link/..");
        leaves("foo", "file/..");
        leaves("foo", "nowhere/../x");
        leaves("foo", "A/../x");
    }
}
