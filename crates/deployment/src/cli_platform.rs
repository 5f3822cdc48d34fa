//! A platform that is reached through a command-line client.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use batch::{Batch, ICommandRunner, IProcess};
use helion_cli::{CfCliComposer, HelionCliComposer, ICliComposer};

use crate::cli_process::{CliProcess, Client};
use crate::error::Result;
use crate::platform::{IPlatform, PlatformRequest};

/// How long one command may take unless set otherwise: staging an application takes up to 15
/// minutes by the cf client's own default, and it starts within 5 more.
const STEP_TIMEOUT: Duration = Duration::from_mins(30);

/// Deploys by running a client's commands, one after the other.
///
/// The steps are `TARGET`, `LOGIN`, `SPACE` (only where the client chooses it by a command of its
/// own), `REMOVED` (which accepts errors: there may be nothing to remove), `LIST`, `DEPLOYED` and
/// `NEWLIST`.
/// After a failed push the application's recent logs are fetched, and a logout always runs.
/// Every command is given [`DEPLOYMENT_VARIABLE`](crate::DEPLOYMENT_VARIABLE).
///
/// # Examples
///
/// Another client is another composer:
///
/// ```
/// use std::sync::Arc;
/// use batch::{LocalRunner, LocalRunnerOptions};
/// use deployment::CliPlatform;
/// use helion_cli::HelionCliComposer;
///
/// let runner = Arc::new(LocalRunner::new(LocalRunnerOptions::default()));
/// let platform = CliPlatform::new(runner, |request| {
///     let (endpoint, login) = (&request.endpoint, &request.credentials);
///     let composer = HelionCliComposer::new(
///         endpoint.as_str(),
///         login.username(),
///         login.password().clone(),
///         request.application_directory.parent(),
///     )?;
///     Ok(Box::new(composer.with_home(&request.directory)))
/// });
/// ```
pub struct CliPlatform {
    client: Client,
}

impl CliPlatform {
    /// Runs the commands of `composer` on `runner`.
    ///
    /// It is made twice for each request: when the request comes, which is refused with its error,
    /// and when the commands run, since those of a deployment that waits are not kept.
    /// An error of the second time is recorded, with the request's password masked; it may name no
    /// other secret.
    pub fn new(
        runner: Arc<dyn ICommandRunner>,
        composer: impl Fn(&PlatformRequest) -> Result<Box<dyn ICliComposer>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            client: Client {
                runner,
                composer: Arc::new(composer),
                step_timeout: STEP_TIMEOUT,
            },
        }
    }

    /// The `helion` client.
    #[must_use]
    pub fn helion(runner: Arc<dyn ICommandRunner>) -> Self {
        Self::new(runner, |request| {
            let (endpoint, username, password) = account(request);
            let mut composer =
                HelionCliComposer::new(endpoint, username, password, applications(request))?
                    .with_home(&request.directory);
            if let Some(space) = &request.space {
                composer = composer.with_space(&space.organization, &space.space)?;
            }
            Ok(Box::new(composer))
        })
    }

    /// The `cf` client, version 7 or 8.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use batch::{LocalRunner, LocalRunnerOptions};
    /// use deployment::CliPlatform;
    ///
    /// let runner = Arc::new(LocalRunner::new(LocalRunnerOptions::default()));
    /// let platform = CliPlatform::cf(runner).with_step_timeout(Duration::from_mins(10));
    /// ```
    #[must_use]
    pub fn cf(runner: Arc<dyn ICommandRunner>) -> Self {
        Self::new(runner, |request| {
            let (endpoint, username, password) = account(request);
            let mut composer =
                CfCliComposer::new(endpoint, username, password, applications(request))?
                    .with_home(&request.directory);
            if let Some(space) = &request.space {
                composer = composer.with_space(&space.organization, &space.space)?;
            }
            Ok(Box::new(composer))
        })
    }

    /// Sets how long one command may take; 30 minutes unless set.
    #[must_use]
    pub fn with_step_timeout(mut self, timeout: Duration) -> Self {
        self.client.step_timeout = timeout;
        self
    }

    /// The commands for `request`, in order, as [`process`](IPlatform::process) runs them: for a
    /// dry run.
    ///
    /// # Errors
    ///
    /// [`Error::Platform`](crate::Error::Platform) when a command cannot be composed.
    ///
    /// # Examples
    ///
    /// Shows what would be run, and runs nothing:
    ///
    /// ```
    /// use std::sync::Arc;
    /// use batch::{LocalRunner, LocalRunnerOptions, Secret};
    /// use deployment::{
    ///     CliPlatform, Credentials, DeployRequest, Deployer, DeployerOptions, DeploymentId,
    /// };
    ///
    /// let runner = Arc::new(LocalRunner::new(LocalRunnerOptions::default()));
    /// let platform = Arc::new(CliPlatform::helion(runner));
    /// let store = Arc::new(store::MemoryStore::new());
    /// let deployer = Deployer::new(store, platform.clone(), DeployerOptions::default());
    ///
    /// let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
    /// let request = DeployRequest::new("hello-world", "https://api.example.com", credentials)?;
    /// let asked = deployer.platform_request(&request, DeploymentId::generate());
    /// let plan = platform.batch(&asked)?.plan().to_string();
    /// assert!(plan.contains("helion target https://api.example.com"));
    /// assert!(!plan.contains("sesame"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn batch(&self, request: &PlatformRequest) -> Result<Batch> {
        self.client.batch(request)
    }
}

fn account(request: &PlatformRequest) -> (&str, &str, batch::Secret) {
    let credentials = &request.credentials;
    (
        request.endpoint.as_str(),
        credentials.username(),
        credentials.password().clone(),
    )
}

/// The composer's working directory, which the tree's name is joined to.
fn applications(request: &PlatformRequest) -> Option<&Path> {
    request.application_directory.parent()
}

impl IPlatform for CliPlatform {
    fn process(&self, request: &PlatformRequest) -> Result<Box<dyn IProcess>> {
        let process = CliProcess::new(self.client.clone(), request.clone())?;
        Ok(Box::new(process))
    }
}

impl fmt::Debug for CliPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CliPlatform")
            .field("runner", &self.client.runner)
            .field("step_timeout", &self.client.step_timeout)
            .finish_non_exhaustive()
    }
}
