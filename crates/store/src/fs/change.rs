//! A change of what stands under a name.

use std::array;
use std::sync::Arc;

use super::lock::Lock;
use super::root::Root;
use super::workers::Workers;
use crate::{FileName, Result};

/// A change that is ready but for the step that the lock on its name orders.
pub(super) trait Change: Send + Sized + 'static {
    const OPERATION: &'static str;
    type Outcome: Send + 'static;

    fn root(&self) -> &Arc<Root>;

    fn name(&self) -> &FileName;

    /// Takes that step and gives the lock on the name back.
    fn make(self, lock: Lock) -> Result<Self::Outcome>;

    /// Takes it as soon as the lock is free.
    ///
    /// The thread that waited makes the change: whoever holds a lock can always go on, even where
    /// all other threads wait for it.
    fn wait_and_make(self) -> Result<Self::Outcome> {
        let root = Arc::clone(self.root());
        Lock::wait(&root, Self::OPERATION, self.name())
            .and_then(|lock| self.make(lock))
            .map_err(|error| root.explain(error))
    }
}

/// What came of a change that does not wait long for its lock.
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

    pub(super) fn made(self) -> Option<C::Outcome> {
        match self {
            Self::Made(outcome) => Some(outcome),
            Self::Locked(_) => None,
        }
    }
}

/// Who waits for locks: for each one call at a time, on a thread, and others behind it.
///
/// Another process may be stopped while it holds a lock. Whoever waits for that holds no place that
/// calls for other names need, and whoever gives up leaves nothing behind.
pub(super) struct Waiting([Arc<Workers>; Lock::COUNT]);

impl Default for Waiting {
    fn default() -> Self {
        Self(array::from_fn(|_| Arc::new(Workers::new(1))))
    }
}

impl Waiting {
    /// Those who wait for the lock on the name.
    pub(super) fn of(&self, name: &FileName) -> &Arc<Workers> {
        &self.0[Lock::index(name)]
    }
}
