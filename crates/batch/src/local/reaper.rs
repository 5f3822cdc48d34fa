//! Waits for killed children that nobody waits for any more.

use std::process::Child;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Pid;
use tokio::sync::OwnedSemaphorePermit;

use crate::local::sweep;

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// A killed child.
#[derive(Debug)]
pub(super) struct Orphan {
    child: Child,
    /// Released when the child is gone.
    _permit: Arc<OwnedSemaphorePermit>,
    swept_by: Option<Arc<str>>,
}

impl Orphan {
    pub(super) const fn new(
        child: Child,
        permit: Arc<OwnedSemaphorePermit>,
        swept_by: Option<Arc<str>>,
    ) -> Self {
        Self {
            child,
            _permit: permit,
            swept_by,
        }
    }
}

/// A thread of its own, begun with the first child: the runtime may be shutting down.
#[derive(Debug, Default)]
pub(super) struct Reaper {
    thread: Mutex<Option<Sender<Orphan>>>,
}

impl Reaper {
    /// Takes a killed child over.
    pub(super) fn take(&self, orphan: Orphan) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            *thread = begin();
        }
        let orphan = match thread.as_ref().map(|sender| sender.send(orphan)) {
            None | Some(Ok(())) => return,
            Some(Err(unsent)) => unsent.0,
        };
        // The thread panicked; another one takes over.
        *thread = begin();
        if let Some(sender) = thread.as_ref() {
            // Where this fails too, the child stays a zombie until this process ends.
            drop(sender.send(orphan));
        }
    }
}

fn begin() -> Option<Sender<Orphan>> {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::Builder::new().name("batch-reaper".to_owned());
    match thread.spawn(move || reap(&receiver)) {
        Ok(_) => Some(sender),
        Err(error) => {
            tracing::error!(%error, "killed children stay zombies until this process ends");
            None
        }
    }
}

/// Runs until the reaper is dropped and every child is gone.
fn reap(receiver: &Receiver<Orphan>) {
    let mut orphans: Vec<Orphan> = Vec::new();
    let mut pause = FIRST_PAUSE;
    loop {
        let next = if orphans.is_empty() {
            receiver.recv().map_err(RecvTimeoutError::from)
        } else {
            receiver.recv_timeout(pause)
        };
        match next {
            Ok(orphan) => {
                if let Some(marker) = &orphan.swept_by {
                    sweep::kill_all(marker, Pid::from_child(&orphan.child));
                }
                orphans.push(orphan);
                pause = FIRST_PAUSE;
            }
            Err(RecvTimeoutError::Timeout) => pause = (pause * 2).min(LONGEST_PAUSE),
            Err(RecvTimeoutError::Disconnected) if orphans.is_empty() => return,
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        orphans.retain_mut(|orphan| matches!(orphan.child.try_wait(), Ok(None)));
    }
}
