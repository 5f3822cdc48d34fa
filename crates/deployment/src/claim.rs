//! Small files by which engines agree: who deploys an application, and what a key stands for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use serde::{Deserialize, Serialize};
use store::{Etag, FileName, Guarantee, IStore, ListOptions, SaveMode, SaveOptions, StoreExt};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::id::{DeploymentId, engine_file};
use crate::interruption::Interruption;
use crate::request::{DeployRequest, digest};
use crate::status::IStatus;
use crate::timestamp;

/// A claim is a few hundred bytes; anything much larger is none.
const MAX_BYTES: u64 = 64 * 1024;

/// How often a claim that keeps changing hands is tried again.
const TRIES: usize = 8;

/// How many claims are read at once.
const PARALLEL_READS: usize = 16;

/// What the names of all claims begin with, and those of the keys' among them.
const LOCK_PREFIX: &str = "lock_";
const KEY_PREFIX: &str = "lock_key_";

/// What a claim file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ClaimFile {
    /// The deployment that made the claim.
    deploy_id: DeploymentId,
    /// When it was made; the record's `datetime` format.
    claimed: String,
    /// The request's digest, where the claim is a key's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<String>,
}

/// Makes claims in a store.
///
/// A claim needs no renewal and no removal: it names a deployment, and whether it still holds is
/// told by that deployment's record.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyClaim {
    /// Nobody has begun this deployment; it is the caller's to begin, under this id.
    Unbegun(DeploymentId),
    /// The same request was made before.
    Begun(DeploymentId),
}

/// The file that tells who deploys `application` to an endpoint.
pub(crate) fn lock_file(request: &DeployRequest) -> FileName {
    let space = request.space.as_ref();
    let identity = digest(&[
        request.endpoint.identity(),
        space.map_or("", |space| space.organization.as_str()),
        space.map_or("", |space| space.space.as_str()),
        request.application(),
    ]);
    engine_file(&format!("{LOCK_PREFIX}{identity}.json"))
}

fn key_file(key: &str) -> FileName {
    engine_file(&format!("{KEY_PREFIX}{}.json", digest(&[key])))
}

impl Claims {
    /// Takes the lock of the request's application for deployment `id`.
    ///
    /// Where the store's create and update are not exclusive, nothing is claimed: engines of
    /// other processes are then not kept out.
    pub(crate) async fn lock(&self, request: &DeployRequest, id: DeploymentId) -> Result<()> {
        if !self.has_locks() {
            return Ok(());
        }
        let file = lock_file(request);
        let mine = self.claim(id, None);
        let mut mode = SaveMode::Create;
        for _ in 0..TRIES {
            if self.save(&file, &mine, mode).await? {
                return Ok(());
            }
            let Some((theirs, etag)) = self.read(&file).await? else {
                mode = SaveMode::Create;
                continue;
            };
            if let Some(theirs) = theirs
                && theirs.deploy_id != id
                && self.holds(&theirs).await?
            {
                return Err(Error::Busy {
                    application: request.application().to_owned(),
                    endpoint: request.endpoint.to_string(),
                    by: theirs.deploy_id,
                });
            }
            mode = SaveMode::Update(etag);
        }
        Err(contended("take the application's lock", &file))
    }

    /// Whether the store keeps engines of other processes out.
    fn has_locks(&self) -> bool {
        let capabilities = self.store.capabilities();
        capabilities.exclusive_create == Guarantee::Exclusive
            && capabilities.exclusive_update == Guarantee::Exclusive
    }

    /// The deployments that the locks of all applications name; `None` where the store has no
    /// locks.
    pub(crate) async fn named(&self) -> Result<Option<BTreeSet<DeploymentId>>> {
        if !self.has_locks() {
            return Ok(None);
        }
        let mut named = BTreeSet::new();
        let mut options = ListOptions::default().with_prefix(LOCK_PREFIX);
        loop {
            let files = self
                .store
                .get_files_list(&options)
                .await
                .map_err(Error::store("list the locks"))?;
            let is_last = files.len() < options.limit;
            // Digests are hexadecimal, so the keys' claims, of which there may be many, come last.
            let listed = files.into_iter().map(|file| file.name);
            let locks: Vec<_> = listed
                .take_while(|name| !name.as_str().starts_with(KEY_PREFIX))
                .collect();
            let last = locks.last().map(ToString::to_string);
            let mut read = stream::iter(locks)
                .map(|file| async move { self.read(&file).await })
                .buffer_unordered(PARALLEL_READS);
            while let Some(claim) = read.next().await {
                named.extend(
                    claim?
                        .and_then(|(claim, _)| claim)
                        .map(|claim| claim.deploy_id),
                );
            }
            match last {
                Some(last) if !is_last => options = options.with_after(last),
                _ => return Ok(Some(named)),
            }
        }
    }

