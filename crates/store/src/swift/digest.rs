//! Whether the bytes that arrive are those that were saved.

use std::collections::VecDeque;

use md5::{Digest, Md5};

use crate::{Error, ErrorKind, FileName, Operation, Result};

use super::hash::hex;
use super::manifest::Manifest;

/// What the bytes of a whole file are checked by, as they arrive.
pub(super) struct FileDigest {
    hasher: Md5,
    /// How many bytes are left of each part, and the hash that it must have, where that is known.
    parts: VecDeque<(u64, Option<String>)>,
}

impl FileDigest {
    /// Nothing to check by: a part of a file has no hash.
    pub(super) fn unknown() -> Self {
        Self::new([])
    }

    /// The hash of all the bytes.
    pub(super) fn of_bytes(hash: &str, size: u64) -> Self {
        Self::new([(size, Some(hash.to_owned()))])
    }

    /// The hashes of the parts of a large file.
    pub(super) fn of_parts(manifest: &Manifest) -> Self {
        if manifest.has_data || manifest.parts.iter().any(|part| part.range.is_some()) {
            return Self::unknown();
        }
        Self::new(manifest.parts.iter().map(|part| {
            let hash = part.is_hashed().then(|| part.hash.clone());
            (part.size, hash)
        }))
    }

    fn new(parts: impl IntoIterator<Item = (u64, Option<String>)>) -> Self {
        // A part of no bytes has nothing that could arrive otherwise.
        let parts = parts.into_iter().filter(|(size, _)| *size > 0).collect();
        Self {
            hasher: Md5::new(),
            parts,
        }
    }

    /// Takes in the next bytes.
    ///
    /// # Errors
    ///
    /// - [`Corrupt`](ErrorKind::Corrupt): a part is complete, and not what was saved.
    pub(super) fn update(&mut self, name: &FileName, mut bytes: &[u8]) -> Result<()> {
        while let Some((left, hash)) = self.parts.front_mut() {
            let length = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
            let (part, rest) = bytes.split_at(length);
            if hash.is_some() {
                self.hasher.update(part);
            }
            bytes = rest;
            *left -= length as u64;
            if *left > 0 {
                break;
            }
            let found = std::mem::take(&mut self.hasher).finalize();
            if hash.as_ref().is_some_and(|hash| *hash != hex(&found)) {
                return Err(
                    Error::new(ErrorKind::Corrupt, Operation::GetFileContents.as_str())
                        .with_name(name.as_str())
                        .with_message(
                            "the contents do not have the checksum that the server tells",
                        ),
                );
            }
            self.parts.pop_front();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swift::manifest::Part;

    const HELLO: &str = "5d41402abc4b2a76b9719d911017c592";

    /// Takes in the bytes in pieces of each length, to the first error.
    #[track_caller]
    fn check(make: impl Fn() -> FileDigest, bytes: &[u8], expected: Option<ErrorKind>) {
        let name = FileName::new("a").unwrap();
        for length in 1..=bytes.len() {
            let mut digest = make();
            let mut pieces = bytes.chunks(length);
            let found = pieces.try_for_each(|piece| digest.update(&name, piece));
            let found = found.err().map(|error| error.kind());
            assert_eq!(found, expected, "pieces of {length}");
        }
    }

    #[test]
    fn bytes_that_changed_are_told_however_they_arrive() {
        check(|| FileDigest::of_bytes(HELLO, 5), b"hello", None);
        check(
            || FileDigest::of_bytes(HELLO, 5),
            b"hellp",
            Some(ErrorKind::Corrupt),
        );
        check(FileDigest::unknown, b"hellp", None);
        let part = |hash: &str, size| Part::new("c", "o", hash.to_owned(), size);
        let parts = || {
            let none = part("d41d8cd98f00b204e9800998ecf8427e", 0);
            let mut nested = part("an etag of parts", 2);
            nested.sub_slo = true;
            FileDigest::of_parts(&Manifest::new(vec![
                part(HELLO, 5),
                none,
                nested,
                part(HELLO, 5),
            ]))
        };
        check(parts, b"hello, hello", None);
        check(parts, b"hello; hello", None);
        check(parts, b"hellp, hello", Some(ErrorKind::Corrupt));
        check(parts, b"hello, hellp", Some(ErrorKind::Corrupt));
        let ranged = || {
            let mut ranged = part(HELLO, 5);
            ranged.range = Some("0-1".to_owned());
            FileDigest::of_parts(&Manifest::new(vec![ranged]))
        };
        check(ranged, b"he", None);
    }
}
