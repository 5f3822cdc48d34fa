//! What a command has used of the machine.

use std::time::Duration;

/// What a command, and the children that it waited for, have used.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use batch::ResourceUsage;
///
/// let usage = ResourceUsage::new(Duration::from_secs(2), Duration::from_secs(1), 64 * 1024 * 1024);
/// assert_eq!(usage.user + usage.system, Duration::from_secs(3));
/// assert_eq!(usage.max_rss / 1024 / 1024, 64); // MiB
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceUsage {
    /// Processor time of its own code.
    pub user: Duration,
    /// Processor time of the kernel on its behalf.
    pub system: Duration,
    /// The most memory that one of the processes had resident, in bytes.
    pub max_rss: u64,
}

impl ResourceUsage {
    /// Names the amounts: times, and bytes of memory.
    #[must_use]
    pub const fn new(user: Duration, system: Duration, max_rss: u64) -> Self {
        Self {
            user,
            system,
            max_rss,
        }
    }
}
