//! Removing the records of deployments that ended long ago.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use store::IStore;

use crate::cancel;
use crate::error::Result;
use crate::id::DeploymentId;
use crate::record::DeploymentRecord;
use crate::status::{IStatus, ListQuery};
use crate::timestamp;

/// How many records are read at a time.
const PAGE: usize = 100;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PruneReport {
    /// Records that were removed.
    pub removed: usize,
    /// Records of ended deployments that the policy keeps.
    pub kept: usize,
    /// Records of deployments that have not ended; they are never removed.
    pub unfinished: usize,
    /// Records that this engine cannot read, or does not understand all of; they are never
    /// removed either.
    pub unreadable: usize,
}

/// A deployment that has ended; sorts by the time of its ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ended {
    at: SystemTime,
    id: DeploymentId,
}

/// Removes the records that `policy` names, and cancel files that nobody waits for.
pub(crate) async fn prune(
    status: &dyn IStatus,
    store: &Arc<dyn IStore>,
    policy: &PrunePolicy,
    now: SystemTime,
) -> Result<PruneReport> {
    let mut report = PruneReport::default();
    // By their endings and not by their ids: those of the original do not tell their time.
    let ended = ended(status, &mut report).await?;
    for (newer, ended) in ended.iter().rev().enumerate() {
        let is_removed = policy.removes(ended.at, newer, now) && remove(status, &ended.id).await?;
        if is_removed {
            report.removed += 1;
        } else {
            report.kept += 1;
        }
    }
    forget_cancels(status, store).await?;
    Ok(report)
}

/// The deployments that have ended, the newest last; counts the others.
async fn ended(status: &dyn IStatus, report: &mut PruneReport) -> Result<BTreeSet<Ended>> {
    let mut ended = BTreeSet::new();
    let mut query = ListQuery::default().with_limit(PAGE);
    loop {
        let page = status.list(&query).await?;
        report.unreadable += page.unreadable.len();
        for record in &page.records {
            match ending(record) {
                Some(ending) => drop(ended.insert(ending)),
                None if is_unfinished(record) => report.unfinished += 1,
                None => report.unreadable += 1,
            }
        }
        match page.next {
            None => return Ok(ended),
            Some(next) => query = query.with_after(next),
        }
    }
}

/// When the deployment of `record` ended; `None` where it has not, or nobody can tell.
fn ending(record: &DeploymentRecord) -> Option<Ended> {
    if !record.is_terminal() || record.newer_schema().is_some() {
        return None;
    }
    Some(Ended {
        at: timestamp::from_text(&record.datetime)?,
        id: record.deploy_id.parse().ok()?,
    })
}

fn is_unfinished(record: &DeploymentRecord) -> bool {
    !record.is_terminal() && record.newer_schema().is_none()
}

/// Removes the record of `id`, unless it is another one by now.
async fn remove(status: &dyn IStatus, id: &DeploymentId) -> Result<bool> {
    // Another process may have pruned it meanwhile, and a repeated request begun it anew.
    match status.get_status(id).await? {
        Some(record) if record.is_terminal() => {
            status.remove_status(id).await?;
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
