//! Contents that may be needed more than once.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use crate::{FileContents, Result};

/// The contents of a save, handed out for each try as long as they are there.
pub(super) enum Replay {
    InMemory(FileContents),
    Stream(Lent, Option<u64>),
}

/// A stream, until somebody asks for its first piece.
type Lent = Arc<Mutex<Option<BoxStream<'static, Result<Bytes>>>>>;

impl Replay {
    /// Keeps hold of the contents; returns them for the first try.
    pub(super) fn new(contents: FileContents) -> (Self, FileContents) {
        if let Some(copy) = contents.try_clone() {
            return (Self::InMemory(copy), contents);
        }
        let size = contents.size();
        let stream = Arc::new(Mutex::new(Some(contents.into_stream())));
        let contents = lend(&stream, size);
        (Self::Stream(stream, size), contents)
    }

    /// The contents for another try, or `None` once the stream was begun.
    pub(super) fn contents(&self) -> Option<FileContents> {
        match self {
            Self::InMemory(contents) => contents.try_clone(),
            Self::Stream(stream, size) => self.is_untouched().then(|| lend(stream, *size)),
        }
    }

    /// Whether it is known that nobody asked for any of the contents.
    pub(super) fn is_untouched(&self) -> bool {
        match self {
            Self::InMemory(_) => false,
            Self::Stream(stream, _) => stream
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_some(),
        }
    }
}

/// Contents that take the stream when they are first asked for a piece.
fn lend(stream: &Lent, size: Option<u64>) -> FileContents {
    let stream = Arc::clone(stream);
    let begun = stream::once(async move {
        let taken = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        stream::iter(taken).flatten()
    });
    FileContents::from_stream(begun.flatten().boxed(), size)
}
