//! Finding the deployments whose owner died.

use std::collections::BTreeSet;
use std::mem;

use futures_util::stream::{self, StreamExt as _};

use crate::claim::Claims;
use crate::error::{Error, Result};
use crate::id::DeploymentId;
use crate::interruption::{self, Interruption};
use crate::pruning::forget_cancels;
use crate::running::RunningSet;
use crate::status::{IStatus, ListQuery};

/// How many records are looked at side by side.
const PARALLEL_READS: usize = 16;

/// How many records of a store without locks are read at a time.
const PAGE: usize = 100;

/// What [`Deployer::recover`](crate::Deployer::recover) did.
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
/// let report = deployer.recover().await?;
/// if !(report.failed.is_empty() && report.unread_locks.is_empty()) {
///     eprintln!("not all could be recovered; the next call tries again");
/// }
/// assert_eq!(report.interrupted.len() + report.cleaned.len(), 0); // there was nothing to do
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// The deployments that are `INTERRUPTED` since this call; one that fails or is dropped logs
    /// them instead.
    pub interrupted: Vec<DeploymentId>,
    /// The deployments that had ended before, or have no record, and of which something was left
    /// on this machine.
    pub cleaned: Vec<DeploymentId>,
    /// What could not be done, each deployment once; the next call tries it again.
    pub failed: Vec<RecoveryFailure>,
    /// Locks that could not be read; the deployments that they name were not looked at, and the
    /// next call tries them again.
    pub unread_locks: Vec<Error>,
}

/// A deployment that could not be ended, or of which something is still left on this machine.
///
/// # Examples
///
/// ```
/// use deployment::RecoveryFailure;
///
/// fn line(failure: &RecoveryFailure) -> String {
///     let hint = if failure.error.is_retryable() { " (for now)" } else { "" };
///     format!("{}: {}{hint}", failure.id, failure.error)
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct RecoveryFailure {
    /// The deployment.
    pub id: DeploymentId,
    /// Why.
    pub error: Error,
}

/// What recovery works with.
#[derive(Debug)]
pub(crate) struct Recovery<'a> {
    pub(crate) claims: &'a Claims,
    pub(crate) running: &'a RunningSet,
    pub(crate) interruption: &'a Interruption,
}

/// A report that the caller does not have yet: where the recovery fails or is dropped in the
/// middle, the interruptions in it are logged instead.
#[derive(Debug, Default)]
struct PendingReport(RecoveryReport);

/// What became of one deployment that was looked at.
enum Found {
    Nothing,
    Interrupted,
    Cleaned,
}

impl Recovery<'_> {
    pub(crate) async fn run(&self) -> Result<RecoveryReport> {
        let mut pending = PendingReport::default();
        self.fill(&mut pending.0).await?;
        Ok(mem::take(&mut pending.0))
    }

    async fn fill(&self, report: &mut RecoveryReport) -> Result<()> {
        let candidates = self.candidates(report).await?;
        let mut ended = stream::iter(candidates)
            .map(|id| async move { (id, self.end(&id).await) })
            .buffer_unordered(PARALLEL_READS);
        while let Some((id, found)) = ended.next().await {
            report.add(id, found);
        }
        // One of those may have no directory, and running processes all the same.
        for id in report.interrupted.clone() {
            if let Err(error) = self.interruption.clean(&id).await {
                report.add(id, Err(error));
            }
        }
        for id in self.interruption.directories().await? {
            if !report.names(&id) {
                report.add(id, self.clean(&id).await);
            }
        }
        // Whoever asked a dead owner to cancel has an answer now.
        if let Err(error) = forget_cancels(self.status(), &self.claims.store).await {
            tracing::warn!(error = %error.chain(), "cancel files not removed");
        }
        Ok(())
    }

    /// Every deployment that may have lost its owner.
    ///
    /// A deployment that runs is named by the lock of its application, and whoever takes that
    /// over ends the deployment first: so the locks, one for each application, name all.
    /// Where the store has no locks, all records are read.
    async fn candidates(&self, report: &mut RecoveryReport) -> Result<BTreeSet<DeploymentId>> {
        if let Some(named) = self.claims.named(&mut report.unread_locks).await? {
            return Ok(named);
        }
        let mut found = BTreeSet::new();
        let mut query = ListQuery::default().with_limit(PAGE);
        loop {
            let page = self.status().list(&query).await?;
            let unfinished = page.records.iter().filter(|record| !record.is_terminal());
            let ids = unfinished.filter_map(|record| record.deploy_id.parse::<DeploymentId>().ok());
            found.extend(ids);
            for unreadable in page.unreadable {
                let error = Error::BadRecord {
                    file: unreadable.id.file_name().to_string(),
                    reason: unreadable.reason,
                };
                report.add(unreadable.id, Err(error));
            }
            match page.next {
                None => return Ok(found),
                Some(next) => query = query.with_after(next),
            }
        }
    }

    async fn end(&self, id: &DeploymentId) -> Result<Found> {
        // What runs here is alive, whatever the clock says.
        if self.running.contains(id) {
            return Ok(Found::Nothing);
        }
        let Some(record) = self.status().get_status(id).await? else {
            return Ok(Found::Nothing);
        };
        Ok(if self.interruption.end(id, &record).await? {
            Found::Interrupted
        } else {
            Found::Nothing
        })
    }

    /// Removes what is left of a deployment that has ended.
    ///
    /// One that has no record here may be another store's: it is left to that store's engines
    /// while its owner lives, and for a day after that.
    async fn clean(&self, id: &DeploymentId) -> Result<Found> {
        if self.running.contains(id) {
            return Ok(Found::Nothing);
        }
        match self.status().get_status(id).await? {
            Some(record) if record.is_terminal() => {
                self.interruption.clean(id).await?;
                Ok(Found::Cleaned)
            }
            None if self.interruption.clean_abandoned(id).await? => Ok(Found::Cleaned),
            Some(_) | None => Ok(Found::Nothing),
        }
    }

    fn status(&self) -> &dyn IStatus {
        self.interruption.status.as_ref()
    }
}

impl Drop for PendingReport {
    fn drop(&mut self) {
        self.0.interrupted.iter().for_each(interruption::log);
    }
}

impl RecoveryReport {
    /// Whether `id` was interrupted, or failed, and is done with in this call.
    fn names(&self, id: &DeploymentId) -> bool {
        self.interrupted.contains(id) || self.failed.iter().any(|failure| failure.id == *id)
    }

    fn add(&mut self, id: DeploymentId, found: Result<Found>) {
        match found {
            Ok(Found::Nothing) => {}
            Ok(Found::Interrupted) => self.interrupted.push(id),
            Ok(Found::Cleaned) => self.cleaned.push(id),
            Err(error) => self.failed.push(RecoveryFailure { id, error }),
        }
    }
}
