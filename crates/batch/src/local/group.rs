//! A child and everything in its process group.

use std::io;
use std::process::Child;
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::sync::OwnedSemaphorePermit;
use wait4::{ResUse, Wait4 as _};

use crate::local::reaper::{Orphan, Reaper};

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
    /// What its processes are swept by, where they are.
    pub(super) swept_by: Option<Arc<str>>,
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

    /// Signals every process of the group, unless the child was reaped.
    pub(super) fn signal(&self, signal: Signal) {
        if self.child.is_some()
            && let Err(error) = kill_process_group(self.pid, signal)
        {
            // A group of which nothing is left, or nothing that is ours.
            tracing::debug!(pid = self.pid.as_raw_nonzero(), %error, "signal not sent");
        }
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
        if self.child.is_some() {
            self.signal(Signal::KILL);
        }
        if let Some(child) = self.child.take() {
            let Custody {
                reaper,
                permit,
                swept_by,
            } = &self.custody;
            reaper.take(Orphan::new(child, Arc::clone(permit), swept_by.clone()));
        }
    }
}
