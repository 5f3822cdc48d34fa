//! What goes wrong with a call, and when.

use std::time::Duration;

use crate::{Error, ErrorKind, FileName, Operation};

/// What goes wrong.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Error {
        kind: ErrorKind,
        retry_after: Option<Duration>,
    },
    Delay(Duration),
    Hang,
}

/// When it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before the store is called.
    Before,
    /// When the store has done its work.
    AfterEffect,
    /// When so many bytes of contents have gone by, or at their end where there are fewer.
    AtByte(u64),
}

/// The error that the script wants the caller to get.
pub(super) fn scripted(
    kind: ErrorKind,
    retry_after: Option<Duration>,
    operation: Operation,
    name: Option<&FileName>,
) -> Error {
    let mut error = Error::new(kind, operation.as_str()).with_message("a fault of the script");
    if let Some(name) = name {
        error = error.with_name(name.as_str());
    }
    match retry_after {
        Some(delay) => error.with_retry_after(delay),
        None => error,
    }
}
