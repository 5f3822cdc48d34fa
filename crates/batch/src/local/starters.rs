//! Starting children away from the calling thread, in their order.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::local::launch::{Launch, LaunchError, Launched};
use crate::local::stop::Stop;
use crate::outcome::StepOutcome;

/// How long a thread waits for the next start before it ends.
const KEPT: Duration = Duration::from_secs(10);

/// Threads that start children, a bounded number at a time.
///
/// They are the runner's own: a runtime panics where the system has no thread for its pool, and
/// keeps its pool busy with the host's work.
/// A thread goes on with the next start that waits, and waits for others a while.
pub(super) struct Starters {
    queue: Arc<Queue>,
    limit: usize,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    /// There is something to do, or nothing any more.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Start>,
    threads: usize,
    /// How many of the threads wait for a start.
    idle: usize,
    /// Nobody adds starts any more.
    is_closed: bool,
}

/// One start, and where its result goes.
struct Start {
    launch: Arc<Launch>,
    result: oneshot::Sender<Result<Launched, LaunchError>>,
}

impl Starters {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            queue: Arc::default(),
            limit,
        }
    }

    /// Starts a child when those before it are, unless `stop` takes the start back.
    ///
    /// A start that a thread has begun is not taken back: its child is there, and is to be
    /// stopped as any other.
    ///
    /// # Cancellation
    ///
    /// Dropping the future takes the start back; a child that is being started right then is
    /// killed by its own guard.
    pub(super) async fn start(
        &self,
        launch: &Arc<Launch>,
        stop: Stop<'_>,
    ) -> Result<Result<Launched, LaunchError>, StepOutcome> {
        let (result, mut started) = oneshot::channel();
        let start = Start {
            launch: Arc::clone(launch),
            result,
        };
        if self.queue.add(start, self.limit) {
            begin_shift(&self.queue);
        }
        let started = match stop.or(&mut started).await {
            Ok(started) => started,
            Err(outcome) if self.queue.take_back(launch) => return Err(outcome),
            Err(_) => started.await,
        };
        Ok(started.unwrap_or_else(|_| {
            let reason = "the thread that was to start it is gone";
            Err(LaunchError::NoThread(io::Error::other(reason)))
        }))
    }
}

impl Drop for Starters {
    /// Sends the threads home.
    fn drop(&mut self) {
        self.queue.state().is_closed = true;
        self.queue.changed.notify_all();
    }
}

impl Queue {
    /// Adds a start; says whether it needs another thread, which then counts already.
    fn add(&self, start: Start, limit: usize) -> bool {
        let mut state = self.state();
        state.waiting.push_back(start);
        // A thread that was woken counts as idle until it has taken its start.
        if state.waiting.len() > state.idle && state.threads < limit {
            state.threads += 1;
            return true;
        }
        let has_idle = state.idle > 0;
        drop(state);
        if has_idle {
            self.changed.notify_one();
        }
        false
    }

    /// Removes the start of `launch`, unless a thread has taken it.
    fn take_back(&self, launch: &Arc<Launch>) -> bool {
        let mut state = self.state();
        let found = state
            .waiting
            .iter()
            .position(|start| Arc::ptr_eq(&start.launch, launch));
        let taken = found.and_then(|index| state.waiting.remove(index));
        drop(state);
        taken.is_some()
    }

    /// A thread that was counted is gone; when it was the last, those who wait are told why.
    fn lose(&self, error: &io::Error) {
        let mut state = self.state();
        state.threads -= 1;
        if state.threads > 0 {
            return;
        }
        let told = std::mem::take(&mut state.waiting);
        drop(state);
        for start in told {
            let error = match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(error.kind(), error.to_string()),
            };
            // Where nobody waits any more, nobody is told.
            drop(start.result.send(Err(LaunchError::NoThread(error))));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets another thread work on the queue.
fn begin_shift(queue: &Arc<Queue>) {
    let shared = Arc::clone(queue);
    let thread = std::thread::Builder::new().name("batch-starter".to_owned());
    let spawned = thread.spawn(move || {
        let shift = Shift {
            queue: shared,
            is_over: false,
        };
        shift.work();
    });
    if let Err(error) = spawned {
        queue.lose(&error);
    }
}

/// One thread's work on the queue.
struct Shift {
    queue: Arc<Queue>,
    is_over: bool,
}

impl Shift {
    fn work(mut self) {
        while let Some(start) = self.next() {
            // A result that nobody takes any more kills its child.
            drop(start.result.send(start.launch.start()));
        }
    }

    /// The next start that somebody still waits for; where there is none for a while, the shift
    /// is over before another start can be added.
    fn next(&mut self) -> Option<Start> {
        let mut state = self.queue.state();
        loop {
            let next = std::iter::from_fn(|| state.waiting.pop_front())
                .find(|start| !start.result.is_closed());
            if next.is_some() {
                return next;
            }
            if state.is_closed {
                break;
            }
            state.idle += 1;
            let changed = self.queue.changed.wait_timeout(state, KEPT);
            let (woken, waited) = changed.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.waiting.is_empty() {
                break;
            }
        }
        state.threads -= 1;
        self.is_over = true;
        None
    }
}

impl Drop for Shift {
    /// A start that panicked ends its thread.
    fn drop(&mut self) {
        if !self.is_over {
            self.queue.lose(&io::Error::other("its thread panicked"));
        }
    }
}
