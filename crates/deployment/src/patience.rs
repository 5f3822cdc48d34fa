//! Trying once more what a caller waits for.

use std::time::Duration;

use crate::error::{Error, Result};

/// The pauses before a write is tried again whose caller is waiting.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(500)];

/// Does `work` with another try or two: a write whose reply was lost would otherwise leave the
/// record of a deployment that nobody runs.
///
/// Where the store fails, and an earlier try may yet take effect, the error is that of this try.
pub(crate) async fn patiently<T, F: Future<Output = Result<T>>>(work: impl Fn() -> F) -> Result<T> {
    let mut doubt = None;
    let mut pauses = PAUSES.into_iter();
    loop {
        let error = match work().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let pause = pauses.next().filter(|_| error.is_retryable());
        let Some(pause) = pause else {
            let is_failure = matches!(error, Error::Store { .. });
            return Err(doubt.filter(|_| is_failure).unwrap_or(error));
        };
        if leaves_doubt(&error) {
            doubt = Some(error);
        }
        tokio::time::sleep(pause).await;
    }
}

/// Whether what failed with `error` may have taken effect all the same, or may do so later.
pub(crate) fn leaves_doubt(error: &Error) -> bool {
    use store::ErrorKind::{Interrupted, Timeout};
    matches!(error, Error::Store { source, .. } if matches!(source.kind(), Timeout | Interrupted))
}
