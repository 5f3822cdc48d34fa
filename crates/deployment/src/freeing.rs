//! Freeing the lock of a deployment whose record is about to be removed.

use store::{SaveMode, SaveOptions, StoreExt as _};

use crate::claim::Claims;
use crate::claim_file::{NO_CLAIM, Stored};
use crate::error::{Error, Result};
use crate::id::DeploymentId;
use crate::lock::lock_file_of;
use crate::record::DeploymentRecord;
use crate::timestamp;

impl Claims {
    /// Has the lock of the ended deployment of `record` name nobody, where it would hold once the
    /// record is gone, like that of a deployment which has none yet.
    ///
    /// Whether the record is to be removed: not where the deployment was seen to be begun anew. A
    /// lock that cannot be freed ends with its lease, and keeps no record.
    pub(crate) async fn free_lock(&self, id: &DeploymentId, record: &DeploymentRecord) -> bool {
        let freed = self.try_to_free_lock(id, record).await;
        freed.unwrap_or_else(|error| {
            tracing::warn!(deployment = %id, error = %error.chain(), "lock not freed");
            true
        })
    }

    async fn try_to_free_lock(&self, id: &DeploymentId, record: &DeploymentRecord) -> Result<bool> {
        if !self.has_locks() || !self.ended_lately(record) {
            return Ok(true);
        }
        let Some(file) = lock_file_of(record) else {
            return Ok(true);
        };
        let Some((Stored::Claim(claim), etag)) = self.read_now(&file).await? else {
            return Ok(true);
        };
        if claim.deploy_id != *id || !self.is_fresh(&claim, self.clock.now()) {
            return Ok(true);
        }
        // The record may have been removed before the lock was read, and a repeated request have
        // begun the deployment anew, whose lock it is then. Whoever does so from here on writes
        // the lock first, and the save below is too late.
        if !self.has_ended(id).await? {
            return Ok(false);
        }
        let options = SaveOptions::default()
            .with_mode(SaveMode::Update(etag))
            .with_content_type("application/json");
        match self.store.save_bytes(&file, NO_CLAIM, &options).await {
            Ok(_) => Ok(true),
            Err(error) => match error.kind() {
                // Somebody else has it by now, perhaps this very deployment.
                store::ErrorKind::Conflict | store::ErrorKind::NotFound => {
                    Ok(self.has_ended(id).await.unwrap_or(false))
                }
                _ => Err(Error::store("free a lock")(error)),
            },
        }
    }

    async fn has_ended(&self, id: &DeploymentId) -> Result<bool> {
        let current = self.status.get_status(id).await?;
        Ok(current.is_some_and(|record| record.is_terminal()))
    }

    /// Whether the claim of that deployment, which is older than its ending, may yet be fresh: of
    /// the many records that are removed, only few have their locks read.
    fn ended_lately(&self, record: &DeploymentRecord) -> bool {
        let holds = self.lease + self.interruption.margin;
        timestamp::from_text(&record.datetime).is_none_or(|ended| self.clock.now() < ended + holds)
    }
}
