//! The tries of one call.

use std::future::Future;

use tokio::time::Instant;

use crate::{Error, Result, RetryOptions};

/// Counts the failed tries of one call, and waits between them.
#[derive(Debug)]
pub(crate) struct Attempts {
    options: RetryOptions,
    failed: u32,
    /// Since when the time counts; from the next failure on where absent.
    began: Option<Instant>,
}

impl Attempts {
    pub(crate) fn new(options: RetryOptions) -> Self {
        Self {
            options,
            failed: 0,
            began: Some(Instant::now()),
        }
    }

    /// Counts the tries from here on, and the time from the next failure on: what lies between may
    /// be a pause of the caller.
    pub(super) fn start_anew(&mut self) {
        self.failed = 0;
        self.began = None;
    }

    /// Counts a failed try; where another is allowed, waits until it is due.
    pub(super) async fn allow_another(&mut self, error: &Error) -> bool {
        self.failed = self.failed.saturating_add(1);
        if !error.is_retryable() || self.failed >= self.options.max_tries {
            return false;
        }
        let delay = self.options.delay(self.failed, error.retry_after());
        let began = *self.began.get_or_insert_with(Instant::now);
        if began.elapsed().saturating_add(delay) > self.options.max_time {
            return false;
        }
        tracing::debug!(
            target: "store",
            operation = error.operation(),
            name = error.name(),
            kind = ?error.kind(),
            failed = self.failed,
            ?delay,
            "trying again"
        );
        tokio::time::sleep(delay).await;
        true
    }

    /// Calls until it succeeds, or fails for good; the call must do no harm when repeated.
    pub(crate) async fn run<T, F>(&mut self, mut call: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        loop {
            match call().await {
                Ok(value) => return Ok(value),
                Err(error) if !self.allow_another(&error).await => return Err(error),
                Err(_) => {}
            }
        }
    }
}
