//! How often, how fast and how long calls are repeated.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

/// How often, how fast and how long [`Retry`](crate::Retry) repeats a call.
///
/// The delay before the n-th repeat is random, evenly between zero and `first_delay` × 2ⁿ⁻¹, the
/// latter at most `max_delay` (full jitter: callers that failed together do not come back
/// together). Where the store said how long to stay away, the delay comes on top of that.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let options = store::RetryOptions::default().with_max_tries(3).with_max_time(Duration::from_secs(5));
/// assert_eq!(options.max_tries, 3);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RetryOptions {
    /// The most tries of one call, the first among them; 0 is as 1. By default 8, which takes about
    /// 6 seconds when all fail.
    pub max_tries: u32,
    /// What the first delay is at most; by default 100 ms.
    pub first_delay: Duration,
    /// What any delay is at most, where the store asks for no more; by default 10 s.
    pub max_delay: Duration,
    /// No try begins later than this after the call; by default 3 minutes, which leaves room for a
    /// try that [`Timeout`](crate::Timeout) ends. A store that asks to be left alone for longer ends
    /// the call at once.
    ///
    /// In the stream of a read, the tries are counted anew after the opening and after each piece,
    /// and the time from the first failure on that follows: a reader may pause for longer.
    pub max_time: Duration,
    jitter: Jitter,
}

#[derive(Clone)]
struct Jitter(Arc<dyn Fn(Duration) -> Duration + Send + Sync>);

impl fmt::Debug for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jitter")
    }
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            max_tries: 8,
            first_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(10),
            max_time: Duration::from_mins(3),
            jitter: Jitter(Arc::new(random_part)),
        }
    }
}

impl RetryOptions {
    /// Sets the most tries.
    #[must_use]
    pub fn with_max_tries(mut self, tries: u32) -> Self {
        self.max_tries = tries;
        self
    }

    /// Sets what the first delay is at most.
    #[must_use]
    pub fn with_first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// Sets what any delay is at most.
    #[must_use]
    pub fn with_max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets how long after the call a try may begin.
    #[must_use]
    pub fn with_max_time(mut self, time: Duration) -> Self {
        self.max_time = time;
        self
    }

    /// Sets what takes a part of each delay, from nothing to all of it; for tests, whose delays are
    /// to be known.
    ///
    /// # Examples
    ///
    /// A test that knows when the second try comes:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> store::Result<()> {
    /// # #[cfg(feature = "memory")] {
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use store::{
    ///     ErrorKind, FaultScript, IStore, ListOptions, MemoryStore, Operation, Retry, RetryOptions,
    /// };
    ///
    /// let script = FaultScript::new();
    /// script.on(Operation::GetFilesList).fail(ErrorKind::Unavailable);
    /// let flaky = Arc::new(MemoryStore::new().with_faults(&script));
    /// let options = RetryOptions::default()
    ///     .with_first_delay(Duration::from_millis(100))
    ///     .with_jitter(|most| most / 2);
    ///
    /// let started = tokio::time::Instant::now();
    /// Retry::new(flaky, options).get_files_list(&ListOptions::default()).await?;
    /// assert_eq!(started.elapsed(), Duration::from_millis(50));
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_jitter(
        mut self,
        part_of: impl Fn(Duration) -> Duration + Send + Sync + 'static,
    ) -> Self {
        self.jitter = Jitter(Arc::new(part_of));
        self
    }

    /// The delay after the `failed`-th failed try, which is 1 or more.
    pub(super) fn delay(&self, failed: u32, retry_after: Option<Duration>) -> Duration {
        let doubled = 2_u32.saturating_pow(failed.saturating_sub(1));
        let most = self.first_delay.saturating_mul(doubled).min(self.max_delay);
        let delay = (self.jitter.0)(most).min(most);
        delay.saturating_add(retry_after.unwrap_or_default())
    }
}

/// An even part of `most`, by the randomness that the standard library's maps have.
fn random_part(most: Duration) -> Duration {
    let random = u128::from(RandomState::new().hash_one(0));
    let nanos = random % (most.as_nanos() + 1);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn delays_double_up_to_the_most_and_come_on_top_of_what_the_store_asks() {
        let options = RetryOptions::default().with_jitter(|most| most);
        let delays = [1, 2, 3, 7, 8, 99].map(|failed| options.delay(failed, None).as_millis());
        assert_eq!(delays, [100, 200, 400, 6400, 10_000, 10_000]);
        let asked = options.delay(1, Some(Duration::from_secs(5)));
        assert_eq!(asked, Duration::from_millis(5100));
    }

    #[test]
    fn the_default_jitter_differs() {
        let options = RetryOptions::default();
        let first = options.delay(9, None);
        assert!((0..32).any(|_| options.delay(9, None) != first));
    }

    proptest! {
        #[test]
        fn a_delay_is_within_its_bounds(
            failed in 1..u32::MAX, first: u64, most: u64, asked in prop::option::of(any::<u64>())
        ) {
            let options = RetryOptions::default()
                .with_first_delay(Duration::from_nanos(first))
                .with_max_delay(Duration::from_nanos(most));
            let asked = asked.map(Duration::from_secs);
            let delay = options.delay(failed, asked);
            let least = asked.unwrap_or_default();
            prop_assert!(delay >= least);
            prop_assert!(delay <= least.saturating_add(Duration::from_nanos(most)));
        }
    }
}
