//! When something is to be over.

use std::time::Duration;

use tokio::time::Instant;

/// A moment by a clock that is never set, and the time that there was until then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    pub(crate) limit: Duration,
}

impl Deadline {
    /// The deadline of what begins now; one that no clock can show is none.
    pub(crate) fn after(limit: Duration) -> Option<Self> {
        let at = Instant::now().checked_add(limit)?;
        Some(Self { at, limit })
    }
}

/// Waits for a deadline, where there is one; returns the time that there was.
pub(crate) async fn passed(deadline: Option<Deadline>) -> Duration {
    match deadline {
        Some(Deadline { at, limit }) => {
            tokio::time::sleep_until(at).await;
            limit
        }
        None => std::future::pending().await,
    }
}
