//! Removing the records of deployments that ended long ago.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::stream::{self, StreamExt as _};
use store::IStore;

use crate::cancel;
use crate::claim::Claims;
use crate::error::Result;
use crate::id::DeploymentId;
use crate::record::DeploymentRecord;
use crate::status::{IStatus, ListQuery, UnreadableRecord};
use crate::timestamp;
use crate::young::Young;

/// How many records are read at a time.
const PAGE: usize = 100;

/// How many records are removed at once: enough to share a store's waits, few enough not to crowd
/// out the statuses of running deployments.
const PARALLEL_REMOVALS: usize = 16;

/// Which records [`Deployer::prune`](crate::Deployer::prune) removes: those that either limit
/// names, and none where no limit is set.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deployment::PrunePolicy;
///
/// let policy = PrunePolicy::default()
///     .with_max_age(Duration::from_secs(90 * 24 * 60 * 60))
///     .with_keep(10_000);
/// assert_eq!(policy.keep, Some(10_000));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrunePolicy {
    /// The longest time since a deployment's ending.
    pub max_age: Option<Duration>,
    /// How many ended deployments are kept, the newest by their endings.
    pub keep: Option<usize>,
}

impl PrunePolicy {
    /// Removes the records of deployments that ended longer ago than this.
    #[must_use]
    pub const fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Removes all but the newest so many records of ended deployments.
    #[must_use]
    pub const fn with_keep(mut self, count: usize) -> Self {
        self.keep = Some(count);
        self
    }

    /// Whether the record that ended at `ended`, of which `newer` are newer, goes at `now`.
    fn removes(&self, ended: SystemTime, newer: usize, now: SystemTime) -> bool {
        let age = now.duration_since(ended).unwrap_or_default();
        self.max_age.is_some_and(|most| age > most) || self.keep.is_some_and(|most| newer >= most)
    }
}

/// What [`Deployer::prune`](crate::Deployer::prune) did.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::Arc;
/// # use store::StoreExt as _;
/// # let mut runner = batch::MockICommandRunner::new();
/// # runner.expect_run().returning(|_, _, _, _| {
/// #     batch::RunReport::new(batch::StepOutcome::Exited { code: 0 })
/// # });
/// # let store = Arc::new(store::MemoryStore::new());
/// # let archive = testkit::package("hello-world", &[("index.php", b"<?php phpinfo();")]);
/// # let file = store::FileName::new("hello-world.tar.gz")?;
/// # store.save_bytes(&file, archive, &store::SaveOptions::default()).await?;
/// # let platform = Arc::new(deployment::CliPlatform::helion(Arc::new(runner)));
/// # let options = deployment::DeployerOptions::default();
/// # let deployer = deployment::Deployer::new(store, platform, options);
/// use deployment::PrunePolicy;
///
/// let report = deployer.prune(&PrunePolicy::default().with_keep(1_000)).await?;
/// println!("{} records removed, {} kept", report.removed.len(), report.kept);
/// for record in &report.unreadable {
///     println!("deployment {} is unreadable: {}", record.id, record.reason);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PruneReport {
    /// The deployments whose records were removed, in no order.
    pub removed: Vec<DeploymentId>,
    /// Records of ended deployments that the policy keeps; where it has an age alone, most of
    /// those that are too young by their ids are not looked at, and are not counted here or below.
    pub kept: usize,
    /// Records of deployments that have not ended; they are never removed.
    pub unfinished: usize,
    /// Records that this engine cannot read, or does not understand all of, such as a newer
    /// engine's; they are never removed either.
    pub unreadable: Vec<UnreadableRecord>,
    /// Idempotency keys that this engine does not understand; they are never removed either.
    pub unreadable_keys: usize,
    /// Idempotency keys that were forgotten: those of records that are gone, now or before, and
    /// those that were given up.
    pub keys: usize,
}

/// What a record says to whoever removes old ones.
enum Found {
    Ended(Ended),
    Unfinished,
    Unreadable(UnreadableRecord),
}

/// A deployment that has ended; sorts by the time of its ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ended {
    at: SystemTime,
    id: DeploymentId,
}

