//! A client that halts at one of its commands.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use batch::{
    CapturedOutput, Command, ICommandRunner, LiveOutput, RunOptions, RunReport, StepOutcome,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Plays a client whose every command exits with 0, and of which one halts before that.
#[derive(Debug, Default)]
pub(crate) struct HaltingClient {
    /// The number of the command that halts; 0 for none.
    halts_at: usize,
    seen: Mutex<Vec<String>>,
    /// Told when that command has begun.
    pub(crate) halted: Notify,
    /// Tells it to go on.
    pub(crate) go_on: Notify,
}

impl HaltingClient {
    /// Halts at the `number`-th command, the first one being 1.
    pub(crate) fn at(number: usize) -> Self {
        Self {
            halts_at: number,
            ..Self::default()
        }
    }

    /// The names of the commands so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

#[async_trait]
impl ICommandRunner for HaltingClient {
    async fn run(
        &self,
        command: &Command,
        _options: &RunOptions,
        _live: &LiveOutput,
        cancel: &CancellationToken,
    ) -> RunReport {
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(command.exposed_argv()[1].clone());
            seen.len()
        };
        let mut outcome = StepOutcome::Exited { code: 0 };
        if number == self.halts_at {
            self.halted.notify_one();
            tokio::select! {
                () = self.go_on.notified() => {}
                () = cancel.cancelled() => outcome = StepOutcome::Cancelled,
            }
        }
        RunReport::new(outcome)
            .with_time(SystemTime::UNIX_EPOCH, Duration::from_millis(1))
            .with_output(CapturedOutput::from_text(String::new()))
    }
}
