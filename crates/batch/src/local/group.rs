//! A child and everything in its process group.

use std::io;
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid,
};
use tokio::sync::OwnedSemaphorePermit;
use wait4::{ResUse, Wait4 as _};

use crate::local::options::Sweep;
use crate::local::reaper::{Orphan, Reaper};
use crate::local::remains::{Kin, Remains};

/// How long a sweep may keep the report of a run: as long as a killed child.
const SWEEP_LIMIT: Duration = Duration::from_secs(5);

/// A child that leads a process group; dropping it kills the group and leaves the child to the
/// reaper.
#[derive(Debug)]
pub(super) struct Group {
    /// Absent once it was reaped, when its number may be somebody else's.
    child: Option<Child>,
    pid: Pid,
    custody: Custody,
}

/// What a group needs to be looked after.
#[derive(Clone, Debug)]
pub(super) struct Custody {
    pub(super) reaper: Arc<Reaper>,
    /// Held as long as the child is there.
    pub(super) permit: Arc<OwnedSemaphorePermit>,
    /// What each of its processes carries.
    pub(super) marker: Arc<str>,
    /// Whether those that leave the group are looked for.
    pub(super) sweep: Sweep,
}

impl Group {
    pub(super) fn new(child: Child, custody: Custody) -> Self {
        Self {
            pid: Pid::from_child(&child),
            child: Some(child),
            custody,
        }
    }

    pub(super) const fn pid(&self) -> Pid {
        self.pid
    }

    /// Signals every process of the group, unless its number may be somebody else's.
    pub(super) fn signal(&self, signal: Signal) {
        if self.is_held()
            && let Err(error) = kill_process_group(self.pid, signal)
        {
            // A group of which nothing is left, or nothing that is ours.
            tracing::debug!(pid = self.pid.as_raw_nonzero(), %error, "signal not sent");
        }
    }

    /// Whether the child, dead or alive, keeps the number of the group.
    fn is_held(&self) -> bool {
        self.child.is_some() && !self.is_lost()
    }

    /// Whether somebody else took the status of the child, and let its number go: a host that
    /// ignores `SIGCHLD`, or reaps what is not its own.
    fn is_lost(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        self.child.is_some() && matches!(waitid(WaitId::Pid(self.pid), options), Err(Errno::CHILD))
    }

    /// What finds processes wherever they are: those that left the group, where they are looked
    /// for, and those of a group whose number is lost.
    fn swept_by(&self) -> Option<Arc<str>> {
        let is_swept = self.custody.sweep == Sweep::On || self.is_lost();
        is_swept.then(|| Arc::clone(&self.custody.marker))
    }

    /// Asks all processes to end, and one that is halted to go on, so that it hears it.
    pub(super) fn ask(&self) {
        self.signal(Signal::TERM);
        self.signal(Signal::CONT);
        // Nobody waits for it: those whom it does not reach are killed in the end.
        if let Some(marker) = self.swept_by() {
            self.custody.reaper.ask(marker, self.pid);
        }
    }

    /// Kills what is left, while the number of the group is still its own.
    pub(super) async fn kill_rest(&self) {
        self.signal(Signal::KILL);
        let Some(marker) = self.swept_by() else {
            return;
        };
        let killed = self.custody.reaper.kill(marker, self.pid);
        if tokio::time::timeout(SWEEP_LIMIT, killed).await.is_err() {
            tracing::warn!("a run's processes are still being looked for");
        }
    }

    /// What is there of the group, and of those who left it where they are looked for.
    pub(super) async fn remains(&self) -> Remains {
        let kin = Kin {
            group: self.pid,
            swept_by: self.swept_by(),
        };
        self.custody.reaper.look(kin).await
    }

    /// Takes the status of a child that has exited, and what it used.
    pub(super) fn reap(&mut self) -> io::Result<ResUse> {
        let Some(child) = &mut self.child else {
            return Err(io::Error::other("it was reaped before"));
        };
        match child.try_wait4() {
            Ok(Some(ended)) => {
                self.child = None;
                Ok(ended)
            }
            Ok(None) => Err(io::Error::other("it has not exited")),
            Err(error) => {
                // Somebody else took it, so its number means nothing any more.
                self.child = None;
                Err(error)
            }
        }
    }

    /// Whether processes of the group are left, after the child was reaped.
    pub(super) fn has_members(&self) -> bool {
        test_kill_process_group(self.pid).is_ok()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.child.is_none() {
            return;
        }
        self.signal(Signal::KILL);
        let swept_by = self.swept_by();
        if let Some(child) = self.child.take() {
            let Custody { reaper, permit, .. } = &self.custody;
            reaper.take(Orphan::new(child, Arc::clone(permit), swept_by));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::{PidfdFlags, WaitOptions, kill_process, pidfd_open, waitpid};
    use tokio::sync::Semaphore;

    use super::*;

    /// The number of a child whose status somebody else took may be any group's.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a child without a runner")]
    fn no_signal_goes_to_a_number_that_is_lost() {
        use std::os::unix::process::CommandExt as _;

        let mut child = std::process::Command::new("sh")
            .args(["-c", "sleep 1000 >/dev/null & echo $!"])
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let printed = io::read_to_string(child.stdout.take().unwrap()).unwrap();
        let other = Pid::from_raw(printed.trim().parse().unwrap()).unwrap();
        waitpid(Some(Pid::from_child(&child)), WaitOptions::empty()).unwrap();
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let group = Group::new(
            child,
            Custody {
                reaper: Arc::default(),
                permit: Arc::new(permit),
                marker: "nobody carries this".into(),
                sweep: Sweep::Off,
            },
        );
        let process = pidfd_open(other, PidfdFlags::empty()).unwrap();
        group.signal(Signal::KILL);
        drop(group);
        // What a signal did would show at once, and one that comes now ends it.
        let mut exit = [PollFd::new(&process, PollFlags::IN)];
        let soon = Timespec {
            tv_sec: 0,
            tv_nsec: 50_000_000,
        };
        let ended = poll(&mut exit, Some(&soon)).unwrap();
        kill_process(other, Signal::KILL).ok();
        assert_eq!(ended, 0);
    }
}
