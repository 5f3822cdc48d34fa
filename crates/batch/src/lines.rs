//! Output in lines.

/// Puts pieces of output together to lines, whose length is bounded.
///
/// # Examples
///
/// ```
/// use batch::LineAssembler;
///
/// let mut lines = Vec::new();
/// let mut assembler = LineAssembler::new(5);
/// for piece in ["on", "e\ntwo\nlong ", "line"] {
///     assembler.push(piece.as_bytes(), |line, end| lines.push((line.to_vec(), end)));
/// }
/// assembler.finish(|line, end| lines.push((line.to_vec(), end)));
/// use batch::LineEnd::{Break, Cut, Output};
/// let expected = [("one", Break), ("two", Break), ("long ", Cut), ("line", Output)];
/// assert_eq!(lines, expected.map(|(line, end)| (line.as_bytes().to_vec(), end)));
/// ```
#[derive(Clone, Debug)]
pub struct LineAssembler {
    longest: usize,
    /// The beginning of a line; shorter than or as long as the longest.
    begun: Vec<u8>,
}

/// Where a line ends.
///
/// # Examples
///
/// ```
/// use batch::{LineAssembler, LineEnd};
///
/// let mut screen = String::new();
/// let mut show = |line: &[u8], end| {
///     screen.push_str(&String::from_utf8_lossy(line));
///     if end != LineEnd::Cut {
///         screen.push('\n');
///     }
/// };
/// let mut lines = LineAssembler::new(4);
/// lines.push(b"a long line\nand", &mut show);
/// lines.finish(&mut show);
/// assert_eq!(screen, "a long line\nand\n");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// At a line break, which is not part of it.
    Break,
    /// In the middle, since it is longer than lines may be; the next line goes on with it.
    Cut,
    /// At the end of the output, without a line break.
    Output,
}

impl LineAssembler {
    /// Lines are at most `longest` bytes long, and at least four: one character of UTF-8.
    #[must_use]
    pub fn new(longest: usize) -> Self {
        Self {
            longest: longest.max(4),
            begun: Vec::new(),
        }
    }

    /// Takes a piece of output, and hands on the lines that it ends.
    pub fn push(&mut self, piece: &[u8], mut take: impl FnMut(&[u8], LineEnd)) {
        let mut rest = piece;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            self.add(&rest[..at], &mut take);
            take(&self.begun, LineEnd::Break);
            self.begun.clear();
            rest = &rest[at + 1..];
        }
        self.add(rest, &mut take);
    }

    /// Hands on what was begun, where anything was.
    pub fn finish(self, mut take: impl FnMut(&[u8], LineEnd)) {
        if !self.begun.is_empty() {
            take(&self.begun, LineEnd::Output);
        }
    }

    /// Adds a part of a line; hands on what is more than a line may hold.
    fn add(&mut self, mut part: &[u8], take: &mut impl FnMut(&[u8], LineEnd)) {
        while self.begun.len() + part.len() > self.longest {
            let (first, rest) = part.split_at(self.longest - self.begun.len());
            self.begun.extend_from_slice(first);
            let kept = self.begun.split_off(whole(&self.begun, rest));
            take(&self.begun, LineEnd::Cut);
            self.begun = kept;
            part = rest;
        }
        self.begun.extend_from_slice(part);
    }
}

/// How much of `line` to hand on so that no character is cut, where `rest` follows.
fn whole(line: &[u8], rest: &[u8]) -> usize {
    let goes_on = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
    if !rest.first().is_some_and(goes_on) {
        return line.len();
    }
    let last = line.iter().rposition(|byte| !goes_on(byte));
    match last {
        // No character is longer than four bytes.
        Some(start) if start > 0 && line.len() - start < 4 => start,
        Some(_) | None => line.len(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(longest: usize, pieces: &[&[u8]]) -> Vec<(Vec<u8>, LineEnd)> {
        let mut assembler = LineAssembler::new(longest);
        let mut lines = Vec::new();
        for piece in pieces {
            assembler.push(piece, |line, end| lines.push((line.to_vec(), end)));
        }
        assembler.finish(|line, end| lines.push((line.to_vec(), end)));
        lines
    }

    proptest! {
        #[test]
        fn nothing_is_lost_wherever_a_piece_ends(
            pieces in prop::collection::vec(prop::collection::vec(prop_oneof![
                Just(b'\n'), Just(b'a'), Just(0xc3), Just(0xb6), any::<u8>(),
            ], 0..20), 0..10),
            longest in 4_usize..12,
        ) {
            let whole = pieces.concat();
            let pieces: Vec<_> = pieces.iter().map(Vec::as_slice).collect();
            let lines = lines(longest, &pieces);
            let mut again = Vec::new();
            for (line, end) in &lines {
                prop_assert!(line.len() <= longest);
                prop_assert!(!line.contains(&b'\n'));
                again.extend_from_slice(line);
                if *end == LineEnd::Break {
                    again.push(b'\n');
                }
            }
            prop_assert_eq!(&again, &whole);
            // The same lines as from one piece.
            prop_assert_eq!(lines, self::lines(longest, &[&whole]));
        }

        #[test]
        fn no_character_is_cut(text in "[a-zöß€🦀]{0,40}", longest in 4_usize..12) {
            for (line, _) in lines(longest, &[text.as_bytes()]) {
                prop_assert!(std::str::from_utf8(&line).is_ok(), "{:?}", line);
            }
        }
    }

    #[test]
    fn empty_lines_are_lines() {
        let end = LineEnd::Break;
        assert_eq!(lines(9, &[b"\n\n"]), [(Vec::new(), end), (Vec::new(), end)]);
        assert_eq!(lines(9, &[b""]), []);
    }
}
