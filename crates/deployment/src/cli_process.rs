//! The process that runs a client's commands.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use batch::{
    Accept, Batch, BatchProcess, Command, ICommandRunner, IProcess, IProgress, Milestone,
    ProcessOutcome, Redactor, Status, Step, When,
};
use helion_cli::ICliComposer;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::platform::{DEPLOYMENT_VARIABLE, PlatformRequest};

/// How long the commands after the work may take, each: they must not hold up the ending.
const AFTER_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes the composer for one request.
type ComposerFactory =
    dyn Fn(&PlatformRequest) -> Result<Box<dyn ICliComposer>> + Send + Sync + 'static;

/// How a client's commands are made and run.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) runner: Arc<dyn ICommandRunner>,
    pub(crate) composer: Arc<ComposerFactory>,
    /// How long one command may take.
    pub(crate) step_timeout: Duration,
}

impl Client {
    /// The commands for `request`, in order.
    pub(crate) fn batch(&self, request: &PlatformRequest) -> Result<Batch> {
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

/// The commands of one request.
///
/// They are composed when they are to run: what masks their secrets, and the words of nine
/// commands, would be most of what a deployment takes in memory that waits for its turn.
pub(crate) struct CliProcess {
    client: Client,
    request: PlatformRequest,
    started: AtomicBool,
}

impl CliProcess {
    /// A process for `request`, whose commands can be composed.
    pub(crate) fn new(client: Client, request: PlatformRequest) -> Result<Self> {
        let process = Self {
            client,
            request,
            started: AtomicBool::new(false),
        };
        process.client.batch(&process.request)?;
        Ok(process)
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

fn tree_name(directory: &Path) -> Result<&str> {
    directory
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| Error::platform("the application's directory has no name"))
}

#[async_trait]
impl IProcess for CliProcess {
    async fn execute(
        &self,
        progress: &dyn IProgress,
        cancel: &CancellationToken,
    ) -> batch::Result<ProcessOutcome> {
        if self.started.swap(true, Ordering::Relaxed) {
            return Err(batch::Error::AlreadyStarted);
        }
        match self.client.batch(&self.request) {
            Ok(batch) => {
                let process = BatchProcess::new(batch, Arc::clone(&self.client.runner));
                process.execute(progress, cancel).await
            }
            // They could be composed when the request came.
            Err(error) => {
                // No batch masks it, and a composer may name what it was given.
                let redactor = Redactor::new([self.request.credentials.password()]);
                let reason = error.chain();
                let outcome = ProcessOutcome::failed(TARGET, redactor.redact_text(&reason));
                let finished = Milestone::Finished(outcome.clone());
                progress.report(&finished).await?;
                Ok(outcome)
            }
        }
    }
}

impl fmt::Debug for CliProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CliProcess")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
