//! A work that is measured, beside its floor.

use std::fmt;

use anyhow::{Result, ensure};

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

impl Case<'_> {
    /// The seconds of each round, the store's and its floor's.
    pub(super) fn measure(&self, rounds: usize) -> Result<Vec<(f64, f64)>> {
        let mut pairs = Vec::new();
        // The first round warms caches and is not counted.
        for round in 0..=rounds {
            let pair = if round % 2 == 0 {
                let store = (self.store)(round)?;
                (store, (self.floor)(round)?)
            } else {
                let floor = (self.floor)(round)?;
                ((self.store)(round)?, floor)
            };
            if round > 0 {
                pairs.push(pair);
            }
        }
        ensure!(!pairs.is_empty(), "nothing was measured");
        Ok(pairs)
    }
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
