//! The suite for platforms, run on one that is written by hand and on clients of a command line.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use batch::{
    Command, ICommandRunner, IProcess, IProgress, LiveOutput, LocalRunner, LocalRunnerOptions,
    Milestone, ProcessOutcome, RunOptions, RunReport, Status, StepOutcome, StepReport,
};
use deployment::conformance::{Effect, ITrial, StepFault};
use deployment::{CliPlatform, IPlatform, PlatformRequest, Result};
use tokio_util::sync::CancellationToken;

/// Which step goes wrong, and how.
type Broken = Arc<Mutex<HashMap<usize, StepFault>>>;

mod hand_written {
    use super::FolderTrial;

    deployment::platform_conformance!(FolderTrial::default);
}

mod client {
    use super::ClientTrial;

    deployment::platform_conformance!(ClientTrial::new);
}

/// Counts something for as long as it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What is wrong with a platform that the suite has to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    /// It cannot be tried: no step goes wrong.
    Unbreakable,
    /// It fails, whatever is done.
    AlwaysFails,
    /// It stays logged in when it is stopped.
    KeepsItsSession,
    /// It reports the step that breaks as one that was taken.
    ReportsBrokenStep,
    /// It says that it is done when it is told to stop.
    CallsItSuccess,
}

#[track_caller]
fn finds(flaw: Flaw, check: &str, seen: &str) {
    let make = || {
        let flaw = Some(flaw);
        Box::new(FolderTrial {
            flaw,
            ..FolderTrial::default()
        }) as Box<dyn ITrial>
    };
    let violation = deployment::conformance::run(check, &make).unwrap_err();
    assert!(violation.seen().contains(seen), "{violation}");
}

#[test]
fn the_suite_finds_what_is_wrong() {
    let refused = "a_step_that_is_refused_is_recorded";
    finds(Flaw::Unbreakable, refused, "no step can be broken");
    finds(Flaw::AlwaysFails, refused, "with no step broken");
    let cancel = "a_cancel_at_any_status_is_recorded";
    finds(Flaw::KeepsItsSession, cancel, "sessions are left");
    finds(Flaw::CallsItSuccess, cancel, "it ended as");
    finds(
        Flaw::ReportsBrokenStep,
        refused,
        "step 0: a status of the broken step",
    );
}

/// A platform that is a folder: it logs in, checks the tree, installs it, and logs out.
#[derive(Clone, Debug, Default)]
struct FolderTrial {
    broken: Broken,
    running: Arc<AtomicUsize>,
    sessions: Arc<AtomicUsize>,
    flaw: Option<Flaw>,
}

const STEPS: [&str; 3] = ["LOGIN", "CHECKED", "DEPLOYED"];

impl ITrial for FolderTrial {
    fn platform(&self) -> Arc<dyn IPlatform> {
        Arc::new(self.clone())
    }

    fn steps(&self) -> usize {
        STEPS.len()
    }

    fn break_step(&self, step: usize, fault: StepFault) -> Option<Effect> {
        if self.flaw == Some(Flaw::Unbreakable) {
            return None;
        }
        self.broken.lock().unwrap().insert(step, fault);
        Some(Effect::Fatal)
    }

    fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    fn sessions(&self) -> usize {
        self.sessions.load(Ordering::SeqCst)
    }
}

impl IPlatform for FolderTrial {
    fn process(&self, request: &PlatformRequest) -> Result<Box<dyn IProcess>> {
        Ok(Box::new(FolderProcess {
            trial: self.clone(),
            tree: request.application_directory.clone(),
        }))
    }
}

#[derive(Debug)]
struct FolderProcess {
    trial: FolderTrial,
    tree: PathBuf,
}

#[async_trait]
impl IProcess for FolderProcess {
    async fn execute(
        &self,
        progress: &dyn IProgress,
        cancel: &CancellationToken,
    ) -> batch::Result<ProcessOutcome> {
        let _running = Counted::new(&self.trial.running);
        // The logout is the drop of the session, so that no way out forgets it.
        let session = Counted::new(&self.trial.sessions);
        let done = self.take_steps(progress, cancel).await;
        let is_stopped = !matches!(done, Ok(ProcessOutcome::Success));
        match self.trial.flaw {
            Some(Flaw::KeepsItsSession) if is_stopped => std::mem::forget(session),
            Some(Flaw::AlwaysFails) => {
                let status = Status::new("DEPLOYED")?;
                return Ok(ProcessOutcome::failed(status, "it always does"));
            }
            Some(Flaw::CallsItSuccess) if cancel.is_cancelled() => {
                return Ok(ProcessOutcome::Success);
            }
            _ => {}
        }
        done
    }
}

