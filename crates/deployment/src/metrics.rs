//! Counters and histograms of the engine, through the `metrics` facade.
//!
//! Their names, units and labels are documented in `docs/reference/observability.md`.

use std::time::Duration;

use batch::StepOutcome;
use metrics::{counter, gauge, histogram};
use tokio::time::Instant;

use crate::error::Result;
use crate::event::EventKind;
use crate::phase::Phase;

/// A deployment that runs here, until it is dropped.
pub(crate) struct Running {
    began: Instant,
}

impl Running {
    pub(crate) fn begin() -> Self {
        counter!("helion_deployments_started_total").increment(1);
        gauge!("helion_deployments_running").increment(1.0);
        Self {
            began: Instant::now(),
        }
    }

    /// Counts how the deployment ended; `None` where its ending could not be recorded.
    pub(crate) fn end(&self, phase: Option<&Phase>) {
        let phase = phase.map_or("UNRECORDED", Phase::as_str).to_owned();
        counter!("helion_deployments_ended_total", "phase" => phase.clone()).increment(1);
        histogram!("helion_deployment_duration_seconds", "phase" => phase)
            .record(self.began.elapsed());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        gauge!("helion_deployments_running").decrement(1.0);
    }
}

/// A step that runs.
#[derive(Debug)]
pub(crate) struct Step {
    status: String,
    began: Instant,
}

impl Step {
    pub(crate) fn begin(status: &str) -> Self {
        Self {
            status: status.to_owned(),
            began: Instant::now(),
        }
    }

    pub(crate) fn end(self, outcome: &StepOutcome) {
        let outcome = match outcome {
            StepOutcome::Done | StepOutcome::Exited { code: 0 } => "ok",
            StepOutcome::Cancelled => "cancelled",
            StepOutcome::TimedOut { .. } => "timed_out",
            _ => "failed",
        };
        histogram!("helion_step_duration_seconds", "status" => self.status, "outcome" => outcome)
            .record(self.began.elapsed());
    }
}

/// Counts a try to record a status, and how long the store took.
pub(crate) fn status_write<T>(took: Duration, written: &Result<T>) {
    let outcome = if written.is_ok() { "ok" } else { "failed" };
    histogram!("helion_status_write_duration_seconds", "outcome" => outcome).record(took);
}

/// Counts what subscribers are told.
pub(crate) fn event(kind: &EventKind) {
    match kind {
        EventKind::Output(bytes) => {
            counter!("helion_output_bytes_total").increment(bytes.len() as u64);
        }
        EventKind::OwnershipLost { .. } => {
            counter!("helion_ownership_lost_total").increment(1);
        }
        EventKind::Status(_)
        | EventKind::Fetched { .. }
        | EventKind::StepStarted { .. }
        | EventKind::StepFinished { .. }
        | EventKind::Ended(_) => {}
    }
}

/// Counts bytes of packages that were read.
pub(crate) fn fetched(bytes: u64) {
    counter!("helion_fetched_bytes_total").increment(bytes);
}
