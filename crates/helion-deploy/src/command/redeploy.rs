//! `redeploy`: a deployment that has ended, once more.

use std::sync::Arc;

use deployment::{Credentials, DeployRequest, Deployer, DeployerOptions};
use store::IStore;

use crate::cli::Redeploy;
use crate::clients;
use crate::command::deploy::succeeded;
use crate::command::recover;
use crate::failure::{Failure, NOT_FOUND};
use crate::follow::follow;
use crate::output::Output;
use crate::password::{self, Source};
use crate::report;
use crate::settings::Settings;

/// Deploys again, prints the new record, and fails when it ended otherwise than in `SUCCESS`.
pub(crate) async fn run(
    arguments: Redeploy,
    settings: &Settings,
    store: Arc<dyn IStore>,
    output: Output,
) -> Result<(), Failure> {
    let client = settings.client(arguments.client)?;
    let timeout = settings.timeout(arguments.timeout)?;
    let username = settings.username(arguments.username)?;
    let platform = clients::platform(client, clients::runner_options());
    let deployer = Deployer::new(store, platform, DeployerOptions::default());
    recover::quietly(&deployer).await;
    let id = &arguments.id;
    let record = deployer.get_status(id).await?.ok_or_else(|| {
        let message = format!("deployment `{id}` was not found in the store");
        Failure::new(NOT_FOUND, message)
    })?;
    let source = if arguments.password_stdin {
        Source::StandardInput
    } else {
        Source::EnvironmentOrPrompt
    };
    let password = password::read(source, &username)?;
    let credentials = Credentials::new(username, password)?;
    let mut request = DeployRequest::again(&record, credentials)?;
    if let Some(timeout) = timeout {
        request = request.with_timeout(timeout);
    }
    let record = follow(&deployer, request).await?;
    output.print(&record, report::record)?;
    succeeded(&record)
}
