//! A caller that saves one file after the other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::task::Id;

/// The longest pause between two saves of a streak: what a caller needs to make the next one. As
/// long the thread that carried out the last one watches for it.
pub(crate) const PAUSE: Duration = Duration::from_micros(50);

/// How long an answer is watched for: a few flushes of a fast disk. Where the last one took longer,
/// waking a sleeping caller is no great part of it.
const WATCHED: Duration = Duration::from_micros(500);

/// Spares a caller that saves one file after the other the time that it takes to wake it, which on
/// an idle machine is about as long as a flush of a fast disk.
///
/// Its task asks for the answer again and again and lets other tasks run in between; but between
/// two questions the thread leaves its core to other threads, and the tasks of that thread wait
/// with it. Whoever is not the same caller as before, comes later or is not the only one sleeps until
/// it is woken.
#[derive(Debug, Default)]
pub(crate) struct Streak {
    last: Mutex<Option<Last>>,
    waiting: AtomicUsize,
}

/// Who saves: a task, or a thread that is in no task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Task(Id),
    Thread(ThreadId),
}

impl Caller {
    fn current() -> Self {
        let thread = || Self::Thread(std::thread::current().id());
        tokio::task::try_id().map_or_else(thread, Self::Task)
    }
}

/// The last answer that was taken.
#[derive(Clone, Copy, Debug)]
struct Last {
    caller: Caller,
    at: Instant,
    took: Duration,
}

/// One of those who wait, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Streak {
    /// Waits for an answer; `None` when there will be none.
    pub(crate) async fn wait<T>(&self, answer: oneshot::Receiver<T>) -> Option<T> {
        let (caller, begun) = (Caller::current(), Instant::now());
        let is_alone = self.waiting.fetch_add(1, Ordering::Relaxed) == 0;
        let _waiting = Waiting(&self.waiting);
        let last = self.last().take();
        let goes_on = is_alone && last.is_some_and(|last| last.goes_on(caller, begun));
        let answered = if goes_on {
            self.watch(answer, begun).await
        } else {
            answer.await.ok()
        };
        let at = Instant::now();
        let took = at.duration_since(begun);
        *self.last() = Some(Last { caller, at, took });
        answered
    }

    /// Waits awake as long as nobody else waits.
    async fn watch<T>(&self, mut answer: oneshot::Receiver<T>, begun: Instant) -> Option<T> {
        while begun.elapsed() < WATCHED && self.waiting.load(Ordering::Relaxed) <= 1 {
            match answer.try_recv() {
                Err(TryRecvError::Empty) => {
                    // The thread that saves may be waiting for this very core, where it would get no
                    // turn before the caller gives up.
                    std::thread::yield_now();
                    tokio::task::yield_now().await;
                }
                Err(TryRecvError::Closed) => return None,
                Ok(answer) => return Some(answer),
            }
        }
        answer.await.ok()
    }

    fn last(&self) -> MutexGuard<'_, Option<Last>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Last {
    fn goes_on(self, caller: Caller, now: Instant) -> bool {
        self.caller == caller
            && now.saturating_duration_since(self.at) <= PAUSE
            && self.took <= WATCHED
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};

    use super::*;

    /// Counts how often a future asks to be polled again.
    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Polls once; whether the future stays awake without an answer.
    fn is_awake<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        assert!(future.poll(&mut Context::from_waker(&waker)).is_pending());
        count.0.load(Ordering::Relaxed) > 0
    }

    /// A streak of this thread that was answered just now.
    fn begun() -> Streak {
        let streak = Streak::default();
        *streak.last() = Some(Last {
            caller: Caller::current(),
            // A slow machine must not end it before the test looks.
            at: Instant::now() + Duration::from_mins(1),
            took: Duration::ZERO,
        });
        streak
    }

    #[test]
    fn only_the_same_caller_soon_after_a_quick_answer_goes_on() {
        let (at, caller) = (Instant::now(), Caller::current());
        let last = Last {
            caller,
            at,
            took: WATCHED,
        };
        assert!(last.goes_on(caller, at + PAUSE));
        assert!(!last.goes_on(caller, at + 2 * PAUSE), "it came later");
        let slow = Last {
            took: 2 * WATCHED,
            ..last
        };
        assert!(!slow.goes_on(caller, at), "the flush is slow");
        let other = std::thread::spawn(Caller::current).join().unwrap();
        assert!(!last.goes_on(other, at), "it is another thread");
    }

    #[test]
    fn a_streak_stays_awake_and_what_begins_one_sleeps() {
        let (_reply, answer) = oneshot::channel::<()>();
        let streak = Streak::default();
        assert!(!is_awake(pin!(streak.wait(answer))));
        let (_reply, answer) = oneshot::channel::<()>();
        let streak = begun();
        assert!(is_awake(pin!(streak.wait(answer))));
    }

    #[test]
    fn nobody_stays_awake_beside_another() {
        let streak = begun();
        let (_reply, answer) = oneshot::channel::<()>();
        let mut first = pin!(streak.wait(answer));
        assert!(is_awake(first.as_mut()));
        let (_reply, answer) = oneshot::channel::<()>();
        assert!(!is_awake(pin!(streak.wait(answer))), "the second");
        // The second has gone again.
        assert_eq!(streak.waiting.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn an_answer_is_taken_whether_it_is_watched_for_or_not() {
        let streak = Streak::default();
        for expected in 0..100 {
            let (reply, answer) = oneshot::channel();
            let replier = std::thread::spawn(move || reply.send(expected));
            assert_eq!(streak.wait(answer).await, Some(expected));
            replier.join().unwrap().unwrap();
        }
        let now = Instant::now();
        let (reply, answer) = oneshot::channel::<()>();
        drop(reply);
        assert_eq!(streak.watch(answer, now).await, None);
        let (reply, answer) = oneshot::channel();
        reply.send(1).unwrap();
        let long_ago = now.checked_sub(2 * WATCHED).unwrap();
        assert_eq!(streak.watch(answer, long_ago).await, Some(1));
    }

    #[test]
    fn a_dropped_wait_is_counted_no_more() {
        let streak = Streak::default();
        let (_reply, answer) = oneshot::channel::<()>();
        {
            let wait = pin!(streak.wait(answer));
            let polled = wait.poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled, Poll::Pending);
        }
        assert_eq!(streak.waiting.load(Ordering::Relaxed), 0);
    }
}
