//! What may end a run while it waits for something.

use tokio_util::sync::CancellationToken;

use crate::deadline::{Deadline, passed};
use crate::outcome::StepOutcome;

/// What may end a run before its time.
#[derive(Clone, Copy)]
pub(super) struct Stop<'a> {
    pub(super) cancel: &'a CancellationToken,
    pub(super) force: &'a CancellationToken,
    pub(super) deadline: Option<Deadline>,
}

impl Stop<'_> {
    /// What `work` comes to, or how the run ends before that.
    pub(super) async fn or<T>(&self, work: impl Future<Output = T>) -> Result<T, StepOutcome> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(StepOutcome::Cancelled),
            () = self.force.cancelled() => Err(StepOutcome::Cancelled),
            value = work => Ok(value),
            after = passed(self.deadline) => Err(StepOutcome::TimedOut { after }),
        }
    }
}
