//! One run of a client.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::client::Client;
use crate::context::Context;
use crate::error::Error;
use crate::platform::Platform;
use crate::stop::Stop;
use crate::terminal::Terminal;
use crate::{cf, helion};

/// The variable of the environment that names the platform folder.
pub const PLATFORM_VARIABLE: &str = "STANDIN_PLATFORM";

/// Everything that a run takes from its process; a test hands in its own.
pub struct Surroundings<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    current_dir: &'a Path,
    stdout: &'a mut dyn Write,
    stderr: &'a mut dyn Write,
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Surroundings")
            .field("current_dir", &self.current_dir)
            .finish_non_exhaustive()
    }
}

impl<'a> Surroundings<'a> {
    /// Takes a lookup of environment variables, the folder that relative paths start from, and the two streams.
    pub fn new(
        environment: &'a dyn Fn(&str) -> Option<String>,
        current_dir: &'a Path,
        stdout: &'a mut dyn Write,
        stderr: &'a mut dyn Write,
    ) -> Self {
        Self {
            environment,
            current_dir,
            stdout,
            stderr,
        }
    }

    pub(crate) fn into_parts(self) -> (&'a Path, Terminal<'a>) {
        (self.current_dir, Terminal::new(self.stdout, self.stderr))
    }
}

/// Runs one command of `client` and returns its exit code: 0, or 1 for everything that goes wrong.
///
/// `arguments` start with the command. The platform folder is the one that `STANDIN_PLATFORM` names, and the client's
/// state is kept under `HOME`, `STACKATO_APP_ROOT` or `CF_HOME` of the given environment. Nothing reads standard input.
/// A command whose [`Behaviour`](crate::Behaviour) is to hang never returns.
#[must_use]
pub fn run_as(client: Client, arguments: &[String], surroundings: Surroundings<'_>) -> u8 {
    let Surroundings {
        environment,
        current_dir,
        stdout,
        stderr,
    } = surroundings;
    let mut terminal = Terminal::new(stdout, stderr);
    let platform = match open_platform(environment) {
        Ok(platform) => platform,
        Err(stop) => return end(client, &mut terminal, stop).unwrap_or(1),
    };
    let mut context = Context {
        platform,
        environment,
        current_dir,
        terminal,
    };
    let result = context.echo(arguments).and_then(|()| match client {
        Client::Helion => helion::run(&mut context, arguments),
        Client::Cf => cf::run(&mut context, arguments),
    });
    match result {
        Ok(()) => 0,
        // A client whose reader went away has nobody left to tell.
        Err(stop) => end(client, &mut context.terminal, stop).unwrap_or(1),
    }
}

/// Runs `client` with this process's own arguments, environment, folder and streams.
///
/// This is all that a program needs which is a client under another name.
#[must_use]
pub fn run_this_process(client: Client) -> ExitCode {
    let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr().lock());
    let arguments: Result<Vec<_>, _> = std::env::args_os()
        .skip(1)
        .map(std::ffi::OsString::into_string)
        .collect();
    let Ok(arguments) = arguments else {
        // As with any other refusal, a closed stream leaves only the exit code.
        let _ = writeln!(stderr, "Error: an argument is not valid UTF-8");
        return ExitCode::FAILURE;
    };
    let environment = |name: &str| std::env::var(name).ok();
    let current_dir = std::env::current_dir().unwrap_or_default();
    let surroundings = Surroundings::new(&environment, &current_dir, &mut stdout, &mut stderr);
    ExitCode::from(run_as(client, &arguments, surroundings))
}

fn open_platform(environment: &dyn Fn(&str) -> Option<String>) -> Result<Platform, Stop> {
    let root = environment(PLATFORM_VARIABLE).filter(|root| !root.is_empty());
    let root =
        root.ok_or_else(|| Stop::refused(format!("Error: {PLATFORM_VARIABLE} is not set")))?;
    Ok(Platform::open(root)?)
}

/// Prints why the command ends, the way the client would.
fn end(client: Client, terminal: &mut Terminal<'_>, stop: Stop) -> io::Result<u8> {
    let says_failed = client == Client::Cf;
    match stop {
        Stop::Refused { text, code } => {
            if says_failed {
                terminal.say("FAILED")?;
            }
            terminal.complain(text)?;
            Ok(code)
        }
        Stop::RefusedOnStdout { text, code } => {
            terminal.say(text)?;
            Ok(code)
        }
        Stop::Usage { text, help } => {
            terminal.complain(text)?;
            if !help.is_empty() {
                terminal.say(help)?;
            }
            Ok(1)
        }
        Stop::Output(error) => Err(error),
        Stop::Platform(error) => {
            if says_failed {
                terminal.say("FAILED")?;
            }
            complain_about(terminal, &error)
        }
    }
}

fn complain_about(terminal: &mut Terminal<'_>, error: &Error) -> io::Result<u8> {
    terminal.complain_about(error)?;
    Ok(1)
}