/// Removes the records that `policy` names, with the keys that stood for them, and cancel files
/// that nobody waits for; their applications are free.
pub(crate) async fn prune(claims: &Claims, policy: &PrunePolicy) -> Result<PruneReport> {
    let (status, now) = (claims.status.as_ref(), claims.clock.now());
    let mut report = PruneReport::default();
    // By their endings and not by their ids: those of the original do not tell their time.
    let young = Young::of(policy, now);
    let ended = ended(status, young, &mut report).await?;
    let newest_first = ended.iter().rev().enumerate();
    let old: Vec<_> = newest_first
        .filter(|(newer, ended)| policy.removes(ended.at, *newer, now))
        .map(|(_, ended)| ended.id)
        .collect();
    report.kept = ended.len() - old.len();
    let mut removals = stream::iter(old)
        .map(|id| async move { (id, remove(claims, id).await) })
        .buffer_unordered(PARALLEL_REMOVALS);
    while let Some((id, is_removed)) = removals.next().await {
        if is_removed? {
            report.removed.push(id);
        }
    }
    forget_cancels(status, &claims.store).await?;
    let keys = claims.prune_keys(young).await?;
    report.keys = keys.removed;
    report.unreadable_keys = keys.unreadable;
    Ok(report)
}

/// The deployments that have ended, the newest last; counts the others.
///
/// Ids tell when a deployment began, and what began after the greatest age cannot have ended before
/// it: those records are skipped as one range.
async fn ended(
    status: &dyn IStatus,
    young: Option<Young>,
    report: &mut PruneReport,
) -> Result<BTreeSet<Ended>> {
    let mut ended = BTreeSet::new();
    let mut query = ListQuery::default().with_limit(PAGE);
    loop {
        let page = status.list(&query).await?;
        report.unreadable.extend(page.unreadable);
        for record in &page.records {
            let Ok(id) = record.deploy_id.parse() else {
                // Only an `IStatus` of somebody else lists what cannot be named, nor removed.
                tracing::warn!(deploy_id = ?record.deploy_id, "a record has no id");
                continue;
            };
            match found(id, record) {
                Found::Ended(ending) => drop(ended.insert(ending)),
                Found::Unfinished => report.unfinished += 1,
                Found::Unreadable(record) => report.unreadable.push(record),
            }
        }
        match page.next {
            None => return Ok(ended),
            Some(next) => {
                let next = young.map_or(next, |young| young.behind(next));
                query = query.with_after(next);
            }
        }
    }
}

/// When the deployment of `record` ended, where it has and this engine can tell.
fn found(id: DeploymentId, record: &DeploymentRecord) -> Found {
    if record.newer_schema().is_some() {
        let reason = "a newer version wrote it".to_owned();
        return Found::Unreadable(UnreadableRecord { id, reason });
    }
    if !record.is_terminal() {
        return Found::Unfinished;
    }
    if let Some(at) = timestamp::from_text(&record.datetime) {
        return Found::Ended(Ended { at, id });
    }
    let reason = format!("its last status has no time but `{}`", record.datetime);
    Found::Unreadable(UnreadableRecord { id, reason })
}

/// Removes the record of `id`, unless it is another one by now.
async fn remove(claims: &Claims, id: DeploymentId) -> Result<bool> {
    // Another process may have pruned it meanwhile, and a repeated request begun it anew.
    match claims.status.get_status(&id).await? {
        Some(record) if record.is_terminal() && claims.free_lock(&id, &record).await => {
            claims.status.remove_status(&id).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Removes the cancel files of deployments that have ended or have no record any more.
pub(crate) async fn forget_cancels(status: &dyn IStatus, store: &Arc<dyn IStore>) -> Result<()> {
    for id in cancel::all(store).await? {
        // One whose record cannot be read may be running.
        let record = status.get_status(&id).await;
        if matches!(&record, Ok(record) if record.as_ref().is_none_or(DeploymentRecord::is_terminal))
        {
            cancel::forget(store, &id).await?;
        }
    }
    Ok(())
}
