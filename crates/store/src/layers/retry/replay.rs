//! Contents that may be needed more than once.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use crate::{Error, ErrorKind, FileContents, Operation, Result};

/// The contents of a save, handed out for each try as long as they are there.
pub(super) enum Replay {
    InMemory(FileContents),
    Stream(Loan, Option<u64>),
}

/// What is left of the contents when a try is over.
pub(super) enum Left {
    /// Everything, and the try has no part of it, nor ever will.
    Untouched(FileContents),
    /// A copy of what the try may have had.
    Copy(FileContents),
    /// Nothing, since the stream was begun.
    Nothing,
}

/// A stream that one try has, until it asks for the first piece or the stream is taken back.
type Loan = Arc<Mutex<Option<BoxStream<'static, Result<Bytes>>>>>;

impl Replay {
    /// Keeps hold of the contents; returns them for the first try.
    pub(super) fn new(contents: FileContents) -> (Self, FileContents) {
        if let Some(copy) = contents.try_clone() {
            return (Self::InMemory(copy), contents);
        }
        let size = contents.size();
        let (loan, contents) = lend(contents.into_stream(), size);
        (Self::Stream(loan, size), contents)
    }

    /// What is left for another try; the one before gets no more of a stream that it did not begin.
    pub(super) fn take_back(&mut self) -> Left {
        match self {
            Self::InMemory(contents) => contents.try_clone().map_or(Left::Nothing, Left::Copy),
            Self::Stream(loan, size) => {
                let Some(stream) = take(loan) else {
                    return Left::Nothing;
                };
                let (next, contents) = lend(stream, *size);
                *loan = next;
                Left::Untouched(contents)
            }
        }
    }
}

fn take(loan: &Loan) -> Option<BoxStream<'static, Result<Bytes>>> {
    loan.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Contents that take the stream when they are first asked for a piece, and break where it was taken
/// back before.
fn lend(stream: BoxStream<'static, Result<Bytes>>, size: Option<u64>) -> (Loan, FileContents) {
    let loan = Arc::new(Mutex::new(Some(stream)));
    let lent = Arc::clone(&loan);
    let begun = stream::once(async move { take(&lent).unwrap_or_else(taken_back) });
    let contents = FileContents::from_stream(begun.flatten().boxed(), size);
    (loan, contents)
}

fn taken_back() -> BoxStream<'static, Result<Bytes>> {
    let error = Error::new(ErrorKind::Interrupted, Operation::SaveFile.as_str())
        .with_message("the try is over, and another has the contents");
    stream::iter([Err(error)]).boxed()
}
