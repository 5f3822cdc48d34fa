//! What is told of one step while it runs: its span, and its metrics.

use std::sync::{Mutex, PoisonError};

use batch::{LiveEvent, StepOutcome};
use tracing::Span;
use tracing::field::{Empty, display};

/// A step that runs: a command, or work of the engine's own.
#[derive(Debug)]
pub(crate) struct StepSpan {
    span: Span,
    #[cfg(feature = "metrics")]
    meter: crate::metrics::Step,
}

impl StepSpan {
    /// Begins the step that is to reach `status`, inside of `deployment`.
    pub(crate) fn begin(deployment: &Span, status: &str) -> Self {
        Self {
            span: tracing::info_span!(parent: deployment, "step", status, outcome = Empty),
            #[cfg(feature = "metrics")]
            meter: crate::metrics::Step::begin(status),
        }
    }

    /// Does work of the step.
    pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        self.span.in_scope(work)
    }

    /// Ends the step.
    pub(crate) fn end(self, outcome: &StepOutcome) {
        self.span.record("outcome", display(outcome));
        #[cfg(feature = "metrics")]
        self.meter.end(outcome);
    }
}

/// The command that runs: it begins and ends with the events that tell of it.
#[derive(Debug)]
pub(crate) struct RunningCommand {
    deployment: Span,
    step: Mutex<Option<StepSpan>>,
}

impl RunningCommand {
    /// For the commands of the deployment whose span is the current one.
    pub(crate) fn in_current_span() -> Self {
        Self {
            deployment: Span::current(),
            step: Mutex::default(),
        }
    }

    /// Takes over what an event tells of a step's beginning or end.
    pub(crate) fn follow(&self, event: &LiveEvent) {
        let mut step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            LiveEvent::StepStarted { status, .. } => {
                *step = Some(StepSpan::begin(&self.deployment, status.as_str()));
            }
            LiveEvent::StepFinished { outcome, .. } => {
                if let Some(step) = step.take() {
                    step.end(outcome);
                }
            }
            _ => {}
        }
    }
}
