//! A client that plays what a test tells it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use batch::{
    CapturedOutput, Command, ICommandRunner, LiveOutput, RunOptions, RunReport, StepOutcome,
};
use tokio_util::sync::CancellationToken;

/// What the played client does with one command.
#[derive(Clone, Debug)]
pub(crate) enum Play {
    Exit(i32, &'static str),
    HangUntilStopped,
    /// Exits with 0 when it is told to go on.
    Wait,
    Panic,
}

/// Plays a client: every command exits with 0 unless told otherwise.
#[derive(Debug, Default)]
pub(crate) struct PlayedClient {
    plays: Mutex<HashMap<&'static str, Play>>,
    seen: Mutex<Vec<String>>,
    /// The application's files at the time of the push.
    pub(crate) pushed: Mutex<Vec<PathBuf>>,
    /// What each command was told that it works for.
    pub(crate) works_for: Mutex<Vec<String>>,
    /// Told when a command hangs or waits.
    pub(crate) hanging: tokio::sync::Notify,
    /// Tells a command that waits to go on.
    pub(crate) go_on: tokio::sync::Notify,
    /// Told when a command that hung or waited is no more.
    pub(crate) gone: tokio::sync::Notify,
}

/// A command that hangs, until it ends or is killed.
struct Hanging<'a>(&'a PlayedClient);

impl<'a> Hanging<'a> {
    fn begin(client: &'a PlayedClient) -> Self {
        client.hanging.notify_one();
        Self(client)
    }
}

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        self.0.gone.notify_one();
    }
}

impl PlayedClient {
    /// Has the command `name` (`push`, `login` …) play `play`.
    pub(crate) fn on(&self, name: &'static str, play: Play) {
        self.plays.lock().unwrap().insert(name, play);
    }

    /// The names of the commands so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

#[async_trait]
impl ICommandRunner for PlayedClient {
    async fn run(
        &self,
        command: &Command,
        options: &RunOptions,
        _live: &LiveOutput,
        cancel: &CancellationToken,
    ) -> RunReport {
        let argv = command.exposed_argv();
        let name = argv[1].clone();
        self.seen.lock().unwrap().push(name.clone());
        if name == "push" {
            let at = argv
                .iter()
                .position(|argument| argument == "--path")
                .unwrap();
            let tree = std::fs::read_dir(&argv[at + 1]).unwrap();
            *self.pushed.lock().unwrap() = tree.map(|entry| entry.unwrap().path()).collect();
        }
        let environment = command.environment().iter();
        let works_for = environment.filter(|(name, _)| name == deployment::DEPLOYMENT_VARIABLE);
        let works_for = works_for.map(|(_, value)| value.expose().to_owned());
        self.works_for.lock().unwrap().extend(works_for);
        let play = self.plays.lock().unwrap().get(name.as_str()).cloned();
        let (outcome, output) = match play {
            None => (StepOutcome::Exited { code: 0 }, format!("{name} done\n")),
            Some(Play::Exit(code, text)) => (StepOutcome::Exited { code }, text.to_owned()),
            Some(Play::Panic) => panic!("the runner is broken"),
            Some(Play::Wait) => {
                let _hanging = Hanging::begin(self);
                self.go_on.notified().await;
                (StepOutcome::Exited { code: 0 }, String::new())
            }
            Some(Play::HangUntilStopped) => {
                let _hanging = Hanging::begin(self);
                let limit = options.timeout.unwrap_or(Duration::from_hours(24));
                tokio::select! {
                    () = cancel.cancelled() => (StepOutcome::Cancelled, String::new()),
                    () = tokio::time::sleep(limit) => {
                        (StepOutcome::TimedOut { after: limit }, String::new())
                    }
                }
            }
        };
        RunReport::new(outcome)
            .with_time(SystemTime::UNIX_EPOCH, Duration::from_millis(1))
            .with_output(CapturedOutput::from_text(output))
    }
}
