//! Where the password comes from: never from the command line.

use std::io::{self, IsTerminal as _, Read as _};

use batch::Secret;
use zeroize::Zeroizing;

use crate::failure::{Failure, INVALID};

/// The environment variable that holds the password.
pub(crate) const VARIABLE: &str = "HELION_PASSWORD";

/// The longest password taken from standard input, in bytes.
const MAX_BYTES: u64 = 4_096;

/// Reads the password from standard input if asked to, else from the environment, else from a
/// prompt that shows nothing.
pub(crate) fn read(source: Source, username: &str) -> Result<Secret, Failure> {
    match source {
        Source::StandardInput => from_standard_input(),
        Source::EnvironmentOrPrompt => match std::env::var(VARIABLE) {
            Ok(password) if !password.is_empty() => Ok(Secret::new(password)),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Failure::new(INVALID, format!("{VARIABLE} is not UTF-8")))
            }
            // A variable that is empty is not set.
            Ok(_) | Err(std::env::VarError::NotPresent) => from_prompt(username),
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
    let mut bytes = Zeroizing::new(Vec::with_capacity(4_097));
    io::stdin()
        .lock()
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(INVALID, format!("failed to read the password: {error}")))?;
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

fn from_prompt(username: &str) -> Result<Secret, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(
            INVALID,
            format!("no password: set {VARIABLE}, or give --password-stdin"),
        ));
    }
    rpassword::prompt_password(format!("Password of {username}: "))
        .map(Secret::new)
        .map_err(|error| Failure::new(INVALID, format!("failed to read the password: {error}")))
}
