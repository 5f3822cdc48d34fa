//! Watching the record of a deployment, whoever runs it, up to its end.

use std::io;
use std::time::{Duration, SystemTime};

use deployment::{
    Clock, DeploymentId, DeploymentRecord, DeploymentStatus, IStatus as _, StepRecord,
};
use tokio::time::sleep;

use crate::failure::{Failure, NOT_FOUND};
use crate::hint;
use crate::message::say;
use crate::output::on_one_line;
use crate::paint::Paint;
use crate::panel::Panel;
use crate::report;
use crate::step_line::{Mark, StepLine};

/// How often a watched record is read.
const POLL_EVERY: Duration = Duration::from_millis(250);

/// Reads the record of `id`, which has to be there.
pub(crate) async fn read(
    status: &DeploymentStatus,
    id: &DeploymentId,
) -> Result<DeploymentRecord, Failure> {
    status.get_status(id).await?.ok_or_else(|| {
        let message = format!("deployment `{id}` was not found in the store");
        Failure::new(NOT_FOUND, message).with_hint(hint::no_deployment())
    })
}

/// Shows the deployment until it has ended, or its owner is gone, and returns its record then.
pub(crate) async fn watch(
    status: &DeploymentStatus,
    id: &DeploymentId,
) -> Result<DeploymentRecord, Failure> {
    let mut view = View::new();
    loop {
        let record = read(status, id).await?;
        let now = Clock::system().now();
        if record.is_terminal() || is_abandoned(&record, now) {
            view.end(&record);
            return Ok(record);
        }
        view.show(&record, now);
        sleep(POLL_EVERY).await;
    }
}

/// Whether a deployment that has not ended has nobody who would end it.
pub(crate) fn is_abandoned(record: &DeploymentRecord, now: SystemTime) -> bool {
    !record.is_terminal() && record.lease_until().is_none_or(|until| until < now)
}

/// What shows a record while it changes.
enum View {
    /// On a terminal: the record as it stands.
    Live(Panel, Paint),
    /// Elsewhere: a line for each status; so many were told.
    Lines(usize),
}

impl View {
    fn new() -> Self {
        match Panel::new() {
            Some(panel) => Self::Live(panel, Paint::on(&io::stderr())),
            None => Self::Lines(0),
        }
    }

    fn show(&mut self, record: &DeploymentRecord, now: SystemTime) {
        match self {
            Self::Live(panel, paint) => panel.draw(&lines(record, now, *paint)),
            Self::Lines(told) => {
                for line in record.history.iter().skip(*told) {
                    say(line);
                }
                *told = record.history.len();
            }
        }
    }

    /// Takes the live view away, whose place the record takes, and tells what is left to tell.
    fn end(&mut self, record: &DeploymentRecord) {
        match self {
            Self::Live(panel, _) => panel.clear(),
            Self::Lines(_) => self.show(record, SystemTime::UNIX_EPOCH),
        }
        if !record.is_terminal() {
            say("its owner is gone: nobody has renewed its lease");
        }
    }
}

/// A record that has not ended, as it stands.
fn lines(record: &DeploymentRecord, now: SystemTime, paint: Paint) -> Vec<String> {
    let mut lines = vec![format!(
        "deployment {}  {}",
        on_one_line(&record.deploy_id),
        paint.strong(&on_one_line(&record.package)),
    )];
    let steps: &[StepRecord] = record.engine.as_ref().map_or(&[], |engine| &engine.steps);
    lines.extend(steps.iter().map(|step| StepLine::of(step).painted(paint)));
    let since = report::time(&record.datetime)
        .and_then(|since| now.duration_since(since).ok())
        .unwrap_or_default();
    // What runs now is not recorded; how long it has been running is told by the last status.
    let now = StepLine {
        mark: Mark::Running,
        took: since,
        status: "",
        text: &format!("since {}", record.deploy_status),
        note: None,
    };
    lines.push(now.painted(paint));
    lines
}
