//! `status`, `list` and `logs`: what is recorded.

use std::sync::Arc;
use std::time::Duration;

use deployment::{
    Clock, DeploymentId, DeploymentRecord, DeploymentStatus, IStatus as _, ListQuery, Phase,
};
use serde_json::json;
use store::IStore;
use tokio::time::sleep;

use crate::cli::{List, Logs, Status};
use crate::failure::{Failure, INVALID};
use crate::message::say;
use crate::output::Output;
use crate::report::{self, table};

/// How often a watched record is read.
const POLL_EVERY: Duration = Duration::from_millis(250);

pub(crate) async fn status(
    arguments: Status,
    store: Arc<dyn IStore>,
    output: Output,
) -> Result<(), Failure> {
    let status = DeploymentStatus::new(store);
    let mut record = read(&status, &arguments.id).await?;
    if arguments.watch {
        let mut shown = 0;
        loop {
            for line in record.history.iter().skip(shown) {
                say(line);
            }
            shown = record.history.len();
            if record.is_terminal() {
                break;
            }
            if record
                .lease_until()
                .is_none_or(|until| until < Clock::system().now())
            {
                say("its owner is gone: nobody has renewed its lease");
                break;
            }
            sleep(POLL_EVERY).await;
            record = read(&status, &arguments.id).await?;
        }
    }
    output.print(&record, report::record)
}

pub(crate) async fn list(
    arguments: List,
    store: Arc<dyn IStore>,
    output: Output,
) -> Result<(), Failure> {
    let mut query = ListQuery::default().with_limit(usize::from(arguments.limit));
    if let Some(id) = arguments.after {
        query = query.with_after(id);
    }
    if let Some(word) = &arguments.status {
        let phase = Phase::parse(&word.to_uppercase())
            .ok_or_else(|| Failure::new(INVALID, format!("`{word}` is no status")))?;
        query = query.with_phase(phase);
    }
    let page = DeploymentStatus::new(store).list(&query).await?;
    for unreadable in &page.unreadable {
        say(&format!(
            "deployment {} is unreadable: {}",
            unreadable.id, unreadable.reason
        ));
    }
    let next = page.next.map(|id| id.to_string());
    let unreadable: Vec<_> = page
        .unreadable
        .iter()
        .map(|entry| json!({ "deploy_id": entry.id, "reason": entry.reason }))
        .collect();
    output.print(
        &json!({ "deployments": page.records, "next": next, "unreadable": unreadable }),
        |_| {
            if page.records.is_empty() {
                return "no deployments".to_owned();
            }
            let rows: Vec<_> = page
                .records
                .iter()
                .map(|record| {
                    let since = record
                        .datetime
                        .split('.')
                        .next()
                        .unwrap_or_default()
                        .to_owned();
                    let status = record.deploy_status.clone();
                    [
                        record.deploy_id.clone(),
                        status,
                        since,
                        record.package.clone(),
                    ]
                })
                .collect();
            table(["DEPLOYMENT", "STATUS", "SINCE (UTC)", "PACKAGE"], &rows)
        },
    )
}

pub(crate) async fn logs(
    arguments: Logs,
    store: Arc<dyn IStore>,
    output: Output,
) -> Result<(), Failure> {
    let record = read(&DeploymentStatus::new(store), &arguments.id).await?;
    let wanted = arguments.step.map(|step| step.to_uppercase());
    let steps: Vec<_> = record
        .engine
        .map(|engine| engine.steps)
        .unwrap_or_default()
        .into_iter()
        .filter(|step| wanted.as_ref().is_none_or(|wanted| step.status == *wanted))
        .collect();
    if let (true, Some(wanted)) = (steps.is_empty(), wanted) {
        let message = format!("deployment {} has no step {wanted}", arguments.id);
        return Err(Failure::new(crate::failure::NOT_FOUND, message));
    }
    output.print(
        &json!({ "deploy_id": record.deploy_id, "steps": steps }),
        |_| {
            let steps: Vec<_> = steps.iter().map(report::step).collect();
            steps.join("\n")
        },
    )
}

async fn read(status: &DeploymentStatus, id: &DeploymentId) -> Result<DeploymentRecord, Failure> {
    match status.get_status(id).await? {
        Some(record) => Ok(record),
        None => Err(Failure::new(
            crate::failure::NOT_FOUND,
            format!("deployment `{id}` was not found in the store"),
        )),
    }
}
