//! A few threads that carry out what changes the store.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::Result;
use crate::blocking::shutting_down;

/// How many calls are carried out at once: enough to keep a disk busy, and few enough that two
/// cores are not kept busy with changing from one to the next.
const WORKERS: usize = 24;

/// Carries out calls that block, a few at once and the others in their order.
///
/// A thread that is done with one goes on with the next. With a hop for each, of many saves at once
/// each would pay for a thread that goes to sleep and one that wakes; and a thousand saves would
/// hold every thread that the runtime has for what blocks, so that reads wait, too (decision 16).
pub(super) struct Workers {
    most: usize,
    line: Mutex<Line>,
}

/// Carries out one call and tells its caller.
type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Line {
    waiting: VecDeque<Job>,
    working: usize,
}

impl Default for Workers {
    fn default() -> Self {
        Self::new(WORKERS)
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

impl Workers {
    fn new(most: usize) -> Self {
        let line = Mutex::default();
        Self { most, line }
    }

    /// Does the work when its turn comes, unless the returned future is dropped before.
    ///
    /// Work that has begun runs to its end even if the caller goes away.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        operation: &'static str,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(move || {
            if !reply.is_closed() {
                // A panic is the caller's, not that of those who wait behind.
                drop(reply.send(catch_unwind(AssertUnwindSafe(work))));
            }
        });
        if self.take_on(job) {
            let worker = Worker::new(Arc::clone(self));
            drop(tokio::task::spawn_blocking(move || worker.work()));
        }
        match answer.await {
            Ok(done) => done.unwrap_or_else(|panic| resume_unwind(panic)),
            Err(_) => Err(shutting_down(operation)),
        }
    }

    /// Puts the job in the line; whether one more worker is to begin.
    ///
    /// It does not get the job: until the runtime has a thread for it, others may come to it.
    fn take_on(&self, job: Job) -> bool {
        let mut line = self.line();
        line.waiting.push_back(job);
        let begins = line.working < self.most;
        if begins {
            line.working += 1;
        }
        begins
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of those who work, until it finds nothing more to do.
struct Worker {
    workers: Arc<Workers>,
    has_left: bool,
}

impl Worker {
    fn new(workers: Arc<Workers>) -> Self {
        let has_left = false;
        Self { workers, has_left }
    }

    fn work(mut self) {
        while let Some(job) = self.next_or_leave() {
            job();
        }
    }

    /// In one step, or a job could be put in the line behind the last worker's back.
    fn next_or_leave(&mut self) -> Option<Job> {
        let mut line = self.workers.line();
        let next = line.waiting.pop_front();
        if next.is_none() {
            line.working -= 1;
            self.has_left = true;
        }
        next
    }
}

impl Drop for Worker {
    /// A runtime that shuts down drops a worker before it begins.
    fn drop(&mut self) {
        if self.has_left {
            return;
        }
        let mut line = self.workers.line();
        line.working -= 1;
        if line.working == 0 {
            // Nobody is left to do them; each caller is told when its job is dropped.
            let lost = std::mem::take(&mut line.waiting);
            drop(line);
            drop(lost);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Barrier, mpsc};

    use futures_util::FutureExt as _;
    use futures_util::future::join_all;
    use tokio::runtime::{Builder, Runtime};

    use super::*;
    use crate::ErrorKind;

    fn runtime() -> Runtime {
        Builder::new_multi_thread().build().unwrap()
    }

    #[test]
    fn many_are_done_a_few_at_once() {
        const MOST: usize = 3;
        let workers = Arc::new(Workers::new(MOST));
        let (at_once, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        // Each waits for as many others as may work with it, so fewer than that would not do.
        let together = Arc::new(Barrier::new(MOST));
        let calls = (0..MOST * 20).map(|number| {
            let (at_once, most) = (Arc::clone(&at_once), Arc::clone(&most));
            let together = Arc::clone(&together);
            workers.run("save file", move || {
                most.fetch_max(at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                together.wait();
                at_once.fetch_sub(1, Ordering::SeqCst);
                Ok(number)
            })
        });
        let done = runtime().block_on(join_all(calls));
        let numbers: Vec<_> = done.into_iter().map(Result::unwrap).collect();
        assert_eq!(numbers, (0..MOST * 20).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::SeqCst), MOST);
        assert_eq!(workers.line().working, 0);
    }

    #[test]
    fn calls_keep_their_order_though_the_runtime_has_few_threads() {
        let few = Builder::new_multi_thread().max_blocking_threads(1).build();
        let workers = Arc::new(Workers::new(3));
        let done = Arc::new(Mutex::new(Vec::new()));
        let calls = (0..10).map(|number| {
            let done = Arc::clone(&done);
            workers.run("save file", move || {
                done.lock().unwrap().push(number);
                Ok(())
            })
        });
        few.unwrap().block_on(join_all(calls));
        assert_eq!(*done.lock().unwrap(), (0..10).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_panic_reaches_its_caller_alone() {
        let workers = Arc::new(Workers::new(1));
        let panics = workers.run("save file", || -> Result<()> { panic!("of the call") });
        let panics = AssertUnwindSafe(panics).catch_unwind();
        let (panicked, behind) = tokio::join!(panics, workers.run("save file", || Ok(1)));
        let panic = panicked.unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"of the call"));
        assert_eq!(behind.unwrap(), 1);
    }

    #[tokio::test]
    async fn what_was_given_up_in_the_line_is_not_done() {
        let workers = Arc::new(Workers::new(1));
        let (go, wait) = mpsc::channel();
        let mut first = Box::pin(workers.run("save file", move || {
            wait.recv().unwrap();
            Ok(())
        }));
        assert!((&mut first).now_or_never().is_none());
        let (done, is_done) = mpsc::channel();
        let given_up = workers.run("save file", move || {
            done.send(()).unwrap();
            Ok(())
        });
        assert!(given_up.now_or_never().is_none());
        go.send(()).unwrap();
        first.await.unwrap();
        workers.run("save file", || Ok(())).await.unwrap();
        is_done.try_recv().unwrap_err();
    }

    #[test]
    fn a_runtime_that_shuts_down_takes_no_place_along() {
        let workers = Arc::new(Workers::new(1));
        let (old, new) = (runtime(), runtime());
        let handle = old.handle().clone();
        old.shutdown_background();
        {
            let _old = handle.enter();
            let call = workers.run("save file", || Ok(1));
            let error = call.now_or_never().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        }
        let call = workers.run("save file", || Ok(2));
        assert_eq!(new.block_on(call).unwrap(), 2);
    }
}
