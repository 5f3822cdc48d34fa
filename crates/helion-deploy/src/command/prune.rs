//! `prune`: removes the records of deployments that ended long ago.

use std::sync::Arc;

use deployment::{Deployer, DeployerOptions, PrunePolicy};
use serde_json::json;
use store::IStore;

use crate::cli::{Client, Prune};
use crate::clients;
use crate::failure::Failure;
use crate::message::{say, say_hint};
use crate::output::Output;
use crate::unreadable;

pub(crate) async fn run(
    arguments: Prune,
    store: Arc<dyn IStore>,
    output: Output<'_>,
) -> Result<(), Failure> {
    let mut policy = PrunePolicy::default();
    if let Some(age) = arguments.older_than {
        policy = policy.with_max_age(age);
    }
    if let Some(count) = arguments.keep {
        policy = policy.with_keep(count);
    }
    // Nothing is deployed, so it does not matter which client the deployer has.
    let platform = clients::platform(Client::Helion, clients::runner_options());
    let deployer = Deployer::new(store, platform, DeployerOptions::default());
    let report = deployer.prune(&policy).await?;
    let document = json!({
        "removed": report.removed,
        "kept": report.kept,
        "unfinished": report.unfinished,
        "unreadable": report.unreadable,
        "keys": report.keys,
    });
    output.print(&document, |_| {
        format!(
            "{} removed, {} kept, {} unfinished, {} unreadable, {} keys forgotten",
            report.removed, report.kept, report.unfinished, report.unreadable, report.keys
        )
    })?;
    if report.unreadable == 0 {
        return Ok(());
    }
    say_unreadable(&deployer, report.unreadable, output).await
}

/// Names what could not be read, so many in all, and says what to do.
async fn say_unreadable(
    deployer: &Deployer,
    count: usize,
    output: Output<'_>,
) -> Result<(), Failure> {
    let records = unreadable::all(deployer).await?;
    for (id, reason) in &records {
        unreadable::say(id, reason);
    }
    // An age alone leaves out records that the list has.
    let keys = count.saturating_sub(records.len());
    if keys > 0 {
        say(&format!("{keys} idempotency keys are unreadable"));
    }
    say_hint(&output.hint(unreadable::WHAT_TO_DO));
    Ok(())
}
