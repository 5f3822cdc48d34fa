//! What is logged of a call.

use crate::{ErrorKind, FileName, Operation};

/// One call that reached a [`FaultStore`](crate::FaultStore), as its caller saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedCall {
    /// What was called.
    pub operation: Operation,
    /// The file that it was about; none for a listing.
    pub name: Option<FileName>,
    /// How it ended. A read whose stream broke failed.
    pub outcome: CallOutcome,
    /// The bytes of contents that went from one side to the other so far.
    pub bytes: u64,
}

/// How a logged call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallOutcome {
    /// Not at all: it still runs, or its caller has gone away.
    Unfinished,
    /// It succeeded.
    Done,
    /// It failed.
    Failed(ErrorKind),
}
