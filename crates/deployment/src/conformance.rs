//! The suite that proves a platform: deployments to it in which everything goes wrong in turn.
//!
//! It deploys a package again and again, through an engine whose store fails at its first call,
//! its second, and so on (once, for good, too slowly, with its reply lost, or by a crash after
//! which another engine recovers), with packages that come wrongly, and with each step of the
//! platform's process broken in each way; and it cancels at each status that is reached.
//! After each deployment it checks how it ended, that its record says why, that its history is
//! legal and extends what was acknowledged, that no private directory, no session and nothing that
//! runs is left, and that nothing is in the way of the next deployment.
//! A session may be left after a crash, and where an engine that cannot renew its lease stops the
//! work at once.
//!
//! An author hands it a function that makes an [`ITrial`], by which steps are broken; each check
//! becomes a `#[test]`:
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicUsize, Ordering};
//!
//! use batch::{IProcess, IProgress, Milestone, ProcessOutcome, Status, StepOutcome, StepReport};
//! use deployment::conformance::{Effect, ITrial, StepFault};
//! use deployment::{IPlatform, PlatformRequest, Result};
//! use tokio_util::sync::CancellationToken;
//!
//! /// A platform of one step, which may be made to fail.
//! #[derive(Clone, Debug, Default)]
//! struct OneStep { broken: Arc<AtomicUsize> }
//!
//! impl IPlatform for OneStep {
//!     fn process(&self, _request: &PlatformRequest) -> Result<Box<dyn IProcess>> {
//!         Ok(Box::new(self.clone()))
//!     }
//! }
//!
//! #[async_trait::async_trait]
//! impl IProcess for OneStep {
//!     async fn execute(
//!         &self,
//!         progress: &dyn IProgress,
//!         _cancel: &CancellationToken,
//!     ) -> batch::Result<ProcessOutcome> {
//!         let status = Status::new("DEPLOYED")?;
//!         if self.broken.load(Ordering::Relaxed) > 0 {
//!             return Ok(ProcessOutcome::failed(status, "it was refused"));
//!         }
//!         let report = StepReport::new(status, "deploy", StepOutcome::Done);
//!         progress.report(&Milestone::Step(report)).await?;
//!         Ok(ProcessOutcome::Success)
//!     }
//! }
//!
//! impl ITrial for OneStep {
//!     fn platform(&self) -> Arc<dyn IPlatform> { Arc::new(self.clone()) }
//!     fn steps(&self) -> usize { 1 }
//!     fn break_step(&self, _step: usize, fault: StepFault) -> Option<Effect> {
//!         if fault != StepFault::Refused { return None; }
//!         self.broken.store(1, Ordering::Relaxed);
//!         Some(Effect::Fatal)
//!     }
//!     fn running(&self) -> usize { 0 }
//!     fn sessions(&self) -> usize { 0 }
//! }
//!
//! mod tests {
//!     use super::OneStep;
//!
//!     deployment::platform_conformance!(OneStep::default);
//! }
//! # fn main() {
//! # let make = || Box::new(OneStep::default()) as Box<dyn ITrial>;
//! # for check in deployment::conformance::CHECKS {
//! #     deployment::conformance::run(check, &make).unwrap();
//! # }
//! # }
//! ```
//!
//! Checks of steps and cancels run in real time. Checks of the store run in tokio's paused time, which stands
//! still while the platform works and leaps while it waits for the engine: a platform may wait for
//! children or sockets, but no step may wait for a timer of tokio to succeed.

mod acknowledged;
mod cancels;
mod package_faults;
mod step_faults;
mod still_platform;
mod store_faults;
mod trial;
mod violation;
mod world;

use std::error::Error as StdError;
use std::future::Future;

pub use self::trial::{Effect, ITrial, StepFault};
pub use self::violation::Violation;

use self::world::Time;
use crate::error::chain;

/// Makes a platform on which nothing has happened.
type MakeTrial<'a> = &'a dyn Fn() -> Box<dyn ITrial>;

/// What a check comes to; the text is what it saw.
type Verdict<T = ()> = Result<T, String>;

