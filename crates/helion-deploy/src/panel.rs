//! Lines at the end of a terminal that are drawn anew again and again.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

use crate::paint::is_capable;
use crate::width::cut;

/// The size of a terminal that does not tell it.
const USUAL: (u16, u16) = (80, 24);

/// Lines on standard error that stay below everything else, and vanish with the panel.
///
/// Lines that are printed above them are the terminal's to wrap. Each of the panel's own is cut to the terminal's width, and all of them to its height, as these are when they are
/// drawn: so a line on the screen is a line here, and the panel takes away what it drew and nothing
/// else.
#[derive(Debug)]
pub(crate) struct Panel {
    drawn: usize,
}

impl Panel {
    /// A panel with nothing in it; `None` where standard error is no terminal that can be drawn on.
    pub(crate) fn new() -> Option<Self> {
        is_capable(&io::stderr()).then_some(Self { drawn: 0 })
    }

    /// Shows `lines` instead of what was shown.
    pub(crate) fn draw(&mut self, lines: &[String]) {
        self.replace(&[], lines);
    }

    /// Prints lines that stay above the panel, and empties it.
    pub(crate) fn print(&mut self, kept: &[String]) {
        self.replace(kept, &[]);
    }

    /// Empties the panel.
    pub(crate) fn clear(&mut self) {
        if self.drawn > 0 {
            self.replace(&[], &[]);
        }
    }

    fn replace(&mut self, kept: &[String], lines: &[String]) {
        let (width, height) = terminal_size(io::stderr());
        let mut text = String::new();
        if self.drawn > 0 {
            // To the panel's first line, and everything from there on is gone.
            // Writing to a string cannot fail.
            let _ = write!(text, "\u{1b}[{}A\r\u{1b}[J", self.drawn.min(height));
        }
        for line in kept {
            // Nothing is drawn over it again, so it may be wrapped.
            text.push_str(line);
            text.push('\n');
        }
        // The last row is the cursor's; of what does not fit, the end matters most.
        let shown = &lines[lines.len().saturating_sub(height.saturating_sub(1))..];
        for line in shown {
            text.push_str(&cut(line, width));
            text.push('\n');
        }
        self.drawn = shown.len();
        // One write is one picture. That nobody sees it is no failure.
        let mut stderr = io::stderr().lock();
        drop(stderr.write_all(text.as_bytes()));
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Columns and rows of the terminal that `stream` is; the usual ones where it is none, or tells none.
pub(crate) fn terminal_size(stream: impl AsFd) -> (usize, usize) {
    let told = tcgetwinsize(stream).ok();
    let told = told.filter(|size| size.ws_col > 0 && size.ws_row > 0);
    let (columns, rows) = told.map_or(USUAL, |size| (size.ws_col, size.ws_row));
    (usize::from(columns), usize::from(rows))
}
