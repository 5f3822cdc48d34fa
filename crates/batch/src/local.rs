//! Runs commands on this machine.

mod options;

mod runner;
mod stop;

mod environment;
mod launch;
mod program;
mod retry;
mod starters;

mod attend;
mod carriers;
mod exit;
mod group;
mod progress;
mod reaper;
mod remains;
mod sink;
mod stat;
mod sweep;

pub use carriers::kill_processes_with;
pub use options::{LeakPolicy, LocalRunnerOptions, Sweep};
pub use runner::LocalRunner;
