//! A name that nothing has yet, given to a file in one step.

use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, fstat, linkat};
use rustix::io::Errno;

use super::temporary::Temporary;

/// Gives the file a name that nothing has, not even what somebody without the lock put there.
pub(super) fn give_new_name(
    temporary: &mut Temporary,
    folder: BorrowedFd<'_>,
    file: &str,
) -> rustix::io::Result<()> {
    match rename_to_new(temporary, folder, file) {
        Ok(()) => {
            temporary.keep();
            Ok(())
        }
        // Not every file system can, and some sandboxes forbid what they do not know; the temporary
        // file's own name goes when it is dropped.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM) => {
            link_to_new(temporary, folder, file)
        }
        Err(errno) => Err(errno),
    }
}

fn rename_to_new(
    temporary: &Temporary,
    folder: BorrowedFd<'_>,
    file: &str,
) -> rustix::io::Result<()> {
    #[cfg(test)]
    lacking::check(&lacking::RENAME_TO_NEW)?;
    let (own, name) = (temporary.folder(), temporary.name());
    rename_without_replacing(own, name, folder, file)
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn rename_without_replacing(
    from: BorrowedFd<'_>,
    name: &str,
    to: BorrowedFd<'_>,
    file: &str,
) -> rustix::io::Result<()> {
    use rustix::fs::{RenameFlags, renameat_with};

    renameat_with(from, name, to, file, RenameFlags::NOREPLACE)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn rename_without_replacing(
    _: BorrowedFd<'_>,
    _: &str,
    _: BorrowedFd<'_>,
    _: &str,
) -> rustix::io::Result<()> {
    Err(Errno::NOTSUP)
}

fn link_to_new(
    temporary: &Temporary,
    folder: BorrowedFd<'_>,
    file: &str,
) -> rustix::io::Result<()> {
    #[cfg(test)]
    lacking::check(&lacking::LINK_TO_NEW)?;
    let (own, name) = (temporary.folder(), temporary.name());
    match linkat(own, name, folder, file, AtFlags::empty()) {
        // A server that made it may have failed before it said so (link(2), BUGS).
        Err(_) if fstat(temporary.opened()).is_ok_and(|stat| stat.st_nlink > 1) => Ok(()),
        linked => linked,
    }
}

/// A file system that lacks a step, for the tests of saves.
#[cfg(test)]
pub(super) mod lacking {
    use std::cell::Cell;
    use std::thread::LocalKey;

    use rustix::io::Errno;

    /// What a step of this thread is refused with, if it is.
    pub(in super::super) type Refusal = LocalKey<Cell<Option<Errno>>>;

    thread_local! {
        pub(in super::super) static RENAME_TO_NEW: Cell<Option<Errno>> = const { Cell::new(None) };
        pub(in super::super) static LINK_TO_NEW: Cell<Option<Errno>> = const { Cell::new(None) };
    }

    pub(super) fn check(step: &'static Refusal) -> rustix::io::Result<()> {
        step.get().map_or(Ok(()), Err)
    }
}
