//! A platform during whose work time stands still.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use batch::{IProcess, IProgress, LiveEvent, Milestone, ProcessOutcome, ReportError};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::platform::{IPlatform, PlatformRequest};

/// Passes on to another platform; tokio's paused time does not go on by itself while that one
/// works, and does while it waits for the engine.
///
/// A platform may wait for what tokio knows nothing of, such as a child or a socket; without this,
/// time would leap to the next limit.
#[derive(Debug)]
pub(super) struct StillPlatform(pub(super) Arc<dyn IPlatform>);

#[derive(Debug)]
struct StillProcess(Box<dyn IProcess>);

struct StillProgress<'a> {
    inner: &'a dyn IProgress,
    standstill: Mutex<Option<Standstill>>,
}

/// Paused time never goes on by itself while a blocking task runs: this is one, until it is
/// dropped.
struct Standstill(#[expect(dead_code, reason = "its drop is what counts")] oneshot::Sender<()>);

impl Standstill {
    fn begin() -> Self {
        let (end, ended) = oneshot::channel();
        tokio::task::spawn_blocking(move || ended.blocking_recv());
        Self(end)
    }
}

impl StillProgress<'_> {
    fn set(&self, standstill: Option<Standstill>) {
        *self
            .standstill
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = standstill;
    }
}

impl IPlatform for StillPlatform {
    fn process(&self, request: &PlatformRequest) -> Result<Box<dyn IProcess>> {
        Ok(Box::new(StillProcess(self.0.process(request)?)))
    }
}

#[async_trait]
impl IProcess for StillProcess {
    async fn execute(
        &self,
        progress: &dyn IProgress,
        cancel: &CancellationToken,
    ) -> batch::Result<ProcessOutcome> {
        let progress = StillProgress {
            inner: progress,
            standstill: Mutex::new(Some(Standstill::begin())),
        };
        self.0.execute(&progress, cancel).await
    }
}

#[async_trait]
impl IProgress for StillProgress<'_> {
    async fn report(&self, milestone: &Milestone) -> Result<(), ReportError> {
        self.set(None);
        self.inner.report(milestone).await?;
        // After a failure the platform waits before it tries again.
        self.set(Some(Standstill::begin()));
        Ok(())
    }

    fn observe(&self, event: &LiveEvent) {
        self.inner.observe(event);
    }
}
