#![doc = include_str!("../README.md")]
#[cfg(not(unix))]
compile_error!("`batch` needs Unix: process groups, signals and pipes end what a command started");

mod secret;

mod command;
mod quoting;

mod status;

mod step;

mod batch;
mod plan;

mod outcome;
mod output;
mod report;
mod usage;

mod process;
mod progress;

mod feed;
mod lines;
mod live;
mod redactor;
mod runner;

mod batch_process;
mod local;

mod clock;
mod deadline;
mod error;

pub use crate::batch::Batch;
pub use crate::batch_process::BatchProcess;
pub use crate::command::{Argument, Command};
pub use crate::error::{Error, Result};
pub use crate::feed::{LiveEvents, LiveFeed};
pub use crate::lines::{LineAssembler, LineEnd};
pub use crate::live::{LiveOutput, LiveReceiver};
pub use crate::local::{LeakPolicy, LocalRunner, LocalRunnerOptions, Sweep, kill_processes_with};
pub use crate::outcome::{ProcessOutcome, SpawnFailure, SpawnFailureKind, StepOutcome};
pub use crate::output::{CaptureLimits, CapturedOutput};
pub use crate::plan::Plan;
pub use crate::process::IProcess;
pub use crate::progress::{IProgress, LiveEvent, Milestone, ReportError};
pub use crate::redactor::{RedactedStream, Redactor};
pub use crate::report::StepReport;
pub use crate::runner::{ICommandRunner, RunOptions, RunReport};
pub use crate::secret::Secret;
pub use crate::status::Status;
pub use crate::step::{Accept, Step, When};
pub use crate::usage::ResourceUsage;

#[cfg(any(test, feature = "mock"))]
pub use crate::{process::MockIProcess, progress::MockIProgress, runner::MockICommandRunner};
