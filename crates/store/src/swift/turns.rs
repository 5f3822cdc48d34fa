//! Whose turn it is to change a file.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::{Error, ErrorKind, FileName, Operation, Result};

/// Has the changes of one file made one after the other, each to its end.
///
/// A request whose sender has gone away may still be carried out, and later than one that was sent
/// after it. So a change that has begun goes on when nobody waits for it any more, and the next one
/// of the same file waits for its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<FileName, Queue>>>);

type Queue = Arc<tokio::sync::Mutex<()>>;

impl Turns {
    /// Makes a change of the file, in its turn.
    pub(super) async fn take<T: Send + 'static>(
        &self,
        operation: Operation,
        name: &FileName,
        change: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let queue = Arc::clone(self.queues().entry(name.clone()).or_default());
        // Made before the wait, so that the queue goes also with whoever does not wait to the end.
        let mut turn = Turn {
            turns: self.clone(),
            name: name.clone(),
            held: None,
        };
        turn.held = Some(queue.lock_owned().await);
        let changed = tokio::spawn(async move {
            let _turn = turn;
            change.await
        });
        changed.await.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Other, operation.as_str())
                .with_name(name.as_str())
                .with_source(error))
        })
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<FileName, Queue>> {
        // The map is whole at every point where a holder could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of one change, had or waited for, until dropped.
struct Turn {
    turns: Turns,
    name: FileName,
    held: Option<OwnedMutexGuard<()>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut queues = self.turns.queues();
        drop(self.held.take());
        // Whoever waits holds the queue, too.
        if queues
            .get(&self.name)
            .is_some_and(|queue| Arc::strong_count(queue) == 1)
        {
            queues.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    const OPERATION: Operation = Operation::SaveFile;

    #[tokio::test]
    async fn a_change_that_nobody_waits_for_is_made_before_the_next() {
        let (turns, name) = (Turns::default(), FileName::new("a").unwrap());
        let order = Arc::new(Mutex::new(Vec::new()));
        let note = |word: &'static str| {
            let order = Arc::clone(&order);
            move || order.lock().unwrap().push(word)
        };
        let (go, may_go) = oneshot::channel::<()>();
        let first = note("first");
        let mut dropped = Box::pin(turns.take(OPERATION, &name, async move {
            may_go.await.unwrap();
            first();
            Ok(())
        }));
        assert!((&mut dropped).now_or_never().is_none());
        drop(dropped);
        let second = note("second");
        let next = turns.take(OPERATION, &name, async move {
            second();
            Ok(())
        });
        let other = FileName::new("b").unwrap();
        let beside = note("another file's");
        turns
            .take(OPERATION, &other, async move {
                beside();
                Ok(())
            })
            .await
            .unwrap();
        go.send(()).unwrap();
        next.await.unwrap();
        assert_eq!(
            *order.lock().unwrap(),
            ["another file's", "first", "second"]
        );
        assert!(turns.queues().is_empty());
    }

    #[tokio::test]
    async fn whoever_goes_away_with_the_turn_leaves_no_queue() {
        let (turns, name) = (Turns::default(), FileName::new("a").unwrap());
        let (go, may_go) = oneshot::channel::<()>();
        let mut first = Box::pin(turns.take(OPERATION, &name, async move {
            may_go.await.unwrap();
            Ok(())
        }));
        assert!((&mut first).now_or_never().is_none());
        let mut second = Box::pin(turns.take(OPERATION, &name, async { Ok(()) }));
        assert!((&mut second).now_or_never().is_none());
        go.send(()).unwrap();
        first.await.unwrap();
        // It has been handed the turn, and does not know it yet.
        drop(second);
        assert!(turns.queues().is_empty());
    }
}
