//! `recover`: ends deployments whose owner died.

use std::sync::Arc;

use deployment::{Deployer, DeployerOptions, RecoveryReport};
use serde_json::json;
use store::IStore;

use crate::cli::Client;
use crate::clients;
use crate::failure::{FAILED, Failure, chain};
use crate::hint;
use crate::message::say;
use crate::output::Output;
use crate::quantity;
use crate::stop::Stop;

/// Recovers, prints what was done, and fails when something could not be.
pub(crate) async fn run(store: Arc<dyn IStore>, output: Output<'_>) -> Result<(), Failure> {
    // Nothing is deployed, so it does not matter which client the deployer has.
    let platform = clients::platform(Client::Helion, clients::runner_options());
    let deployer = Deployer::new(store, platform, DeployerOptions::default());
    let report = deployer.recover().await?;
    let failures = failures(&report);
    let failed: Vec<_> = failures
        .iter()
        .map(|(id, reason)| json!({ "deploy_id": id, "reason": reason }))
        .collect();
    let unread_locks: Vec<_> = report.unread_locks.iter().map(|e| chain(e)).collect();
    let document = json!({
        "interrupted": report.interrupted,
        "cleaned": report.cleaned,
        "failed": failed,
        "unread_locks": unread_locks,
    });
    output.print(&document, |_| text(&report))?;
    say_failures(&report);
    outcome(&report)
}

/// The exit code of a report that has been printed.
fn outcome(report: &RecoveryReport) -> Result<(), Failure> {
    let failed = report.failed.iter().map(|failure| &failure.error);
    let Some(first) = failed.chain(&report.unread_locks).next() else {
        return Ok(());
    };
    let (deployments, locks) = (report.failed.len(), report.unread_locks.len());
    let mut parts = Vec::new();
    if deployments > 0 {
        let counted = quantity::count(deployments, "deployment");
        parts.push(format!("{counted} could not be recovered"));
    }
    if locks > 0 {
        let counted = quantity::count(locks, "lock");
        parts.push(format!("{counted} could not be read"));
    }
    let hint = hint::after(first)
        .unwrap_or_else(|| "the next `helion-deploy recover` tries it again".to_owned());
    Err(Failure::after_document(FAILED, parts.join(", ")).with_hint(hint))
}

/// Recovers before something else is done, which goes on whatever comes of it but a signal.
pub(crate) async fn quietly(deployer: &Deployer, stop: &mut Stop) -> Result<(), Failure> {
    match stop.unless(async { Ok(deployer.recover().await) }).await? {
        Ok(report) => {
            for id in &report.interrupted {
                say(&format!(
                    "deployment {id} was interrupted: its owner is dead"
                ));
            }
            say_failures(&report);
        }
        Err(error) => {
            let failure = Failure::from(error);
            say(&format!("not all is recovered: {}", failure.message()));
        }
    }
    Ok(())
}

fn say_failures(report: &RecoveryReport) {
    for (id, reason) in failures(report) {
        say(&format!("deployment {id} is not recovered: {reason}"));
    }
    for error in &report.unread_locks {
        say(&format!("a lock is not read: {}", chain(error)));
    }
}

fn failures(report: &RecoveryReport) -> Vec<(String, String)> {
    let failed = report.failed.iter();
    let reasons = failed.map(|failure| (failure.id.to_string(), chain(&failure.error)));
    reasons.collect()
}

/// With the time that a lease and the margin of the clocks take: whoever calls right after a death
/// finds nothing yet.
const NOTHING: &str =
    "nothing to recover; an owner counts as dead 70 s after its last sign of life";

fn text(report: &RecoveryReport) -> String {
    let interrupted = report
        .interrupted
        .iter()
        .map(|id| format!("INTERRUPTED  {id}"));
    let cleaned = report.cleaned.iter().map(|id| format!("cleaned      {id}"));
    let lines: Vec<_> = interrupted.chain(cleaned).collect();
    if !lines.is_empty() {
        return lines.join("\n");
    }
    if report.failed.is_empty() && report.unread_locks.is_empty() {
        return NOTHING.to_owned();
    }
    "nothing recovered".to_owned()
}
