//! Masking secrets in texts and streams.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::secret::{MASK, Secret};

mod encodings;

/// Masks secrets in output.
///
/// Every occurrence of a secret becomes `***`: as it is, in base64 (both alphabets, wherever it
/// stands within the encoded data), URL-encoded, escaped as in JSON, in Rust and in a shell, and
/// each of its lines on its own; occurrences that overlap or touch become one `***`.
/// Of a secret shorter than 4 bytes only plain occurrences are masked, since its encodings would
/// occur by chance; an empty one masks nothing.
///
/// It does not see through compression, encryption, hashing, hexadecimal dumps, or base64 that was
/// broken into lines inside the secret.
/// The patterns stay in memory as long as the redactor.
///
/// # Examples
///
/// ```
/// use batch::{Redactor, Secret};
///
/// let redactor = Redactor::new([&Secret::new("hunter2")]);
/// assert_eq!(redactor.redact_text("login hunter2"), "login ***");
/// assert_eq!(redactor.redact_text("Basic dXNlcjpodW50ZXIy"), "Basic dXNlcjp***");
/// ```
#[derive(Clone, Default)]
pub struct Redactor {
    search: Option<Search>,
}

#[derive(Clone)]
struct Search {
    automaton: AhoCorasick,
    patterns: Vec<Vec<u8>>,
    longest: usize,
}

impl Redactor {
    /// A redactor that masks `secrets`.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        // A batch holds the same secret in many commands.
        let secrets: BTreeSet<_> = secrets.into_iter().map(Secret::expose).collect();
        let mut patterns: Vec<Vec<u8>> = secrets.into_iter().flat_map(encodings::of).collect();
        patterns.sort_unstable();
        patterns.dedup();
        let Some(longest) = patterns.iter().map(Vec::len).max() else {
            return Self::default();
        };
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&patterns);
        match automaton {
            Ok(automaton) => Self {
                search: Some(Search {
                    automaton,
                    patterns,
                    longest,
                }),
            },
            Err(error) => unbuildable(&error),
        }
    }

    /// Whether there is nothing to mask.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.search.is_none()
    }

    /// `text` with secrets masked.
    #[must_use]
    pub fn redact_text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(search) = &self.search else {
            return Cow::Borrowed(text);
        };
        if !search.automaton.is_match(text) {
            return Cow::Borrowed(text);
        }
        let mut masked = Vec::with_capacity(text.len());
        let mut stream = self.stream();
        stream.push(text.as_bytes(), |piece| masked.extend_from_slice(piece));
        stream.finish(|piece| masked.extend_from_slice(piece));
        Cow::Owned(String::from_utf8_lossy(&masked).into_owned())
    }

    /// Begins to mask a stream, whose pieces may cut a secret anywhere.
    #[must_use]
    pub fn stream(&self) -> RedactedStream<'_> {
        RedactedStream {
            search: self.search.as_ref(),
            held: Vec::new(),
            masked: 0,
            in_mask: false,
        }
    }
}

/// A value of which everything is shown but the secrets of a redactor, in `Debug`.
pub(crate) struct Masked<'a, T> {
    pub(crate) value: &'a T,
    pub(crate) redactor: &'a Redactor,
}

/// More than 2^31 states, which is gigabytes of secrets.
#[expect(
    clippy::panic,
    reason = "to go on would print secrets, and no caller can do better"
)]
fn unbuildable(error: &aho_corasick::BuildError) -> Redactor {
    panic!("the secrets cannot be searched for: {error}")
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

/// A stream that is being masked, see [`Redactor::stream`].
///
/// Bytes that may be the beginning of a secret are held back until it is clear whether they are;
/// all others are passed on at once.
///
/// # Examples
///
/// ```
/// use batch::{Redactor, Secret};
///
/// let redactor = Redactor::new([&Secret::new("hunter2")]);
/// let mut stream = redactor.stream();
/// let mut log = Vec::new();
/// for piece in ["login hun", "ter2\nready, hunt"] {
///     stream.push(piece.as_bytes(), |masked| log.extend_from_slice(masked));
/// }
/// assert_eq!(log, b"login ***\nready, "); // `hunt` may become a secret
/// stream.finish(|masked| log.extend_from_slice(masked));
/// assert_eq!(log, b"login ***\nready, hunt");
/// ```
pub struct RedactedStream<'r> {
    search: Option<&'r Search>,
    /// What was pushed and not passed on yet.
    held: Vec<u8>,
    /// How many bytes of `held` belong to a secret that was found before.
    masked: usize,
    /// Whether the last thing passed on was a mask that the next bytes may belong to.
    in_mask: bool,
}

impl RedactedStream<'_> {
    /// Takes the stream's next bytes and calls `emit` with what can be passed on.
    pub fn push(&mut self, bytes: &[u8], mut emit: impl FnMut(&[u8])) {
        let Some(search) = self.search else {
            if !bytes.is_empty() {
                emit(bytes);
            }
            return;
        };
        if self.held.is_empty() {
            let keep = self.pass_on(bytes, search.first_possible(bytes), &mut emit);
            self.held.extend_from_slice(&bytes[keep..]);
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(bytes);
            let keep = self.pass_on(&held, search.first_possible(&held), &mut emit);
            held.drain(..keep);
            self.held = held;
        }
    }

    /// Ends the stream and calls `emit` with what was held back.
    pub fn finish(mut self, mut emit: impl FnMut(&[u8])) {
        let held = std::mem::take(&mut self.held);
        self.pass_on(&held, held.len(), &mut emit);
    }

    /// Passes on `bytes` up to `end`, before which no unfinished secret begins.
    fn pass_on(&mut self, bytes: &[u8], end: usize, emit: &mut impl FnMut(&[u8])) -> usize {
        if end == 0 {
            return 0;
        }
        let spans = self
            .search
            .map(|search| search.spans(bytes))
            .unwrap_or_default();
        let carried = std::mem::take(&mut self.masked);
        let mut position = 0;
        for (start, stop) in std::iter::once((0, carried)).chain(spans) {
            if start >= end || stop <= position {
                continue;
            }
            if start > position {
                emit(&bytes[position..start]);
                self.in_mask = false;
            }
            if !std::mem::replace(&mut self.in_mask, true) {
                emit(MASK.as_bytes());
            }
            position = stop;
        }
        if position > end {
            self.masked = position - end;
        } else if position < end {
            emit(&bytes[position..end]);
            self.in_mask = false;
        }
        end
    }
}

impl Search {
    /// Where the secrets stand in `bytes`, by their start.
    fn spans(&self, bytes: &[u8]) -> Vec<(usize, usize)> {
        // The quick search first: most output holds no secret at all.
        if !self.automaton.is_match(bytes) {
            return Vec::new();
        }
        let found = self.automaton.find_overlapping_iter(bytes);
        let mut spans: Vec<_> = found.map(|found| (found.start(), found.end())).collect();
        spans.sort_unstable();
        spans
    }

    /// The first place from which to the end everything is the beginning of a longer secret.
    fn first_possible(&self, bytes: &[u8]) -> usize {
        let from = bytes.len().saturating_sub(self.longest - 1);
        let is_possible = |start: &usize| {
            let rest = &bytes[*start..];
            self.patterns
                .iter()
                .any(|pattern| pattern.len() > rest.len() && pattern.starts_with(rest))
        };
        (from..bytes.len()).find(is_possible).unwrap_or(bytes.len())
    }
}

impl fmt::Debug for RedactedStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactedStream").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
