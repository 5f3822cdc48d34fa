//! One deployment, from INIT to its ending.

mod stopping;
mod work;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use batch::IProcess;
use package::{Package, UnpackLimits};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::ending::StopReason;
use crate::error::{Error, Result};
use crate::event::{EventKind, EventSender};
use crate::id::DeploymentId;
use crate::lease::{LEASE, Lease, LeaseEnd, legal_lease};
use crate::phase::Phase;
use crate::record::DeploymentRecord;
use crate::recorder::{Recorder, Writer};
use crate::source::PackageSource;
use crate::status::{IStatus, StatusChange, Subject};

pub(crate) use self::stopping::Cancels;

/// How long the engine tries to record an ending while the store is away.
///
/// Longer than a restart of any store, and not for ever: what is then still unrecorded is found
/// by its lease.
const ENDING_PATIENCE: Duration = Duration::from_mins(10);

/// Deploys one package once: fetches it, unpacks it in a private directory, runs the platform's
/// process, and records every status.
///
/// Most applications use a [`Deployer`](crate::Deployer), which makes these.
/// The package's [`cwd`](Package::cwd) is the private directory: it must not exist, is made with
/// mode 0700, and is removed whatever happens.
/// The process finds the application's tree in `<cwd>/<name>`, as the original's did.
///
/// # Examples
///
/// A deployment whose process runs no command at all:
///
/// ```
/// # use std::sync::Arc;
/// # use batch::{IProcess, IProgress, ProcessOutcome};
/// # use deployment::{Deployment, DeploymentStatus, PackageSource};
/// # use package::Package;
/// # use store::{FileName, MemoryStore};
/// # use tokio_util::sync::CancellationToken;
/// #[derive(Debug)]
/// struct Nothing;
///
/// #[async_trait::async_trait]
/// impl IProcess for Nothing {
///     async fn execute(
///         &self,
///         _progress: &dyn IProgress,
///         _cancel: &CancellationToken,
///     ) -> batch::Result<ProcessOutcome> {
///         Ok(ProcessOutcome::Success)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let temp = tempfile::tempdir()?;
/// let store = Arc::new(MemoryStore::new());
/// let package = Package::new("foo", temp.path().join("private/foo.tar.gz"), None)?;
/// let file = FileName::new("foo.tar.gz")?;
/// let source = PackageSource::Stored { store: store.clone(), file };
/// let status = Arc::new(DeploymentStatus::new(store));
///
/// let deployment = Deployment::new(package, source, Box::new(Nothing), status);
/// let record = deployment.deploy(&CancellationToken::new()).await?;
/// assert_eq!(record.deploy_status, "FAILED"); // there is no such package
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Deployment {
    id: DeploymentId,
    package: Package,
    source: PackageSource,
    process: Box<dyn IProcess>,
    status: Arc<dyn IStatus>,
    /// What its record is to begin with, until it has begun.
    unrecorded: Mutex<Option<Box<Subject>>>,
    clock: Clock,
    events: EventSender,
    limits: UnpackLimits,
    lease: Duration,
    timeout: Option<Duration>,
    benches: Arc<Semaphore>,
    /// When it began, by both clocks: its `INIT` and the lease of that are of this time however
    /// often they are tried.
    began: OnceLock<(SystemTime, Instant)>,
    started: AtomicBool,
}

impl Deployment {
    /// Prepares a deployment; nothing happens yet.
    #[must_use]
    pub fn new(
        package: Package,
        source: PackageSource,
        process: Box<dyn IProcess>,
        status: Arc<dyn IStatus>,
    ) -> Self {
        let subject = Subject::new(package.name(), package.destination());
        Self {
            id: DeploymentId::generate(),
            unrecorded: Mutex::new(Some(Box::new(subject))),
            package,
            source,
            process,
            status,
            clock: Clock::system(),
            events: EventSender::default(),
            limits: UnpackLimits::default(),
            lease: LEASE,
            timeout: None,
            // A deployment by itself shares with nobody.
            benches: Arc::new(Semaphore::new(1)),
            began: OnceLock::new(),
            started: AtomicBool::new(false),
        }
    }

    /// Sets the id; a fresh one unless set.
    #[must_use]
    pub fn with_id(mut self, id: DeploymentId) -> Self {
        self.id = id;
        self
    }

    /// Sets what the record says of the deployment; the package's name and destination unless
    /// set.
    #[must_use]
    pub fn with_subject(mut self, subject: Subject) -> Self {
        self.unrecorded = Mutex::new(Some(Box::new(subject)));
        self
    }

    /// Sets the clock; the system's unless set.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the limits on unpacking; [`UnpackLimits::default`] unless set.
    #[must_use]
    pub fn with_limits(mut self, limits: UnpackLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how long a record counts as owned after a write, between 100 milliseconds and a year;
    /// 60 seconds unless set.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = legal_lease(lease);
        self
    }

    /// Sets how long the whole deployment may take; unlimited unless set.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Shares with other deployments how many of them unpack at once.
    pub(crate) fn with_workbenches(mut self, benches: Arc<Semaphore>) -> Self {
        self.benches = benches;
        self
    }

    pub(crate) fn with_events(mut self, events: EventSender) -> Self {
        self.events = events;
        self
    }

    /// The deployment's id.
    #[must_use]
    pub const fn id(&self) -> &DeploymentId {
        &self.id
    }

