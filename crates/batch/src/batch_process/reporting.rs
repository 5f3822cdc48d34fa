//! Reports milestones one at a time, while other work goes on.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::error::{Error, Result};
use crate::progress::{IProgress, Milestone, ReportError};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// At most one report under way.
pub(super) struct Reporting<'a> {
    progress: &'a dyn IProgress,
    patience: Duration,
    under_way: Option<BoxFuture<'a, Result<()>>>,
}

impl<'a> Reporting<'a> {
    pub(super) fn new(progress: &'a dyn IProgress, patience: Duration) -> Self {
        Self {
            progress,
            patience,
            under_way: None,
        }
    }

    /// Begins to report `milestone` when the report before it is done.
    ///
    /// It goes on only while somebody [joins](Self::join) it.
    pub(super) async fn begin(&mut self, milestone: Milestone) -> Result<()> {
        self.join().await?;
        self.under_way = Some(report(self.progress, milestone, self.patience).boxed());
        Ok(())
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Waits until no report is under way; dropping the future leaves it under way.
    pub(super) async fn join(&mut self) -> Result<()> {
        if let Some(report) = &mut self.under_way {
            let result = report.await;
            self.under_way = None;
            return result;
        }
        Ok(())
    }
}

async fn report(progress: &dyn IProgress, milestone: Milestone, patience: Duration) -> Result<()> {
    let mut last = None;
    let tries = async {
        let mut pause = FIRST_PAUSE;
        loop {
            // Called within a future, since the call itself may panic.
            let report = async { progress.report(&milestone).await };
            let error = match AssertUnwindSafe(report).catch_unwind().await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error,
                Err(_) => ReportError::from_message("the report panicked"),
            };
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a milestone was not recorded and is tried again"
            );
            last = Some(error);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    };
    if tokio::time::timeout(patience, tries).await.is_ok() {
        return Ok(());
    }
    let no_answer = || ReportError::from_message(format!("no answer within {patience:?}"));
    Err(Error::Report {
        status: milestone.status(),
        source: last.unwrap_or_else(no_answer),
    })
}
