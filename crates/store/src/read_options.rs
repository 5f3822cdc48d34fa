//! Which part of a file a read returns.

use std::ops::Range;

use crate::{Error, ErrorKind, FileName, Result};

/// Which part of a file a read returns: by default all of it.
///
/// # Examples
///
/// ```
/// use store::{ReadOptions, ReadRange};
///
/// assert_eq!(ReadOptions::default().range, None); // all of the file
///
/// let end = ReadOptions::default().with_range(ReadRange::Last(4096));
/// assert_eq!(end.range, Some(ReadRange::Last(4096)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The bytes to return; all where absent.
    pub range: Option<ReadRange>,
}

/// A part of a file, in bytes from its start.
///
/// # Examples
///
/// Which bytes of a file of 10 they are:
///
/// ```
/// use store::{FileName, ReadOptions, ReadRange};
///
/// let name = FileName::new("a")?;
/// let bytes = |range| ReadOptions::default().with_range(range).resolve(&name, 10);
/// assert_eq!(bytes(ReadRange::Bounded(2..99))?, 2..10);
/// assert_eq!(bytes(ReadRange::From(7))?, 7..10);
/// assert_eq!(bytes(ReadRange::Last(99))?, 0..10);
/// assert!(bytes(ReadRange::From(11)).is_err());
/// # Ok::<(), store::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadRange {
    /// These bytes, cut where the file ends; it must not be empty and must start before the end.
    Bounded(Range<u64>),
    /// From this byte on; at exactly the end nothing is left, and nothing is returned.
    From(u64),
    /// The last so many bytes, or the whole of a shorter file.
    Last(u64),
}

impl ReadOptions {
    /// Reads only `range`.
    #[must_use]
    pub fn with_range(mut self, range: ReadRange) -> Self {
        self.range = Some(range);
        self
    }

    /// The bytes to return of the file `name`, which holds `size` bytes; a store calls it.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](ErrorKind::InvalidInput): a bounded range is empty or runs backwards.
    /// - [`OutOfRange`](ErrorKind::OutOfRange): the range starts past the end.
    ///
    /// # Examples
    ///
    /// ```
    /// use store::{FileName, ReadOptions, ReadRange};
    ///
    /// let name = FileName::new("a")?;
    /// let options = ReadOptions::default().with_range(ReadRange::Last(4));
    /// assert_eq!(options.resolve(&name, 10)?, 6..10);
    /// # Ok::<(), store::Error>(())
    /// ```
    pub fn resolve(&self, name: &FileName, size: u64) -> Result<Range<u64>> {
        let failed = |kind| Error::new(kind, "read file").with_name(name.as_str());
        match &self.range {
            None => Ok(0..size),
            Some(ReadRange::Bounded(range)) if range.is_empty() => {
                Err(failed(ErrorKind::InvalidInput).with_message(format!(
                    "the range {}..{} is empty or runs backwards",
                    range.start, range.end
                )))
            }
            Some(ReadRange::Bounded(range)) if range.start < size => {
                Ok(range.start..range.end.min(size))
            }
            Some(ReadRange::From(start)) if *start <= size => Ok(*start..size),
            Some(ReadRange::Bounded(Range { start, .. }) | ReadRange::From(start)) => {
                Err(failed(ErrorKind::OutOfRange).with_message(format!(
                    "the range starts at byte {start} of a file of {size} bytes"
                )))
            }
            Some(ReadRange::Last(count)) => Ok(size.saturating_sub(*count)..size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        range: ReadRange,
        size: u64,
        expected: impl Into<std::result::Result<Range<u64>, ErrorKind>>,
    ) {
        let name = FileName::new("a").unwrap();
        let found = ReadOptions::default()
            .with_range(range)
            .resolve(&name, size);
        assert_eq!(found.map_err(|error| error.kind()), expected.into());
    }

    #[test]
    fn ranges_are_cut_at_the_end_and_refused_past_it() {
        check(ReadRange::Bounded(3..7), 10, Ok(3..7));
        check(ReadRange::Bounded(3..70), 10, Ok(3..10));
        check(ReadRange::Bounded(10..12), 10, Err(ErrorKind::OutOfRange));
        check(ReadRange::Bounded(3..3), 10, Err(ErrorKind::InvalidInput));
        check(ReadRange::Bounded(0..1), 0, Err(ErrorKind::OutOfRange));
        check(ReadRange::From(4), 10, Ok(4..10));
        check(ReadRange::From(10), 10, Ok(10..10));
        check(ReadRange::From(11), 10, Err(ErrorKind::OutOfRange));
        check(ReadRange::Last(3), 10, Ok(7..10));
        check(ReadRange::Last(30), 10, Ok(0..10));
        check(ReadRange::Last(0), 10, Ok(10..10));
    }
}