    /// Finds or claims the deployment that `key` stands for.
    pub(crate) async fn key(
        &self,
        key: &str,
        request: &DeployRequest,
        fresh: DeploymentId,
    ) -> Result<KeyClaim> {
        let file = key_file(key);
        let mine = self.claim(fresh, Some(request.fingerprint()));
        let mut mode = SaveMode::Create;
        for _ in 0..TRIES {
            if self.save(&file, &mine, mode).await? {
                return Ok(KeyClaim::Unbegun(fresh));
            }
            let Some((theirs, etag)) = self.read(&file).await? else {
                mode = SaveMode::Create;
                continue;
            };
            if let Some(theirs) = theirs {
                let id = theirs.deploy_id;
                let is_same = theirs.request == mine.request;
                match self.status.get_status(&id).await? {
                    Some(_) if is_same => return Ok(KeyClaim::Begun(id)),
                    Some(_) => return Err(Error::KeyReused { by: id }),
                    None if is_same => return Ok(KeyClaim::Unbegun(id)),
                    None if self.is_fresh(&theirs) => return Err(Error::KeyReused { by: id }),
                    // Whoever claimed it died before anything was recorded.
                    None => {}
                }
            }
            mode = self.takeover(etag);
        }
        Err(contended("claim the idempotency key", &file))
    }

    /// The mode that replaces a claim that holds no more.
    fn takeover(&self, etag: Etag) -> SaveMode {
        if self.store.capabilities().exclusive_update == Guarantee::Exclusive {
            SaveMode::Update(etag)
        } else {
            SaveMode::Overwrite
        }
    }

    /// Gives up the lock that was taken for deployment `id`, which was not begun after all.
    pub(crate) async fn release_lock(&self, request: &DeployRequest, id: DeploymentId) {
        self.release(&lock_file(request), id).await;
    }

    /// Gives up the key that was claimed for deployment `id`, which was not begun after all.
    pub(crate) async fn release_key(&self, key: &str, id: DeploymentId) {
        self.release(&key_file(key), id).await;
    }

    /// Removes a claim of deployment `id`, and nobody else's; one that cannot be removed ends with
    /// its lease.
    async fn release(&self, file: &FileName, id: DeploymentId) {
        match self.read(file).await {
            Ok(Some((Some(claim), _))) if claim.deploy_id == id => {}
            _ => return,
        }
        match self.store.delete_file(file).await {
            Err(error) if error.kind() != store::ErrorKind::NotFound => {
                tracing::warn!(file = %file, error = %error, "claim not released");
            }
            _ => {}
        }
    }

    fn claim(&self, deploy_id: DeploymentId, request: Option<String>) -> ClaimFile {
        ClaimFile {
            deploy_id,
            claimed: timestamp::to_text(self.clock.now()),
            request,
        }
    }

    /// Whether the deployment that made `claim` may still be running; one whose owner is dead is
    /// ended first, since no lock names it from then on.
    async fn holds(&self, claim: &ClaimFile) -> Result<bool> {
        match self.status.get_status(&claim.deploy_id).await {
            Ok(Some(record)) => {
                let id = &claim.deploy_id;
                self.interruption.is_in_the_way(id, &record).await
            }
            // A record that nobody can read is nobody's to wait for.
            Ok(None) | Err(Error::BadRecord { .. }) => Ok(self.is_fresh(claim)),
            Err(error) => Err(error),
        }
    }

    /// Whether whoever made `claim` may still be about to begin its deployment.
    fn is_fresh(&self, claim: &ClaimFile) -> bool {
        let claimed = timestamp::from_text(&claim.claimed);
        claimed.is_some_and(|claimed| self.clock.now() < claimed + self.lease)
    }

    /// Saves `claim`; `false` when somebody else was faster.
    async fn save(&self, file: &FileName, claim: &ClaimFile, mode: SaveMode) -> Result<bool> {
        let bytes = serde_json::to_vec(claim).map_err(|error| Error::BadRecord {
            file: file.to_string(),
            reason: error.to_string(),
        })?;
        let options = SaveOptions::default()
            .with_mode(mode)
            .with_content_type("application/json");
        match self.store.save_bytes(file, bytes, &options).await {
            Ok(_) => Ok(true),
            Err(error) => match error.kind() {
                store::ErrorKind::AlreadyExists
                | store::ErrorKind::Conflict
                | store::ErrorKind::NotFound => {
                    // An earlier try of this save may have got through without its reply.
                    let stored = self.read(file).await?;
                    Ok(stored.is_some_and(|(stored, _)| stored.as_ref() == Some(claim)))
                }
                _ => Err(Error::store("save a claim")(error)),
            },
        }
    }

    /// Reads a claim; one that cannot be understood is there, and holds nothing.
    async fn read(&self, file: &FileName) -> Result<Option<(Option<ClaimFile>, Etag)>> {
        match self.store.get_file_bytes(file, MAX_BYTES).await {
            Ok((info, bytes)) => Ok(Some((serde_json::from_slice(&bytes).ok(), info.etag))),
            Err(error) => match error.kind() {
                store::ErrorKind::NotFound => Ok(None),
                _ => Err(Error::store("read a claim")(error)),
            },
        }
    }
}

fn contended(doing: &'static str, file: &FileName) -> Error {
    let error = store::Error::new(store::ErrorKind::Unavailable, "claim a file")
        .with_name(file.as_str())
        .with_message("it kept changing hands");
    Error::store(doing)(error)
}
