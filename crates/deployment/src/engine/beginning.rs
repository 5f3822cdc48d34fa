//! How a request becomes a deployment that runs.

use std::sync::Arc;

use package::Package;
use store::StoreExt as _;
use tokio::sync::Mutex;
use tracing::{Instrument as _, field};

use super::{Engine, KEY_LANES};
use crate::claim::{KeyClaim, busy};
use crate::deployment::Deployment;
use crate::directory::Layout;
use crate::error::{Error, Result};
use crate::event::EventKind;
use crate::held::Held;
use crate::id::DeploymentId;
use crate::lock::lock_file;
use crate::package_file;
use crate::patience::{leaves_doubt, patiently};
use crate::phase::Phase;
use crate::platform::PlatformRequest;
use crate::record::ErrorRecord;
use crate::request::DeployRequest;
use crate::running::Running;
use crate::source::{ARCHIVE_SUFFIX, PackageSource, archive_file};
use crate::status::{StatusChange, Subject};

impl Engine {
    pub(crate) async fn deploy(self: &Arc<Self>, request: DeployRequest) -> Result<DeploymentId> {
        // Shutdown waits for this request, which finds the tracker closed or is cancelled by it.
        let _token = self.tasks.token();
        if self.tasks.is_closed() {
            let what = "deployment request";
            return Err(Error::invalid(
                what,
                request.package.as_str(),
                "the deployer is shut down",
            ));
        }
        let fresh = DeploymentId::generate();
        let Some(key) = request.idempotency_key.clone() else {
            return self.begin(request, fresh, None).await;
        };
        let _turn = self.key_lane(&key).lock().await;
        match self.claims.key(&key, &request, fresh).await? {
            KeyClaim::Begun(id) => Ok(id),
            KeyClaim::Unbegun(claim) => {
                let id = *claim.deployment();
                match self.begin(request, id, Some(&claim)).await {
                    // An engine of another process began it in this moment.
                    Err(Error::LostOwnership { .. }) => Ok(id),
                    Err(Error::Busy { by, .. }) if by == id => Ok(id),
                    Err(error) => {
                        self.give_up(&claim, &error).await;
                        Err(error)
                    }
                    Ok(id) => Ok(id),
                }
            }
        }
    }

    /// Gives up what was claimed for a deployment that `error` keeps from beginning.
    ///
    /// A record that may be there after all, or yet appear, must be named by its claims, so that
    /// it is found; they then end with their lease.
    async fn give_up(&self, claim: &Held, error: &Error) {
        let recorded = self.status.get_status(claim.deployment()).await;
        if !leaves_doubt(error) && matches!(recorded, Ok(None)) {
            self.claims.release(claim).await;
        }
    }

    fn key_lane(&self, key: &str) -> &Mutex<()> {
        let sum = key.bytes().fold(0_usize, |sum, byte| {
            sum.wrapping_mul(31) + usize::from(byte)
        });
        &self.key_lanes[sum % KEY_LANES]
    }

    /// Checks everything, records `INIT`, and hands the deployment to a task of its own.
    async fn begin(
        self: &Arc<Self>,
        request: DeployRequest,
        id: DeploymentId,
        key: Option<&Held>,
    ) -> Result<DeploymentId> {
        let source = self.source(&request).await?;
        let deployment = self.deployment(&request, id, source)?;
        let entry = Running::new(id, lock_file(&request));
        let running = self.running.enter(entry).map_err(|by| busy(&request, by))?;
        let lock = self.claims.lock(&request, id).await?;
        let recorded = patiently(|| deployment.record_init()).await;
        if let Err(error) = recorded {
            if let Some(lock) = &lock {
                self.give_up(lock, &error).await;
            }
            return Err(error);
        }
        for claim in lock.as_ref().into_iter().chain(key) {
            self.confirm(claim, &request).await?;
        }

        // The request, and with it the password, ends here; the process has its own copy.
        drop(request);
        let (turns, events) = (Arc::clone(&self.turns), self.events.sender());
        let span = tracing::info_span!("deployment", deployment = %id, phase = field::Empty);
        let told = span.clone();
        let run = async move {
            #[cfg(feature = "metrics")]
            let meter = crate::metrics::Running::begin();
            let turn = turns.acquire_owned();
            let mut ended = None;
            match deployment.deploy_when(turn, running.cancels()).await {
                Ok(record) => {
                    ended = record.phase();
                    running.keep(record);
                }
                Err(error) => {
                    let error = error.chain();
                    tracing::error!(deployment = %id, error, "deployment given up");
                }
            }
            told.record("phase", ended.as_ref().map(Phase::as_str));
            // Whoever waits for the ending goes on when it is left.
            #[cfg(feature = "metrics")]
            meter.end(ended.as_ref());
            Box::pin(running.leave()).await;
            if let Some(phase) = ended {
                events.send(id, EventKind::Ended(phase));
            }
        };
        self.tasks.spawn(run.instrument(span));
        Ok(id)
    }

