//! Removing the claims of idempotency keys that stand for nothing any more.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use store::{Etag, FileName, ListOptions, SaveMode, SaveOptions, StoreExt as _};
use tokio::time::{Instant, timeout};

use crate::claim::{Claims, KEY_PREFIX};
use crate::claim_file::{ClaimFile, REMOVED, Stored};
use crate::error::{Error, Result};
use crate::file_names::FileNames;
use crate::held::Maker;
use crate::young::Young;

/// How many claims are looked at side by side.
const PARALLEL: usize = 16;

/// How long after its mark a removal may go on: others wait longer for it, and one that was
/// stopped meanwhile is left to the next call.
const REMOVAL_TIME: Duration = Duration::from_secs(1);

/// How long the store may take for the deletion that ends a removal; together they are shorter
/// than others wait.
const DELETION_TIME: Duration = Duration::from_secs(7);

/// What was done about the claims of keys.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PrunedKeys {
    /// Claims that were removed.
    pub(crate) removed: usize,
    /// Claims that this engine does not understand; they stay.
    pub(crate) unreadable: usize,
}

/// What became of one claim.
#[derive(Clone, Copy, Debug)]
enum Pruned {
    Removed,
    /// Somebody relies on it, is about to remove it, or has removed it.
    Kept,
    Unreadable,
}

impl Claims {
    /// Removes the claims of keys that were given up, or whose deployment has no record and is not
    /// about to have one. The records of `young` deployments are not looked for.
    pub(crate) async fn prune_keys(&self, young: Option<Young>) -> Result<PrunedKeys> {
        let mut keys = PrunedKeys::default();
        let options = ListOptions::default().with_prefix(KEY_PREFIX);
        let mut files = FileNames::new(self.store.as_ref(), options, "list the idempotency keys");
        while let Some(page) = files.page().await? {
            let mut pruned = stream::iter(page)
                .map(|file| async move { self.prune_key(&file, young).await })
                .buffer_unordered(PARALLEL);
            while let Some(pruned) = pruned.next().await {
                match pruned? {
                    Pruned::Removed => keys.removed += 1,
                    Pruned::Kept => {}
                    Pruned::Unreadable => keys.unreadable += 1,
                }
            }
        }
        Ok(keys)
    }

    /// Removes the claim in `file`, unless somebody relies on it or may do so.
    ///
    /// Whoever takes the claim over replaces the version that it knows, and so does the mark that
    /// is set here: one of them is too late.
    /// Whoever finds the mark, another call of this one too, waits until the file has gone: only
    /// whoever set a mark deletes the file.
    async fn prune_key(&self, file: &FileName, young: Option<Young>) -> Result<Pruned> {
        let etag = match self.settled(file).await? {
            None => return Ok(Pruned::Kept),
            Some((Stored::Unreadable, _)) => return Ok(Pruned::Unreadable),
            Some((Stored::Claim(claim), _)) if claim.claimed().is_none() => {
                return Ok(Pruned::Unreadable);
            }
            Some((Stored::Claim(claim), _)) if self.is_relied_on(&claim, young).await? => {
                return Ok(Pruned::Kept);
            }
            Some((Stored::Claim(_) | Stored::Nothing | Stored::Removed, etag)) => etag,
        };
        let marking = Maker::Here(self.clock.now(), Instant::now());
        // Where no update is exclusive, there is nothing to win by a mark.
        if self.has_locks() && !self.mark(file, etag).await? {
            return Ok(Pruned::Kept);
        }
        if !marking.is_younger_than(REMOVAL_TIME, self.clock.now()) {
            return Ok(Pruned::Kept);
        }
        // Its repeats, of a store that has any, would come when others take this call for dead.
        let deleted = timeout(DELETION_TIME, self.store.delete_file(file)).await;
        match deleted.unwrap_or_else(|_| Err(took_too_long(file))) {
            Ok(()) => Ok(Pruned::Removed),
            Err(error) if error.kind() == store::ErrorKind::NotFound => Ok(Pruned::Kept),
            Err(error) => Err(Error::store("remove an idempotency key")(error)),
        }
    }

    /// Says in `file` that it is about to be removed, where it is still version `etag`.
    async fn mark(&self, file: &FileName, etag: Etag) -> Result<bool> {
        let options = SaveOptions::default()
            .with_mode(SaveMode::Update(etag))
            .with_content_type("application/json");
        match self.store.save_bytes(file, REMOVED, &options).await {
            Ok(_) => Ok(true),
            Err(error) => match error.kind() {
                store::ErrorKind::Conflict | store::ErrorKind::NotFound => Ok(false),
                _ => Err(Error::store("remove an idempotency key")(error)),
            },
        }
    }

    /// Whether a repeated request may find the deployment of `claim` by it.
    ///
    /// A `young` deployment's record is kept wherever there is one, and where there is none, the
    /// claim can wait until it would not be.
    async fn is_relied_on(&self, claim: &ClaimFile, young: Option<Young>) -> Result<bool> {
        if young.is_some_and(|young| young.contains(claim.deploy_id)) {
            return Ok(true);
        }
        let looked = self.clock.now();
        match self.status.get_status(&claim.deploy_id).await {
            Ok(None) => Ok(self.is_fresh(claim, looked)),
            Ok(Some(_)) | Err(Error::BadRecord { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

fn took_too_long(file: &FileName) -> store::Error {
    store::Error::new(store::ErrorKind::Timeout, "delete a file")
        .with_name(file.as_str())
        .with_message(format!("it took longer than {DELETION_TIME:?}"))
}
