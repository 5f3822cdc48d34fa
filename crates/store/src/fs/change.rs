//! A change of what stands under a name.

use std::array;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::lock::Lock;
use super::root::Root;
use crate::blocking::run_blocking;
use crate::{FileName, Result};

/// A change that is ready but for the step that the lock on its name orders.
pub(super) trait Change: Send + Sized + 'static {
    const OPERATION: &'static str;
    type Outcome: Send + 'static;

    fn root(&self) -> &Arc<Root>;

    fn name(&self) -> &FileName;

    /// Takes that step and gives the lock on the name back.
    fn make(self, lock: Lock) -> Result<Self::Outcome>;
}

/// What came of a change that does not wait for its lock.
#[derive(Debug)]
pub(super) enum Attempt<C: Change> {
    Made(C::Outcome),
    /// Somebody else holds the lock.
    Locked(C),
}

impl<C: Change> Attempt<C> {
    pub(super) fn of(change: C) -> Result<Self> {
        match Lock::try_take(change.root(), C::OPERATION, change.name())? {
            Some(lock) => change.make(lock).map(Self::Made),
            None => Ok(Self::Locked(change)),
        }
    }
}

/// Who of a store may wait for a lock: for each one call, on a thread; the others wait without one.
///
/// Another process may be stopped while it holds a lock. Whoever waits for that holds no place that
/// calls for other names need, and calls that are given up do not pile up threads.
#[derive(Debug)]
pub(super) struct Turns([Arc<Mutex<()>>; Lock::COUNT]);

impl Default for Turns {
    fn default() -> Self {
        Self(array::from_fn(|_| Arc::default()))
    }
}

impl Turns {
    /// Makes the change as soon as its lock is free.
    ///
    /// It is made by the thread that waited for the lock: whoever holds one can always go on, even
    /// where all other threads wait for it.
    pub(super) async fn make<C: Change>(&self, change: C) -> Result<C::Outcome> {
        let turn = Arc::clone(&self.0[Lock::index(change.name())]);
        let turn = turn.lock_owned().await;
        run_blocking(C::OPERATION, move || {
            // It ends with the work, not with the caller's patience.
            let _turn = turn;
            let root = Arc::clone(change.root());
            Lock::wait(&root, C::OPERATION, change.name())
                .and_then(|lock| change.make(lock))
                .map_err(|error| root.explain(error))
        })
        .await
    }
}
