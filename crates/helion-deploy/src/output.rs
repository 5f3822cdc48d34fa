//! Standard output: text for a person, or one JSON document.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::cli::Format;
use crate::failure::{FAILED, Failure};

/// Where results are printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    format: Format,
}

impl Output {
    pub(crate) const fn new(format: Format) -> Self {
        Self { format }
    }

    /// Prints `document` as JSON, or what `text` makes of it.
    pub(crate) fn print<T: Serialize>(
        self,
        document: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        let text = match self.format {
            Format::Json => json(document)?,
            Format::Text => text(document),
        };
        write(&text)
    }

    /// Prints what is text in any format, such as a script for a shell.
    pub(crate) fn print_script(script: &str) -> Result<(), Failure> {
        write(script)
    }

    /// Reports a failure: a line on standard error, and in JSON also the document.
    pub(crate) fn fail(self, failure: &Failure) {
        crate::message::say(&format!("error: {}", failure.message()));
        self.print_failure(failure);
    }

    /// Prints a failure's document, where JSON is wanted and none was printed yet.
    pub(crate) fn print_failure(self, failure: &Failure) {
        if self.format == Format::Json
            && let Some(document) = failure.to_json()
            && let Ok(text) = json(&document)
        {
            // There is nowhere left to report that standard output is closed.
            drop(write(&text));
        }
    }
}

fn json<T: Serialize>(document: &T) -> Result<String, Failure> {
    serde_json::to_string_pretty(document)
        .map_err(|error| Failure::new(FAILED, format!("failed to write JSON: {error}")))
}

fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let text = if stdout.is_terminal() {
        printable(text)
    } else {
        text.to_owned()
    };
    let written = writeln!(stdout, "{}", text.trim_end_matches('\n')).and_then(|()| stdout.flush());
    match written {
        // A reader that has seen enough, such as `head`, is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| {
            Failure::new(
                FAILED,
                format!("failed to write to standard output: {error}"),
            )
        }),
    }
}

/// What a command printed must not steer the terminal of the one who reads it.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}
