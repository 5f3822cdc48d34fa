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
/// A client whose commands are played by a runner:
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// use batch::{Command, ICommandRunner, LiveOutput, RunOptions, RunReport, StepOutcome};
/// use deployment::conformance::{Effect, ITrial, StepFault};
/// use deployment::{CliPlatform, IPlatform};
/// use tokio_util::sync::CancellationToken;
///
/// /// The client `helion`, whose `push` can be broken.
/// #[derive(Clone, Debug, Default)]
/// struct Client {
///     is_push_broken: Arc<AtomicBool>,
/// }
///
/// #[async_trait::async_trait]
/// impl ICommandRunner for Client {
///     async fn run(
///         &self,
///         command: &Command,
///         _options: &RunOptions,
///         _live: &LiveOutput,
///         _cancel: &CancellationToken,
///     ) -> RunReport {
///         let is_push = command.exposed_argv()[1] == "push";
///         let is_refused = is_push && self.is_push_broken.load(Ordering::Relaxed);
///         RunReport::new(StepOutcome::Exited { code: i32::from(is_refused) })
///     }
/// }
///
/// impl ITrial for Client {
///     fn platform(&self) -> Arc<dyn IPlatform> {
///         Arc::new(CliPlatform::helion(Arc::new(self.clone())))
///     }
///
///     fn steps(&self) -> usize {
///         7 // target, login, delete, list, push, list, logout
///     }
///
///     fn break_step(&self, step: usize, fault: StepFault) -> Option<Effect> {
///         if (step, fault) != (4, StepFault::Refused) {
///             return None;
///         }
///         self.is_push_broken.store(true, Ordering::Relaxed);
///         Some(Effect::Fatal)
///     }
///
///     fn running(&self) -> usize {
///         0 // a command is over when `run` returns
///     }
///
///     fn sessions(&self) -> usize {
///         0 // each login here has its logout
///     }
/// }
///
/// let make = || Box::new(Client::default()) as Box<dyn ITrial>;
/// let check = "a_step_that_is_refused_is_recorded";
/// assert_eq!(deployment::conformance::run(check, &make), Ok(()));
/// ```
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
///
/// # Examples
///
/// How a command ends that was broken, where a runner plays the client:
///
/// ```
/// use std::time::Duration;
/// use batch::{SpawnFailure, SpawnFailureKind, StepOutcome};
/// use deployment::conformance::StepFault;
///
/// fn outcome(fault: StepFault) -> Option<StepOutcome> {
///     let missing = SpawnFailure::new(SpawnFailureKind::ProgramNotFound, "no `helion` in `PATH`");
///     match fault {
///         StepFault::Refused => Some(StepOutcome::Exited { code: 1 }),
///         StepFault::CannotStart => Some(StepOutcome::SpawnFailed(missing)),
///         StepFault::TimesOut => Some(StepOutcome::TimedOut { after: Duration::from_secs(1) }),
///         StepFault::Killed => Some(StepOutcome::Signaled { signal: 9 }),
///         _ => None, // a fault that this trial cannot play
///     }
/// }
///
/// assert_eq!(outcome(StepFault::Panics), None);
/// ```
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
///
/// # Examples
///
/// ```
/// use deployment::conformance::Effect;
///
/// /// Of a client that may find no old application to remove, and whose logout comes too late to
/// /// change anything.
/// fn effect(status: &str) -> Effect {
///     match status {
///         "REMOVED" | "LOGOUT" => Effect::Tolerated,
///         _ => Effect::Fatal,
///     }
/// }
///
/// assert_eq!(effect("DEPLOYED"), Effect::Fatal);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The deployment goes on to its `SUCCESS`.
    Tolerated,
    /// The deployment ends: as `TIMED_OUT` after [`StepFault::TimesOut`], as `FAILED` otherwise.
    Fatal,
}