    /// Records `INIT`, which makes the deployment visible; [`deploy`](Self::deploy) does it
    /// where it was not done before.
    ///
    /// One that failed can be tried again while the lease lasts, which begins with the first try:
    /// what is recorded is the same each time, so that a write whose reply was lost is found.
    ///
    /// # Errors
    ///
    /// - [`Error::LostOwnership`]: a record of this id exists.
    /// - The status's own errors.
    ///
    /// # Examples
    ///
    /// Tells the id only when it can be looked up:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use batch::{MockIProcess, ProcessOutcome};
    /// use deployment::{Deployment, DeploymentStatus, IStatus, PackageSource};
    /// use package::Package;
    /// use store::MemoryStore;
    ///
    /// # let temp = tempfile::tempdir()?;
    /// # let directory = temp.path().join("private");
    /// let package = Package::new("", directory.join("hello.tar.gz"), None)?;
    /// let source = PackageSource::LocalFile("/srv/packages/hello.tar.gz".into());
    /// let status = Arc::new(DeploymentStatus::new(Arc::new(MemoryStore::new())));
    /// let process = Box::new(MockIProcess::new());
    /// let deployment = Deployment::new(package, source, process, status.clone());
    ///
    /// deployment.record_init().await?;
    /// let record = status.get_status(deployment.id()).await?;
    /// assert_eq!(record.map(|record| record.deploy_status).as_deref(), Some("INIT"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn record_init(&self) -> Result<()> {
        let (began, _) = self.began();
        let lease = began + self.lease;
        let Some(subject) = self.unrecorded().clone() else {
            return Err(Error::LostOwnership { id: self.id });
        };
        let change = StatusChange::begin(*subject, began).with_lease(lease);
        self.status.set_status(&self.id, &change).await?;
        *self.unrecorded() = None;
        self.events.send(self.id, EventKind::Status(Phase::Init));
        Ok(())
    }

    fn unrecorded(&self) -> MutexGuard<'_, Option<Box<Subject>>> {
        // It is whole at every point where a holder could panic.
        let unrecorded = self.unrecorded.lock();
        unrecorded.unwrap_or_else(PoisonError::into_inner)
    }

    fn began(&self) -> (SystemTime, Instant) {
        *self
            .began
            .get_or_init(|| (self.clock.now(), Instant::now()))
    }

    /// Runs the deployment to its end and returns its record.
    ///
    /// A deployment that fails is no error: its record says so.
    ///
    /// # Errors
    ///
    /// - [`Error::AlreadyStarted`]: it was started before.
    /// - [`Error::LostOwnership`]: the record was taken over by somebody else; the work was
    ///   stopped.
    /// - The status's errors where the ending could not be recorded for ten minutes.
    ///
    /// # Cancellation
    ///
    /// `cancel` stops the running command and has `CANCELLED` recorded after the clean-up.
    /// Dropping the future kills the running command and leaves the record without an ending.
    pub async fn deploy(&self, cancel: &CancellationToken) -> Result<DeploymentRecord> {
        let cancels = Cancels {
            cancel: cancel.clone(),
            ..Cancels::new()
        };
        self.deploy_when(std::future::ready(()), &cancels).await
    }

    /// Runs the deployment when `turn` has come, and holds the turn until everything is done.
    pub(crate) async fn deploy_when<T>(
        &self,
        turn: impl Future<Output = T>,
        cancels: &Cancels,
    ) -> Result<DeploymentRecord> {
        if self.started.swap(true, Ordering::Relaxed) {
            return Err(Error::AlreadyStarted { id: self.id });
        }
        if self.unrecorded().is_some() {
            Box::pin(self.record_init()).await?;
        }
        let lease = Lease::new(self.lease, LeaseEnd::after(self.lease, self.began()));
        let watch = lease.watch();
        let lost = CancellationToken::new();
        let writer = Writer {
            status: Arc::clone(&self.status),
            lease,
            lost: lost.clone(),
        };
        let recorder = Arc::new(Recorder::start(
            self.id,
            self.clock.clone(),
            self.events.clone(),
            writer,
        ));

        // A child of its own, so that the engine can stop the work without the caller's token.
        let stop = cancels.cancel.child_token();
        let _stop_when_dropped = stop.clone().drop_guard();
        let stops = Cancels {
            cancel: stop.clone(),
            force: cancels.force.child_token(),
        };
        let work = self.work(turn, &recorder, &stops);
        tokio::pin!(work);
        let (ending, reason) = self.watch(work.as_mut(), &lost, &watch, &stops).await;
        let ending = match reason {
            Some(StopReason::OwnershipLost) => {
                return Err(Error::LostOwnership { id: self.id });
            }
            Some(reason) if !cancels.cancel.is_cancelled() => ending.stopped_for(reason),
            _ => ending,
        };
        let change = StatusChange {
            error: ending.error,
            ..StatusChange::reach(ending.phase, self.clock.now())
        };
        let written = Box::pin(recorder.record(change, ENDING_PATIENCE)).await;
        if matches!(written, Err(Error::LostOwnership { .. })) {
            self.say_lost(StopReason::OwnershipLost);
        }
        written?
            .map(Arc::unwrap_or_clone)
            .ok_or(Error::DeploymentNotFound { id: self.id })
    }
}

/// How many deployments unpack at once: a few for each core, since some of them wait for their
/// store. A hundred at once would be a hundred threads that wait for the same locks.
pub(crate) fn workbenches() -> Arc<Semaphore> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new((4 * cores).max(8)))
}
