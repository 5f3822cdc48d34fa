#![doc = include_str!("../README.md")]

mod secret;

mod command;
mod quoting;

mod status;

mod step;

mod batch;

mod outcome;
mod output;
mod report;

mod process;
mod progress;

mod live;
mod redactor;
mod runner;

mod batch_process;
mod local;

mod clock;
mod error;

pub use crate::batch::Batch;
pub use crate::batch_process::BatchProcess;
pub use crate::command::{Argument, Command};
pub use crate::error::{Error, Result};
pub use crate::live::{LiveOutput, LiveReceiver};
pub use crate::local::{LeakPolicy, LocalRunner, LocalRunnerOptions, Sweep, kill_processes_with};
pub use crate::outcome::{ProcessOutcome, SpawnFailure, SpawnFailureKind, StepOutcome};
pub use crate::output::{CaptureLimits, CapturedOutput};
pub use crate::process::IProcess;
pub use crate::progress::{IProgress, LiveEvent, Milestone, ReportError};
pub use crate::redactor::{RedactedStream, Redactor};
pub use crate::report::StepReport;
pub use crate::runner::{ICommandRunner, RunOptions, RunReport};
pub use crate::secret::Secret;
pub use crate::status::Status;
pub use crate::step::{Accept, Step, When};

#[cfg(any(test, feature = "mock"))]
pub use crate::{process::MockIProcess, progress::MockIProgress, runner::MockICommandRunner};
