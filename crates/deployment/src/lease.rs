//! Until when a deployment is its owner's.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// How long a record counts as owned after a write, unless set otherwise.
pub(crate) const LEASE: Duration = Duration::from_mins(1);

/// A lease that can be renewed in time, and added to any time of day.
pub(crate) fn legal_lease(lease: Duration) -> Duration {
    lease.clamp(Duration::from_millis(100), Duration::from_hours(365 * 24))
}

/// The time for which a record's owner is taken to be alive after a write.
///
/// Its end is kept by both clocks: the one that is never set may stand still while the machine
/// sleeps, and the other one may be set.
#[derive(Debug)]
pub(crate) struct Lease {
    length: Duration,
    end: Mutex<LeaseEnd>,
}

/// When a lease ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeaseEnd {
    /// By the clock that is never set.
    pub(crate) at: Instant,
    /// By the wall clock, as the record tells it.
    pub(crate) until: SystemTime,
}

/// The lease as whoever stops the work sees it; without its holder it does not end any more.
#[derive(Clone, Debug)]
pub(crate) struct LeaseWatch(Weak<Lease>);

impl LeaseEnd {
    /// The end of a lease of `length` that began at this time by both clocks.
    pub(crate) fn after(length: Duration, (now, at): (SystemTime, Instant)) -> Self {
        Self {
            at: at + length,
            until: now + length,
        }
    }

    /// Whether it has come by either clock.
    pub(crate) fn has_come(self, now: SystemTime) -> bool {
        Instant::now() >= self.at || now >= self.until
    }
}

impl Lease {
    /// A lease of `length` that ends at `end`, unless it is renewed.
    pub(crate) fn new(length: Duration, end: LeaseEnd) -> Arc<Self> {
        Arc::new(Self {
            length,
            end: Mutex::new(end),
        })
    }

    pub(crate) const fn length(&self) -> Duration {
        self.length
    }

    pub(crate) fn end(&self) -> LeaseEnd {
        // It is whole at every point where a holder could panic.
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the end off, which never comes earlier for it.
    pub(crate) fn renew(&self, end: LeaseEnd) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }

    pub(crate) fn watch(self: &Arc<Self>) -> LeaseWatch {
        LeaseWatch(Arc::downgrade(self))
    }
}

impl LeaseWatch {
    /// Waits until the lease has ended, by the clock that is never set; for ever where its holder
    /// has written the last status there is.
    pub(crate) async fn ended(&self) {
        // A renewal only puts the end off, so it is enough to look again then.
        while let Some(lease) = self.0.upgrade() {
            let LeaseEnd { at, .. } = lease.end();
            drop(lease);
            if Instant::now() >= at {
                return;
            }
            tokio::time::sleep_until(at).await;
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const LENGTH: Duration = Duration::from_mins(1);

    fn began() -> (SystemTime, Instant) {
        (SystemTime::UNIX_EPOCH, Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_puts_the_end_off() {
        let began = began();
        let lease = Lease::new(LENGTH, LeaseEnd::after(LENGTH, began));
        let watch = lease.watch();
        tokio::time::advance(LENGTH / 2).await;
        let (now, _) = began;
        lease.renew(LeaseEnd::after(LENGTH, (now, Instant::now())));
        let renewed = Instant::now();
        watch.ended().await;
        assert_eq!(renewed.elapsed(), LENGTH);
    }

    #[tokio::test(start_paused = true)]
    async fn without_its_holder_it_does_not_end() {
        let lease = Lease::new(LENGTH, LeaseEnd::after(LENGTH, began()));
        let watch = lease.watch();
        drop(lease);
        tokio::time::advance(2 * LENGTH).await;
        assert!(watch.ended().now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn it_has_ended_when_either_clock_says_so() {
        let began = began();
        let end = LeaseEnd::after(LENGTH, began);
        let (now, _) = began;
        assert!(!end.has_come(now));
        assert!(end.has_come(now + LENGTH));
        tokio::time::advance(LENGTH).await;
        assert!(end.has_come(now));
    }
}
