//! The claim that keeps an application's deployments apart.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _};
use store::{Etag, FileName, ListOptions, SaveMode};
use tokio::time::Instant;

use crate::claim::{Claims, KEY_PREFIX, TRIES, busy, contended};
use crate::claim_file::ClaimFile;
use crate::digest;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::file_names::FileNames;
use crate::held::{Held, Maker};
use crate::id::{DeploymentId, engine_file};
use crate::platform::Space;
use crate::record::DeploymentRecord;
use crate::request::DeployRequest;

/// How many claims are read at once.
const PARALLEL_READS: usize = 16;

/// What the names of locks begin with; those of the keys' claims do too.
pub(crate) const LOCK_PREFIX: &str = "lock_";

/// The file that tells who deploys the request's application to its endpoint.
pub(crate) fn lock_file(request: &DeployRequest) -> FileName {
    let space = request.space.as_ref();
    file_of(&request.endpoint, space, request.application())
}

/// The same for the deployment of `record`; `None` where it had no lock.
pub(crate) fn lock_file_of(record: &DeploymentRecord) -> Option<FileName> {
    let engine = record.engine.as_ref()?;
    let endpoint = engine.endpoint.parse().ok()?;
    let space = engine.space.as_ref();
    Some(file_of(&endpoint, space, &engine.application))
}

fn file_of(endpoint: &Endpoint, space: Option<&Space>, application: &str) -> FileName {
    let identity = digest::of_parts(&[
        endpoint.identity(),
        space.map_or("", |space| space.organization.as_str()),
        space.map_or("", |space| space.space.as_str()),
        application,
    ]);
    engine_file(&format!("{LOCK_PREFIX}{identity}.json"))
}

impl Claims {
    /// Takes the lock of the request's application for deployment `id`.
    ///
    /// Where the store's create and update are not exclusive, nothing is claimed (`None`): engines
    /// of other processes are then not kept out.
    pub(crate) async fn lock(
        &self,
        request: &DeployRequest,
        id: DeploymentId,
    ) -> Result<Option<Held>> {
        if !self.has_locks() {
            return Ok(None);
        }
        let file = lock_file(request);
        let (claimed, claimed_at) = (self.clock.now(), Instant::now());
        let mine = ClaimFile::new(id, claimed, None);
        let (mut mode, mut maker) = (SaveMode::Create, Maker::Here(claimed, claimed_at));
        for _ in 0..TRIES {
            let saved = match self.save(&file, &mine, mode).await {
                Ok(saved) => saved,
                Err(error) => Some(self.saved_after_all(&file, &mine, error).await?),
            };
            if let Some(etag) = saved {
                return Ok(Some(Held::new(&file, &mine, etag, maker)));
            }
            let Some((theirs, etag)) = self.read(&file).await? else {
                mode = SaveMode::Create;
                continue;
            };
            maker = Maker::Here(claimed, claimed_at);
            if let Some(theirs) = theirs {
                if theirs.deploy_id == id {
                    maker = Maker::Elsewhere;
                } else if self.holds(&theirs).await? {
                    return Err(busy(request, theirs.deploy_id));
                }
            }
            mode = SaveMode::Update(etag);
        }
        Err(contended("take the application's lock", &file))
    }

    /// The deployment that [`lock`](Self::lock) would find in the way of `request` now; nothing is
    /// written, and one whose owner is dead is not ended.
    pub(crate) async fn holder(&self, request: &DeployRequest) -> Result<Option<DeploymentId>> {
        let Some((Some(claim), _)) = self.read(&lock_file(request)).await? else {
            return Ok(None);
        };
        let id = claim.deploy_id;
        let looked = self.clock.now();
        let holds = match self.status.get_status(&id).await {
            Ok(Some(record)) => self.interruption.has_living_owner(&id, &record)?,
            // A record that nobody can read is nobody's to wait for.
            Ok(None) | Err(Error::BadRecord { .. }) => self.is_fresh(&claim, looked),
            Err(error) => return Err(error),
        };
        Ok(holds.then_some(id))
    }

    /// The version of the file where it holds `mine`: the save that failed with `error` took
    /// effect, and only its reply was lost.
    async fn saved_after_all(
        &self,
        file: &FileName,
        mine: &ClaimFile,
        error: Error,
    ) -> Result<Etag> {
        match self.version_of(file, mine).await {
            Ok(Some(etag)) => Ok(etag),
            _ => Err(error),
        }
    }

    /// The deployments that the locks of all applications name; `None` where the store has no
    /// locks. One that cannot be read is added to `unread`, and holds up no other.
    pub(crate) async fn named(
        &self,
        unread: &mut Vec<Error>,
    ) -> Result<Option<BTreeSet<DeploymentId>>> {
        if !self.has_locks() {
            return Ok(None);
        }
        let mut named = BTreeSet::new();
        let options = ListOptions::default().with_prefix(LOCK_PREFIX);
        let mut files = FileNames::new(self.store.as_ref(), options, "list the locks");
        while let Some(mut locks) = files.page().await? {
            // Digests are hexadecimal, so the keys' claims, of which there may be many, come last.
            let is_of_key = |name: &FileName| name.as_str().starts_with(KEY_PREFIX);
            let first_key = locks.iter().position(is_of_key);
            locks.truncate(first_key.unwrap_or(locks.len()));
            let mut read = stream::iter(locks)
                .map(|file| async move { self.read(&file).await })
                .buffer_unordered(PARALLEL_READS);
            while let Some(claim) = read.next().await {
                match claim {
                    Ok(Some((Some(claim), _))) => drop(named.insert(claim.deploy_id)),
                    Ok(_) => {}
                    Err(error) => unread.push(error),
                }
            }
            if first_key.is_some() {
                break;
            }
        }
        Ok(Some(named))
    }
}
