//! The claim that keeps an application's deployments apart.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use futures_util::stream::{self, StreamExt as _};
use store::{Etag, FileName, Guarantee, ListOptions, SaveMode, SaveOptions, StoreExt as _};
use tokio::time::Instant;

use crate::claim::{ClaimFile, Claims, KEY_PREFIX, TRIES, contended, report_unreleased};
use crate::error::{Error, Result};
use crate::id::{DeploymentId, engine_file};
use crate::request::{DeployRequest, digest};

/// How many claims are read at once.
const PARALLEL_READS: usize = 16;

/// What the names of locks begin with; those of the keys' claims do too.
const LOCK_PREFIX: &str = "lock_";

/// What the file of a lock holds that was given up.
const NO_CLAIM: &str = "{}";

/// The lock of an application, taken for a deployment that has no record yet.
#[derive(Debug)]
pub(crate) struct Lock {
    file: FileName,
    deploy_id: DeploymentId,
    /// The version of the file that names the deployment.
    etag: Etag,
    /// When it was claimed, by both clocks, before anybody else could know.
    claimed: SystemTime,
    claimed_at: Instant,
}

impl Lock {
    /// The deployment that it was taken for.
    pub(crate) const fn deployment(&self) -> &DeploymentId {
        &self.deploy_id
    }

    /// Whether it was claimed less than `time` ago, by either clock: one does not count while the
    /// machine sleeps, and the other may be set.
    fn is_younger_than(&self, time: Duration, now: SystemTime) -> bool {
        let age = now.duration_since(self.claimed);
        age.is_ok_and(|age| age < time) && self.claimed_at.elapsed() < time
    }
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

impl Claims {
    /// Takes the lock of the request's application for deployment `id`.
    ///
    /// Where the store's create and update are not exclusive, nothing is claimed (`None`): engines
    /// of other processes are then not kept out.
    pub(crate) async fn lock(
        &self,
        request: &DeployRequest,
        id: DeploymentId,
    ) -> Result<Option<Lock>> {
        if !self.has_locks() {
            return Ok(None);
        }
        let file = lock_file(request);
        let (claimed, claimed_at) = (self.clock.now(), Instant::now());
        let mine = ClaimFile::new(id, claimed, None);
        let mut mode = SaveMode::Create;
        for _ in 0..TRIES {
            let saved = match self.save(&file, &mine, mode).await {
                Ok(saved) => saved,
                Err(error) => Some(self.saved_after_all(&file, id, error).await?),
            };
            if let Some(etag) = saved {
                return Ok(Some(Lock {
                    file,
                    deploy_id: id,
                    etag,
                    claimed,
                    claimed_at,
                }));
            }
            let Some((theirs, etag)) = self.read(&file).await? else {
                mode = SaveMode::Create;
                continue;
            };
            if let Some(theirs) = theirs
                && theirs.deploy_id != id
                && self.holds(&theirs).await?
            {
                return Err(busy(request, theirs.deploy_id));
            }
            mode = SaveMode::Update(etag);
        }
        Err(contended("take the application's lock", &file))
    }

    /// The version of the file where it names `id`: the save that failed with `error` took effect,
    /// and only its reply was lost.
    async fn saved_after_all(
        &self,
        file: &FileName,
        id: DeploymentId,
        error: Error,
    ) -> Result<Etag> {
        match self.read(file).await {
            Ok(Some((Some(claim), etag))) if claim.deploy_id == id => Ok(etag),
            _ => Err(error),
        }
    }

    /// Makes sure that `lock` still names its deployment now that this has a record, which holds
    /// the lock from here on.
    ///
    /// Without a record a lock holds for a lease, and somebody else may have taken it over after
    /// that, or be about to: of their write and the one here, each of which replaces the version
    /// that its writer knows, only one is done.
    pub(crate) async fn confirm(&self, lock: &Lock, request: &DeployRequest) -> Result<()> {
        let now = self.clock.now();
        if lock.is_younger_than(self.lease, now) {
            return Ok(());
        }
        let mine = ClaimFile::new(lock.deploy_id, now, None);
        let mode = SaveMode::Update(lock.etag.clone());
        if self.save(&lock.file, &mine, mode).await?.is_some() {
            return Ok(());
        }
        match self.read(&lock.file).await? {
            // An earlier try of this was done without its reply.
            Some((Some(claim), _)) if claim.deploy_id == lock.deploy_id => Ok(()),
            Some((Some(theirs), _)) => Err(busy(request, theirs.deploy_id)),
            _ => Err(contended("keep the application's lock", &lock.file)),
        }
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

    /// Gives up `lock`, whose deployment was not begun after all.
    ///
    /// The file stays and names nobody: removing it could remove the lock of whoever took it over
    /// in this moment.
    pub(crate) async fn release_lock(&self, lock: &Lock) {
        let options = SaveOptions::default()
            .with_mode(SaveMode::Update(lock.etag.clone()))
            .with_content_type("application/json");
        let released = self.store.save_bytes(&lock.file, NO_CLAIM, &options).await;
        report_unreleased(&lock.file, released.map(drop));
    }
}

fn busy(request: &DeployRequest, by: DeploymentId) -> Error {
    Error::Busy {
        application: request.application().to_owned(),
        endpoint: request.endpoint.to_string(),
        by,
    }
}
