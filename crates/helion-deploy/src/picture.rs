//! Lines at the end of a terminal that are drawn anew again and again.

use std::fmt::Write as _;
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

use crate::width::cut;

/// The size of a terminal that does not tell it.
const USUAL: (u16, u16) = (80, 24);

/// Lines that stay below everything else.
///
/// Lines that are printed above them are the terminal's to wrap. Each of the picture's own is cut to
/// the terminal's width, and all of them to its height, as these are when they are drawn: so a line
/// on the screen is a line here, and what was drawn is taken away, and nothing else.
#[derive(Debug)]
pub(crate) struct Picture {
    lines: Vec<String>,
    /// How many rows of the terminal show it.
    drawn: usize,
    /// Whether the terminal shows another one.
    is_due: bool,
}

impl Picture {
    /// One in which nothing is seen.
    pub(crate) const fn new() -> Self {
        Self {
            lines: Vec::new(),
            drawn: 0,
            is_due: false,
        }
    }

    /// What is seen from the next drawing on.
    pub(crate) fn set(&mut self, lines: &[String]) {
        lines.clone_into(&mut self.lines);
        self.is_due = true;
    }

    /// Whether it was set and not drawn since.
    pub(crate) const fn is_due(&self) -> bool {
        self.is_due
    }

    /// What a terminal with so many columns and rows has to be sent, so that `text`, which is whole
    /// lines, stands above the picture: elsewhere, where nothing is drawn, it is the text.
    pub(crate) fn below(&mut self, text: String, (width, height): (usize, usize)) -> String {
        self.is_due = false;
        if self.drawn == 0 && self.lines.is_empty() {
            return text;
        }
        let mut sent = String::new();
        if self.drawn > 0 {
            // To the picture's first line, and everything from there on is gone.
            // Writing to a string cannot fail.
            let _ = write!(sent, "\u{1b}[{}A\r\u{1b}[J", self.drawn.min(height));
        }
        // Nothing is drawn over it again, so it may be wrapped.
        sent.push_str(&text);
        // The last row is the cursor's; of what does not fit, the end matters most.
        let fitting = height.saturating_sub(1);
        let shown = &self.lines[self.lines.len().saturating_sub(fitting)..];
        for line in shown {
            sent.push_str(&cut(line, width));
            sent.push('\n');
        }
        self.drawn = shown.len();
        sent
    }
}

/// Columns and rows of the terminal that `stream` is; the usual ones where it is none, or tells none.
pub(crate) fn terminal_size(stream: impl AsFd) -> (usize, usize) {
    let told = tcgetwinsize(stream).ok();
    let told = told.filter(|size| size.ws_col > 0 && size.ws_row > 0);
    let (columns, rows) = told.map_or(USUAL, |size| (size.ws_col, size.ws_row));
    (usize::from(columns), usize::from(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_stands_above_what_is_drawn() {
        let mut picture = Picture::new();
        let sent = |picture: &mut Picture, text: &str| picture.below(text.to_owned(), (6, 3));
        assert_eq!(sent(&mut picture, "a\n"), "a\n");
        picture.set(&["running".to_owned()]);
        assert_eq!(sent(&mut picture, "b\n"), "b\nrunni…\n");
        let up = |rows: usize| format!("\u{1b}[{rows}A\r\u{1b}[J");
        // It is not forgotten by what is printed.
        assert_eq!(sent(&mut picture, "c\n"), format!("{}c\nrunni…\n", up(1)));
        picture.set(&["1", "2", "3"].map(str::to_owned));
        assert_eq!(sent(&mut picture, ""), format!("{}2\n3\n", up(1)));
        picture.set(&[]);
        assert_eq!(sent(&mut picture, "d\n"), format!("{}d\n", up(2)));
        assert_eq!(sent(&mut picture, "e\n"), "e\n");
    }
}