    /// Makes sure that `claim` is still the deployment's; one that lost a claim ends here.
    async fn confirm(&self, claim: &Held, request: &DeployRequest) -> Result<()> {
        let confirmed = patiently(|| self.claims.confirm(claim, request)).await;
        let Err(error) = confirmed else {
            return Ok(());
        };
        let id = claim.deployment();
        let reason = ErrorRecord::new(None, error.chain());
        let ending = StatusChange::reach(Phase::Failed, self.now()).with_error(reason);
        match patiently(|| self.status.set_status(id, &ending)).await {
            Ok(_) => {
                let events = self.events.sender();
                events.send(*id, EventKind::Status(Phase::Failed));
                events.send(*id, EventKind::Ended(Phase::Failed));
            }
            Err(error) => {
                tracing::error!(deployment = %id, error = error.chain(), "ending not recorded");
            }
        }
        Err(error)
    }

    async fn source(&self, request: &DeployRequest) -> Result<PackageSource> {
        if let Some(path) = &request.file {
            package_file::open(path).await?;
            return Ok(PackageSource::LocalFile(path.clone()));
        }
        let file = archive_file(&request.package)?;
        let exists = self.store.check_file_exists(&file).await;
        if !exists.map_err(Error::store("look for the package"))? {
            return Err(Error::PackageNotFound {
                name: request.package.to_string(),
            });
        }
        Ok(PackageSource::Stored {
            store: Arc::clone(&self.store),
            file,
        })
    }

    /// What the platform is asked for when `request` is deployed as `id`.
    pub(crate) fn platform_request(
        &self,
        request: &DeployRequest,
        id: DeploymentId,
    ) -> PlatformRequest {
        let layout = Layout::of(&self.options.temp_root, id);
        PlatformRequest {
            id,
            package: request.package.clone(),
            application: request.application().to_owned(),
            endpoint: request.endpoint.clone(),
            credentials: request.credentials.clone(),
            space: request.space.clone(),
            directory: layout.root().to_owned(),
            application_directory: layout.application(request.package.as_str()),
        }
    }

    /// The deployment that would be in the way of `request` now.
    pub(crate) async fn busy_with(&self, request: &DeployRequest) -> Result<Option<DeploymentId>> {
        match self.running.deploying(&lock_file(request)) {
            Some(id) => Ok(Some(id)),
            None => self.claims.holder(request).await,
        }
    }

    fn deployment(
        &self,
        request: &DeployRequest,
        id: DeploymentId,
        source: PackageSource,
    ) -> Result<Deployment> {
        let name = request.package.as_str();
        let layout = Layout::of(&self.options.temp_root, id);
        let path = layout.root().join(format!("{name}{ARCHIVE_SUFFIX}"));
        let package = Package::new(name, path, Some(request.endpoint.as_str()))
            .map_err(Error::package("describe the package"))?;
        let process = self.platform.process(&self.platform_request(request, id))?;
        let subject = Subject {
            endpoint: request.endpoint.to_string(),
            application: request.application().to_owned(),
            owner: self.owner.clone(),
            idempotency_key: request.idempotency_key.clone(),
            space: request.space.clone(),
            redeploy_of: request.redeploy_of,
            ..Subject::new(name, destination(request, &package))
        };
        let mut deployment = Deployment::new(package, source, process, Arc::clone(&self.status))
            .with_id(id)
            .with_subject(subject)
            .with_clock(self.options.clock.clone())
            .with_limits(self.options.limits.clone())
            .with_lease(self.options.lease)
            .with_workbenches(Arc::clone(&self.benches))
            .with_events(self.events.sender());
        if let Some(timeout) = request.timeout {
            deployment = deployment.with_timeout(timeout);
        }
        Ok(deployment)
    }
}

/// Where the application will answer: under its own name, which the package's is by default.
fn destination(request: &DeployRequest, package: &Package) -> String {
    let of_package = package.destination();
    let host = of_package
        .split_once("://")
        .and_then(|(scheme, host)| Some((scheme, host.strip_prefix(package.name())?)));
    match host {
        Some((scheme, rest)) => format!("{scheme}://{}{rest}", request.application()),
        None => of_package.to_owned(),
    }
}
