//! Waits for killed children that nobody waits for any more, and looks through the system's
//! processes.

use std::process::Child;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Pid;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::local::remains::{self, Kin, Remains};
use crate::local::sweep::{self, Quarry};

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

/// What the thread is to do.
#[derive(Debug)]
enum Job {
    /// Wait for it.
    Reap(Orphan),
    /// Ask those who carry this and left the group to end.
    Ask(Arc<str>, Pid),
    /// Kill those who carry this, whose first process is not reaped; then the sender is dropped.
    Kill(Arc<str>, Pid, oneshot::Sender<()>),
    /// Say what is there.
    Look(Kin, oneshot::Sender<Remains>),
}

/// A thread of its own, begun with the first job: the runtime may be shutting down, and its
/// blocking pool may be busy with the host's work.
#[derive(Debug, Default)]
pub(super) struct Reaper {
    thread: Mutex<Option<Sender<Job>>>,
}

impl Reaper {
    /// Takes a killed child over.
    pub(super) fn take(&self, orphan: Orphan) {
        self.add(Job::Reap(orphan));
    }

    /// Asks those who carry `marker` and left the `group` to end.
    pub(super) fn ask(&self, marker: Arc<str>, group: Pid) {
        self.add(Job::Ask(marker, group));
    }

    /// Kills those who carry `marker`; `leader` is not reaped until it is done.
    pub(super) async fn kill(&self, marker: Arc<str>, leader: Pid) {
        let (done, killed) = oneshot::channel();
        self.add(Job::Kill(marker, leader, done));
        // It is dropped, never sent.
        drop(killed.await);
    }

    /// What is there of a run.
    pub(super) async fn look(&self, kin: Kin) -> Remains {
        let (answer, seen) = oneshot::channel();
        self.add(Job::Look(kin, answer));
        // Where there is no thread it cannot be seen.
        seen.await.unwrap_or(Remains::Running)
    }

    fn add(&self, job: Job) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            *thread = begin();
        }
        let job = match thread.as_ref().map(|sender| sender.send(job)) {
            None | Some(Ok(())) => return,
            Some(Err(unsent)) => unsent.0,
        };
        // The thread panicked; another one takes over.
        *thread = begin();
        if let Some(sender) = thread.as_ref() {
            // Where this fails too, the child stays a zombie until this process ends.
            drop(sender.send(job));
        }
    }
}

fn begin() -> Option<Sender<Job>> {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::Builder::new().name("batch-reaper".to_owned());
    match thread.spawn(move || work(&receiver)) {
        Ok(_) => Some(sender),
        Err(error) => {
            tracing::error!(%error, "no thread: killed children may stay zombies, and processes \
                                     that left their group may live on");
            None
        }
    }
}

/// Runs until the reaper is dropped and every child is gone.
fn work(receiver: &Receiver<Job>) {
    let mut orphans: Vec<Orphan> = Vec::new();
    let mut pause = FIRST_PAUSE;
    loop {
        let next = if orphans.is_empty() {
            receiver.recv().map_err(RecvTimeoutError::from)
        } else {
            receiver.recv_timeout(pause)
        };
        match next {
            Ok(job) => {
                // Many looks through the list are made in one.
                orphans.extend(do_all(std::iter::once(job).chain(receiver.try_iter())));
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

/// Does what takes little time first; returns the children that are to be waited for.
fn do_all(jobs: impl Iterator<Item = Job>) -> Vec<Orphan> {
    let (mut orphans, mut hunted, mut killed, mut looks) = (vec![], vec![], vec![], vec![]);
    for job in jobs {
        match job {
            Job::Reap(orphan) => {
                let leader = Pid::from_child(&orphan.child);
                let swept_by = orphan.swept_by.as_deref();
                hunted.extend(swept_by.map(|marker| Quarry::new(marker, leader)));
                orphans.push(orphan);
            }
            Job::Ask(marker, group) => sweep::ask_all(&marker, group),
            Job::Kill(marker, leader, done) => {
                hunted.push(Quarry::new(&marker, leader));
                killed.push(done);
            }
            Job::Look(kin, answer) => looks.push((kin, answer)),
        }
    }
    if !looks.is_empty() {
        let remains = remains::of(looks.iter().map(|(kin, _)| kin));
        for ((_, answer), remains) in looks.into_iter().zip(remains) {
            // Who has ended meanwhile does not hear it.
            let _unheard = answer.send(remains);
        }
    }
    if !hunted.is_empty() {
        sweep::kill_all(&hunted);
    }
    drop(killed);
    orphans
}
