//! Starting one child.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use crate::command::{Argument, Command};
use crate::local::environment::Environment;
use crate::local::group::{Custody, Group};
use crate::local::program;
use crate::outcome::{SpawnFailure, SpawnFailureKind};

/// Everything that is needed to start a command, apart from the runtime.
pub(super) struct Launch {
    command: Command,
    environment: Environment,
    directory: PathBuf,
    custody: Custody,
}

/// A child that was started.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) group: Group,
    /// Standard output and standard error in one, to be read.
    pub(super) output: OwnedFd,
}

/// Why a child was not started.
#[derive(Debug)]
pub(super) enum LaunchError {
    /// The command cannot be started as it is.
    Failure(SpawnFailure),
    /// The system refused.
    System(io::Error, PathBuf),
}

impl Launch {
    pub(super) fn new(
        command: Command,
        environment: Environment,
        directory: PathBuf,
        custody: Custody,
    ) -> Result<Self, SpawnFailure> {
        check(&command)?;
        Ok(Self {
            command,
            environment,
            directory,
            custody,
        })
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
        let path = self.environment.get("PATH");
        let program = program::find(self.command.program(), path, &self.directory)
            .map_err(LaunchError::Failure)?;
        let refused = |error| LaunchError::System(error, program.clone());
        let (output, merged) = io::pipe().map_err(refused)?;
        let stderr = merged.try_clone().map_err(refused)?;
        let mut command = std::process::Command::new(&program);
        command
            .arg0(self.command.program())
            .args(self.command.arguments().iter().map(Argument::expose))
            .env_clear()
            .envs(self.environment.iter())
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(merged)
            .stderr(stderr)
            .process_group(0);
        let spawned = command.spawn();
        // It holds the writing end, without which no end of the output would be seen.
        drop(command);
        let group = Group::new(spawned.map_err(refused)?, self.custody.clone());
        Ok(Launched {
            group,
            output: output.into(),
        })
    }

    /// What kept the child from being started, for people and programs.
    pub(super) fn failure(&self, error: LaunchError) -> SpawnFailure {
        match error {
            LaunchError::Failure(failure) => failure,
            LaunchError::System(error, program) => {
                program::diagnose(&error, &program, &self.directory)
            }
        }
    }
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
