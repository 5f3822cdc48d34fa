//! `cancel`: stops a deployment, whichever process runs it.

use std::sync::Arc;

use clap::Args;
use deployment::{
    Clock, Deployer, DeployerOptions, DeploymentId, DeploymentRecord, DeploymentStatus, Error,
    Phase,
};
use store::IStore;

use crate::cli::{Client, deployment_id};
use crate::clients;
use crate::failure::{CONFLICT, FAILED, Failure};
use crate::output::Output;
use crate::report;
use crate::watch::{is_abandoned, read, watch};

/// What `cancel` takes.
#[derive(Debug, Args)]
pub(crate) struct CancelArguments {
    /// The deployment.
    #[arg(value_parser = deployment_id)]
    pub(crate) id: DeploymentId,

    /// Ask for it, and do not wait for the end.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// Cancels, prints the record, and fails when the deployment ended otherwise than in `CANCELLED`.
pub(crate) async fn run(
    arguments: CancelArguments,
    store: Arc<dyn IStore>,
    output: Output<'_>,
) -> Result<(), Failure> {
    let id = arguments.id;
    let status = DeploymentStatus::new(Arc::clone(&store));
    let mut record = read(&status, &id).await?;
    if !record.is_terminal() && !is_gone(&record) {
        // Nothing is deployed, so it does not matter which client the deployer has.
        let platform = clients::platform(Client::Helion, clients::runner_options());
        let deployer = Deployer::new(store, platform, DeployerOptions::default());
        match deployer.cancel(&id).await {
            // It has just ended by itself.
            Ok(()) | Err(Error::IllegalMove { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        if arguments.no_wait {
            record = read(&status, &id).await?;
            return output.print(&record, |record| report::record(record, output.paint()));
        }
        record = watch(&status, &id).await?;
    }
    output.print(&record, |record| report::record(record, output.paint()))?;
    outcome(&record)
}

fn is_gone(record: &DeploymentRecord) -> bool {
    is_abandoned(record, Clock::system().now())
}

/// The exit code of a record that has been printed.
fn outcome(record: &DeploymentRecord) -> Result<(), Failure> {
    let id = &record.deploy_id;
    if record.phase() == Some(Phase::Cancelled) {
        return Ok(());
    }
    if record.is_terminal() {
        let message = format!("deployment {id} has ended {}", record.deploy_status);
        return Err(Failure::after_document(CONFLICT, message));
    }
    if record.lease_until().is_none() {
        let message = format!(
            "deployment {id} has no lease, so it is of the Python original, which alone can end it"
        );
        return Err(Failure::after_document(FAILED, message));
    }
    let message = format!("nobody runs deployment {id}: its owner has not renewed its lease");
    let hint = "`helion-deploy recover`, on the machine where it ran, ends it from 10 seconds after its lease on";
    Err(Failure::after_document(FAILED, message).with_hint(hint))
}
