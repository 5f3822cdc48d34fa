//! A few threads that carry out what changes the store.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::Result;
use crate::blocking::shutting_down;
use crate::streak::{PAUSE, Streak};

/// How many calls of a runtime are carried out at once: enough to keep a disk busy, and few enough
/// that two cores are not kept busy with changing from one to the next.
const WORKERS: usize = 24;

/// How many calls a worker carries out before it lets others have its thread, so that reads get
/// their turn though the runtime has few threads: enough that a hop for all of them costs little.
const STINT: usize = 32;

/// Carries out calls that block, a few at once and the others in their order.
///
/// A thread that is done with one goes on with the next. With a hop for each, of many saves at once
/// each would pay for a thread that goes to sleep and one that wakes; and a thousand saves would
/// hold every thread that the runtime has for what blocks, so that reads wait, too (decision 16).
///
/// Each runtime works off its own calls: the end of one neither waits for those of another nor
/// takes them along.
pub(super) struct Workers {
    most: usize,
    /// How long one that is done watches for the next call.
    watched: Duration,
    streak: Streak,
    lines: Mutex<HashMap<Id, Line>>,
}

/// Carries out one call and tells its caller.
type Job = Box<dyn FnOnce() + Send>;

/// The calls of one runtime; there is one while somebody works there.
#[derive(Default)]
struct Line {
    waiting: VecDeque<Job>,
    working: usize,
    /// Whether one of the workers watches for the next call.
    is_watched: bool,
}

