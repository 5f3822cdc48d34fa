//! One hop to a thread that may block.

use crate::{Error, ErrorKind, Result};

/// Runs `work` where blocking is allowed; work that has begun runs to its end even if the caller
/// goes away.
pub(crate) async fn run_blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(Error::new(ErrorKind::Unavailable, operation)
                .with_message("the runtime is shutting down")
                .with_source(error)),
        },
    }
}
