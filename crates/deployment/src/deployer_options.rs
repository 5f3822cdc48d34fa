//! How a deployer works.

use std::path::PathBuf;
use std::time::Duration;

use package::UnpackLimits;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::interruption::CLOCK_MARGIN;
use crate::lease::{LEASE, legal_lease};
use crate::record_limits::RecordLimits;

/// Settings of a [`Deployer`](crate::Deployer).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deployment::{DeployerOptions, RecordLimits};
/// use package::UnpackLimits;
///
/// let options = DeployerOptions::default()
///     .with_temp_root("/var/lib/deployer")
///     .with_max_running(4)
///     .with_limits(UnpackLimits::default().with_total_bytes(512 * 1024 * 1024))
///     .with_record_limits(RecordLimits::default().with_steps(200))
///     .with_lease(Duration::from_secs(30));
/// ```
#[derive(Clone, Debug)]
pub struct DeployerOptions {
    /// Where private directories are made; the system's temporary folder unless set.
    pub(crate) temp_root: PathBuf,
    /// How many deployments run at once, 128 unless set; the rest wait in order as `QUEUED`.
    pub(crate) max_running: usize,
    /// How long a record counts as owned after a write; 60 seconds unless set.
    pub(crate) lease: Duration,
    /// How far the clocks of hosts that share the store may differ; 10 seconds unless set.
    pub(crate) clock_margin: Duration,
    /// Limits on unpacking.
    pub(crate) limits: UnpackLimits,
    /// How much a record keeps.
    pub(crate) record_limits: RecordLimits,
    /// The wall clock.
    pub(crate) clock: Clock,
}

impl Default for DeployerOptions {
    fn default() -> Self {
        Self {
            temp_root: std::env::temp_dir(),
            max_running: 128,
            lease: LEASE,
            clock_margin: CLOCK_MARGIN,
            limits: UnpackLimits::default(),
            record_limits: RecordLimits::default(),
            clock: Clock::system(),
        }
    }
}

impl DeployerOptions {
    /// Sets where private directories are made; the system's temporary folder unless set.
    #[must_use]
    pub fn with_temp_root(mut self, path: impl Into<PathBuf>) -> Self {
        self.temp_root = path.into();
        self
    }

    /// Sets how many deployments run at once, at least one; 128 unless set. The rest wait in order
    /// as `QUEUED`.
    #[must_use]
    pub fn with_max_running(mut self, count: usize) -> Self {
        self.max_running = count.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// Sets how long a record counts as owned after a write, between 100 milliseconds and a year;
    /// 60 seconds unless set.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = legal_lease(lease);
        self
    }

    /// Sets how far the clocks of the hosts that share the store may differ, at most a year; 10
    /// seconds unless set.
    ///
    /// An owner is taken to be dead this long after its lease has ended.
    #[must_use]
    pub fn with_clock_margin(mut self, margin: Duration) -> Self {
        self.clock_margin = margin.min(Duration::from_hours(365 * 24));
        self
    }

    /// Sets the limits on unpacking; [`UnpackLimits::default`] unless set.
    #[must_use]
    pub fn with_limits(mut self, limits: UnpackLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how much a record keeps of history, steps and output; a deployer with a status of its
    /// own ([`Deployer::with_status`](crate::Deployer::with_status)) leaves that to the status.
    #[must_use]
    pub fn with_record_limits(mut self, limits: RecordLimits) -> Self {
        self.record_limits = limits;
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}
