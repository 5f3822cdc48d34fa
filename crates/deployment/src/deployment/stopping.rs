//! Being told to stop, and finding a reason to.

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Deployment;
use crate::ending::StopReason;
use crate::event::EventKind;

/// The two ways to be told to stop.
#[derive(Clone, Debug)]
pub(crate) struct Cancels {
    /// Ends the work properly.
    pub(crate) cancel: CancellationToken,
    /// Ends it at once.
    pub(crate) force: CancellationToken,
}

impl Cancels {
    pub(crate) fn new() -> Self {
        Self {
            cancel: CancellationToken::new(),
            force: CancellationToken::new(),
        }
    }
}

impl Deployment {
    /// Stops the work: when another engine may take the application up, at once.
    pub(super) fn stop_for(&self, reason: StopReason, stops: &Cancels) {
        if !matches!(reason, StopReason::Deadline(_)) {
            stops.force.cancel();
            self.say_lost(reason);
        }
        stops.cancel.cancel();
    }

    pub(super) fn say_lost(&self, reason: StopReason) {
        let reason = reason.to_string();
        tracing::error!(deployment = %self.id, reason, "ownership lost");
        self.events
            .send(self.id, EventKind::OwnershipLost { reason });
    }

    pub(super) async fn reason_to_stop(
        &self,
        lost: &CancellationToken,
        mut lease: watch::Receiver<Instant>,
    ) -> StopReason {
        let lease_ended = async {
            loop {
                let ends = *lease.borrow_and_update();
                tokio::select! {
                    () = tokio::time::sleep_until(ends) => return,
                    changed = lease.changed() => if changed.is_err() {
                        // The writer has written the last status there is.
                        std::future::pending::<()>().await;
                    },
                }
            }
        };
        let deadline = async {
            match self.timeout {
                Some(limit) => {
                    tokio::time::sleep(limit).await;
                    limit
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = lost.cancelled() => StopReason::OwnershipLost,
            () = lease_ended => StopReason::LeaseEnded(self.lease),
            limit = deadline => StopReason::Deadline(limit),
        }
    }
}
