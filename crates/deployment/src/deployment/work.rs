//! The work of a deployment: from its turn to the removal of its directory.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::{Cancels, Deployment};
use crate::directory::Layout;
use crate::ending::Ending;
use crate::error::Error;
use crate::phase::Phase;
use crate::recorder::Recorder;
use crate::unpacking::{UNPACK, Unpacking, Unreached};

impl Deployment {
    pub(super) async fn work<T>(
        &self,
        turn: impl Future<Output = T>,
        recorder: &Arc<Recorder>,
        stop: &Cancels,
    ) -> Ending {
        let Some(_turn) = take_turn(turn, recorder, &stop.cancel).await else {
            return Ending::cancelled();
        };
        // On the heap from here on: a deployment that waits for its turn is kept small.
        Box::pin(self.work_in_turn(recorder, stop)).await
    }

    async fn work_in_turn(&self, recorder: &Arc<Recorder>, stop: &Cancels) -> Ending {
        recorder.note(self.source.phase());
        let layout = Layout::new(self.package.cwd());
        let opened = tokio::select! {
            biased;
            opened = self.source.open(&stop.cancel) => opened,
            () = stop.cancel.cancelled() => return Ending::cancelled(),
        };
        let source = match opened {
            Ok(source) => source,
            Err(_) if stop.cancel.is_cancelled() => return Ending::cancelled(),
            Err(error) => return Ending::failed(Some(self.source.phase().as_str()), &error),
        };
        recorder.note(Phase::Started);
        // Only unpacking waits for a bench, and not beyond a cancel: a store that stalls holds up
        // neither the clean-up of other deployments nor the end of this one.
        let bench = tokio::select! {
            biased;
            () = stop.cancel.cancelled() => return Ending::cancelled(),
            bench = self.benches.acquire() => bench,
        };
        let unpacking = self.unpacking(&layout, recorder, &stop.cancel);
        let directory = match in_steps(move || unpacking.run(source)).await {
            Ok(directory) => directory,
            Err(_) if stop.cancel.is_cancelled() => return Ending::cancelled(),
            Err(unreached) => return Ending::unreached(&unreached),
        };
        drop(bench);
        let ending = self.execute(recorder, stop).await;
        let unpacking = self.unpacking(&layout, recorder, &stop.cancel);
        let finished = if ending.phase == Phase::Success {
            in_steps(move || unpacking.list_and_remove(directory)).await
        } else {
            in_steps(move || {
                unpacking.remove(directory);
                Ok(())
            })
            .await
        };
        match finished {
            Ok(()) => ending,
            Err(unreached) => Ending::unreached(&unreached),
        }
    }

    fn unpacking(
        &self,
        layout: &Layout,
        recorder: &Arc<Recorder>,
        stop: &CancellationToken,
    ) -> Unpacking {
        Unpacking {
            package: self.package.name().to_owned(),
            layout: layout.clone(),
            limits: self.limits.clone(),
            recorder: Arc::clone(recorder),
            cancel: stop.clone(),
        }
    }

    /// Runs the platform's process; a panic in it is a failure of this deployment only.
    ///
    /// A second cancel drops it, which kills its command without any grace.
    async fn execute(&self, recorder: &Recorder, cancels: &Cancels) -> Ending {
        let process = async { self.process.execute(recorder, &cancels.cancel).await };
        let process = AssertUnwindSafe(process).catch_unwind();
        let result = tokio::select! {
            biased;
            () = cancels.force.cancelled() => return Ending::cancelled(),
            result = process => result,
        };
        match result {
            Ok(Ok(outcome)) => Ending::of_process(outcome),
            Ok(Err(error)) => Ending::failed(None, &Error::from(error)),
            Err(_) => {
                let reason = "the platform's process panicked".to_owned();
                Ending::failed(None, &Error::Internal { reason })
            }
        }
    }
}

/// Waits for the turn, visibly when it does not come at once; `None` after a stop.
async fn take_turn<T>(
    turn: impl Future<Output = T>,
    recorder: &Recorder,
    stop: &CancellationToken,
) -> Option<T> {
    tokio::pin!(turn);
    tokio::select! {
        biased;
        () = stop.cancelled() => return None,
        turn = &mut turn => return Some(turn),
        () = std::future::ready(()) => recorder.note(Phase::Queued),
    }
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        turn = turn => Some(turn),
    }
}

/// Runs a part of the engine's own work where blocking is allowed.
async fn in_steps<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Unreached> + Send + 'static,
) -> Result<T, Unreached> {
    let span = tracing::Span::current();
    let joined = tokio::task::spawn_blocking(move || span.in_scope(work)).await;
    joined.unwrap_or_else(|error| Err(Unreached::new(UNPACK, Error::task(error))))
}
