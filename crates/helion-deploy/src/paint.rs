//! Colours, where a stream takes them.

use std::io::IsTerminal;

use deployment::Phase;

use crate::width::RESET;

/// Whether texts for a stream are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// They are.
    Colours,
    /// They are not.
    Plain,
}

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const CYAN: &str = "\u{1b}[36m";
const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";

/// Whether the stream is a terminal that can do more than print one line after the other.
pub(crate) fn is_capable(stream: &impl IsTerminal) -> bool {
    stream.is_terminal()
        && std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

impl Paint {
    /// Colours on a terminal, unless the user wants none (<https://no-color.org>).
    pub(crate) fn on(stream: &impl IsTerminal) -> Self {
        let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if is_capable(stream) && !is_refused {
            Self::Colours
        } else {
            Self::Plain
        }
    }

    /// A status word: green for success, red for a failure, yellow for what was stopped, and cyan
    /// for what is under way.
    pub(crate) fn status(self, word: &str) -> String {
        let colour = match Phase::parse(word) {
            Some(Phase::Success) => GREEN,
            Some(Phase::Failed | Phase::TimedOut) => RED,
            Some(Phase::Cancelled | Phase::Interrupted) => YELLOW,
            Some(_) => CYAN,
            None => return word.to_owned(),
        };
        self.with(colour, word)
    }

    /// What went well.
    pub(crate) fn good(self, text: &str) -> String {
        self.with(GREEN, text)
    }

    /// What went wrong.
    pub(crate) fn bad(self, text: &str) -> String {
        self.with(RED, text)
    }

    /// What somebody stopped, or left out.
    pub(crate) fn stopped(self, text: &str) -> String {
        self.with(YELLOW, text)
    }

    /// A heading.
    pub(crate) fn strong(self, text: &str) -> String {
        self.with(BOLD, text)
    }

    /// What matters less.
    pub(crate) fn dim(self, text: &str) -> String {
        self.with(DIM, text)
    }

    fn with(self, colour: &str, text: &str) -> String {
        match self {
            Self::Colours => format!("{colour}{text}{RESET}"),
            Self::Plain => text.to_owned(),
        }
    }
}
