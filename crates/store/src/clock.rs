//! The injected wall clock.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// Tells the time of day that files are marked with.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    #[cfg(feature = "memory")]
    pub(crate) fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn system() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one home of the wall clock here"
        )]
        Self(Arc::new(SystemTime::now))
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
