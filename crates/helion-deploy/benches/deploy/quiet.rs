//! A file system as quiet as before a first deployment.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};

/// Measures when what the round before left to the system is done.
pub(crate) fn settle<T>(pause: Duration, measure: impl FnOnce() -> T) -> T {
    std::thread::sleep(pause);
    measure()
}

/// Has ext4 put the folders that are made in `folder` far from each other, as it does with homes.
///
/// Without a journal it passes over every inode nearby that was deleted in the last minutes when
/// it makes a new one (`recently_deleted` in `fs/ext4/ialloc.c`), so that each round would also
/// measure how much the rounds before had deleted. Where it cannot be done, it does, and says so.
pub(crate) fn spread_folders(folder: &Path) {
    let spread = File::open(folder).and_then(|folder| {
        let flags = ioctl_getflags(&folder)?;
        Ok(ioctl_setflags(&folder, flags | IFlags::TOPDIR)?)
    });
    if let Err(error) = spread {
        println!("folders are not spread: {error}");
    }
}
