//! What applications hold: starts deployments and answers for them.

use std::sync::Arc;
use std::time::Duration;

use store::IStore;
use tokio::time::sleep;

use crate::credentials::Credentials;
use crate::deployer_options::DeployerOptions;
use crate::deployment_status::DeploymentStatus;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::event::Events;
use crate::id::DeploymentId;
use crate::phase::Phase;
use crate::platform::{IPlatform, PlatformRequest};
use crate::pruning::{self, PrunePolicy, PruneReport};
use crate::record::DeploymentRecord;
use crate::recovery::RecoveryReport;
use crate::request::DeployRequest;
use crate::status::{IStatus, ListQuery, RecordPage};

/// How often the record of another process's deployment is read while it is waited for.
const POLL_EVERY: Duration = Duration::from_millis(250);

/// Deploys packages in the background and answers for every deployment in its store.
///
/// A deployer is cheap to clone; clones share everything.
/// It runs its deployments as tasks of the tokio runtime that `deploy_package` is called in.
///
/// # Semantics
///
/// - Between engines, an application is deployed to an endpoint by one deployment at a time where
///   the store's create and update are exclusive; where they are not (OpenStack Swift), only
///   within one deployer.
/// - Credentials stay in memory and are dropped with the deployment.
/// - When the runtime shuts down in the middle, running commands are killed, and the records stay
///   without an ending; [`shutdown`](Self::shutdown) comes first where that matters, and
///   [`recover`](Self::recover) ends them after the owner's lease.
/// - A deployment whose record could not be renewed before its lease ended, or was ended by
///   somebody else, is stopped at once
///   ([`EventKind::OwnershipLost`](crate::EventKind::OwnershipLost)); a record that somebody else
///   has written is not written again.
///
/// # Examples
///
/// ```no_run
/// # use std::sync::Arc;
/// # use batch::{LocalRunner, LocalRunnerOptions, Secret};
/// # use deployment::{CliPlatform, Credentials, DeployRequest, Deployer, DeployerOptions};
/// # async fn example(store: Arc<dyn store::IStore>) -> deployment::Result<()> {
/// let runner = Arc::new(LocalRunner::new(LocalRunnerOptions::default()));
/// let platform = Arc::new(CliPlatform::helion(runner));
/// let deployer = Deployer::new(store, platform, DeployerOptions::default());
///
/// let credentials = Credentials::new("admin", Secret::new("…"))?;
/// let request = DeployRequest::new("hello-world", "https://api.example.com", credentials)?;
/// let id = deployer.deploy_package(request).await?; // goes on in the background
/// let record = deployer.wait(&id).await?;
/// println!("{}: {}", id, record.deploy_status);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Deployer {
    engine: Arc<Engine>,
}

impl Deployer {
    /// A deployer of the packages in `store` to `platform`, which keeps its records in the same
    /// store.
    #[must_use]
    pub fn new(
        store: Arc<dyn IStore>,
        platform: Arc<dyn IPlatform>,
        options: DeployerOptions,
    ) -> Self {
        let status = DeploymentStatus::new(Arc::clone(&store)).with_limits(options.record_limits);
        let status = Arc::new(status);
        Self::with_status(store, platform, status, options)
    }

