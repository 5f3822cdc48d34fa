//! The last lines of what a command prints.

use std::collections::VecDeque;

use crate::output::printable;

/// How many lines are kept.
const LINES: usize = 5;

/// The longest line that is kept, in bytes: more than any terminal shows.
const LINE_BYTES: usize = 1_024;

/// Keeps the last lines of an output that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    lines: VecDeque<String>,
    /// The line that has not ended yet.
    open: Vec<u8>,
}

impl Tail {
    /// Adds what was printed.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                // A carriage return begins the line anew, as clients do that show progress.
                b'\n' | b'\r' => self.end_line(),
                _ if self.open.len() < LINE_BYTES => self.open.push(*byte),
                _ => {}
            }
        }
    }

    /// The last lines, the one that has not ended included.
    pub(crate) fn lines(&self) -> Vec<String> {
        let open = shown(&self.open);
        let all = self.lines.iter().cloned().chain(open);
        let skipped = (self.lines.len() + 1).saturating_sub(LINES);
        let has_open = !self.open.is_empty();
        all.skip(if has_open { skipped } else { 0 }).collect()
    }

    fn end_line(&mut self) {
        if let Some(line) = shown(&self.open) {
            if self.lines.len() == LINES {
                self.lines.pop_front();
            }
            self.lines.push_back(line);
        }
        self.open.clear();
    }
}

/// The line as it can be shown; `None` for one in which nothing is seen.
fn shown(line: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(line).replace('\t', "    ");
    let text = printable(&without_escapes(&text)).trim_end().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Takes a client's own colours away as a whole, so that no `[32m` is left of them.
fn without_escapes(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            kept.push(character);
        } else if characters.next_if_eq(&'[').is_some() {
            // A control sequence ends with the first character from `@` to `~`.
            while characters
                .next()
                .is_some_and(|next| !('@'..='~').contains(&next))
            {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&str]) -> Vec<String> {
        let mut tail = Tail::default();
        for piece in pieces {
            tail.add(piece.as_bytes());
        }
        tail.lines()
    }

    #[test]
    fn the_last_lines_are_kept_however_they_come() {
        assert_eq!(lines(&[]), [""; 0]);
        assert_eq!(lines(&["a\nb\n", "c", "d\n"]), ["a", "b", "cd"]);
        assert_eq!(lines(&["1\n2\n3\n4\n5\n6\n7\n"]), ["3", "4", "5", "6", "7"]);
        assert_eq!(lines(&["1\n2\n3\n4\n5\n6"]), ["2", "3", "4", "5", "6"]);
        assert_eq!(lines(&["a\n\n  \nb\n"]), ["a", "b"]);
        assert_eq!(lines(&["10%\r20%\r30%"]), ["10%", "20%", "30%"]);
    }

    #[test]
    fn what_would_steer_the_terminal_is_taken_away() {
        assert_eq!(lines(&["\u{1b}[32mgreen\u{1b}[0m\u{7}\n"]), ["green"]);
        assert_eq!(lines(&["\u{1b}]0;title\u{7}text"]), ["]0;titletext"]);
        assert_eq!(lines(&["a\tb"]), ["a    b"]);
    }

    #[test]
    fn a_line_without_an_end_is_not_kept_whole() {
        let long = "x".repeat(1_000_000);
        assert_eq!(lines(&[&long])[0].len(), LINE_BYTES);
    }
}
