//! `plan`: what a deployment would do, and whether it could begin.

mod archive;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use batch::{Accept, Batch, Secret, Step, When};
use deployment::{
    Credentials, DeployRequest, Deployer, DeployerOptions, DeploymentId, Error, PackageCatalog,
    Space,
};
use package::PackageName;
use serde_json::{Value, json};
use store::{Guarantee, IStore};
use uuid::Uuid;

use crate::checks::Checks;
use crate::cli::{Client, Target};
use crate::clients;
use crate::command::deploy::Wanted;
use crate::failure::{CONFLICT, Failure, INVALID, NOT_FOUND};
use crate::hint;
use crate::output::{Output, on_one_line};
use crate::report::table;
use crate::setting::ENDPOINT;
use crate::settings::Settings;

/// What is planned: the arguments, and the settings where there are none.
struct Asked {
    package: String,
    endpoint: String,
    username: String,
    client: Client,
    name: Option<String>,
    space: Option<Space>,
    timeout: Option<Duration>,
}

impl Asked {
    fn new(arguments: Target, settings: &Settings) -> Result<Self, Failure> {
        Ok(Self {
            endpoint: settings.endpoint(arguments.endpoint)?,
            username: settings.username(arguments.username)?,
            client: settings.client(arguments.client)?,
            space: settings.space(arguments.org, arguments.space)?,
            timeout: settings.timeout(arguments.timeout)?,
            package: arguments.package,
            name: arguments.name,
        })
    }
}

/// What was found out.
struct Plan {
    asked: Asked,
    checks: Checks,
    batch: Option<Batch>,
}

/// Checks, prints the plan, and fails as the first check that did.
pub(crate) async fn run(
    arguments: Target,
    settings: &Settings,
    store: Arc<dyn IStore>,
    output: Output<'_>,
) -> Result<(), Failure> {
    let plan = Plan::make(Asked::new(arguments, settings)?, store).await;
    output.print(&plan.to_json(output), |_| plan.text(output))?;
    plan.checks.failure().map_or(Ok(()), Err)
}

impl Plan {
    async fn make(asked: Asked, store: Arc<dyn IStore>) -> Self {
        let mut checks = Checks::default();
        let catalog = PackageCatalog::new(Arc::clone(&store));
        let wanted = checks.note("name", wanted(&asked.package));
        archive::check(&mut checks, wanted.as_ref(), &catalog).await;
        let request = request(&mut checks, &asked, wanted.as_ref());
        checks.note("client", client(asked.client));
        checks.note("temp folder", temp_folder(&std::env::temp_dir()));

        let platform = clients::platform(asked.client, clients::runner_options());
        let deployer = Deployer::new(
            Arc::clone(&store),
            Arc::clone(&platform) as _,
            DeployerOptions::default(),
        );
        let Some(request) = request else {
            checks.skip("commands", NO_REQUEST);
            checks.skip("lock", NO_REQUEST);
            return Self {
                asked,
                checks,
                batch: None,
            };
        };
        let platform_request = deployer.platform_request(&request, DeploymentId::generate());
        let composed = platform.batch(&platform_request).map(|batch| {
            let count = batch.steps().len();
            (batch, format!("{count} commands"))
        });
        let batch = checks.note("commands", composed.map_err(Failure::from));
        let is_free = free(&deployer, &request, store.as_ref()).await;
        checks.note("lock", is_free);
        Self {
            asked,
            checks,
            batch,
        }
    }

    fn steps(&self) -> &[Step] {
        self.batch.as_ref().map_or(&[], Batch::steps)
    }

    fn to_json(&self, output: Output<'_>) -> Value {
        let commands: Vec<_> = self.steps().iter().map(command).collect();
        json!({
            "package": self.asked.package,
            "endpoint": ENDPOINT.shown(&self.asked.endpoint),
            "is_ready": self.checks.failure().is_none(),
            "checks": self.checks.to_json(output),
            "commands": commands,
        })
    }

    fn text(&self, output: Output<'_>) -> String {
        let paint = output.paint();
        let checks = format!("{}\n{}", paint.strong("checks"), self.checks.text(output));
        if self.batch.is_none() {
            return checks;
        }
        let limit = self.asked.timeout.map_or(String::new(), |limit| {
            format!(", in at most {}", humantime::format_duration(limit))
        });
        let heading = paint.strong(&format!("commands{limit}"));
        let rows: Vec<_> = self.steps().iter().map(row).collect();
        let commands = table(["  STATUS", "AT MOST", "WHEN", "COMMAND"], &rows);
        format!("{checks}\n{heading}\n{commands}")
    }
}

/// Why some checks cannot be made.
const NO_REQUEST: &str = "the request is not valid";

