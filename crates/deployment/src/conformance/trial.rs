//! What the suite is given of a platform.

use std::fmt;
use std::sync::Arc;

use crate::platform::IPlatform;

/// A platform under test, with what the suite has to know of it and cannot see.
///
/// Every deployment of the suite gets a fresh one, on which nothing has happened.
///
/// # Contract
///
/// - Unless a step was broken, every deployment to it succeeds.
/// - A deployment to it has the same steps each time, and each of them reaches one status or none.
/// - There is a step that can be broken in some way.
///
/// # Examples
///
/// As [`conformance`](crate::conformance).
pub trait ITrial: fmt::Debug + Send + Sync + 'static {
    /// The platform.
    fn platform(&self) -> Arc<dyn IPlatform>;

    /// How many steps a deployment has that succeeds; a logout counts, the engine's own steps do
    /// not.
    fn steps(&self) -> usize;

    /// Has the step at place `step`, counted from 0, go wrong in every deployment from now on;
    /// `None` where it cannot go wrong in this way.
    fn break_step(&self, step: usize, fault: StepFault) -> Option<Effect>;

    /// How much of what deployments have begun goes on: commands, requests, threads.
    fn running(&self) -> usize;

    /// How many logins have no logout.
    fn sessions(&self) -> usize;
}

const _: fn(&dyn ITrial) = |_| ();

/// How a step of a platform's process goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StepFault {
    /// It says that it failed: a command exits with 1, a request is answered with an error.
    Refused,
    /// It does not even begin: the program is missing, the host is not reached.
    CannotStart,
    /// It takes longer than it may, and is stopped by the platform's own limit.
    TimesOut,
    /// It ends without saying how: a signal kills the command, the connection breaks.
    Killed,
    /// The code that runs it panics.
    Panics,
}

/// What a broken step does to its deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The deployment goes on to its `SUCCESS`.
    Tolerated,
    /// The deployment ends: as `TIMED_OUT` after [`StepFault::TimesOut`], as `FAILED` otherwise.
    Fatal,
}
