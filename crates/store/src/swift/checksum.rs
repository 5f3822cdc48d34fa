//! The checksum of a file that this store keeps in its metadata, beside the manifest where it has one.
//!
//! Swift knows the MD5 of each segment, which takes as much of a processor as all the rest of a read.
//! Against damage XXH3 is as good, at a small part of that.

use twox_hash::XxHash3_128;

/// Its key in the metadata of the file.
pub(super) const KEY: &str = "helion-store-checksum";

/// What names it.
const ALGORITHM: &str = "xxh3-128";

/// The digits of a hash of 128 bits.
const DIGITS: usize = 32;

/// The most bytes of its value in the metadata.
pub(super) const MAX_LEN: usize = ALGORITHM.len() + 2 * (1 + DIGITS);

/// The hash of all the bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Checksum(u128);

/// Takes in the bytes of a file.
#[derive(Default)]
pub(super) struct Summing(XxHash3_128);

impl Summing {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// The checksum of what was taken in so far.
    pub(super) fn checksum(&self) -> Checksum {
        Checksum(self.0.finish_128())
    }
}

impl Checksum {
    /// Its value in the metadata of the version with the etag.
    ///
    /// Other programs may take the metadata of a file along to other contents: the etag says which it
    /// is the checksum of.
    pub(super) fn value(self, etag: &str) -> String {
        format!("{ALGORITHM}:{:0DIGITS$x}:{etag}", self.0)
    }

    /// The checksum of the version with the etag, if the value tells one that is known here.
    pub(super) fn parse(value: &str, etag: &str) -> Option<Self> {
        let digits = value.strip_prefix(ALGORITHM)?.get(1..=DIGITS)?;
        let checksum = Self(u128::from_str_radix(digits, 16).ok()?);
        // Whatever is written in another way is of another algorithm, or of another version.
        (checksum.value(etag) == value).then_some(checksum)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ETAG: &str = "1f32aa4c9a1d2ea010adcf2348166a04";

    fn checksum(pieces: &[&[u8]]) -> Checksum {
        let mut summing = Summing::default();
        for piece in pieces {
            summing.update(piece);
        }
        summing.checksum()
    }

    #[test]
    fn a_value_is_read_as_it_was_written_and_no_other_is() {
        // What the reference implementation makes of nothing.
        let value = format!("xxh3-128:99aa06d3014798d86001c324468d497f:{ETAG}");
        let nothing = checksum(&[]);
        assert_eq!(nothing.value(ETAG), value);
        assert_eq!(value.len(), MAX_LEN);
        assert_eq!(Checksum::parse(&value, ETAG), Some(nothing));
        assert_eq!(Checksum::parse(&value, "of another version"), None);
        let small = Checksum(7);
        assert_eq!(Checksum::parse(&small.value(ETAG), ETAG), Some(small));
        for value in [
            String::new(),
            "xxh3-128".to_owned(),
            "xxh3-128:".to_owned(),
            "xxh3-128:99aa06d3014798d86001c324468d497f".to_owned(),
            format!("xxh3-128:7:{ETAG}"),
            format!("xxh3-128:+9aa06d3014798d86001c324468d497f:{ETAG}"),
            format!("xxh3-128:99AA06D3014798D86001C324468D497F:{ETAG}"),
            format!("xxh3-128:99aa06d3014798d86001c324468d497fa:{ETAG}"),
            format!("xxh3-128:99aa06d3014798d86001c324468d497g:{ETAG}"),
            format!("xxh3-128:99aa06d3014798d86001c324468d497f:{ETAG}:"),
            format!("xxh4-128:99aa06d3014798d86001c324468d497f:{ETAG}"),
        ] {
            assert_eq!(Checksum::parse(&value, ETAG), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn it_is_of_the_bytes_however_they_come(
            bytes in proptest::collection::vec(any::<u8>(), 0..5000),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..10),
        ) {
            let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            places.extend([0, bytes.len()]);
            places.sort_unstable();
            let pieces: Vec<_> = places.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
            prop_assert_eq!(checksum(&pieces), Checksum(XxHash3_128::oneshot(&bytes)));
        }

        #[test]
        fn a_bit_that_is_another_is_told(
            bytes in proptest::collection::vec(any::<u8>(), 1..5000),
            place in any::<prop::sample::Index>(),
            bit in 0..8_u8,
        ) {
            let mut changed = bytes.clone();
            changed[place.index(bytes.len())] ^= 1 << bit;
            prop_assert_ne!(checksum(&[&changed]), checksum(&[&bytes]));
        }
    }
}