    /// A deployer that keeps its records elsewhere.
    ///
    /// # Examples
    ///
    /// Packages in one store, records in another:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> deployment::Result<()> {
    /// use std::sync::Arc;
    /// use batch::{LocalRunner, LocalRunnerOptions};
    /// use deployment::{CliPlatform, Deployer, DeployerOptions, DeploymentStatus, ListQuery};
    /// use store::MemoryStore;
    ///
    /// let packages = Arc::new(MemoryStore::new());
    /// let status = Arc::new(DeploymentStatus::new(Arc::new(MemoryStore::new())));
    /// let runner = Arc::new(LocalRunner::new(LocalRunnerOptions::default()));
    /// let platform = Arc::new(CliPlatform::helion(runner));
    /// let deployer = Deployer::with_status(packages, platform, status, DeployerOptions::default());
    /// assert!(deployer.list(&ListQuery::default()).await?.records.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_status(
        store: Arc<dyn IStore>,
        platform: Arc<dyn IPlatform>,
        status: Arc<dyn IStatus>,
        options: DeployerOptions,
    ) -> Self {
        Self {
            engine: Arc::new(Engine::new(store, platform, status, options)),
        }
    }

    /// Starts a deployment and returns its id as soon as `INIT` is recorded.
    ///
    /// It goes on in the background; [`wait`](Self::wait) and [`subscribe`](Self::subscribe)
    /// follow it, and its record tells how it ended.
    ///
    /// # Errors
    ///
    /// Nothing is recorded, left behind or running after any of them:
    ///
    /// - [`Error::PackageNotFound`]: no such package is in the store.
    /// - [`Error::Busy`]: the application is being deployed to the endpoint.
    ///   Where this engine was stopped for longer than a lease while it began, and another one
    ///   began to deploy the application meanwhile, a record that was made by then ends `FAILED`.
    /// - [`Error::KeyReused`]: the idempotency key belongs to another request.
    /// - [`Error::Platform`]: the platform refuses the request.
    /// - [`Error::Store`]: the store failed.
    ///
    /// # Cancellation
    ///
    /// Dropping the future before it returns may leave the deployment recorded as `INIT` without
    /// being run; run it in a task of its own where that matters.
    ///
    /// # Examples
    ///
    /// With a `deployer` in whose store the package is:
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
    /// use batch::Secret;
    /// use deployment::{Credentials, DeployRequest};
    ///
    /// let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
    /// let request = DeployRequest::new("hello-world", "https://api.example.com", credentials)?;
    /// let id = deployer.deploy_package(request).await?;
    /// let record = deployer.wait(&id).await?;
    /// assert_eq!(record.deploy_status, "SUCCESS");
    /// assert_eq!(record.destination, "https://hello-world.example.com");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn deploy_package(&self, request: DeployRequest) -> Result<DeploymentId> {
        // On the heap, so that a request which has not begun takes no more than it holds.
        Box::pin(Engine::deploy(&self.engine, request)).await
    }

    /// The deployment that [`deploy_package`](Self::deploy_package) would be refused for as
    /// [`Error::Busy`] now; nothing is written.
    ///
    /// It may have ended, or another have begun, when the answer is there.
    /// In a store without locks (OpenStack Swift), only this deployer's own are seen.
    ///
    /// # Errors
    ///
    /// The store's error, [`Error::NewerRecord`].
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
    /// use batch::Secret;
    /// use deployment::{Credentials, DeployRequest};
    ///
    /// let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
    /// let request = DeployRequest::new("hello-world", "https://api.example.com", credentials)?;
    /// assert_eq!(deployer.busy_with(&request).await?, None);
    ///
    /// let id = deployer.deploy_package(request.clone()).await?;
    /// if let Some(by) = deployer.busy_with(&request).await? {
    ///     assert_eq!(by, id); // unless it has ended already
    /// }
    /// # deployer.wait(&id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn busy_with(&self, request: &DeployRequest) -> Result<Option<DeploymentId>> {
        self.engine.busy_with(request).await
    }

    /// What the platform would be asked for if `request` were deployed as `id`: for a dry run, as
    /// with [`CliPlatform::batch`](crate::CliPlatform::batch).
    #[must_use]
    pub fn platform_request(&self, request: &DeployRequest, id: DeploymentId) -> PlatformRequest {
        self.engine.platform_request(request, id)
    }

    /// Reads a deployment's record, whoever runs it; `None` when there is none.
    ///
    /// # Errors
    ///
    /// The store's error, or [`Error::BadRecord`].
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
    /// use deployment::DeploymentId;
    ///
    /// let unknown = DeploymentId::generate();
    /// assert_eq!(deployer.get_status(&unknown).await?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_status(&self, id: &DeploymentId) -> Result<Option<DeploymentRecord>> {
        self.engine.status().get_status(id).await
    }

    /// Reads one page of records, newest first.
    ///
    /// # Errors
    ///
    /// The store's error.
    ///
    /// # Examples
    ///
    /// The newest deployments that failed:
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
    /// use deployment::{ListQuery, Phase};
    ///
    /// let query = ListQuery::default().with_phase(Phase::Failed).with_limit(20);
    /// for record in deployer.list(&query).await?.records {
    ///     println!("{} {}", record.deploy_id, record.package);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list(&self, query: &ListQuery) -> Result<RecordPage> {
        self.engine.status().list(query).await
    }

    /// Asks a deployment to stop: its command is ended and `CANCELLED` is recorded after the
    /// clean-up.
    ///
    /// A deployment of another process is asked by a file in the store, which its owner notices
    /// within about a second.
    /// One whose process has succeeded, and only cleans up, ends in `SUCCESS` all the same.
    ///
    /// # Errors
    ///
    /// - [`Error::DeploymentNotFound`]: there is no such deployment.
    /// - [`Error::IllegalMove`]: it has ended already.
    ///
    /// # Examples
    ///
    /// One that has ended meanwhile need not be cancelled:
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
    /// use deployment::{DeploymentId, Error};
    ///
    /// async fn stop(deployer: &deployment::Deployer, id: &DeploymentId) -> deployment::Result<()> {
    ///     match deployer.cancel(id).await {
    ///         Err(Error::IllegalMove { .. }) => Ok(()),
    ///         other => other,
    ///     }
    /// }
    ///
    /// let error = stop(&deployer, &DeploymentId::generate()).await.unwrap_err();
    /// assert!(matches!(error, Error::DeploymentNotFound { .. }));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn cancel(&self, id: &DeploymentId) -> Result<()> {
        if self.engine.cancel_running(id) {
            return Ok(());
        }
        let record = self.known(id).await?;
        if record.is_terminal() {
            return Err(Error::IllegalMove {
                from: Some(record.deploy_status),
                to: Phase::Cancelled.to_string(),
            });
        }
        crate::cancel::ask(self.engine.store(), id).await
    }

    /// Stops a deployment of this deployer at once: its command is killed, and it does not log
    /// out; `false` when it does not run here.
    ///
    /// The private directory is removed and `CANCELLED` recorded all the same.
    ///
    /// # Examples
    ///
    /// What a second interrupt of the user does:
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
    /// use deployment::DeploymentId;
    ///
    /// assert!(!deployer.cancel_now(&DeploymentId::generate())); // that one does not run here
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn cancel_now(&self, id: &DeploymentId) -> bool {
        self.engine.cancel_now(id)
    }

    /// Ends the deployments of this store whose owner died, as `INTERRUPTED`, and removes what is
    /// left of ended deployments on this machine: processes that carry
    /// [`DEPLOYMENT_VARIABLE`](crate::DEPLOYMENT_VARIABLE), and private directories. Cancel files
    /// that nobody waits for go, too.
    /// So does the private directory of a deployment that has no record in this store, such as one
    /// that was pruned, when no engine holds it any more and nothing was put into it for a day.
    ///
    /// Applications call it when they start, and again whenever they like; nothing is ever run
    /// again by itself ([`redeploy`](Self::redeploy) does that).
    /// An owner is dead when its lease has ended longer ago than the
    /// [margin](DeployerOptions::with_clock_margin) for clocks that differ.
    /// A deployment of this deployer is never taken for one that lost its owner, whatever the
    /// clock says; nor is a record without a lease, such as the original's.
    /// Where the store's update is exclusive, each is interrupted by one process only.
    ///
    /// It reads the lock of each application and the record that it names, not all records;
    /// in a store without locks (OpenStack Swift) it reads all.
    /// One that fails is part of the report, and does not hold up the others.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] or [`Error::Directory`] when locks, records or the temporary folder cannot
    /// be listed.
    ///
    /// # Examples
    ///
    /// At the start of an application:
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
    /// for failure in &report.failed {
    ///     eprintln!("{}: {}", failure.id, failure.error);
    /// }
    /// assert!(report.interrupted.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recover(&self) -> Result<RecoveryReport> {
        self.engine.recover().await
    }

    /// Starts a deployment that repeats `id`, which has ended: the same package, endpoint,
    /// application and space, with credentials that are given anew.
    ///
    /// Its record names the old one; [`DeployRequest::again`] makes the same request for callers
    /// that want to add a time limit or a key.
    ///
    /// # Errors
    ///
    /// - [`Error::DeploymentNotFound`]: there is no such deployment.
    /// - Those of [`DeployRequest::again`] and [`deploy_package`](Self::deploy_package).
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
    /// use batch::Secret;
    /// use deployment::{Credentials, DeployRequest};
    ///
    /// let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
    /// let endpoint = "https://api.example.com";
    /// let request = DeployRequest::new("hello-world", endpoint, credentials.clone())?;
    /// let first = deployer.deploy_package(request).await?;
    /// deployer.wait(&first).await?;
    ///
    /// let second = deployer.redeploy(&first, credentials).await?;
    /// let engine = deployer.wait(&second).await?.engine;
    /// let repeated = engine.and_then(|engine| engine.redeploy_of);
    /// assert_eq!(repeated, Some(first.to_string()));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn redeploy(
        &self,
        id: &DeploymentId,
        credentials: Credentials,
    ) -> Result<DeploymentId> {
        let record = self.known(id).await?;
        let request = DeployRequest::again(&record, credentials)?;
        self.deploy_package(request).await
    }

    /// Removes the records of deployments that ended long ago, with their idempotency keys, and
    /// cancel files that nobody waits for.
    ///
    /// A record of a deployment that has not ended, or that this engine cannot read, is never
    /// removed.
    /// All records are read, but for most of those that are too young by their ids, where the policy
    /// has an age alone.
    /// The claim of each idempotency key is read, whatever the policy, and the record of its
    /// deployment, unless that is too young in the same way.
    /// A lock of an application stays, since one that names no record holds nothing, and the next
    /// deployment needs it again.
    /// An idempotency key whose record was removed is forgotten, and its file goes too: the same
    /// request is deployed anew. A key whose removal was broken off before, as by a kill, is
    /// waited for some 10 seconds.
    ///
    /// # Errors
    ///
    /// The store's error; what was removed before it stays removed.
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
    /// use std::time::Duration;
    /// use deployment::PrunePolicy;
    ///
    /// let policy = PrunePolicy::default().with_max_age(Duration::from_hours(90 * 24));
    /// let report = deployer.prune(&policy).await?;
    /// assert!(report.removed.is_empty()); // there is no record yet
    /// # Ok(())
    /// # }
    /// ```
    pub async fn prune(&self, policy: &PrunePolicy) -> Result<PruneReport> {
        pruning::prune(self.engine.claims(), policy).await
    }

    /// Waits until a deployment has ended, and returns its record.
    ///
    /// A deployment of another process is watched through the store; when its owner is dead, the
    /// record is returned without an ending as soon as the owner's lease has run out. A record
    /// that has no lease, as the original's, is returned at once.
    ///
    /// # Errors
    ///
    /// - [`Error::DeploymentNotFound`]: there is no such deployment.
    /// - The store's error.
    pub async fn wait(&self, id: &DeploymentId) -> Result<DeploymentRecord> {
        if let Some(ending) = self.engine.ending(id) {
            return match ending.wait().await {
                Some(record) => Ok(record),
                None => self.known(id).await,
            };
        }
        loop {
            let record = self.known(id).await?;
            let now = self.engine.now();
            let is_owned = record.lease_until().is_some_and(|until| now < until);
            if record.is_terminal() || !is_owned {
                return Ok(record);
            }
            sleep(POLL_EVERY).await;
        }
    }

    /// Subscribes to the events of all deployments that this deployer runs from now on.
    ///
    /// A slow subscriber loses the oldest events and never slows a deployment.
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
    /// use batch::Secret;
    /// use deployment::{Credentials, DeployRequest, EventKind, Phase};
    ///
    /// let mut events = deployer.subscribe(); // before the request, to miss nothing
    /// let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
    /// let request = DeployRequest::new("hello-world", "https://api.example.com", credentials)?;
    /// let id = deployer.deploy_package(request).await?;
    ///
    /// let mut phases = Vec::new();
    /// while let Some(event) = events.next().await {
    ///     match event.kind {
    ///         EventKind::Status(phase) if event.id == id => phases.push(phase),
    ///         EventKind::Ended(_) if event.id == id => break,
    ///         _ => {}
    ///     }
    /// }
    /// assert_eq!(phases.first(), Some(&Phase::Init));
    /// assert_eq!(phases.last(), Some(&Phase::Success));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn subscribe(&self) -> Events {
        self.engine.subscribe()
    }

    /// Cancels everything that runs here and waits until it has ended.
    ///
    /// Requests made after this are refused.
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
    /// use batch::Secret;
    /// use deployment::{Credentials, DeployRequest};
    ///
    /// deployer.shutdown().await; // the last thing that the application does
    ///
    /// let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
    /// let request = DeployRequest::new("hello-world", "https://api.example.com", credentials)?;
    /// assert!(deployer.deploy_package(request).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn shutdown(&self) {
        self.engine.shutdown().await;
    }

    async fn known(&self, id: &DeploymentId) -> Result<DeploymentRecord> {
        let record = self.get_status(id).await?;
        record.ok_or(Error::DeploymentNotFound { id: *id })
    }
}
