//! The root that is open now, opened anew where it was removed.

use std::sync::{Arc, Mutex, PoisonError};

use super::root::Root;
use crate::{Error, Result};

/// The open root of a store.
///
/// It is held open, so that nothing resolves its path anew; but a directory that was removed stays
/// open and empty, and must not be taken for a store without files.
#[derive(Debug)]
pub(super) struct Current(Mutex<Arc<Root>>);

impl Current {
    pub(super) fn new(root: Root) -> Self {
        Self(Mutex::new(Arc::new(root)))
    }

    pub(super) fn root(&self) -> Arc<Root> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does the work in the root, and once more if the root was removed, and is there again.
    pub(super) fn run<T>(&self, work: impl Fn(&Arc<Root>) -> Result<T>) -> Result<T> {
        let root = self.root();
        match work(&root) {
            Err(error) if root.is_removed() => work(&self.reopen(&root, error)?),
            result => result,
        }
    }

    fn reopen(&self, removed: &Arc<Root>, error: Error) -> Result<Arc<Root>> {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, removed) {
            *current = Arc::new(removed.reopen().map_err(|_| removed.explain(error))?);
            tracing::warn!(root = %removed.path().display(), "the root was removed and is opened anew");
        }
        Ok(Arc::clone(&current))
    }
}
