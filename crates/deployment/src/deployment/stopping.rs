//! Being told to stop, and finding a reason to.

use std::pin::Pin;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Deployment;
use crate::ending::{Ending, StopReason};
use crate::event::EventKind;
use crate::lease::LeaseWatch;

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
    /// Awaits the end of the work, which is stopped where there is a reason to; with the reason.
    pub(super) async fn watch(
        &self,
        mut work: Pin<&mut impl Future<Output = Ending>>,
        lost: &CancellationToken,
        lease: &LeaseWatch,
        stops: &Cancels,
    ) -> (Ending, Option<StopReason>) {
        let reason = tokio::select! {
            ending = &mut work => return (ending, None),
            reason = self.reason_to_stop(lost, lease, self.timeout) => reason,
        };
        self.stop_for(reason, stops);
        if !matches!(reason, StopReason::Deadline(_)) {
            return (work.await, Some(reason));
        }
        // The command has a grace, and a logout comes after it: the deployment has to be owned
        // all the while. Few come here, so it is on the heap: a deployment that waits for its turn
        // is kept small.
        let worse = tokio::select! {
            ending = &mut work => return (ending, Some(reason)),
            worse = Box::pin(self.reason_to_stop(lost, lease, None)) => worse,
        };
        self.stop_for(worse, stops);
        let ending = work.await;
        match worse {
            StopReason::OwnershipLost => (ending, Some(worse)),
            _ => (ending, Some(reason)),
        }
    }

    /// Stops the work: when another engine may take the application up, at once.
    fn stop_for(&self, reason: StopReason, stops: &Cancels) {
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

    async fn reason_to_stop(
        &self,
        lost: &CancellationToken,
        lease: &LeaseWatch,
        timeout: Option<Duration>,
    ) -> StopReason {
        let deadline = async {
            match timeout {
                Some(limit) => {
                    // On the heap, since most have none.
                    Box::pin(tokio::time::sleep(limit)).await;
                    limit
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = lost.cancelled() => StopReason::OwnershipLost,
            () = lease.ended() => StopReason::LeaseEnded(self.lease),
            limit = deadline => StopReason::Deadline(limit),
        }
    }
}
