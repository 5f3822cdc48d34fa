//! `deploy`: a package to a platform, with live progress.

use std::path::Path;
use std::sync::Arc;

use deployment::{Credentials, DeployRequest, Deployer, DeployerOptions, DeploymentRecord, Phase};
use store::IStore;

use crate::cli::Deploy;
use crate::clients;
use crate::command::recover;
use crate::failure::{FAILED, Failure};
use crate::follow::follow;
use crate::output::Output;
use crate::password::{self, Source};
use crate::report;
use crate::settings::Settings;

/// Deploys, prints the record, and fails when it ended otherwise than in `SUCCESS`.
pub(crate) async fn run(
    arguments: Deploy,
    settings: &Settings,
    store: Arc<dyn IStore>,
    output: Output,
) -> Result<(), Failure> {
    let client = settings.client(arguments.client)?;
    let platform = clients::platform(client, clients::runner_options());
    let request = request(arguments, settings)?;
    let deployer = Deployer::new(store, platform, DeployerOptions::default());
    recover::quietly(&deployer).await;
    let record = follow(&deployer, request).await?;
    output.print(&record, report::record)?;
    succeeded(&record)
}

fn request(arguments: Deploy, settings: &Settings) -> Result<DeployRequest, Failure> {
    let source = if arguments.password_stdin {
        Source::StandardInput
    } else {
        Source::EnvironmentOrPrompt
    };
    let endpoint = settings.endpoint(arguments.endpoint)?;
    let space = settings.space(arguments.org, arguments.space)?;
    let timeout = settings.timeout(arguments.timeout)?;
    let username = settings.username(arguments.username)?;
    let password = password::read(source, &username)?;
    let credentials = Credentials::new(username, password)?;
    let file = arguments
        .package
        .contains('/')
        .then(|| Path::new(&arguments.package).to_owned());
    let name = match &file {
        Some(path) => package::Package::new("", path, None)
            .map_err(|error| Failure::new(crate::failure::INVALID, error.to_string()))?
            .name()
            .to_owned(),
        None => arguments.package,
    };
    let mut request = DeployRequest::new(&name, &endpoint, credentials)?;
    if let Some(path) = file {
        request = request.with_file(path);
    }
    if let Some(name) = arguments.name {
        request = request.with_application(name)?;
    }
    if let Some(space) = space {
        request = request.with_space(space);
    }
    if let Some(timeout) = timeout {
        request = request.with_timeout(timeout);
    }
    if let Some(key) = arguments.idempotency_key {
        request = request.with_idempotency_key(key)?;
    }
    Ok(request)
}

/// The exit code of a record that has been printed.
pub(crate) fn succeeded(record: &DeploymentRecord) -> Result<(), Failure> {
    if record.phase() == Some(Phase::Success) {
        return Ok(());
    }
    let reason = record
        .engine
        .as_ref()
        .and_then(|engine| engine.error.as_ref());
    let reason = reason.map_or(String::new(), |error| format!(": {}", error.message));
    Err(Failure::after_document(
        FAILED,
        format!("the deployment ended {}{reason}", record.deploy_status),
    ))
}
