//! `prune`: removes the records of deployments that ended long ago.

use std::sync::Arc;

use deployment::{Deployer, DeployerOptions, PrunePolicy, PruneReport};
use serde_json::json;
use store::IStore;

use crate::cli::{Client, Prune};
use crate::clients;
use crate::failure::Failure;
use crate::message::{say, say_hint};
use crate::output::Output;
use crate::quantity;
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
        "unreadable": unreadable::to_json(&report.unreadable),
        "keys": report.keys,
        "unreadable_keys": report.unreadable_keys,
    });
    output.print(&document, |_| text(&report))?;
    say_unreadable(&report, output);
    Ok(())
}

fn text(report: &PruneReport) -> String {
    format!(
        "{} removed, {} kept, {} unfinished, {} unreadable, {} forgotten",
        report.removed.len(),
        report.kept,
        report.unfinished,
        report.unreadable.len() + report.unreadable_keys,
        quantity::count(report.keys, "key")
    )
}

/// Names what could not be read, and says what to do.
fn say_unreadable(report: &PruneReport, output: Output<'_>) {
    unreadable::say(&report.unreadable);
    match report.unreadable_keys {
        0 if report.unreadable.is_empty() => return,
        0 => {}
        1 => say("1 idempotency key is unreadable"),
        count => say(&format!("{count} idempotency keys are unreadable")),
    }
    say_hint(&output.hint(unreadable::WHAT_TO_DO));
}