impl FolderProcess {
    async fn take_steps(
        &self,
        progress: &dyn IProgress,
        cancel: &CancellationToken,
    ) -> batch::Result<ProcessOutcome> {
        for (index, status) in STEPS.iter().enumerate() {
            if cancel.is_cancelled() {
                return Ok(ProcessOutcome::Cancelled);
            }
            let status = Status::new(*status)?;
            let fault = self.trial.broken.lock().unwrap().get(&index).copied();
            let reason = match fault {
                None => None,
                Some(StepFault::TimesOut) => {
                    let status = Some(status);
                    return Ok(ProcessOutcome::TimedOut { status });
                }
                Some(StepFault::Panics) => panic!("the platform is broken"),
                Some(fault) => Some(format!("{fault:?}")),
            };
            assert!(self.tree.join("index.html").exists());
            let outcome = match &reason {
                None => StepOutcome::Done,
                Some(reason) => StepOutcome::Failed {
                    reason: reason.clone(),
                },
            };
            let report = StepReport::new(status.clone(), "work", outcome);
            let is_told = self.trial.flaw == Some(Flaw::ReportsBrokenStep);
            let report = report.with_accepted(reason.is_none() || is_told);
            progress.report(&Milestone::Step(report)).await?;
            if let Some(reason) = reason {
                return Ok(ProcessOutcome::failed(status, reason));
            }
        }
        Ok(ProcessOutcome::Success)
    }
}

/// The `helion` client, played by a shell that is a real child.
#[derive(Debug)]
struct ClientTrial(Arc<ShellClient>);

#[derive(Debug)]
struct ShellClient {
    runner: LocalRunner,
    broken: Broken,
    running: Arc<AtomicUsize>,
    sessions: AtomicUsize,
}

/// The client's commands, in their order, and whether their failure is accepted.
const COMMANDS: [(&str, Effect); 7] = [
    ("target", Effect::Fatal),
    ("login", Effect::Fatal),
    ("delete", Effect::Tolerated),
    ("list", Effect::Fatal),
    ("push", Effect::Fatal),
    ("list", Effect::Fatal),
    ("logout", Effect::Tolerated),
];

impl ClientTrial {
    fn new() -> Self {
        Self(Arc::new(ShellClient {
            runner: LocalRunner::new(LocalRunnerOptions::default()),
            broken: Broken::default(),
            running: Arc::default(),
            sessions: AtomicUsize::new(0),
        }))
    }
}

impl ITrial for ClientTrial {
    fn platform(&self) -> Arc<dyn IPlatform> {
        Arc::new(CliPlatform::helion(self.0.clone()))
    }

    fn steps(&self) -> usize {
        COMMANDS.len()
    }

    fn break_step(&self, step: usize, fault: StepFault) -> Option<Effect> {
        let (command, effect) = COMMANDS[step];
        // The first of two lists would break the second as well.
        if COMMANDS[..step].iter().any(|(other, _)| *other == command) {
            return None;
        }
        self.0.broken.lock().unwrap().insert(step, fault);
        match (effect, fault) {
            (Effect::Tolerated, StepFault::Refused) => Some(Effect::Tolerated),
            // Whatever becomes of the logout comes after the work.
            (Effect::Tolerated, _) if command == "logout" => Some(Effect::Tolerated),
            (_, _) => Some(Effect::Fatal),
        }
    }

    fn running(&self) -> usize {
        self.0.running.load(Ordering::SeqCst)
    }

    fn sessions(&self) -> usize {
        self.0.sessions.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl ICommandRunner for ShellClient {
    async fn run(
        &self,
        command: &Command,
        options: &RunOptions,
        live: &LiveOutput,
        cancel: &CancellationToken,
    ) -> RunReport {
        let _running = Counted::new(&self.running);
        let name = command.exposed_argv()[1].clone();
        let step = COMMANDS.iter().position(|(other, _)| *other == name);
        let fault = step.and_then(|step| self.broken.lock().unwrap().get(&step).copied());
        match name.as_str() {
            "login" => self.sessions.store(1, Ordering::SeqCst),
            "logout" => self.sessions.store(0, Ordering::SeqCst),
            _ => {}
        }
        let shell = |script: &str| Command::new("sh").args(["-c", script]);
        let (played, options) = match fault {
            None => (shell("echo done"), options.clone()),
            Some(StepFault::Refused) => (shell("echo no; exit 1"), options.clone()),
            Some(StepFault::CannotStart) => (Command::new("no-such-client"), options.clone()),
            Some(StepFault::Killed) => (shell("kill -KILL $$"), options.clone()),
            Some(StepFault::TimesOut) => {
                let limit = Some(Duration::from_millis(20));
                (
                    shell("sleep 1000 & wait"),
                    options.clone().with_timeout(limit),
                )
            }
            Some(fault) => panic!("{fault:?}"),
        };
        self.runner.run(&played, &options, live, cancel).await
    }
}
