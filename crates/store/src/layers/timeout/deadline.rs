//! When contents have to be over, however they move.

use std::future::{Future, pending};
use std::time::Duration;

use tokio::time::Instant;

use crate::{FileName, Operation, Result};

use super::timed_out;

/// The end of the time that one save or read has in all, where it has one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Option<(Duration, Instant)>);

impl Deadline {
    /// So long from now; none where that is past all counting.
    pub(super) fn after(total: Option<Duration>) -> Self {
        Self(total.and_then(|total| Some((total, Instant::now().checked_add(total)?))))
    }

    /// Ends the call, or the part of one, where it is not over in time.
    pub(super) async fn hold<T>(
        &self,
        operation: Operation,
        name: &FileName,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::select! {
            // A reader that paused for too long gets no piece, though one is ready.
            biased;
            total = self.passed() => {
                Err(timed_out(operation, Some(name))
                    .with_message(format!("it was not over within {total:?}")))
            }
            result = call => result,
        }
    }

    /// Returns once the time is over, and tells how long it was.
    async fn passed(&self) -> Duration {
        match self.0 {
            None => pending().await,
            Some((total, end)) => {
                tokio::time::sleep_until(end).await;
                total
            }
        }
    }
}
