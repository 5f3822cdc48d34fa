//! How much a record keeps.

use crate::record::DeploymentRecord;

/// How much a record keeps, so that it never grows without bound and can always be read back: the
/// greatest that may be set make a record of less than [`DeploymentRecord::MAX_BYTES`].
///
/// Of each step, up to 4 KiB from the beginning of its output and 16 KiB from the end are kept,
/// and 8 KiB of its command line and of its outcome; of the deployment's error, 64 KiB.
///
/// # Examples
///
/// ```
/// use deployment::RecordLimits;
///
/// let limits = RecordLimits::default().with_steps(200).with_output(512 * 1024);
/// assert_eq!((limits.history(), limits.steps(), limits.output()), (10_000, 200, 512 * 1024));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordLimits {
    history: usize,
    steps: usize,
    output: usize,
}

/// A line of the history is at most a time, three characters and a status of 64.
const HISTORY_LINE: usize = 100;

/// The most statuses that may be allowed.
const MOST_HISTORY: usize = 20_000;

/// The most output that may be allowed: with history and error it fits into what is read back,
/// since JSON writes some bytes as six.
const MOST_OUTPUT: usize = 2 * 1024 * 1024;

const _: () = assert!(
    MOST_HISTORY * HISTORY_LINE + 6 * (MOST_OUTPUT + ERROR_BYTES) < MAX_BYTES - 1024 * 1024,
    "the rest of a record fits into a mebibyte"
);

#[expect(clippy::cast_possible_truncation, reason = "16 MiB fit any pointer")]
const MAX_BYTES: usize = DeploymentRecord::MAX_BYTES as usize;

/// The longest reason that a record keeps, in bytes.
pub(crate) const ERROR_BYTES: usize = 64 * 1024;

impl Default for RecordLimits {
    fn default() -> Self {
        Self {
            history: 10_000,
            steps: 1_000,
            output: MOST_OUTPUT,
        }
    }
}

impl RecordLimits {
    /// Sets the most statuses of the history, between 100 and 20,000; 10,000 unless set. A process
    /// that reaches more is stopped.
    #[must_use]
    pub fn with_history(mut self, statuses: usize) -> Self {
        self.history = statuses.clamp(100, MOST_HISTORY);
        self
    }

    /// Sets the most steps, at least 20; 1,000 unless set. The oldest go first, and are counted.
    #[must_use]
    pub fn with_steps(mut self, steps: usize) -> Self {
        self.steps = steps.max(20);
        self
    }

    /// Sets the most bytes of what all steps together printed and say of themselves, between
    /// 64 KiB and 2 MiB; 2 MiB unless set. What the oldest steps printed goes first.
    #[must_use]
    pub fn with_output(mut self, bytes: usize) -> Self {
        self.output = bytes.clamp(64 * 1024, MOST_OUTPUT);
        self
    }

    /// The most statuses of the history; an ending is recorded all the same.
    #[must_use]
    pub const fn history(&self) -> usize {
        self.history
    }

    /// The most steps.
    #[must_use]
    pub const fn steps(&self) -> usize {
        self.steps
    }

    /// The most bytes of what all steps together printed and say of themselves.
    #[must_use]
    pub const fn output(&self) -> usize {
        self.output
    }
}
