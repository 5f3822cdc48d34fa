//! Contents that are the same in every run.

/// A xorshift sequence.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) const fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// The next number.
    pub(crate) const fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() >> 11).map_or(0, |number| number % end)
    }

    /// Bytes that do not compress.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let next = || (self.number() & 0xff) as u8;
        std::iter::repeat_with(next).take(count).collect()
    }

    /// Text that compresses to about a third, as sources do: words that come again, some of them
    /// often.
    pub(crate) fn text(&mut self, count: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(count + 16);
        while text.len() < count {
            // The product of two is small more often than it is large.
            let word = self.below(64) * self.below(64);
            let shape = (word as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            for letter in shape.to_be_bytes().iter().take(2 + word % 7) {
                text.push(b'a' + letter % 26);
            }
            text.push(if self.below(9) == 0 { b'\n' } else { b' ' });
        }
        text.truncate(count);
        text
    }
}