impl Default for Workers {
    fn default() -> Self {
        Self {
            watched: PAUSE,
            ..Self::new(WORKERS)
        }
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
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            watched: Duration::ZERO,
            streak: Streak::default(),
            lines: Mutex::default(),
        }
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
        // The line only borrows it: a caller that goes away takes along what it holds, such as an
        // open file, however long the line is.
        let work = Arc::new(Mutex::new(Some(work)));
        let waiting = Arc::downgrade(&work);
        let job = Box::new(move || {
            let work = waiting.upgrade().and_then(|work| lock(&work).take());
            if let Some(work) = work {
                // A panic is the caller's, not that of those who wait behind.
                drop(reply.send(catch_unwind(AssertUnwindSafe(work))));
            }
        });
        if let Some(worker) = self.take_on(job) {
            drop(spawn_blocking(move || worker.work()));
        }
        let answer = self.streak.wait(answer).await;
        drop(work);
        match answer {
            Some(done) => done.unwrap_or_else(|panic| resume_unwind(panic)),
            None => Err(shutting_down(operation)),
        }
    }

    /// Puts the job in its runtime's line; the one more worker that is to begin there, if any.
    ///
    /// It does not get the job: until the runtime has a thread for it, others may come to it.
    fn take_on(self: &Arc<Self>, job: Job) -> Option<Worker> {
        let runtime = Handle::current().id();
        let mut lines = self.lines();
        let line = lines.entry(runtime).or_default();
        line.waiting.push_back(job);
        let is_taken_by_watcher = line.is_watched && line.waiting.len() == 1;
        if is_taken_by_watcher || line.working == self.most {
            return None;
        }
        line.working += 1;
        Some(Worker {
            workers: Arc::clone(self),
            runtime,
            has_left: false,
        })
    }

    /// Whether a call of this runtime is carried out, waits or is watched for.
    pub(super) fn are_at_work(&self) -> bool {
        self.lines().contains_key(&Handle::current().id())
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Id, Line>> {
        lock(&self.lines)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One of those who work in a runtime, until it finds nothing more to do.
struct Worker {
    workers: Arc<Workers>,
    runtime: Id,
    has_left: bool,
}

impl Worker {
    fn work(mut self) {
        for _ in 0..STINT {
            let Some(job) = self.next_or_leave() else {
                return;
            };
            job();
        }
        // Behind all that wait for a thread by now.
        drop(spawn_blocking(move || self.work()));
    }

    /// The next job, which one worker watches for a moment: a caller that makes one change after
    /// the other is spared the time that waking a thread takes.
    fn next_or_leave(&mut self) -> Option<Job> {
        let begun = Instant::now();
        let mut is_watching = false;
        loop {
            // To look and to leave is one step, or a job could be put in the line behind the last
            // worker's back.
            let mut lines = self.workers.lines();
            let line = lines.get_mut(&self.runtime)?;
            let next = line.waiting.pop_front();
            let may_watch = is_watching || !line.is_watched;
            let watches = next.is_none() && may_watch && begun.elapsed() < self.workers.watched;
            if watches != is_watching {
                (line.is_watched, is_watching) = (watches, watches);
            }
            if watches {
                drop(lines);
                std::thread::yield_now();
                continue;
            }
            if next.is_none() {
                leave(&mut lines, self.runtime);
                self.has_left = true;
            }
            return next;
        }
    }
}

impl Drop for Worker {
    /// A runtime that shuts down drops a worker that has no thread.
    fn drop(&mut self) {
        if self.has_left {
            return;
        }
        let lost = leave(&mut self.workers.lines(), self.runtime);
        // Nobody is left to do them; each caller is told when its job is dropped.
        drop(lost);
    }
}

/// Counts one worker less; the line, if it was the last.
fn leave(lines: &mut HashMap<Id, Line>, runtime: Id) -> Option<Line> {
    let line = lines.get_mut(&runtime)?;
    line.working -= 1;
    if line.working > 0 {
        return None;
    }
    lines.remove(&runtime)
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Barrier, mpsc};

    use futures_util::FutureExt as _;
    use futures_util::future::{join, join_all};
    use tokio::runtime::{Builder, Runtime};

    use super::*;
    use crate::ErrorKind;
    use crate::blocking::run_blocking;

    fn runtime() -> Runtime {
        Builder::new_multi_thread().build().unwrap()
    }

    /// Where each step that blocks waits for the one before.
    fn with_one_thread() -> Runtime {
        let mut one = Builder::new_multi_thread();
        one.max_blocking_threads(1).build().unwrap()
    }

    /// Lets a thread of the runtime wait until the sender is used.
    fn occupy_a_thread(runtime: &Runtime) -> mpsc::Sender<()> {
        let (go, wait) = mpsc::channel();
        drop(runtime.spawn_blocking(move || wait.recv()));
        go
    }

    /// Puts what is called in the line of the runtime.
    fn begin<F: Future<Output: Debug>>(runtime: &Runtime, calls: F) -> Pin<Box<F>> {
        let mut calls = Box::pin(calls);
        let _runtime = runtime.enter();
        assert!(calls.as_mut().now_or_never().is_none());
        calls
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
        assert!(workers.lines().is_empty());
    }

    #[test]
    fn calls_keep_their_order_though_the_runtime_has_few_threads() {
        let (workers, one) = (Arc::new(Workers::new(3)), with_one_thread());
        let go = occupy_a_thread(&one);
        let done = Arc::new(Mutex::new(Vec::new()));
        let calls = (0..10).map(|number| {
            let done = Arc::clone(&done);
            workers.run("save file", move || {
                done.lock().unwrap().push(number);
                Ok(())
            })
        });
        let calls = begin(&one, join_all(calls));
        go.send(()).unwrap();
        one.block_on(calls);
        assert_eq!(*done.lock().unwrap(), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn others_get_the_only_thread_between_many_calls() {
        const CALLS: usize = 1_000;
        let workers = Arc::new(Workers::new(1));
        let done = Arc::new(AtomicUsize::new(0));
        let calls = (0..CALLS).map(|_| {
            let done = Arc::clone(&done);
            workers.run("save file", move || {
                done.fetch_add(1, Ordering::SeqCst);
                Ok(())
            })
        });
        let counted = Arc::clone(&done);
        let other = run_blocking("read file", move || Ok(counted.load(Ordering::SeqCst)));
        let one = with_one_thread();
        let go = occupy_a_thread(&one);
        let all = begin(&one, join(join_all(calls), other));
        go.send(()).unwrap();
        let (calls, before) = one.block_on(all);
        assert!(calls.iter().all(Result::is_ok));
        let before = before.unwrap();
        assert!(before < CALLS, "all {before} calls were done before");
    }

    fn with_long_watches() -> Arc<Workers> {
        Arc::new(Workers {
            watched: Duration::from_hours(1),
            ..Workers::new(3)
        })
    }

    fn job(done: &mpsc::Sender<u8>, number: u8) -> Job {
        let done = done.clone();
        Box::new(move || done.send(number).unwrap())
    }

    #[tokio::test]
    async fn a_worker_that_is_done_watches_for_the_next_call() {
        let (workers, runtime) = (with_long_watches(), Handle::current().id());
        let (done, is_done) = mpsc::channel();
        let mut worker = workers.take_on(job(&done, 1)).unwrap();
        let thread = std::thread::spawn(move || {
            worker.next_or_leave().unwrap()();
            worker.next_or_leave().unwrap()();
        });
        assert_eq!(is_done.recv(), Ok(1));
        while !workers.lines()[&runtime].is_watched {
            assert!(!thread.is_finished());
            std::thread::yield_now();
        }
        assert!(workers.take_on(job(&done, 2)).is_none(), "it is awake");
        assert_eq!(is_done.recv(), Ok(2));
        thread.join().unwrap();
        assert!(workers.lines().is_empty());
    }

    #[tokio::test]
    async fn one_worker_watches_and_takes_one_call() {
        let (workers, runtime) = (with_long_watches(), Handle::current().id());
        let (done, is_done) = mpsc::channel();
        let mut worker = workers.take_on(job(&done, 1)).unwrap();
        worker.next_or_leave().unwrap()();
        let mut other = workers.take_on(job(&done, 2)).unwrap();
        other.next_or_leave().unwrap()();
        workers.lines().get_mut(&runtime).unwrap().is_watched = true;
        assert!(other.next_or_leave().is_none(), "the first one watches");
        assert!(workers.take_on(job(&done, 3)).is_none());
        let third = workers.take_on(job(&done, 4));
        assert!(third.is_some(), "the first one takes another call");
        assert_eq!(is_done.try_iter().collect::<Vec<_>>(), [1, 2]);
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
    async fn what_was_given_up_in_the_line_holds_nothing() {
        let workers = Arc::new(Workers::new(1));
        let (go, wait) = mpsc::channel::<u8>();
        let mut first = Box::pin(workers.run("save file", move || Ok(wait.recv().unwrap())));
        assert!((&mut first).now_or_never().is_none());
        let held = Arc::new(());
        let holds = Arc::clone(&held);
        let given_up = workers.run("save file", move || Ok(Arc::strong_count(&holds)));
        assert!(given_up.now_or_never().is_none());
        assert_eq!(Arc::strong_count(&held), 1);
        go.send(1).unwrap();
        first.await.unwrap();
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

    #[test]
    fn a_runtime_that_shuts_down_takes_no_calls_of_another_along() {
        let workers = Arc::new(Workers::new(1));
        let (old, new) = (runtime(), with_one_thread());
        let (reply, lost) = oneshot::channel::<()>();
        let not_begun = {
            let _old = old.enter();
            workers.take_on(Box::new(move || drop(reply))).unwrap()
        };
        let go = occupy_a_thread(&new);
        let kept = begin(&new, workers.run("save file", || Ok(2)));
        drop(not_begun);
        lost.blocking_recv().unwrap_err();
        go.send(()).unwrap();
        assert_eq!(new.block_on(kept).unwrap(), 2);
    }

    /// So the end of one runtime never waits for what others are asked to do.
    #[test]
    fn calls_are_carried_out_in_their_own_runtime() {
        let workers = Arc::new(Workers::new(1));
        let (first, second) = (runtime(), with_one_thread());
        let go_second = occupy_a_thread(&second);
        let (go, wait) = mpsc::channel();
        let work = move || wait.recv().map_err(|_| shutting_down("save file"));
        let waiting = begin(&first, workers.run("save file", work));
        let here = || workers.run("save file", || Ok(Handle::current().id()));
        let second_calls = begin(&second, join_all((0..100).map(|_| here())));
        go.send(()).unwrap();
        first.block_on(waiting).unwrap();
        go_second.send(()).unwrap();
        for runtime in second.block_on(second_calls) {
            assert_eq!(runtime.unwrap(), second.handle().id());
        }
        drop((first, second));
        assert!(workers.lines().is_empty());
    }
}
