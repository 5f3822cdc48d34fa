//! Starting again where the system was only short of something.

use std::io::{self, ErrorKind};
use std::time::Duration;

use rustix::io::Errno;

const MOST_TRIES: u32 = 12;
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// How often, and how soon, starting is tried again: about a second in all.
#[derive(Debug)]
pub(super) struct Retry {
    tries: u32,
    pause: Duration,
}

impl Retry {
    pub(super) const fn new() -> Self {
        Self {
            tries: 0,
            pause: FIRST_PAUSE,
        }
    }

    /// How long to wait before the next try, if `error` may go away by itself.
    pub(super) fn pause_after(&mut self, error: &io::Error) -> Option<Duration> {
        self.tries += 1;
        if self.tries >= MOST_TRIES || !is_temporary(error) {
            return None;
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        Some(pause)
    }
}

/// A program that another thread's child still has open for writing, and a shortage.
fn is_temporary(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ExecutableFileBusy | ErrorKind::Interrupted
    ) || is_shortage(error)
}

/// A lack of processes, threads, files or memory.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::AGAIN | Errno::MFILE | Errno::NFILE | Errno::NOMEM)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_is_tried_again() {
        let pause = |errno: Errno| Retry::new().pause_after(&errno.into());
        for errno in [
            Errno::TXTBSY,
            Errno::AGAIN,
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOMEM,
        ] {
            assert_eq!(pause(errno), Some(FIRST_PAUSE), "{errno}");
        }
        for errno in [Errno::NOENT, Errno::ACCESS, Errno::NOEXEC, Errno::TOOBIG] {
            assert_eq!(pause(errno), None, "{errno}");
        }
    }

    #[test]
    fn trying_again_ends() {
        let mut retry = Retry::new();
        let error = Errno::TXTBSY.into();
        let pauses: Vec<_> = std::iter::from_fn(|| retry.pause_after(&error)).collect();
        assert_eq!(pauses.len(), 11);
        assert!(pauses.iter().sum::<Duration>() < Duration::from_secs(2));
    }
}
