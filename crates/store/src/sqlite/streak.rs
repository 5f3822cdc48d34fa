//! A caller that saves one file after the other.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::task::Id;

/// The longest pause between two saves of a streak: what a caller needs to make the next one.
const PAUSE: Duration = Duration::from_micros(50);

/// How long an answer is watched for: a few flushes of a fast disk. Where the last one took longer,
/// waking a sleeping caller is no great part of it.
const WATCHED: Duration = Duration::from_micros(500);

/// Spares a caller that saves one file after the other the time that it takes to wake it, which on
/// an idle machine is about as long as a flush of a fast disk.
///
/// Its task asks for the answer again and again, and lets other tasks run in between. Whoever is
/// not the same task as before, or comes later, sleeps until it is woken.
#[derive(Debug, Default)]
pub(super) struct Streak {
    last: Mutex<Option<Last>>,
}

/// The last answer that was taken.
#[derive(Clone, Copy, Debug)]
struct Last {
    task: Option<Id>,
    at: Instant,
    took: Duration,
}

impl Streak {
    /// Waits for an answer; `None` when there will be none.
    pub(super) async fn wait<T>(&self, answer: oneshot::Receiver<T>) -> Option<T> {
        let (task, begun) = (tokio::task::try_id(), Instant::now());
        let last = self.last().take();
        let goes_on = last.is_some_and(|last| last.goes_on(task, begun));
        let answered = if goes_on {
            watch(answer, begun).await
        } else {
            answer.await.ok()
        };
        let at = Instant::now();
        let took = at.duration_since(begun);
        *self.last() = Some(Last { task, at, took });
        answered
    }

    fn last(&self) -> MutexGuard<'_, Option<Last>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Last {
    fn goes_on(self, task: Option<Id>, now: Instant) -> bool {
        self.task == task && now.saturating_duration_since(self.at) <= PAUSE && self.took <= WATCHED
    }
}

async fn watch<T>(mut answer: oneshot::Receiver<T>, begun: Instant) -> Option<T> {
    while begun.elapsed() < WATCHED {
        match answer.try_recv() {
            Err(TryRecvError::Empty) => tokio::task::yield_now().await,
            Err(TryRecvError::Closed) => return None,
            Ok(answer) => return Some(answer),
        }
    }
    answer.await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_task_soon_after_a_quick_answer_goes_on() {
        let at = Instant::now();
        let last = Last {
            task: None,
            at,
            took: WATCHED,
        };
        assert!(last.goes_on(None, at + PAUSE));
        assert!(!last.goes_on(None, at + 2 * PAUSE), "it came later");
        let slow = Last {
            took: 2 * WATCHED,
            ..last
        };
        assert!(!slow.goes_on(None, at), "the flush is slow");
    }

    #[tokio::test]
    async fn another_task_is_another_caller() {
        let last = Last {
            task: None,
            at: Instant::now(),
            took: Duration::ZERO,
        };
        let (task, goes_on) = tokio::spawn(async move {
            let task = tokio::task::try_id();
            (task, last.goes_on(task, last.at))
        })
        .await
        .unwrap();
        assert!(task.is_some());
        assert!(!goes_on);
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
        let begun = Instant::now();
        let (reply, answer) = oneshot::channel::<()>();
        drop(reply);
        assert_eq!(watch(answer, begun).await, None);
        let (reply, answer) = oneshot::channel();
        reply.send(1).unwrap();
        let long_ago = begun.checked_sub(2 * WATCHED).unwrap();
        assert_eq!(watch(answer, long_ago).await, Some(1));
    }
}
