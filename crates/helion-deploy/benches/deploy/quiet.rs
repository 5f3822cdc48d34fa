//! Waiting for the file system to be quiet.

use std::time::Duration;

/// Measures when the file system is as quiet as before a first deployment.
///
/// ext4 without a journal passes over every inode that was deleted in the last five seconds when
/// it makes a new one (`recently_deleted` in `fs/ext4/ialloc.c`), so rounds without a pause would
/// also measure how much the rounds before had deleted.
pub(crate) fn settle<T>(pause: Duration, measure: impl FnOnce() -> T) -> T {
    std::thread::sleep(pause);
    measure()
}
