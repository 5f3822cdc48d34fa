//! What a deployment is doing right now.

use std::io;
use std::time::Instant;

use crate::paint::Paint;
use crate::picture::terminal_size;
use crate::quantity;
use crate::step_line::{Mark, StepLine, output_line};
use crate::tail::Tail;

/// The widest bar, in columns.
const BAR: usize = 30;

/// Work that is under way.
#[derive(Debug)]
pub(crate) enum Activity {
    /// None that takes time.
    None,
    /// The archive is read, and unpacked while it comes.
    Fetching(Fetching),
    /// A command runs.
    Running(Running),
}

/// How far an archive has been read.
#[derive(Debug)]
pub(crate) struct Fetching {
    began: Instant,
    bytes: u64,
    size: u64,
}

/// A command and what it has printed last.
#[derive(Debug)]
pub(crate) struct Running {
    began: Instant,
    status: String,
    command: String,
    pub(crate) tail: Tail,
}

impl Activity {
    /// The lines that show it.
    pub(crate) fn lines(&self, paint: Paint) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::Fetching(fetching) => vec![fetching.line(paint, terminal_size(io::stderr()).0)],
            Self::Running(running) => running.lines(paint),
        }
    }
}

impl Fetching {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            bytes: 0,
            size: 0,
        }
    }

    /// So many bytes of the archive have been read.
    pub(crate) fn fetched(&mut self, bytes: u64, size: u64) {
        (self.bytes, self.size) = (bytes, size);
    }

    /// How much was read, and how fast; `None` before anything is known.
    pub(crate) fn summary(&self) -> Option<String> {
        let bytes = quantity::bytes(self.bytes);
        (self.size > 0).then(|| format!("{bytes}, {}", self.rate()))
    }

    fn rate(&self) -> String {
        let milliseconds = self.began.elapsed().as_millis().max(1);
        let rate = u128::from(self.bytes) * 1_000 / milliseconds;
        format!(
            "{}/s",
            quantity::bytes(u64::try_from(rate).unwrap_or(u64::MAX))
        )
    }

    fn line(&self, paint: Paint, columns: usize) -> String {
        let bar = bar(self.bytes, self.size, BAR.min(columns / 4));
        let text = format!(
            "fetch and unpack {bar} {} of {}  {}",
            quantity::bytes(self.bytes),
            quantity::bytes(self.size),
            self.rate()
        );
        let line = StepLine {
            mark: Mark::Running,
            took: self.began.elapsed(),
            status: "UNPACK",
            text: if self.size > 0 {
                &text
            } else {
                "fetch and unpack"
            },
            note: None,
        };
        line.painted(paint)
    }
}

impl Running {
    pub(crate) fn new(status: &str, command: &str) -> Self {
        Self {
            began: Instant::now(),
            status: status.to_owned(),
            command: command.to_owned(),
            tail: Tail::default(),
        }
    }

    fn lines(&self, paint: Paint) -> Vec<String> {
        let line = StepLine {
            mark: Mark::Running,
            took: self.began.elapsed(),
            status: &self.status,
            text: &self.command,
            note: None,
        };
        let tail = self.tail.lines();
        let tail = tail.iter().map(|text| output_line(paint, text));
        std::iter::once(line.painted(paint)).chain(tail).collect()
    }
}

/// A bar of `width` columns and its ends.
fn bar(done: u64, all: u64, width: usize) -> String {
    let share = u128::from(done.min(all)) * width as u128 / u128::from(all.max(1));
    let full = usize::try_from(share).unwrap_or(width).min(width);
    format!("[{}{}]", "=".repeat(full), " ".repeat(width - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_the_work_is_done() {
        assert_eq!(bar(0, 100, 4), "[    ]");
        assert_eq!(bar(50, 100, 4), "[==  ]");
        assert_eq!(bar(100, 100, 4), "[====]");
        assert_eq!(bar(200, 100, 4), "[====]");
        assert_eq!(bar(0, 0, 4), "[    ]");
        assert_eq!(bar(u64::MAX, u64::MAX, 4), "[====]");
    }

    #[test]
    fn the_bar_fits_into_a_narrow_terminal() {
        let mut fetching = Fetching::new();
        fetching.fetched(512 * 1_024, 1_024 * 1_024);
        let line = fetching.line(Paint::Plain, 40);
        assert!(
            line.contains("fetch and unpack [=====     ] 512.0 KiB of 1.0 MiB"),
            "{line}"
        );
    }
}
