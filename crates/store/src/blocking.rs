//! One hop to a thread that may block.

#[cfg(all(feature = "fs", unix))]
use std::sync::{Arc, Weak};

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
            Err(error) => Err(shutting_down(operation).with_source(error)),
        },
    }
}

pub(crate) fn shutting_down(operation: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, operation).with_message("the runtime is shutting down")
}

/// A call in its caller's hands: dropped when it returns, or when its future is.
#[cfg(all(feature = "fs", unix))]
#[derive(Debug, Default)]
pub(crate) struct Caller(Arc<()>);

#[cfg(all(feature = "fs", unix))]
impl Caller {
    pub(crate) fn presence(&self) -> Presence {
        Presence(Arc::downgrade(&self.0))
    }
}

/// What work on another thread knows of its [`Caller`].
#[cfg(all(feature = "fs", unix))]
#[derive(Clone, Debug)]
pub(crate) struct Presence(Weak<()>);

#[cfg(all(feature = "fs", unix))]
impl Presence {
    /// Ends work that nobody waits for any more.
    ///
    /// Work that shows its result asks under the lock that orders it: what is shown later by others
    /// is then never replaced by a call that was given up before.
    pub(crate) fn check(&self, operation: &'static str) -> Result<()> {
        match self.0.upgrade() {
            Some(_) => Ok(()),
            // Nobody hears it.
            None => {
                Err(Error::new(ErrorKind::Interrupted, operation)
                    .with_message("the call was given up"))
            }
        }
    }
}
