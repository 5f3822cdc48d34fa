//! A claim that was made for a deployment which has no record yet.

use std::time::{Duration, SystemTime};

use store::{Etag, FileName, Guarantee, SaveMode, SaveOptions, StoreExt as _};
use tokio::time::Instant;

use crate::claim::{Claims, busy, contended};
use crate::claim_file::{ClaimFile, NO_CLAIM};
use crate::error::Result;
use crate::id::DeploymentId;
use crate::request::DeployRequest;

/// A claim of a lock or a key, held for a deployment that has no record yet.
#[derive(Debug)]
pub(crate) struct Held {
    file: FileName,
    claim: ClaimFile,
    /// The version of the file that holds the claim.
    etag: Etag,
    maker: Maker,
}

impl Held {
    /// `claim`, which stands in `file` as version `etag`.
    pub(crate) fn new(file: &FileName, claim: &ClaimFile, etag: Etag, maker: Maker) -> Self {
        Self {
            file: file.clone(),
            claim: claim.clone(),
            etag,
            maker,
        }
    }

    /// The deployment that it was made for.
    pub(crate) const fn deployment(&self) -> &DeploymentId {
        &self.claim.deploy_id
    }
}

/// Who made a claim.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Maker {
    /// This call did, at this time by both clocks, before anybody else could know.
    Here(SystemTime, Instant),
    /// Somebody else claimed the same for the same deployment, and may be about to begin it.
    Elsewhere,
}

impl Maker {
    /// Whether the claim was made here less than `time` ago, by either clock: one does not count
    /// while the machine sleeps, and the other may be set.
    pub(crate) fn is_younger_than(self, time: Duration, now: SystemTime) -> bool {
        match self {
            Self::Here(claimed, claimed_at) => {
                let age = now.duration_since(claimed);
                age.is_ok_and(|age| age < time) && claimed_at.elapsed() < time
            }
            Self::Elsewhere => false,
        }
    }
}

impl Claims {
    /// Whether the store keeps engines of other processes out.
    pub(crate) fn has_locks(&self) -> bool {
        let capabilities = self.store.capabilities();
        capabilities.exclusive_create == Guarantee::Exclusive
            && capabilities.exclusive_update == Guarantee::Exclusive
    }

    /// Makes sure that `held` still names its deployment now that this has a record, which holds
    /// the claim from here on.
    ///
    /// Without a record a claim holds for a lease, and somebody else may have taken it over after
    /// that, or be about to: of their write and the one here, each of which replaces the version
    /// that its writer knows, only one is done.
    /// One that was given up since, or removed, is made once more in the same way.
    pub(crate) async fn confirm(&self, held: &Held, request: &DeployRequest) -> Result<()> {
        let now = self.clock.now();
        if held.maker.is_younger_than(self.lease, now) || !self.has_locks() {
            return Ok(());
        }
        let (claim, mode) = match self.read(&held.file).await? {
            Some((Some(theirs), _)) if theirs.deploy_id != *held.deployment() => {
                return Err(busy(request, theirs.deploy_id));
            }
            Some((Some(claim), etag)) => (claim, SaveMode::Update(etag)),
            Some((None, etag)) => (held.claim.clone(), SaveMode::Update(etag)),
            None => (held.claim.clone(), SaveMode::Create),
        };
        let mine = claim.renewed(now);
        if self.save(&held.file, &mine, mode).await?.is_some() {
            return Ok(());
        }
        match self.read(&held.file).await? {
            // Somebody who shares it was faster.
            Some((Some(claim), _)) if claim.deploy_id == *held.deployment() => Ok(()),
            Some((Some(theirs), _)) => Err(busy(request, theirs.deploy_id)),
            _ => Err(contended("keep a claim", &held.file)),
        }
    }

    /// Gives up `held`, whose deployment was not begun after all.
    ///
    /// What somebody else claimed too stays, since they may be about to begin the deployment; it
    /// ends with its lease.
    /// The file stays and names nobody: removing it could remove the claim of whoever took it over
    /// in this moment.
    pub(crate) async fn release(&self, held: &Held) {
        if matches!(held.maker, Maker::Elsewhere) {
            return;
        }
        let Some(mode) = self.mode_of_release(held).await else {
            return;
        };
        let options = SaveOptions::default()
            .with_mode(mode)
            .with_content_type("application/json");
        let released = self.store.save_bytes(&held.file, NO_CLAIM, &options).await;
        if let Err(error) = released {
            // A claim that is not released ends with its lease.
            tracing::warn!(file = %held.file, error = %error, "claim not released");
        }
    }

    /// How the version of `held` is replaced and nothing else, as far as the store can; `None`
    /// where it is somebody else's by now.
    async fn mode_of_release(&self, held: &Held) -> Option<SaveMode> {
        let mode = self.takeover(held.etag.clone());
        if matches!(mode, SaveMode::Overwrite) {
            let stored = self.read(&held.file).await.ok()??;
            stored
                .0
                .filter(|claim| claim.deploy_id == *held.deployment())?;
        }
        Some(mode)
    }
}
