//! A platform that is reached through a command-line client.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use batch::{Accept, Batch, BatchProcess, Command, ICommandRunner, IProcess, Status, Step, When};
use helion_cli::{CfCliComposer, HelionCliComposer, ICliComposer};

use crate::error::{Error, Result};
use crate::platform::{DEPLOYMENT_VARIABLE, IPlatform, PlatformRequest};

/// How long one command may take unless set otherwise: staging an application takes up to 15
/// minutes by the cf client's own default, and it starts within 5 more.
const STEP_TIMEOUT: Duration = Duration::from_mins(30);

/// How long the commands after the work may take, each: they must not hold up the ending.
const AFTER_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes the composer for one request.
type ComposerFactory =
    dyn Fn(&PlatformRequest) -> Result<Box<dyn ICliComposer>> + Send + Sync + 'static;

/// Deploys by running a client's commands, one after the other.
///
/// The steps are `TARGET`, `LOGIN`, `SPACE` (only where the client chooses it by a command of its
/// own), `REMOVED` (which accepts errors: there may be nothing to remove), `LIST`, `DEPLOYED` and
/// `NEWLIST`.
/// After a failed push the application's recent logs are fetched, and a logout always runs.
/// Every command is given [`DEPLOYMENT_VARIABLE`].
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
/// # let _ = platform;
/// ```
pub struct CliPlatform {
    runner: Arc<dyn ICommandRunner>,
    composer: Box<ComposerFactory>,
    step_timeout: Duration,
}

impl CliPlatform {
    /// Runs the commands of `composer`, which is made anew for every request, on `runner`.
    pub fn new(
        runner: Arc<dyn ICommandRunner>,
        composer: impl Fn(&PlatformRequest) -> Result<Box<dyn ICliComposer>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            runner,
            composer: Box::new(composer),
            step_timeout: STEP_TIMEOUT,
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
        self.step_timeout = timeout;
        self
    }

    /// The commands for `request`, in order, as [`process`](IPlatform::process) runs them: for a
    /// dry run.
    ///
    /// # Errors
    ///
    /// [`Error::Platform`] when a command cannot be composed.
    pub fn batch(&self, request: &PlatformRequest) -> Result<Batch> {
        let composer = (self.composer)(request)?;
        let mut batch = Batch::new(&request.directory)?;
        for step in self.steps(composer.as_ref(), request)? {
            batch.add(step);
        }
        Ok(batch)
    }

    fn steps(&self, composer: &dyn ICliComposer, request: &PlatformRequest) -> Result<Vec<Step>> {
        let application = request.application.as_str();
        let tree = tree_name(&request.application_directory)?;
        let id = request.id.to_string();
        let marked = |command: Command| command.env(DEPLOYMENT_VARIABLE, &id);
        let step = |status, command: Command| {
            Step::new(status, marked(command)).timeout(self.step_timeout)
        };
        let after = |status, command: Command| {
            Step::new(status, marked(command))
                .accept(Accept::AnyExit)
                .timeout(AFTER_TIMEOUT)
        };

        let mut steps = vec![
            step(TARGET, composer.target_command()?),
            step(LOGIN, composer.login_command()?),
        ];
        if let Some(space) = composer.space_command()? {
            steps.push(step(SPACE, space));
        }
        let removal = step(REMOVED, composer.delete_command(application)?);
        steps.push(removal.accept(Accept::AnyExit));
        steps.push(step(LIST, composer.list_command()?));
        steps.push(step(DEPLOYED, composer.push_command(application, tree)?));
        steps.push(step(NEWLIST, composer.list_command()?));
        let logs = after(LOGS, composer.logs_command(application)?);
        steps.push(logs.when(When::OnFailureOf(DEPLOYED)));
        steps.push(after(LOGOUT, composer.logout_command()?).when(When::Always));
        Ok(steps)
    }
}

const TARGET: Status = Status::from_static("TARGET");
const LOGIN: Status = Status::from_static("LOGIN");
const SPACE: Status = Status::from_static("SPACE");
const REMOVED: Status = Status::from_static("REMOVED");
const LIST: Status = Status::from_static("LIST");
const DEPLOYED: Status = Status::from_static("DEPLOYED");
const NEWLIST: Status = Status::from_static("NEWLIST");
const LOGS: Status = Status::from_static("LOGS");
const LOGOUT: Status = Status::from_static("LOGOUT");

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

fn tree_name(directory: &Path) -> Result<&str> {
    directory
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| Error::platform("the application's directory has no name"))
}

impl IPlatform for CliPlatform {
    fn process(&self, request: &PlatformRequest) -> Result<Box<dyn IProcess>> {
        let batch = self.batch(request)?;
        Ok(Box::new(BatchProcess::new(batch, Arc::clone(&self.runner))))
    }
}

impl fmt::Debug for CliPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CliPlatform")
            .field("runner", &self.runner)
            .field("step_timeout", &self.step_timeout)
            .finish_non_exhaustive()
    }
}
