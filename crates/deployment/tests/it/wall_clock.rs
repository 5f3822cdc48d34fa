//! A wall clock that a test sets.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// The time that a test sets; no two moments are the same.
#[derive(Clone, Debug)]
pub(crate) struct WallClock(Arc<Mutex<SystemTime>>);

impl WallClock {
    pub(crate) fn new() -> Self {
        // Late enough for leases and margins to lie before it.
        Self::at(SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365))
    }

    pub(crate) fn at(start: SystemTime) -> Self {
        Self(Arc::new(Mutex::new(start)))
    }

    pub(crate) fn clock(&self) -> deployment::Clock {
        let now = Arc::clone(&self.0);
        deployment::Clock::new(move || {
            let mut now = now.lock().unwrap();
            *now += Duration::from_micros(1);
            *now
        })
    }

    pub(crate) fn jump(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }
}

/// Longer than an owner lives that does not renew its lease.
pub(crate) const PAST_THE_LEASE: Duration = Duration::from_secs(71);
