//! The deployments that run in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use store::{FileName, IStore};
use tokio_util::sync::CancellationToken;

use crate::cancel;
use crate::deployment::Cancels;
use crate::error::Error;
use crate::id::DeploymentId;
use crate::record::DeploymentRecord;

/// The running deployments, and which application each of them deploys.
#[derive(Debug)]
pub(crate) struct RunningSet {
    store: Arc<dyn IStore>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    deployments: HashMap<DeploymentId, Running>,
    applications: HashMap<FileName, DeploymentId>,
    /// A task looks for cancel files; there is one while anything runs.
    is_watched: bool,
}

/// One running deployment.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    id: DeploymentId,
    application: FileName,
    cancels: Cancels,
    ending: AwaitedEnding,
}

/// The ending of a running deployment, for everybody who waits for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct AwaitedEnding {
    done: CancellationToken,
    record: Arc<OnceLock<Box<DeploymentRecord>>>,
}

impl AwaitedEnding {
    /// Waits for the end; the record, unless it could not be written.
    pub(crate) async fn wait(&self) -> Option<DeploymentRecord> {
        self.done.cancelled().await;
        self.record
            .get()
            .map(|record| DeploymentRecord::clone(record))
    }
}

/// The place of a running deployment in the set, until it is dropped or left.
#[derive(Debug)]
pub(crate) struct Place {
    set: Arc<RunningSet>,
    running: Running,
}

impl Running {
    pub(crate) fn new(id: DeploymentId, application: FileName) -> Self {
        Self {
            id,
            application,
            cancels: Cancels::new(),
            ending: AwaitedEnding::default(),
        }
    }
}

impl RunningSet {
    pub(crate) fn new(store: Arc<dyn IStore>) -> Self {
        Self {
            store,
            inner: Mutex::default(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // The maps are whole at every point where a holder could panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a deployment; refused with the id of the one that deploys the same application.
    pub(crate) fn enter(self: &Arc<Self>, running: Running) -> Result<Place, DeploymentId> {
        let mut inner = self.inner();
        if let Some(by) = inner.applications.get(&running.application) {
            return Err(*by);
        }
        inner
            .applications
            .insert(running.application.clone(), running.id);
        inner.deployments.insert(running.id, running.clone());
        if !inner.is_watched {
            inner.is_watched = true;
            tokio::spawn(watch(Arc::downgrade(self)));
        }
        Ok(Place {
            set: Arc::clone(self),
            running,
        })
    }

    pub(crate) fn cancel(&self, id: &DeploymentId) -> bool {
        let inner = self.inner();
        let Some(running) = inner.deployments.get(id) else {
            return false;
        };
        running.cancels.cancel.cancel();
        true
    }

    pub(crate) fn cancel_now(&self, id: &DeploymentId) -> bool {
        let inner = self.inner();
        let Some(running) = inner.deployments.get(id) else {
            return false;
        };
        running.cancels.cancel.cancel();
        running.cancels.force.cancel();
        true
    }

    pub(crate) fn cancel_all(&self) {
        for running in self.inner().deployments.values() {
            running.cancels.cancel.cancel();
        }
    }

    /// The deployment here of the application with that lock.
    pub(crate) fn deploying(&self, application: &FileName) -> Option<DeploymentId> {
        self.inner().applications.get(application).copied()
    }

    /// Whether the deployment runs here.
    pub(crate) fn contains(&self, id: &DeploymentId) -> bool {
        self.inner().deployments.contains_key(id)
    }

    pub(crate) fn ending(&self, id: &DeploymentId) -> Option<AwaitedEnding> {
        self.inner()
            .deployments
            .get(id)
            .map(|running| running.ending.clone())
    }

    fn remove(&self, running: &Running) {
        let mut inner = self.inner();
        inner.deployments.remove(&running.id);
        inner.applications.remove(&running.application);
        drop(inner);
        running.ending.done.cancel();
    }

    /// Whether the watch may end; from then on the next deployment starts another.
    fn stop_watch_when_idle(&self) -> bool {
        let mut inner = self.inner();
        inner.is_watched = !inner.deployments.is_empty();
        !inner.is_watched
    }
}

impl Place {
    pub(crate) const fn cancels(&self) -> &Cancels {
        &self.running.cancels
    }

    /// Keeps the final record for those who wait.
    pub(crate) fn keep(&self, record: DeploymentRecord) {
        // A deployment ends once, so there is nothing in its place yet.
        drop(self.running.ending.record.set(Box::new(record)));
    }

    /// Leaves the set after the deployment's ending is recorded.
    pub(crate) async fn leave(self) {
        if !self.running.cancels.cancel.is_cancelled() {
            return;
        }
        // The request to cancel has been heeded; a late one is removed when records are pruned.
        if let Err(error) = cancel::forget(&self.set.store, &self.running.id).await {
            tracing::warn!(deployment = %self.running.id, error = %error.chain(), "clean-up failed");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.set.remove(&self.running);
    }
}

/// Cancels the deployments that other processes ask to cancel.
async fn watch(set: Weak<RunningSet>) {
    loop {
        tokio::time::sleep(cancel::LOOK_EVERY).await;
        let Some(set) = set.upgrade() else { return };
        if set.stop_watch_when_idle() {
            return;
        }
        match cancel::asked(&set.store).await {
            Ok(ids) => {
                for id in ids {
                    set.cancel(&id);
                }
            }
            Err(error) => report(&error),
        }
    }
}

fn report(error: &Error) {
    tracing::warn!(error = %error.chain(), "cancel files not read");
}
