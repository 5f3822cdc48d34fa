//! Small files by which engines agree: who deploys an application, and what a key stands for.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use store::{Etag, FileName, Guarantee, IStore, SaveMode, SaveOptions, StoreExt};
use tokio::time::Instant;

use crate::claim_file::{ClaimFile, Stored};
use crate::clock::Clock;
use crate::digest;
use crate::error::{Error, Result};
use crate::held::{Held, Maker};
use crate::id::{DeploymentId, engine_file};
use crate::interruption::Interruption;
use crate::request::DeployRequest;
use crate::status::IStatus;

/// A claim is a few hundred bytes; anything much larger is none.
const MAX_BYTES: u64 = 64 * 1024;

/// How often a claim that keeps changing hands is tried again.
pub(crate) const TRIES: usize = 8;

/// What the names of the keys' claims begin with.
pub(crate) const KEY_PREFIX: &str = "lock_key_";

/// How long a mark has to stand unchanged to be taken for one whose setter was killed: far longer
/// than a setter lets itself have for the removal.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(10);

/// How often one looks whether it has gone.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Makes claims in a store.
///
/// A claim needs no renewal: it names a deployment, and whether it still holds is told by that
/// deployment's record.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    pub(crate) store: Arc<dyn IStore>,
    pub(crate) status: Arc<dyn IStatus>,
    pub(crate) clock: Clock,
    pub(crate) interruption: Interruption,
    /// How long a claim holds whose deployment has no record yet.
    pub(crate) lease: Duration,
}

/// What an idempotency key stands for.
#[derive(Debug)]
pub(crate) enum KeyClaim {
    /// Nobody has begun this deployment; it is the caller's to begin, under the claim's id.
    Unbegun(Held),
    /// The same request was made before.
    Begun(DeploymentId),
}

fn key_file(key: &str) -> FileName {
    engine_file(&format!("{KEY_PREFIX}{}.json", digest::of_parts(&[key])))
}

impl Claims {
    /// Finds or claims the deployment that `key` stands for.
    pub(crate) async fn key(
        &self,
        key: &str,
        request: &DeployRequest,
        fresh: DeploymentId,
    ) -> Result<KeyClaim> {
        let file = key_file(key);
        let (claimed, claimed_at) = (self.clock.now(), Instant::now());
        let fresh = ClaimFile::new(fresh, claimed, Some(request.fingerprint()));
        let (mut mine, mut maker) = (fresh.clone(), Maker::Here(claimed, claimed_at));
        let mut mode = SaveMode::Create;
        for _ in 0..TRIES {
            if let Some(etag) = self.save(&file, &mine, mode).await? {
                return Ok(KeyClaim::Unbegun(Held::new(&file, &mine, etag, maker)));
            }
            (mine, maker) = (fresh.clone(), Maker::Here(claimed, claimed_at));
            let Some((theirs, etag)) = self.read(&file).await? else {
                mode = SaveMode::Create;
                continue;
            };
            if let Some(theirs) = theirs {
                let (id, looked) = (theirs.deploy_id, self.clock.now());
                let is_same = theirs.request == fresh.request;
                match self.status.get_status(&id).await? {
                    Some(_) if is_same => return Ok(KeyClaim::Begun(id)),
                    Some(_) => return Err(Error::KeyReused { by: id }),
                    // Whoever claimed it died before anything was recorded, or the record was
                    // removed; whoever removes it may be about to do so once more, so the id is
                    // not used again.
                    None if !self.is_fresh(&theirs, looked) => {}
                    None if !is_same => return Err(Error::KeyReused { by: id }),
                    None if theirs.is_shared || !self.has_locks() => {
                        let held = Held::new(&file, &theirs, etag, Maker::Elsewhere);
                        return Ok(KeyClaim::Unbegun(held));
                    }
                    // So that whoever made the claim does not give it up.
                    None => (mine, maker) = (theirs.shared(), Maker::Elsewhere),
                }
            }
            mode = self.takeover(etag);
        }
        Err(contended("claim the idempotency key", &file))
    }

    /// The mode that replaces a claim that holds no more.
    pub(crate) fn takeover(&self, etag: Etag) -> SaveMode {
        if self.store.capabilities().exclusive_update == Guarantee::Exclusive {
            SaveMode::Update(etag)
        } else {
            SaveMode::Overwrite
        }
    }

    /// Whether the deployment that made `claim` may still be running; one whose owner is dead is
    /// ended first, since no lock names it from then on.
    pub(crate) async fn holds(&self, claim: &ClaimFile) -> Result<bool> {
        let looked = self.clock.now();
        match self.status.get_status(&claim.deploy_id).await {
            Ok(Some(record)) => {
                let id = &claim.deploy_id;
                self.interruption.is_in_the_way(id, &record).await
            }
            // A record that nobody can read is nobody's to wait for.
            Ok(None) | Err(Error::BadRecord { .. }) => Ok(self.is_fresh(claim, looked)),
            Err(error) => Err(error),
        }
    }

