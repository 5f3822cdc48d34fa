//! Where the password comes from: never from the command line.

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::thread;
use std::time::Duration;

use batch::Secret;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::failure::{Failure, INVALID};
use crate::message::say;
use crate::stderr;
use crate::stop::{Stop, StopSignal};

/// The environment variable that holds the password.
pub(crate) const VARIABLE: &str = "HELION_PASSWORD";

/// The longest password taken from standard input, in bytes.
const MAX_BYTES: u64 = 4_096;

/// Reads the password from standard input if asked to, else from the environment, else from a
/// prompt that shows nothing.
pub(crate) async fn read(
    source: Source,
    username: &str,
    stop: &mut Stop,
) -> Result<Secret, Failure> {
    match source {
        Source::StandardInput => {
            let read = in_thread(from_standard_input)?;
            stop.unless(async { read.await.map_err(unread)? }).await
        }
        Source::EnvironmentOrPrompt => match std::env::var(VARIABLE) {
            Ok(password) if !password.is_empty() => Ok(Secret::new(password)),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Failure::new(INVALID, format!("{VARIABLE} is not UTF-8")))
            }
            // A variable that is empty is not set.
            Ok(_) | Err(std::env::VarError::NotPresent) => from_prompt(username, stop).await,
        },
    }
}

/// Where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// `--password-stdin` was given.
    StandardInput,
    /// It was not.
    EnvironmentOrPrompt,
}

fn from_standard_input() -> Result<Secret, Failure> {
    if io::stdin().is_terminal() {
        let message = "standard input is a terminal, which would show the password";
        return Err(Failure::new(INVALID, message)
            .with_hint("without --password-stdin it is asked for, and not shown"));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(4_097));
    io::stdin()
        .lock()
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unread)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::new(
            INVALID,
            "the password is longer than 4,096 bytes",
        ));
    }
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    std::str::from_utf8(line)
        .map(Secret::new)
        .map_err(|_| Failure::new(INVALID, "the password is not UTF-8"))
}

/// Asks for it on the terminal; a signal ends that, and the terminal shows again what is typed.
async fn from_prompt(username: &str, stop: &mut Stop) -> Result<Secret, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(
            INVALID,
            format!("no password: set {VARIABLE}, or give --password-stdin"),
        ));
    }
    let before = Terminal::remember();
    let prompt = format!("Password of {username}: ");
    let asked = in_thread(move || ask(&prompt).map(Secret::new))?;
    let ended = async { Ok(asked.await) };
    let answered = match stop.unless(ended).await {
        Ok(answered) => answered.map_err(unread)?,
        Err(stopped) => {
            before.restore();
            return Err(stopped);
        }
    };
    answered.map_err(|error| match error.kind() {
        // The prompt takes Ctrl-C for itself, and may be faster than the signal that it makes of it.
        io::ErrorKind::Interrupted => {
            before.restore();
            StopSignal::Interrupt.failure()
        }
        _ => unread(error),
    })
}

/// Does what blocks until somebody has typed, or closes a pipe, in a thread of its own: nothing waits
/// for one that reads when the program ends.
fn in_thread<T: Send + 'static>(
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<oneshot::Receiver<T>, Failure> {
    let (answer, answered) = oneshot::channel();
    let reading = thread::Builder::new().spawn(move || {
        // Nobody takes the answer after a signal.
        drop(answer.send(read()));
    });
    reading.map(|_| answered).map_err(unread)
}

fn unread(error: impl fmt::Display) -> Failure {
    Failure::new(INVALID, format!("failed to read the password: {error}"))
}

/// Asks on the terminal, with the echo turned off once: told of it as an output too, rpassword would
/// turn it off a second time, which may be after a signal has had it turned on again.
fn ask(prompt: &str) -> io::Result<String> {
    // The prompt stands below what was said before, on the same terminal.
    stderr::flush(Duration::MAX);
    let terminal = File::options().write(true).open("/dev/tty")?;
    let config = rpassword::ConfigBuilder::new()
        .output_writer(terminal)
        .build();
    rpassword::prompt_password_with_config(prompt, config)
}

/// How a terminal behaved at some time.
struct Terminal(Option<Termios>);

impl Terminal {
    fn remember() -> Self {
        Self(tcgetattr(io::stdin()).ok())
    }

    /// Has it behave as it did, and begins a new line behind the prompt.
    fn restore(&self) {
        if let Some(before) = &self.0 {
            // There is nothing to be done about a terminal that has gone.
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, before);
        }
        say("");
    }
}
