//! What is wrong with an archive, before it is said where.

use std::io;

use crate::error::{Error, Limit, Refusal};

/// A cause of failure without its place.
#[derive(Debug)]
pub(super) enum Fault {
    Read(io::Error),
    Empty,
    NotGzip,
    Truncated,
    Corrupt(io::Error),
    TrailingData,
    BadHeader(&'static str),
    Refused(Refusal),
    Limit {
        limit: Limit,
        maximum: u64,
        found: u64,
    },
}

impl Fault {
    /// Fails when more was found than a limit allows.
    pub(super) const fn check(limit: Limit, found: u64, maximum: u64) -> Result<(), Self> {
        if found <= maximum {
            return Ok(());
        }
        Err(Self::Limit {
            limit,
            maximum,
            found,
        })
    }

    /// Adds the place.
    pub(super) fn at(self, archive: &str, entry: &str) -> Error {
        let (archive, entry) = (archive.to_owned(), entry.to_owned());
        match self {
            Self::Read(source) => Error::Read { archive, source },
            Self::Empty => Error::Empty { archive },
            Self::NotGzip => Error::NotGzip { archive },
            Self::Truncated => Error::Truncated { archive, entry },
            Self::Corrupt(source) => Error::Corrupt {
                archive,
                entry,
                source,
            },
            Self::TrailingData => Error::TrailingData { archive },
            Self::BadHeader(reason) => Error::BadHeader {
                archive,
                entry,
                reason,
            },
            Self::Refused(refusal) => Error::Refused {
                archive,
                entry,
                refusal,
            },
            Self::Limit {
                limit,
                maximum,
                found,
            } => Error::LimitExceeded {
                archive,
                entry,
                limit,
                maximum,
                found,
            },
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
