//! Starting children away from the calling thread, in their order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::local::launch::{Launch, LaunchError, Launched};

/// How often a start is queued again after its thread was gone: that may have been a thread of
/// another runtime, which shared the runner and shuts down.
const MOST_SHIFTS: u32 = 3;

/// Threads of the runtime's blocking pool that start children, a bounded number at a time.
///
/// A thread goes on with the next start that waits, so that many starts need few wake-ups; it
/// goes back to the pool when none waits.
pub(super) struct Starters {
    queue: Arc<Queue>,
    limit: usize,
}

#[derive(Default)]
struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Start>,
    at_work: usize,
}

/// One start, and where its result goes.
struct Start {
    launch: Arc<Launch>,
    result: oneshot::Sender<Result<Launched, LaunchError>>,
}

/// The thread that was to start a child is gone: the runtime shuts down.
#[derive(Debug)]
pub(super) struct NotStarted;

impl Starters {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            queue: Arc::default(),
            limit,
        }
    }

    /// Starts a child when those before it are.
    ///
    /// # Cancellation
    ///
    /// Dropping the future takes the start back; a child that is being started right then is
    /// killed by its own guard.
    pub(super) async fn start(
        &self,
        launch: &Arc<Launch>,
    ) -> Result<Result<Launched, LaunchError>, NotStarted> {
        for _ in 0..MOST_SHIFTS {
            let (result, started) = oneshot::channel();
            let start = Start {
                launch: Arc::clone(launch),
                result,
            };
            if let Some(shift) = self.queue.add(start, self.limit) {
                // Its end is not waited for: each start has its own result.
                drop(tokio::task::spawn_blocking(move || shift.work()));
            }
            if let Ok(started) = started.await {
                return Ok(started);
            }
        }
        Err(NotStarted)
    }
}

impl Queue {
    /// Adds a start, and another thread's shift unless enough are at work.
    fn add(self: &Arc<Self>, start: Start, limit: usize) -> Option<Shift> {
        let mut state = self.state();
        state.waiting.push_back(start);
        if state.at_work >= limit {
            return None;
        }
        state.at_work += 1;
        Some(Shift {
            queue: Arc::clone(self),
            is_over: false,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// The next start that somebody still waits for; where there is none, the shift is over before
    /// another start can be added.
    fn next(&mut self) -> Option<Start> {
        let mut state = self.queue.state();
        let next = std::iter::from_fn(|| state.waiting.pop_front())
            .find(|start| !start.result.is_closed());
        if next.is_none() {
            state.at_work -= 1;
            self.is_over = true;
        }
        next
    }
}

impl Drop for Shift {
    /// A runtime that shuts down drops the shift before it is over; when no other goes on, those
    /// who wait are told.
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut state = self.queue.state();
        state.at_work -= 1;
        if state.at_work == 0 {
            let told = std::mem::take(&mut state.waiting);
            drop(state);
            drop(told);
        }
    }
}
