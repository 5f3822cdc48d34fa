//! `redeploy`: a deployment that has ended, once more.

use std::sync::Arc;

use deployment::{DeployRequest, Deployer, DeployerOptions, DeploymentStatus};
use store::IStore;

use crate::again::Again;
use crate::cli::Redeploy;
use crate::clients;
use crate::command::deploy::{Wanted, credentials, tell, to_the_end};
use crate::command::recover;
use crate::failure::Failure;
use crate::output::Output;
use crate::password::Source;
use crate::settings::Settings;
use crate::stop::Stop;
use crate::watch;

/// Deploys again, prints the new record, and fails when it ended otherwise than in `SUCCESS`.
pub(crate) async fn run(
    arguments: Redeploy,
    settings: &Settings,
    store: Arc<dyn IStore>,
    mut stop: Stop,
    output: Output<'_>,
) -> Result<(), Failure> {
    let again = Again::after_again(&arguments);
    let client = settings.client(arguments.client)?;
    let timeout = settings.timeout(arguments.timeout)?;
    let username = settings.username(arguments.username)?;
    let platform = clients::platform(client, clients::runner_options());
    let deployer = Deployer::new(Arc::clone(&store), platform, DeployerOptions::default());
    recover::quietly(&deployer, &mut stop).await?;
    let id = &arguments.id;
    let status = DeploymentStatus::new(Arc::clone(&store));
    let record = stop.unless(watch::read(&status, id)).await?;
    let source = if arguments.password_stdin {
        Source::StandardInput
    } else {
        Source::EnvironmentOrPrompt
    };
    let credentials = credentials(source, username, &mut stop).await?;
    let wanted = Wanted::parse(&record.package)?;
    let mut request = DeployRequest::again(&record, credentials)?;
    if let Some(timeout) = timeout {
        request = request.with_timeout(timeout);
    }
    let followed = to_the_end(&deployer, store, request, &wanted, &mut stop).await?;
    tell(&followed, &again, client, output)
}
