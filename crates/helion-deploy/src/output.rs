//! Standard output: text for a person, or one JSON document.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::cli::Format;
use crate::failure::{FAILED, Failure};
use crate::invocation::Invocation;
use crate::message::say_failure;
use crate::paint::Paint;
use crate::picture::terminal_size;
use crate::stop::{end_at_once, flush_stderr};

/// Where results are printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output<'a> {
    format: Format,
    invocation: &'a Invocation,
}

impl<'a> Output<'a> {
    pub(crate) const fn new(format: Format, invocation: &'a Invocation) -> Self {
        Self { format, invocation }
    }

    /// The hint with its commands as they have to be typed after this run.
    pub(crate) fn hint(self, hint: &str) -> String {
        self.invocation.complete(hint)
    }

    /// The colours of what is printed as text.
    pub(crate) fn paint(self) -> Paint {
        match self.format {
            Format::Text => Paint::on(&io::stdout()),
            Format::Json => Paint::Plain,
        }
    }

    /// How many columns there are for what is printed as text; the usual ones where it goes to no
    /// terminal.
    pub(crate) fn columns() -> usize {
        terminal_size(io::stdout()).0
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
    pub(crate) fn fail(self, failure: Failure) {
        let failure = match failure.hint() {
            Some(hint) => {
                let hint = self.hint(hint);
                failure.with_hint(hint)
            }
            None => failure,
        };
        say_failure(&failure);
        self.print_failure(&failure);
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
    let _listening = end_at_once();
    // Both may go to one place, which has to show what was printed before.
    flush_stderr();

    let mut stdout = io::stdout().lock();
    let text = if stdout.is_terminal() {
        printable_in_colours(text)
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

/// Text in which only our own colours are left of what steers a terminal; what others printed was
/// made [`printable`] before it was coloured.
fn printable_in_colours(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = printable(parts.next().unwrap_or_default());
    parts.fold(first, |mut shown, part| {
        let is_colour = part.strip_prefix('[').and_then(|rest| {
            rest.trim_start_matches(|c: char| c.is_ascii_digit())
                .chars()
                .next()
        }) == Some('m');
        if is_colour {
            shown.push('\u{1b}');
        }
        shown.push_str(&printable(part));
        shown
    })
}

/// What a command printed must not steer the terminal of the one who reads it.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| !steers(*c) || matches!(c, '\n' | '\t'))
        .collect()
}

/// Whether a character changes how others are shown: a control character, or one that turns the
/// direction of writing, behind which a text looks like another.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text on one line, without tabs: for a cell of a table.
pub(crate) fn on_one_line(text: &str) -> String {
    let spaced = |c: char| if c.is_whitespace() { ' ' } else { c };
    printable(&text.chars().map(spaced).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_and_whatever_else_steers_a_terminal_goes() {
        for (text, shown) in [
            ("\u{1b}[32mok\u{1b}[0m", "\u{1b}[32mok\u{1b}[0m"),
            ("\u{1b}[2Jgone", "[2Jgone"),
            ("\u{1b}]0;title\u{7}", "]0;title"),
            ("a\u{1b}", "a"),
            ("a\tb\nc\r", "a\tb\nc"),
            ("\u{9b}31m", "31m"),
            ("a\u{202a}\u{202e}b\u{2066}\u{2069}", "ab"),
            ("\u{2029}\u{2065}\u{206a}", "\u{2029}\u{2065}\u{206a}"),
        ] {
            assert_eq!(printable_in_colours(text), shown);
        }
        assert_eq!(on_one_line("a\tb\nc\u{1b}[0m"), "a b c[0m");
    }
}
