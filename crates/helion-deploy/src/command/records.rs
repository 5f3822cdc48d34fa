//! `status`, `list` and `logs`: what is recorded.

use std::sync::Arc;

use deployment::{
    Clock, DeploymentRecord, DeploymentStatus, IStatus as _, ListQuery, Phase, RecordPage,
};
use serde_json::json;
use store::IStore;

use crate::cli::{List, Logs, Status};
use crate::failure::{Failure, INVALID, NOT_FOUND};
use crate::invocation::quoted;
use crate::message::say_hint;
use crate::output::Output;
use crate::report;
use crate::unreadable;
use crate::watch::{read, watch};

/// The status words of the engine and of its clients, as they come in a history.
const KNOWN_STATUSES: &str = "INIT QUEUED DOWNLOADING COPY STARTED PREVIEW UNPACK EXTRACT DIR \
                              TARGET LOGIN SPACE REMOVED LIST DEPLOYED NEWLIST SUCCESS FAILED \
                              CANCELLED INTERRUPTED TIMED_OUT";

pub(crate) async fn status(
    arguments: Status,
    store: Arc<dyn IStore>,
    output: Output<'_>,
) -> Result<(), Failure> {
    let status = DeploymentStatus::new(store);
    let record = if arguments.watch {
        watch(&status, &arguments.id).await?
    } else {
        read(&status, &arguments.id).await?
    };
    output.print(&record, |record| report::record(record, output.paint()))
}

pub(crate) async fn list(
    arguments: List,
    store: Arc<dyn IStore>,
    output: Output<'_>,
) -> Result<(), Failure> {
    let mut query = ListQuery::default().with_limit(usize::from(arguments.limit));
    if let Some(id) = arguments.after {
        query = query.with_after(id);
    }
    if let Some(word) = &arguments.status {
        query = query.with_phase(phase(word)?);
    }
    let page = DeploymentStatus::new(store).list(&query).await?;
    unreadable::say(&page.unreadable);
    let next = page.next.map(|id| id.to_string());
    let unread = unreadable::to_json(&page.unreadable);
    output.print(
        &json!({ "deployments": page.records, "next": next, "unreadable": unread }),
        |_| {
            if page.records.is_empty() {
                return "no deployments".to_owned();
            }
            report::record_table(&page.records, Clock::system().now(), output.paint())
        },
    )?;
    say_the_way_on(&page, arguments.status.as_deref(), output);
    Ok(())
}

fn phase(word: &str) -> Result<Phase, Failure> {
    Phase::parse(&word.to_uppercase()).ok_or_else(|| {
        Failure::new(INVALID, format!("`{word}` is no status"))
            .with_hint(format!("the statuses are {KNOWN_STATUSES}"))
    })
}

/// Where there is more, or where a status was asked for that none of ours is.
fn say_the_way_on(page: &RecordPage, status: Option<&str>, output: Output<'_>) {
    if let Some(next) = page.next {
        let filter = status.map_or(String::new(), |word| format!(" --status {}", quoted(word)));
        let hint = format!("there may be more: `helion-deploy list{filter} --after {next}`");
        say_hint(&output.hint(&hint));
    }
    let is_unknown = |word: &&str| {
        let word = word.to_uppercase();
        KNOWN_STATUSES.split(' ').all(|known| known != word)
    };
    if let Some(word) = status.filter(is_unknown)
        && page.records.is_empty()
    {
        say_hint(&format!(
            "`{word}` is a status of another platform, if any; the usual ones are {KNOWN_STATUSES}"
        ));
    }
}

pub(crate) async fn logs(
    arguments: Logs,
    store: Arc<dyn IStore>,
    output: Output<'_>,
) -> Result<(), Failure> {
    let record = read(&DeploymentStatus::new(store), &arguments.id).await?;
    let steps = record
        .engine
        .as_ref()
        .map_or(&[][..], |engine| &engine.steps);
    let wanted = arguments.step.map(|step| step.to_uppercase());
    let shown: Vec<_> = steps
        .iter()
        .filter(|step| wanted.as_ref().is_none_or(|wanted| step.status == *wanted))
        .collect();
    if let (true, Some(wanted)) = (shown.is_empty(), &wanted) {
        return Err(no_such_step(&record, wanted));
    }
    output.print(
        &json!({ "deploy_id": record.deploy_id, "steps": shown }),
        |_| {
            if shown.is_empty() {
                return "no step has ended".to_owned();
            }
            let paint = output.paint();
            let steps: Vec<_> = shown.iter().map(|step| report::step(step, paint)).collect();
            steps.join("\n")
        },
    )
}

fn no_such_step(record: &DeploymentRecord, wanted: &str) -> Failure {
    let message = format!("deployment {} has no step {wanted}", record.deploy_id);
    let failure = Failure::new(NOT_FOUND, message);
    let mut words = Vec::new();
    for step in record.engine.iter().flat_map(|engine| &engine.steps) {
        if !words.contains(&step.status.as_str()) {
            words.push(&step.status);
        }
    }
    if words.is_empty() {
        return failure.with_hint("none of its steps has ended");
    }
    failure.with_hint(format!("its steps are {}", words.join(", ")))
}
