//! The seam to work that goes through statuses.

use std::fmt;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::outcome::ProcessOutcome;
use crate::progress::IProgress;

/// Work in steps, each of which reaches a status.
///
/// [`BatchProcess`](crate::BatchProcess) runs a batch of commands; another implementation may
/// speak HTTP.
///
/// # Contract
///
/// - Milestones are reported in order: [`Started`], each [`Step`] that ended, [`Finished`] with
///   the outcome that is returned.
/// - A failed step is an outcome, not an error.
/// - After `cancel`, no further step begins and the running one is stopped; steps that clean up
///   may still run.
/// - Dropping the future stops all work.
/// - Secrets stand in no report and no event.
/// - A process runs once; a second call is [`AlreadyStarted`](crate::Error::AlreadyStarted).
///
/// # Implementing
///
/// Report through `progress`, pass its error on with `?`, and look at `cancel` wherever the work
/// waits.
/// This process is complete:
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// use batch::{
///     Error, IProcess, IProgress, Milestone, ProcessOutcome, Result, Status, StepOutcome,
///     StepReport,
/// };
/// use tokio_util::sync::CancellationToken;
///
/// /// Copies a file.
/// #[derive(Debug)]
/// struct Copy {
///     from: std::path::PathBuf,
///     to: std::path::PathBuf,
///     started: AtomicBool,
/// }
///
/// #[async_trait::async_trait]
/// impl IProcess for Copy {
///     async fn execute(
///         &self,
///         progress: &dyn IProgress,
///         cancel: &CancellationToken,
///     ) -> Result<ProcessOutcome> {
///         const COPIED: Status = Status::from_static("COPIED");
///         if self.started.swap(true, Ordering::Relaxed) {
///             return Err(Error::AlreadyStarted);
///         }
///         progress.report(&Milestone::Started).await?;
///         let outcome = tokio::select! {
///             biased;
///             () = cancel.cancelled() => StepOutcome::Cancelled,
///             copied = tokio::fs::copy(&self.from, &self.to) => match copied {
///                 Ok(_) => StepOutcome::Done,
///                 Err(error) => StepOutcome::Failed { reason: error.to_string() },
///             },
///         };
///         let ending = match &outcome {
///             StepOutcome::Done => ProcessOutcome::Success,
///             StepOutcome::Cancelled => ProcessOutcome::Cancelled,
///             other => ProcessOutcome::failed(COPIED, other.to_string()),
///         };
///         progress.report(&Milestone::Step(StepReport::new(COPIED, "copy", outcome))).await?;
///         progress.report(&Milestone::Finished(ending.clone())).await?;
///         Ok(ending)
///     }
/// }
///
/// # /// Collects the statuses.
/// # #[derive(Debug, Default)]
/// # struct Statuses(std::sync::Mutex<Vec<String>>);
/// # #[async_trait::async_trait]
/// # impl IProgress for Statuses {
/// #     async fn report(&self, milestone: &Milestone) -> std::result::Result<(), batch::ReportError> {
/// #         self.0.lock().unwrap().extend(milestone.status().map(|status| status.to_string()));
/// #         Ok(())
/// #     }
/// #     fn observe(&self, _: &batch::LiveEvent) {}
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let (from, to) = (directory.path().join("a"), directory.path().join("b"));
/// # std::fs::write(&from, "x")?;
/// let process = Copy { from, to, started: AtomicBool::new(false) };
/// # let progress = Statuses::default();
/// let outcome = process.execute(&progress, &CancellationToken::new()).await?;
/// assert!(outcome.is_success());
/// # assert_eq!(*progress.0.lock().unwrap(), ["STARTED", "COPIED", "SUCCESS"]);
/// # Ok(())
/// # }
/// ```
///
/// [`Started`]: crate::Milestone::Started
/// [`Step`]: crate::Milestone::Step
/// [`Finished`]: crate::Milestone::Finished
#[async_trait]
pub trait IProcess: fmt::Debug + Send + Sync {
    /// Does the work and returns how it ended.
    ///
    /// # Errors
    ///
    /// - [`AlreadyStarted`](crate::Error::AlreadyStarted): the process ran before.
    /// - [`Report`](crate::Error::Report): a milestone could not be recorded; the work was
    ///   stopped.
    async fn execute(
        &self,
        progress: &dyn IProgress,
        cancel: &CancellationToken,
    ) -> Result<ProcessOutcome>;
}

const _: fn(&dyn IProcess) = |_| ();

#[cfg(any(test, feature = "mock"))]
mod mock {
    use super::{CancellationToken, IProcess, IProgress, ProcessOutcome, Result, async_trait};

    // Written out, since `automock` does not get the lifetimes of `&dyn IProgress` right.
    mockall::mock! {
        /// A process whose behaviour a test sets with `expect_execute`.
        #[derive(Debug)]
        pub IProcess {
            /// What the trait's method of this name does, without waiting.
            #[expect(clippy::missing_errors_doc, reason = "a test sets it")]
            pub fn execute(
                &self,
                progress: &dyn IProgress,
                cancel: &CancellationToken,
            ) -> Result<ProcessOutcome>;
        }
    }

    #[async_trait]
    impl IProcess for MockIProcess {
        async fn execute(
            &self,
            progress: &dyn IProgress,
            cancel: &CancellationToken,
        ) -> Result<ProcessOutcome> {
            Self::execute(self, progress, cancel)
        }
    }
}

#[cfg(any(test, feature = "mock"))]
pub use mock::MockIProcess;