/// Makes one `#[test]` of each check of the suite, in the module where it stands.
///
/// It is given a function without arguments that returns an
/// [`ITrial`](crate::conformance::ITrial); see [`conformance`](crate::conformance).
///
/// # Examples
///
/// In a test module, with the trial of [`ITrial`](crate::conformance::ITrial)'s example:
///
/// ```
/// # use std::sync::Arc;
/// # use std::sync::atomic::{AtomicBool, Ordering};
/// #
/// # use batch::{Command, ICommandRunner, LiveOutput, RunOptions, RunReport, StepOutcome};
/// # use deployment::conformance::{Effect, ITrial, StepFault};
/// # use deployment::{CliPlatform, IPlatform};
/// # use tokio_util::sync::CancellationToken;
/// #
/// # /// The client `helion`, whose `push` can be broken.
/// # #[derive(Clone, Debug, Default)]
/// # struct Client {
/// #     is_push_broken: Arc<AtomicBool>,
/// # }
/// #
/// # #[async_trait::async_trait]
/// # impl ICommandRunner for Client {
/// #     async fn run(
/// #         &self,
/// #         command: &Command,
/// #         _options: &RunOptions,
/// #         _live: &LiveOutput,
/// #         _cancel: &CancellationToken,
/// #     ) -> RunReport {
/// #         let is_push = command.exposed_argv()[1] == "push";
/// #         let is_refused = is_push && self.is_push_broken.load(Ordering::Relaxed);
/// #         RunReport::new(StepOutcome::Exited { code: i32::from(is_refused) })
/// #     }
/// # }
/// #
/// # impl ITrial for Client {
/// #     fn platform(&self) -> Arc<dyn IPlatform> {
/// #         Arc::new(CliPlatform::helion(Arc::new(self.clone())))
/// #     }
/// #
/// #     fn steps(&self) -> usize {
/// #         7 // target, login, delete, list, push, list, logout
/// #     }
/// #
/// #     fn break_step(&self, step: usize, fault: StepFault) -> Option<Effect> {
/// #         if (step, fault) != (4, StepFault::Refused) {
/// #             return None;
/// #         }
/// #         self.is_push_broken.store(true, Ordering::Relaxed);
/// #         Some(Effect::Fatal)
/// #     }
/// #
/// #     fn running(&self) -> usize {
/// #         0 // a command is over when `run` returns
/// #     }
/// #
/// #     fn sessions(&self) -> usize {
/// #         0 // each login here has its logout
/// #     }
/// # }
/// mod tests {
///     use super::Client;
///
///     deployment::platform_conformance!(Client::default);
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! platform_conformance {
    ($make:path) => {
        $crate::__each_platform_check! { $crate::__platform_tests, ($make) }
    };
}