/// The package's name, or that of its file.
fn wanted(package: &str) -> Result<(Wanted, String), Failure> {
    let wanted = Wanted::parse(package)?;
    PackageName::new(wanted.name.as_str())
        .map_err(|error| Failure::new(INVALID, error.to_string()))?;
    let name = wanted.name.clone();
    Ok((wanted, name))
}

/// The request that `deploy` would make; each value is a check of its own.
fn request(checks: &mut Checks, asked: &Asked, wanted: Option<&Wanted>) -> Option<DeployRequest> {
    let endpoint = asked.endpoint.parse::<deployment::Endpoint>();
    let endpoint = endpoint.map(|endpoint| (endpoint.to_string(), endpoint.to_string()));
    let endpoint = checks.note("endpoint", endpoint.map_err(Failure::from));
    // It stands where the password will, and is printed nowhere.
    let password = Secret::new(Uuid::new_v4().to_string());
    let credentials = Credentials::new(asked.username.as_str(), password);
    let credentials = credentials.map(|found| (found, asked.username.clone()));
    let credentials = checks.note("user name", credentials.map_err(Failure::from));

    let (Some(wanted), Some(endpoint), Some(credentials)) = (wanted, endpoint, credentials) else {
        checks.skip("application", NO_REQUEST);
        return None;
    };
    let named = application(asked, wanted, &endpoint, credentials);
    checks.note("application", named.map_err(Failure::from))
}

fn application(
    asked: &Asked,
    wanted: &Wanted,
    endpoint: &str,
    credentials: Credentials,
) -> Result<(DeployRequest, String), Error> {
    let mut request = DeployRequest::new(&wanted.name, endpoint, credentials)?;
    if let Some(name) = &asked.name {
        request = request.with_application(name)?;
    }
    let mut detail = asked.name.clone().unwrap_or_else(|| wanted.name.clone());
    if let Some(space) = &asked.space {
        detail = format!("{detail} in {}/{}", space.organization, space.space);
        request = request.with_space(space.clone());
    }
    Ok((request, detail))
}

/// Where the client is.
fn client(client: Client) -> Result<((), String), Failure> {
    let Some(path) = clients::find(client) else {
        let message = format!("`{}` is not on PATH", clients::program(client));
        return Err(Failure::new(NOT_FOUND, message).with_hint(clients::how_to_get(client)));
    };
    Ok(((), path.display().to_string()))
}

/// Whether a deployment can make its private directory in `root`: one is made and removed again,
/// since no mode tells of a file system that is full or read-only.
fn temp_folder(root: &Path) -> Result<((), String), Failure> {
    let folder = root.join(format!("helion-deploy-plan-{}", Uuid::new_v4()));
    let made = fs::create_dir(&folder).and_then(|()| fs::remove_dir(&folder));
    let shown = root.display();
    let Err(error) = made else {
        return Ok(((), shown.to_string()));
    };
    let code = match error.kind() {
        io::ErrorKind::NotFound => NOT_FOUND,
        _ => INVALID,
    };
    let message = format!("failed to make a folder in `{shown}`: {error}");
    Err(Failure::new(code, message).with_hint("set TMPDIR to a folder in which others can be made"))
}

/// Whether nobody deploys the application.
async fn free(
    deployer: &Deployer,
    request: &DeployRequest,
    store: &dyn IStore,
) -> Result<((), String), Failure> {
    if let Some(by) = deployer.busy_with(request).await? {
        let message = format!("deployment `{by}` deploys the application");
        let hint = hint::about_holder(deployer, &by).await;
        return Err(Failure::new(CONFLICT, message).with_hint(hint));
    }
    let has_locks = store.capabilities().exclusive_create == Guarantee::Exclusive;
    let detail = if has_locks {
        "nobody deploys the application"
    } else {
        "this store has no locks: whether another process deploys the application is not known"
    };
    Ok(((), detail.to_owned()))
}

fn command(step: &Step) -> Value {
    json!({
        "status": step.status().as_str(),
        "command": step.command().to_string(),
        "timeout_ms": step.time_limit().map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
        "when": when(step),
        "is_any_exit_accepted": *step.accepted() == Accept::AnyExit,
    })
}

fn row(step: &Step) -> [String; 4] {
    let limit = step.time_limit().map_or(String::new(), |limit| {
        humantime::format_duration(limit).to_string()
    });
    [
        format!("  {}", step.status()),
        limit,
        when(step),
        on_one_line(&step.command().to_string()),
    ]
}

/// When a command is run, in words; empty for the usual.
fn when(step: &Step) -> String {
    match step.conditions() {
        When::OnSuccess => String::new(),
        When::OnFailure => "after a failure".to_owned(),
        When::OnFailureOf(status) => format!("after {status} has failed"),
        When::Always => "always".to_owned(),
        other => format!("{other:?}"),
    }
}
