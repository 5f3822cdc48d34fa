//! What a step printed, bounded.

use bytes::Bytes;

/// How much of an output is kept.
///
/// # Examples
///
/// Only the end of what a command prints:
///
/// ```
/// use batch::{CaptureLimits, RunOptions};
///
/// let options = RunOptions::new("/srv/app").with_capture(CaptureLimits::new(0, 4096));
/// assert_eq!(options.capture.tail, 4096);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaptureLimits {
    /// Bytes kept from the start.
    pub head: usize,
    /// Bytes kept from the end.
    pub tail: usize,
}

impl CaptureLimits {
    /// Keeps `head` bytes from the start and `tail` bytes from the end.
    #[must_use]
    pub const fn new(head: usize, tail: usize) -> Self {
        Self { head, tail }
    }
}

impl Default for CaptureLimits {
    /// 64 KiB from the start, where the cause often stands, and 192 KiB from the end.
    fn default() -> Self {
        Self::new(64 * 1024, 192 * 1024)
    }
}

/// The start and the end of what a step printed, standard output and standard error merged.
///
/// Bytes are kept as they came, with secrets masked; all counts are of masked output.
///
/// # Examples
///
/// ```
/// use batch::CapturedOutput;
///
/// let whole = CapturedOutput::from_text("3 files\n");
/// assert_eq!((whole.total, whole.dropped()), (8, 0));
///
/// let cut = CapturedOutput {
///     head: "unpacking\n".into(),
///     tail: "done\n".into(),
///     total: 1_000,
/// };
/// assert_eq!(cut.to_text(), "unpacking\n[... 985 bytes dropped ...]\ndone\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapturedOutput {
    /// The first bytes.
    pub head: Bytes,
    /// The last bytes, as far as they are not in `head`.
    pub tail: Bytes,
    /// The bytes printed in all.
    pub total: u64,
}

impl CapturedOutput {
    /// An output that is kept whole.
    pub fn from_text(text: impl Into<String>) -> Self {
        let head = Bytes::from(text.into().into_bytes());
        Self {
            total: head.len() as u64,
            head,
            tail: Bytes::new(),
        }
    }

    /// How many bytes were printed between `head` and `tail` and are not kept.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.total
            .saturating_sub(self.head.len() as u64 + self.tail.len() as u64)
    }

    /// The output as text; bytes that are no UTF-8 become `U+FFFD`, and a line of its own tells
    /// how many bytes were dropped where any were.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self.dropped() {
            0 => String::from_utf8_lossy(&[&self.head[..], &self.tail[..]].concat()).into_owned(),
            dropped => {
                let head = String::from_utf8_lossy(&self.head);
                let line_end = if head.is_empty() || head.ends_with('\n') {
                    ""
                } else {
                    "\n"
                };
                let tail = String::from_utf8_lossy(&self.tail);
                format!("{head}{line_end}[... {dropped} bytes dropped ...]\n{tail}")
            }
        }
    }
}

/// Takes an output as it comes and keeps its two ends.
#[derive(Debug)]
pub(crate) struct Capture {
    limits: CaptureLimits,
    head: Vec<u8>,
    /// The end, and before it up to as much again, so that bytes move seldom.
    tail: Vec<u8>,
    total: u64,
}

impl Capture {
    pub(crate) const fn new(limits: CaptureLimits) -> Self {
        Self {
            limits,
            head: Vec::new(),
            tail: Vec::new(),
            total: 0,
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = self.limits.head - self.head.len();
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        let limit = self.limits.tail;
        if rest.len() >= limit {
            self.tail.clear();
            self.tail.extend_from_slice(&rest[rest.len() - limit..]);
            return;
        }
        if self.tail.len() + rest.len() > limit.saturating_mul(2) {
            self.tail.drain(..self.tail.len() - (limit - rest.len()));
        }
        self.tail.extend_from_slice(rest);
    }

    pub(crate) fn finish(mut self) -> CapturedOutput {
        let surplus = self.tail.len().saturating_sub(self.limits.tail);
        self.tail.drain(..surplus);
        self.head.shrink_to_fit();
        self.tail.shrink_to_fit();
        CapturedOutput {
            head: self.head.into(),
            tail: self.tail.into(),
            total: self.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_ends_are_kept_and_the_rest_is_counted(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..30),
            head in 0_usize..60,
            tail in 0_usize..60,
        ) {
            let mut capture = Capture::new(CaptureLimits::new(head, tail));
            for chunk in &chunks {
                capture.push(chunk);
            }
            let output = capture.finish();
            let all = chunks.concat();
            let (first, rest) = all.split_at(head.min(all.len()));
            prop_assert_eq!(&output.head[..], first);
            prop_assert_eq!(&output.tail[..], &rest[rest.len().saturating_sub(tail)..]);
            prop_assert_eq!(output.total, all.len() as u64);
            prop_assert_eq!(output.dropped(), (rest.len().saturating_sub(tail)) as u64);
        }
    }

    #[test]
    fn a_long_output_uses_bounded_memory() {
        let mut capture = Capture::new(CaptureLimits::new(10, 1_000));
        for _ in 0..10_000 {
            capture.push(&[b'x'; 999]);
        }
        assert!(
            capture.tail.capacity() <= 4_000,
            "{}",
            capture.tail.capacity()
        );
    }

    #[test]
    fn the_text_says_what_was_dropped() {
        let output = |head: &'static str, tail: &'static str, total| {
            CapturedOutput {
                head: head.into(),
                tail: tail.into(),
                total,
            }
            .to_text()
        };
        assert_eq!(output("ab", "cd", 4), "abcd");
        assert_eq!(output("ab", "cd", 9), "ab\n[... 5 bytes dropped ...]\ncd");
        assert_eq!(
            output("ab\n", "cd", 10),
            "ab\n[... 5 bytes dropped ...]\ncd"
        );
        let split = CapturedOutput {
            head: Bytes::from_static(&[0xc3]),
            tail: Bytes::from_static(&[0xb6, 0xff]),
            total: 3,
        };
        assert_eq!(split.to_text(), "ö\u{fffd}");
    }
}
