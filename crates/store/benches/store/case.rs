//! A work that is measured, beside its floor.

use std::fmt;

use anyhow::Result;

/// Does the work of one round; the seconds that one unit of it took.
pub(super) type Work<'a> = Box<dyn Fn(usize) -> Result<f64> + 'a>;

/// A work by a store and by its floor.
pub(super) struct Case<'a> {
    pub(super) backend: &'static str,
    pub(super) work: &'static str,
    /// The unit that is printed, and how many of it make a second.
    pub(super) unit: (&'static str, f64),
    pub(super) limit: Option<Limit>,
    pub(super) store: Work<'a>,
    pub(super) floor: Work<'a>,
}

impl fmt::Debug for Case<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Case({} {})", self.backend, self.work)
    }
}

/// What has to hold.
#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    /// The floor's time by the store's.
    RatioAtLeast(f64),
    /// What was measured, in the unit that is printed.
    MeasuredAtMost(f64),
}
