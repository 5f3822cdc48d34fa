//! Starting one child.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use rustix::fs::{OFlags, fcntl_setfl};
use tokio::sync::oneshot;

use crate::command::{Argument, Command};
use crate::local::environment::{BaseEnvironment, Environment};
use crate::local::group::{Custody, Group};
use crate::local::program;
use crate::outcome::{SpawnFailure, SpawnFailureKind};

/// Everything that is needed to start a command, apart from the runtime.
pub(super) struct Launch {
    command: Command,
    base: Arc<BaseEnvironment>,
    marker: Arc<str>,
    directory: PathBuf,
    custody: Custody,
}

/// A child that was started.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) group: Group,
    /// Standard output and standard error in one, to be read without blocking.
    pub(super) output: OwnedFd,
}

/// Why a child was not started.
#[derive(Debug)]
pub(super) enum LaunchError {
    /// The command cannot be started as it is.
    Failure(SpawnFailure),
    /// The system refused.
    System(io::Error, PathBuf),
    /// There is no thread that could start it.
    NoThread(io::Error),
}

impl Launch {
    pub(super) fn new(
        command: Command,
        base: Arc<BaseEnvironment>,
        marker: Arc<str>,
        directory: PathBuf,
        custody: Custody,
    ) -> Result<Self, SpawnFailure> {
        check(&command)?;
        let launch = Self {
            command,
            base,
            marker,
            directory,
            custody,
        };
        launch.environment().check()?;
        Ok(launch)
    }

    fn environment(&self) -> Environment<'_> {
        Environment {
            base: &self.base,
            command: &self.command,
            marker: &self.marker,
        }
    }

    /// Starts the child; it blocks for some hundred microseconds.
    ///
    /// Only what the standard library does by `posix_spawn` is asked of it: a `fork` would take
    /// a quarter of a second in a process of 2 GiB.
    /// The guard is made here, so that a result that nobody takes kills its child.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where children are started"
    )]
    pub(super) fn start(&self) -> Result<Launched, LaunchError> {
        let environment = self.environment();
        let path = environment.get("PATH");
        let program = program::find(self.command.program(), path, &self.directory)
            .map_err(LaunchError::Failure)?;
        let refused = |error| LaunchError::System(error, program.clone());
        let (output, merged) = pipe().map_err(refused)?;
        let stderr = merged.try_clone().map_err(refused)?;
        let mut command = std::process::Command::new(&program);
        command
            .arg0(self.command.program())
            .args(self.command.arguments().iter().map(Argument::expose))
            .env_clear()
            .envs(environment.iter())
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(merged)
            .stderr(stderr)
            .process_group(0);
        let spawned = command.spawn();
        // It holds the writing end, without which no end of the output would be seen.
        drop(command);
        let group = Group::new(spawned.map_err(refused)?, self.custody.clone());
        Ok(Launched { group, output })
    }

    /// What kept the child from being started, for people and programs.
    ///
    /// A thread of its own looks at the files: those of a disk that does not answer would keep
    /// the calling one.
    pub(super) async fn failure(self: Arc<Self>, error: LaunchError) -> SpawnFailure {
        let (error, program) = match error {
            LaunchError::Failure(failure) => return failure,
            LaunchError::System(error, program) => (error, program),
            LaunchError::NoThread(error) => {
                let detail = format!("there is no thread to start it: {error}");
                return SpawnFailure::new(SpawnFailureKind::Other, detail);
            }
        };
        let undiagnosed = SpawnFailure::new(
            SpawnFailureKind::Other,
            format!("the program could not be started: {error}"),
        );
        let (tell, told) = oneshot::channel();
        let thread = std::thread::Builder::new().name("batch-diagnosis".to_owned());
        let spawned = thread.spawn(move || {
            // Who was stopped meanwhile does not hear it.
            drop(tell.send(program::diagnose(&error, &program, &self.directory)));
        });
        match spawned {
            Ok(_) => told.await.unwrap_or(undiagnosed),
            Err(_) => undiagnosed,
        }
    }
}

/// A pipe whose reading end does not block; the writing end is the child's, and does.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (output, merged) = io::pipe()?;
    fcntl_setfl(&output, OFlags::NONBLOCK)?;
    Ok((output.into(), merged.into()))
}

fn check(command: &Command) -> Result<(), SpawnFailure> {
    let invalid = |detail: String| Err(SpawnFailure::new(SpawnFailureKind::InvalidInput, detail));
    if command.program().is_empty() {
        return invalid("the program's name is empty".to_owned());
    }
    if command.program().contains('\0') {
        return invalid("the program's name holds a NUL".to_owned());
    }
    let with_nul = command
        .arguments()
        .iter()
        .position(|argument| argument.expose().contains('\0'));
    match with_nul {
        Some(index) => invalid(format!("argument {} holds a NUL", index + 1)),
        None => Ok(()),
    }
}
