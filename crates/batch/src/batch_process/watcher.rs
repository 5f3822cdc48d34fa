//! Shows events to a watcher that may panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::progress::{IProgress, LiveEvent};

/// Shows events until the first panic.
pub(super) struct Watcher<'a> {
    progress: Option<&'a dyn IProgress>,
}

impl<'a> Watcher<'a> {
    pub(super) fn new(progress: &'a dyn IProgress) -> Self {
        Self {
            progress: Some(progress),
        }
    }

    pub(super) fn show(&mut self, event: &LiveEvent) {
        let Some(progress) = self.progress else {
            return;
        };
        if catch_unwind(AssertUnwindSafe(|| progress.observe(event))).is_err() {
            tracing::error!("the observer of a process panicked and is not called any more");
            self.progress = None;
        }
    }
}