/// Every check there is.
#[doc(hidden)]
#[macro_export]
macro_rules! __each_platform_check {
    ($then:path, $given:tt) => {
        $then! {
            $given
            store_faults::a_deployment_without_faults_succeeds
            store_faults::a_store_call_that_fails_once_is_survived
            store_faults::a_store_call_that_takes_too_long_is_survived
            store_faults::a_store_call_whose_reply_is_lost_is_survived
            store_faults::a_store_that_stays_away_stops_the_deployment
            store_faults::a_store_that_stays_silent_stops_the_deployment
            store_faults::a_crash_before_any_store_call_is_recovered
            store_faults::a_crash_after_any_store_call_is_recovered
            package_faults::a_package_whose_download_breaks_is_not_deployed
            package_faults::a_package_that_is_cut_short_is_not_deployed
            package_faults::a_package_of_another_digest_is_not_deployed
            package_faults::a_directory_that_cannot_be_made_fails_the_deployment
            package_faults::a_directory_that_cannot_be_removed_is_told
            step_faults::a_step_that_is_refused_is_recorded
            step_faults::a_step_that_cannot_start_is_recorded
            step_faults::a_step_that_takes_too_long_is_recorded
            step_faults::a_step_that_is_killed_is_recorded
            step_faults::a_step_that_panics_fails_its_deployment_only
            cancels::a_cancel_at_any_status_is_recorded
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __platform_tests {
    (($make:path) $($module:ident :: $check:ident)*) => {
        $(
            #[test]
            fn $check() {
                let make = || {
                    ::std::boxed::Box::new($make())
                        as ::std::boxed::Box<dyn $crate::conformance::ITrial>
                };
                if let Err(violation) =
                    $crate::conformance::run(::core::stringify!($check), &make)
                {
                    ::core::panic!("{violation}");
                }
            }
        )*
    };
}

macro_rules! suite {
    (() $($module:ident :: $check:ident)*) => {
        /// The names of the checks.
        pub const CHECKS: &[&str] = &[$(stringify!($check),)*];

        fn run_check(check: &str, make: MakeTrial<'_>) -> Verdict {
            match check {
                $(stringify!($check) => $module::$check(make),)*
                _ => Err("the suite has no such check".to_owned()),
            }
        }
    };
}

crate::__each_platform_check! { suite, () }

/// Runs the one check of this name; it makes runtimes of its own, so no task may call it.
///
/// # Errors
///
/// The promise that was broken, or that there is no check of this name.
///
/// # Examples
///
/// The checks of steps, with the trial of [`ITrial`]'s example:
///
/// ```
/// # use std::sync::Arc;
/// # use std::sync::atomic::{AtomicBool, Ordering};
/// #
/// # use batch::{Command, ICommandRunner, LiveOutput, RunOptions, RunReport, StepOutcome};
/// # use deployment::conformance::{Effect, ITrial, StepFault};
/// # use deployment::{CliPlatform, IPlatform};
/// # use tokio_util::sync::CancellationToken;
/// #
/// # /// The client `helion`, whose `push` can be broken.
/// # #[derive(Clone, Debug, Default)]
/// # struct Client {
/// #     is_push_broken: Arc<AtomicBool>,
/// # }
/// #
/// # #[async_trait::async_trait]
/// # impl ICommandRunner for Client {
/// #     async fn run(
/// #         &self,
/// #         command: &Command,
/// #         _options: &RunOptions,
/// #         _live: &LiveOutput,
/// #         _cancel: &CancellationToken,
/// #     ) -> RunReport {
/// #         let is_push = command.exposed_argv()[1] == "push";
/// #         let is_refused = is_push && self.is_push_broken.load(Ordering::Relaxed);
/// #         RunReport::new(StepOutcome::Exited { code: i32::from(is_refused) })
/// #     }
/// # }
/// #
/// # impl ITrial for Client {
/// #     fn platform(&self) -> Arc<dyn IPlatform> {
/// #         Arc::new(CliPlatform::helion(Arc::new(self.clone())))
/// #     }
/// #
/// #     fn steps(&self) -> usize {
/// #         7 // target, login, delete, list, push, list, logout
/// #     }
/// #
/// #     fn break_step(&self, step: usize, fault: StepFault) -> Option<Effect> {
/// #         if (step, fault) != (4, StepFault::Refused) {
/// #             return None;
/// #         }
/// #         self.is_push_broken.store(true, Ordering::Relaxed);
/// #         Some(Effect::Fatal)
/// #     }
/// #
/// #     fn running(&self) -> usize {
/// #         0 // a command is over when `run` returns
/// #     }
/// #
/// #     fn sessions(&self) -> usize {
/// #         0 // each login here has its logout
/// #     }
/// # }
/// use deployment::conformance::{CHECKS, run};
///
/// let make = || Box::new(Client::default()) as Box<dyn ITrial>;
/// for check in CHECKS.iter().filter(|check| check.starts_with("a_step")) {
///     if let Err(violation) = run(check, &make) {
///         panic!("{violation}");
///     }
/// }
/// ```
pub fn run(check: &str, make: &dyn Fn() -> Box<dyn ITrial>) -> Result<(), Violation> {
    run_check(check, make).map_err(|seen| Violation {
        check: check.to_owned(),
        seen,
    })
}

/// Runs `work` in a runtime of its own, with which all tasks end that it left.
fn in_runtime<T>(time: Time, work: impl Future<Output = Verdict<T>>) -> Verdict<T> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder
        .enable_all()
        .start_paused(matches!(time, Time::Paused));
    builder.build().map_err(told)?.block_on(work)
}

/// An error with its causes.
fn told(error: impl StdError) -> String {
    chain(&error)
}
