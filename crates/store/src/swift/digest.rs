//! Whether the bytes that arrive are those that were saved.

use std::collections::VecDeque;

use md5::{Digest, Md5};

use crate::{Error, ErrorKind, FileName, Operation, Result};

use super::checksum::{Checksum, Summing};
use super::hash::hex;
use super::manifest::Manifest;

/// What the bytes of a whole file are checked by, as they arrive.
pub(super) struct FileDigest {
    /// Takes in the first part, where its hash is known.
    hasher: Option<Hasher>,
    /// How many bytes are left of each part, and the hash that it must have, where that is known.
    parts: VecDeque<(u64, Option<Hash>)>,
}

/// What bytes are told by.
#[derive(PartialEq, Eq)]
enum Hash {
    Md5(String),
    Checksum(Checksum),
}

enum Hasher {
    Md5(Md5),
    Summing(Box<Summing>),
}

impl FileDigest {
    /// Nothing to check by: a part of a file has no hash.
    pub(super) fn unknown() -> Self {
        Self::new([])
    }

    /// The MD5 of all the bytes.
    pub(super) fn of_bytes(hash: &str, size: u64) -> Self {
        Self::new([(size, Some(Hash::Md5(hash.to_owned())))])
    }

    /// The checksum of all the bytes, for which neither their MD5 nor that of the parts is needed.
    pub(super) fn of_whole(checksum: Checksum, size: u64) -> Self {
        Self::new([(size, Some(Hash::Checksum(checksum)))])
    }

    /// The hashes of the parts of a large file.
    pub(super) fn of_parts(manifest: &Manifest) -> Self {
        if manifest.has_data || manifest.parts.iter().any(|part| part.range.is_some()) {
            return Self::unknown();
        }
        Self::new(manifest.parts.iter().map(|part| {
            let hash = part.is_hashed().then(|| Hash::Md5(part.hash.clone()));
            (part.size, hash)
        }))
    }

    fn new(parts: impl IntoIterator<Item = (u64, Option<Hash>)>) -> Self {
        // A part of no bytes has nothing that could arrive otherwise.
        let parts = parts.into_iter().filter(|(size, _)| *size > 0).collect();
        Self {
            hasher: None,
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
            if let Some(hash) = hash {
                let hasher = self.hasher.get_or_insert_with(|| hash.hasher());
                hasher.update(part);
            }
            bytes = rest;
            *left -= length as u64;
            if *left > 0 {
                break;
            }
            let found = self.hasher.take().map(Hasher::finish);
            if *hash != found {
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

impl Hash {
    fn hasher(&self) -> Hasher {
        match self {
            Self::Md5(_) => Hasher::Md5(Md5::new()),
            Self::Checksum(_) => Hasher::Summing(Box::default()),
        }
    }
}

impl Hasher {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Summing(summing) => summing.update(bytes),
        }
    }

    fn finish(self) -> Hash {
        match self {
            Self::Md5(hasher) => Hash::Md5(hex(&hasher.finalize())),
            Self::Summing(summing) => Hash::Checksum(summing.checksum()),
        }
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
        let mut summing = Summing::default();
        summing.update(b"hello");
        let large = || FileDigest::of_whole(summing.checksum(), 5);
        check(large, b"hello", None);
        check(large, b"hellp", Some(ErrorKind::Corrupt));
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