    /// Whether whoever made `claim` may still be about to begin its deployment, of which there was
    /// no record after `looked`.
    ///
    /// The time is the one before the look, so that a record which is made later is made by
    /// somebody who [confirms](Self::confirm) its claims.
    pub(crate) fn is_fresh(&self, claim: &ClaimFile, looked: SystemTime) -> bool {
        let margin = self.interruption.margin;
        // One of a time to come was made by a clock that was wrong, and would hold until then.
        claim.claimed().is_some_and(|claimed| {
            claimed <= looked + margin && looked < claimed + self.lease + margin
        })
    }

    /// Saves `claim` and returns its version; `None` when somebody else was faster.
    pub(crate) async fn save(
        &self,
        file: &FileName,
        claim: &ClaimFile,
        mode: SaveMode,
    ) -> Result<Option<Etag>> {
        let bytes = serde_json::to_vec(claim).map_err(|error| Error::BadRecord {
            file: file.to_string(),
            reason: error.to_string(),
        })?;
        let options = SaveOptions::default()
            .with_mode(mode)
            .with_content_type("application/json");
        match self.store.save_bytes(file, bytes, &options).await {
            Ok(info) => Ok(Some(info.etag)),
            Err(error) => match error.kind() {
                store::ErrorKind::AlreadyExists
                | store::ErrorKind::Conflict
                | store::ErrorKind::NotFound => {
                    // An earlier try of this save may have got through without its reply.
                    self.version_of(file, claim).await
                }
                _ => Err(Error::store("save a claim")(error)),
            },
        }
    }

    /// The version of `file` that holds `claim`; `None` where something else is there, or nothing.
    pub(crate) async fn version_of(
        &self,
        file: &FileName,
        claim: &ClaimFile,
    ) -> Result<Option<Etag>> {
        Ok(match self.read_now(file).await? {
            Some((Stored::Claim(stored), etag)) if stored == *claim => Some(etag),
            _ => None,
        })
    }

    /// Reads a claim; one that cannot be understood is there, and holds nothing.
    ///
    /// One that is being removed is waited for, see [`settled`](Self::settled).
    pub(crate) async fn read(&self, file: &FileName) -> Result<Option<(Option<ClaimFile>, Etag)>> {
        let stored = self.settled(file).await?;
        Ok(stored.map(|(stored, etag)| (stored.claim(), etag)))
    }

    /// What stands in `file` when nobody is about to remove it, since what takes its place before
    /// would be removed with it.
    ///
    /// A mark is returned only where that very version stood for the whole patience: each mark
    /// has somebody else who set it, and who has as long for the removal.
    pub(crate) async fn settled(&self, file: &FileName) -> Result<Option<(Stored, Etag)>> {
        let mut seen: Option<(Etag, Instant)> = None;
        loop {
            let stored = self.read_now(file).await?;
            let Some((Stored::Removed, mark)) = &stored else {
                return Ok(stored);
            };
            match &seen {
                Some((same, since)) if same == mark => {
                    if since.elapsed() >= REMOVAL_PATIENCE {
                        return Ok(stored);
                    }
                }
                _ => seen = Some((mark.clone(), Instant::now())),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(crate) async fn read_now(&self, file: &FileName) -> Result<Option<(Stored, Etag)>> {
        match self.store.get_file_bytes(file, MAX_BYTES).await {
            Ok((info, bytes)) => Ok(Some((Stored::parse(&bytes), info.etag))),
            Err(error) => match error.kind() {
                store::ErrorKind::NotFound => Ok(None),
                store::ErrorKind::TooLarge => self.read_too_large(file).await,
                _ => Err(Error::store("read a claim")(error)),
            },
        }
    }

    /// The version of a file that is larger than any claim.
    async fn read_too_large(&self, file: &FileName) -> Result<Option<(Stored, Etag)>> {
        match self.store.get_file_info(file).await {
            Ok(info) => Ok(Some((Stored::Unreadable, info.etag))),
            Err(error) if error.kind() == store::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::store("read a claim")(error)),
        }
    }
}

pub(crate) fn busy(request: &DeployRequest, by: DeploymentId) -> Error {
    Error::Busy {
        application: request.application().to_owned(),
        endpoint: request.endpoint.to_string(),
        by,
    }
}

pub(crate) fn contended(doing: &'static str, file: &FileName) -> Error {
    let error = store::Error::new(store::ErrorKind::Unavailable, "claim a file")
        .with_name(file.as_str())
        .with_message("it kept changing hands");
    Error::store(doing)(error)
}
