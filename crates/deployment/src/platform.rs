//! The seam to a platform.

use std::fmt;
use std::path::PathBuf;

use batch::IProcess;
use package::PackageName;
use serde::{Deserialize, Serialize};

use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::error::Result;
use crate::id::DeploymentId;

/// The environment variable that names the deployment to every process that works for it.
///
/// By it, [`Deployer::recover`](crate::Deployer::recover) finds what the processes of a dead
/// owner left running.
/// [`CliPlatform`](crate::CliPlatform) sets it on every command; another platform that starts
/// programs sets it to [`PlatformRequest::id`] itself.
pub const DEPLOYMENT_VARIABLE: &str = "DEPLOYMENT_RUN";

/// Makes the process that brings one application to a platform.
///
/// [`CliPlatform`](crate::CliPlatform) runs a command-line client; another implementation may
/// speak HTTP, or only write to a folder.
///
/// # Contract
///
/// - `process` is called once per deployment, before anything is recorded; it checks the request
///   and touches nothing.
/// - The process finds the application's tree in [`application_directory`] and may write into
///   [`directory`]; both exist when it is executed, not before, and are removed after it.
/// - Its statuses are words of its own: one of the engine's (`INIT`, `SUCCESS` …) is kept with the
///   step and does not enter the history.
/// - It reports its steps through the [`IProgress`](batch::IProgress) that it is handed, and
///   never puts a secret into a report. A report that fails was tried for half a minute: the
///   process stops then, since nothing may run unrecorded.
///
/// # Implementing
///
/// With the feature `conformance`, `platform_conformance!` tests a
/// platform while its steps, the store and the package go wrong, each in turn.
///
/// [`application_directory`]: PlatformRequest::application_directory
/// [`directory`]: PlatformRequest::directory
///
/// # Examples
///
/// ```
/// use batch::{IProcess, IProgress, Milestone, ProcessOutcome, Status, StepOutcome, StepReport};
/// use deployment::{IPlatform, PlatformRequest, Result};
/// use tokio_util::sync::CancellationToken;
///
/// /// A platform that is a folder.
/// #[derive(Debug)]
/// struct Folder(std::path::PathBuf);
///
/// #[derive(Debug)]
/// struct Install { from: std::path::PathBuf, to: std::path::PathBuf }
///
/// impl IPlatform for Folder {
///     fn process(&self, request: &PlatformRequest) -> Result<Box<dyn IProcess>> {
///         let to = self.0.join(&request.application);
///         Ok(Box::new(Install { from: request.application_directory.clone(), to }))
///     }
/// }
///
/// #[async_trait::async_trait]
/// impl IProcess for Install {
///     async fn execute(
///         &self,
///         progress: &dyn IProgress,
///         _cancel: &CancellationToken,
///     ) -> batch::Result<ProcessOutcome> {
///         let installed = Status::new("DEPLOYED")?;
///         let outcome = match std::fs::rename(&self.from, &self.to) {
///             Ok(()) => StepOutcome::Done,
///             Err(error) => StepOutcome::Failed { reason: error.to_string() },
///         };
///         let ending = match &outcome {
///             StepOutcome::Done => ProcessOutcome::Success,
///             other => ProcessOutcome::failed(installed.clone(), other.to_string()),
///         };
///         let report = StepReport::new(installed, "install", outcome);
///         progress.report(&Milestone::Step(report)).await?;
///         Ok(ending)
///     }
/// }
/// ```
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait IPlatform: fmt::Debug + Send + Sync + 'static {
    /// Makes the process for `request`.
    ///
    /// # Errors
    ///
    /// [`Error::Platform`](crate::Error::Platform) when the request cannot be carried out by
    /// this platform; nothing has happened then.
    fn process(&self, request: &PlatformRequest) -> Result<Box<dyn IProcess>>;
}

const _: fn(&dyn IPlatform) = |_| ();

/// What a platform is asked for.
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
/// use deployment::{Credentials, DeployRequest, DeploymentId};
///
/// let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
/// let request = DeployRequest::new("hello-world", "https://api.example.com", credentials)?;
/// let asked = deployer.platform_request(&request, DeploymentId::generate());
/// assert_eq!(asked.application, "hello-world");
/// assert_eq!(asked.application_directory, asked.directory.join("hello-world"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlatformRequest {
    /// The deployment; the value of [`DEPLOYMENT_VARIABLE`].
    pub id: DeploymentId,
    /// The package.
    pub package: PackageName,
    /// The application's name on the platform.
    pub application: String,
    /// The platform's address.
    pub endpoint: Endpoint,
    /// Who logs in.
    pub credentials: Credentials,
    /// The organization and space to deploy to; the platform's default when absent.
    pub space: Option<Space>,
    /// The deployment's private directory: commands run in it, and it is the home in which clients
    /// keep tokens, histories and temporary files.
    pub directory: PathBuf,
    /// The application's tree.
    pub application_directory: PathBuf,
}

/// A place for applications: a space of an organization.
///
/// # Examples
///
/// ```
/// use batch::Secret;
/// use deployment::{Credentials, DeployRequest, Space};
///
/// let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
/// let staging = Space { organization: "acme".to_owned(), space: "staging".to_owned() };
/// let request = DeployRequest::new("hello-world", "https://api.example.com", credentials)?
///     .with_space(staging);
/// # Ok::<(), deployment::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// The organization's name.
    pub organization: String,
    /// The space's name.
    pub space: String,
}
