//! Statuses that are watched: what the engine was told is recorded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::error::Result;
use crate::id::DeploymentId;
use crate::record::DeploymentRecord;
use crate::status::{IStatus, ListQuery, RecordPage, StatusChange};

/// The longest history of each deployment that a write was acknowledged for.
#[derive(Clone, Debug, Default)]
pub(super) struct Acknowledged(Arc<Mutex<HashMap<DeploymentId, Vec<String>>>>);

impl Acknowledged {
    fn histories(&self) -> MutexGuard<'_, HashMap<DeploymentId, Vec<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn history(&self, id: &DeploymentId) -> Vec<String> {
        self.histories().get(id).cloned().unwrap_or_default()
    }

    pub(super) fn ids(&self) -> Vec<DeploymentId> {
        self.histories().keys().copied().collect()
    }
}

/// Passes on to other statuses, and notes what they acknowledge.
#[derive(Debug)]
pub(super) struct WatchedStatus {
    pub(super) inner: Arc<dyn IStatus>,
    pub(super) acknowledged: Acknowledged,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl IStatus for WatchedStatus {
    async fn get_status(&self, id: &DeploymentId) -> Result<Option<DeploymentRecord>> {
        self.inner.get_status(id).await
    }

    async fn set_status(
        &self,
        id: &DeploymentId,
        change: &StatusChange,
    ) -> Result<Arc<DeploymentRecord>> {
        let record = self.inner.set_status(id, change).await?;
        let history = record.history.clone();
        self.acknowledged.histories().insert(*id, history);
        Ok(record)
    }

    async fn list(&self, query: &ListQuery) -> Result<RecordPage> {
        self.inner.list(query).await
    }

    async fn remove_status(&self, id: &DeploymentId) -> Result<()> {
        self.inner.remove_status(id).await
    }
}
