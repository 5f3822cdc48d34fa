//! Learning that a child has exited, without reaping it.

use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Waits for a child's exit and leaves it a zombie, so that its number, and with it its group's,
/// stays taken until the group was killed.
#[derive(Debug)]
pub(super) enum ExitWatch {
    /// The kernel tells.
    #[cfg(target_os = "linux")]
    Pidfd(tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>),
    /// The child is looked at again and again.
    Poll,
}

impl ExitWatch {
    /// Watches through a file descriptor of the process where the system gives one.
    #[cfg(target_os = "linux")]
    pub(super) fn new(pid: Pid) -> Self {
        use rustix::process::{PidfdFlags, pidfd_open};
        use tokio::io::Interest;
        use tokio::io::unix::AsyncFd;

        #[expect(
            deprecated,
            reason = "its successor is unsafe; what that asks for, a descriptor that stays open \
                      and the same, an `OwnedFd` keeps by itself"
        )]
        let register = |fd| AsyncFd::with_interest(fd, Interest::READABLE);
        let opened = pidfd_open(pid, PidfdFlags::NONBLOCK).map_err(std::io::Error::from);
        match opened.and_then(register) {
            Ok(fd) => Self::Pidfd(fd),
            Err(error) => {
                tracing::debug!(%error, "no file descriptor of the process; it is polled");
                Self::Poll
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn new(_pid: Pid) -> Self {
        Self::Poll
    }

    /// Waits until the child has exited; dropping the future loses nothing.
    pub(super) async fn exited(&self, pid: Pid) {
        match self {
            #[cfg(target_os = "linux")]
            Self::Pidfd(fd) => {
                if fd.readable().await.is_err() {
                    poll(pid).await;
                }
            }
            Self::Poll => poll(pid).await,
        }
    }
}

async fn poll(pid: Pid) {
    let mut pause = FIRST_PAUSE;
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    // An error means that it is gone, and that somebody else has its status.
    while let Ok(None) = waitid(WaitId::Pid(pid), options) {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::Stdio;

    use super::*;

    /// Both ways see an exit, not before it happens, and leave the status to be taken.
    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a child without a runner")]
    async fn an_exit_is_seen_and_not_taken() {
        for is_polled in [false, true] {
            let mut child = std::process::Command::new("cat")
                .stdin(Stdio::piped())
                .spawn()
                .unwrap();
            let pid = Pid::from_child(&child);
            let watch = if is_polled {
                ExitWatch::Poll
            } else {
                ExitWatch::new(pid)
            };
            let mut exited = std::pin::pin!(watch.exited(pid));
            assert!(futures_util::poll!(&mut exited).is_pending());
            child.stdin.take().unwrap().flush().unwrap();
            exited.await;
            watch.exited(pid).await;
            assert!(child.try_wait().unwrap().unwrap().success());
        }
    }

    /// A status that somebody else took is no reason to wait for ever.
    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a child without a runner")]
    async fn a_child_that_is_gone_has_exited() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = Pid::from_child(&child);
        child.wait().unwrap();
        ExitWatch::new(pid).exited(pid).await;
    }
}
