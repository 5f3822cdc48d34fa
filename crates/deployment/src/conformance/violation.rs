//! What a check finds.

use std::error::Error as StdError;
use std::fmt;

/// A promise that the engine and a platform did not keep together, as a check saw it.
///
/// # Examples
///
/// With the trial of [`ITrial`](super::ITrial)'s example, but that a session is never closed:
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
/// #         1 // one that is never closed
/// #     }
/// # }
/// let make = || Box::new(Client::default()) as Box<dyn ITrial>;
/// let check = "a_deployment_without_faults_succeeds";
/// let violation = deployment::conformance::run(check, &make).unwrap_err();
/// assert_eq!(violation.check(), check);
/// assert!(violation.seen().contains("session"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub(super) check: String,
    pub(super) seen: String,
}

impl Violation {
    /// The check that saw it.
    #[must_use]
    pub fn check(&self) -> &str {
        &self.check
    }

    /// What it saw, and at which fault.
    #[must_use]
    pub fn seen(&self) -> &str {
        &self.seen
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "promise broken, seen by `{}`: {}", self.check, self.seen)
    }
}

impl StdError for Violation {}
