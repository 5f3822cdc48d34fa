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
/// use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
/// use tokio_util::sync::CancellationToken;
///
/// /// Restarts an application by a call to its platform.
/// #[derive(Debug)]
/// struct Restart {
///     host: String,
///     started: AtomicBool,
/// }
///
/// impl Restart {
///     async fn call(&self) -> std::io::Result<StepOutcome> {
///         let mut stream = tokio::net::TcpStream::connect(&self.host).await?;
///         let request = format!("POST /restart HTTP/1.0\r\nHost: {}\r\n\r\n", self.host);
///         stream.write_all(request.as_bytes()).await?;
///         let mut answer = String::new();
///         // What is longer than this is no answer to this call.
///         stream.take(10_000).read_to_string(&mut answer).await?;
///         Ok(match answer.split_whitespace().nth(1) {
///             Some("200") => StepOutcome::Done,
///             status => StepOutcome::Failed { reason: format!("answered {status:?}") },
///         })
///     }
/// }
///
/// #[async_trait::async_trait]
/// impl IProcess for Restart {
///     async fn execute(
///         &self,
///         progress: &dyn IProgress,
///         cancel: &CancellationToken,
///     ) -> Result<ProcessOutcome> {
///         const RESTARTED: Status = Status::from_static("RESTARTED");
///         if self.started.swap(true, Ordering::Relaxed) {
///             return Err(Error::AlreadyStarted);
///         }
///         progress.report(&Milestone::Started).await?;
///         let outcome = tokio::select! {
///             biased;
///             () = cancel.cancelled() => StepOutcome::Cancelled,
///             answered = self.call() => answered.unwrap_or_else(|error| {
///                 StepOutcome::Failed { reason: error.to_string() }
///             }),
///         };
///         let ending = match &outcome {
///             StepOutcome::Done => ProcessOutcome::Success,
///             StepOutcome::Cancelled => ProcessOutcome::Cancelled,
///             other => ProcessOutcome::failed(RESTARTED, other.to_string()),
///         };
///         let report = StepReport::new(RESTARTED, "restart the application", outcome);
///         progress.report(&Milestone::Step(report)).await?;
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
/// # let platform = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let host = platform.local_addr()?.to_string();
/// # tokio::spawn(async move {
/// #     let (mut stream, _) = platform.accept().await.unwrap();
/// #     let mut call = Vec::new();
/// #     while !call.ends_with(b"\r\n\r\n") {
/// #         stream.read_buf(&mut call).await.unwrap();
/// #     }
/// #     assert!(call.starts_with(b"POST /restart HTTP/1.0\r\n"));
/// #     stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await.unwrap();
/// # });
/// let process = Restart { host, started: AtomicBool::new(false) };
/// # let progress = Statuses::default();
/// let outcome = process.execute(&progress, &CancellationToken::new()).await?;
/// assert!(outcome.is_success());
/// # assert_eq!(*progress.0.lock().unwrap(), ["STARTED", "RESTARTED", "SUCCESS"]);
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
        ///
        /// # Examples
        ///
        /// ```
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// use batch::{IProcess, MockIProcess, MockIProgress, ProcessOutcome};
        /// use tokio_util::sync::CancellationToken;
        ///
        /// let mut process = MockIProcess::new();
        /// process.expect_execute().times(1).returning(|_, _| Ok(ProcessOutcome::Success));
        ///
        /// let progress = MockIProgress::new(); // which expects no report
        /// let process: &dyn IProcess = &process;
        /// assert!(process.execute(&progress, &CancellationToken::new()).await?.is_success());
        /// # Ok(())
        /// # }
        /// ```
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
