//! What the clones of a deployer share.

mod beginning;

use std::sync::Arc;
use std::time::SystemTime;

use store::IStore;
use tokio::sync::{Mutex, Semaphore};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::claim::Claims;
use crate::deployer_options::DeployerOptions;
use crate::deployment::workbenches;
use crate::error::Result;
use crate::event::{EventChannel, Events};
use crate::id::DeploymentId;
use crate::interruption::Interruption;
use crate::platform::IPlatform;
use crate::recovery::{Recovery, RecoveryReport};
use crate::running::{AwaitedEnding, RunningSet};
use crate::status::IStatus;

/// How many requests with different idempotency keys are begun side by side.
const KEY_LANES: usize = 16;

#[derive(Debug)]
pub(crate) struct Engine {
    store: Arc<dyn IStore>,
    platform: Arc<dyn IPlatform>,
    status: Arc<dyn IStatus>,
    options: DeployerOptions,
    claims: Claims,
    owner: String,
    /// Held while a deployment runs; its queue is first come, first served.
    turns: Arc<Semaphore>,
    benches: Arc<Semaphore>,
    running: Arc<RunningSet>,
    events: EventChannel,
    tasks: TaskTracker,
    /// Requests with one key begin one after the other, so that all but the first find it begun.
    key_lanes: [Mutex<()>; KEY_LANES],
}

impl Engine {
    pub(crate) fn new(
        store: Arc<dyn IStore>,
        platform: Arc<dyn IPlatform>,
        status: Arc<dyn IStatus>,
        options: DeployerOptions,
    ) -> Self {
        let interruption = Interruption {
            status: Arc::clone(&status),
            clock: options.clock.clone(),
            margin: options.clock_margin,
            temp_root: options.temp_root.clone(),
        };
        let claims = Claims {
            store: Arc::clone(&store),
            status: Arc::clone(&status),
            clock: options.clock.clone(),
            interruption,
            lease: options.lease,
        };
        Self {
            platform,
            status,
            claims,
            owner: Uuid::new_v4().to_string(),
            turns: Arc::new(Semaphore::new(options.max_running)),
            benches: workbenches(),
            running: Arc::new(RunningSet::new(Arc::clone(&store))),
            events: EventChannel::new(),
            tasks: TaskTracker::new(),
            key_lanes: std::array::from_fn(|_| Mutex::new(())),
            store,
            options,
        }
    }

    pub(crate) fn store(&self) -> &Arc<dyn IStore> {
        &self.store
    }

    pub(crate) fn status(&self) -> &dyn IStatus {
        self.status.as_ref()
    }

    pub(crate) const fn claims(&self) -> &Claims {
        &self.claims
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.options.clock.now()
    }

    pub(crate) fn subscribe(&self) -> Events {
        self.events.subscribe()
    }

    pub(crate) fn cancel_running(&self, id: &DeploymentId) -> bool {
        self.running.cancel(id)
    }

    pub(crate) fn cancel_now(&self, id: &DeploymentId) -> bool {
        self.running.cancel_now(id)
    }

    /// The ending of a deployment that runs here.
    pub(crate) fn ending(&self, id: &DeploymentId) -> Option<AwaitedEnding> {
        self.running.ending(id)
    }

    pub(crate) async fn recover(&self) -> Result<RecoveryReport> {
        let recovery = Recovery {
            claims: &self.claims,
            running: &self.running,
            interruption: &self.claims.interruption,
        };
        recovery.run().await
    }

    pub(crate) async fn shutdown(&self) {
        self.tasks.close();
        self.running.cancel_all();
        self.tasks.wait().await;
    }
}
