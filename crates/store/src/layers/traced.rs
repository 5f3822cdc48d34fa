//! A tracing span for each call.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::time::Instant;
use tracing::field::{Empty, debug, display};
use tracing::{Instrument, Span};

use bytes::Bytes;

use crate::{
    Capabilities, ErrorKind, FileContents, FileInfo, FileName, IStore, ListOptions, Operation,
    ReadOptions, Result, SaveOptions, StoredFile,
};

/// Opens a `tracing` span for each call of another store.
///
/// # Semantics
///
/// The span is `store_call` of target `store` and level debug, and has the fields
///
/// - `operation`: as [`Operation`] shows it; `name`: the file's, where the call has one;
/// - `size`: the bytes saved, or those of a read; of an info those of the file;
/// - `outcome`: `ok`, the [`ErrorKind`] that the call failed with, or `dropped` where the caller went
///   away before the end;
/// - `took`: how long it took, such as `1.5ms`.
///
/// What the store itself tells during the call lies inside. The span of a read lasts until the
/// stream of its contents ends or is dropped. Contents, content types, metadata and the messages of
/// errors are never told.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// use std::sync::Arc;
/// use store::{FileName, MemoryStore, StoreExt, Traced};
///
/// let store = Traced::new(Arc::new(MemoryStore::new()));
/// assert!(!store.check_file_exists(&FileName::new("a")?).await?);
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Traced {
    inner: Arc<dyn IStore>,
}

impl Traced {
    /// Traces the calls of `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn IStore>) -> Self {
        Self { inner }
    }
}

/// One call, from its start until its span is complete.
struct Call {
    span: Span,
    began: Instant,
    is_over: bool,
}

impl Call {
    fn begin(operation: Operation, name: Option<&FileName>) -> Self {
        let span = tracing::debug_span!(
            target: "store",
            "store_call",
            operation = operation.as_str(),
            name = name.map(FileName::as_str),
            size = Empty,
            outcome = Empty,
            took = Empty,
        );
        Self {
            span,
            began: Instant::now(),
            is_over: false,
        }
    }

    fn note_size(&self, size: u64) {
        self.span.record("size", size);
    }

    fn end(&mut self, failure: Option<ErrorKind>) {
        match failure {
            None => self.tell("ok"),
            Some(kind) => self.tell(format_args!("{kind:?}")),
        }
    }

    fn tell(&mut self, outcome: impl fmt::Display) {
        self.is_over = true;
        self.span.record("outcome", display(outcome));
        self.span.record("took", debug(self.began.elapsed()));
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.is_over {
            self.tell("dropped");
        }
    }
}

fn failure<T>(result: &Result<T>) -> Option<ErrorKind> {
    result.as_ref().err().map(crate::Error::kind)
}

fn watch_pieces(
    stream: BoxStream<'static, Result<Bytes>>,
    call: Call,
) -> BoxStream<'static, Result<Bytes>> {
    let pieces = stream::unfold((stream, call), |(mut stream, mut call)| async move {
        if call.is_over {
            return None;
        }
        let span = call.span.clone();
        let Some(piece) = stream.next().instrument(span).await else {
            call.end(None);
            return None;
        };
        if let Err(error) = &piece {
            call.end(Some(error.kind()));
        }
        Some((piece, (stream, call)))
    });
    pieces.boxed()
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl IStore for Traced {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        let mut call = Call::begin(Operation::GetFilesList, None);
        let listing = self.inner.get_files_list(options);
        let result = listing.instrument(call.span.clone()).await;
        call.end(failure(&result));
        result
    }

    async fn get_file_info(&self, name: &FileName) -> Result<FileInfo> {
        let mut call = Call::begin(Operation::GetFileInfo, Some(name));
        let look = self.inner.get_file_info(name);
        let result = look.instrument(call.span.clone()).await;
        if let Ok(info) = &result {
            call.note_size(info.size);
        }
        call.end(failure(&result));
        result
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &ReadOptions,
    ) -> Result<StoredFile> {
        let mut call = Call::begin(Operation::GetFileContents, Some(name));
        let read = self.inner.get_file_contents(name, options);
        let result = read.instrument(call.span.clone()).await;
        let mut file = match result {
            Ok(file) => file,
            Err(error) => {
                call.end(Some(error.kind()));
                return Err(error);
            }
        };
        call.note_size(file.range.end.saturating_sub(file.range.start));
        if file.contents.try_clone().is_some() {
            // There is nothing left to wait for.
            call.end(None);
            return Ok(file);
        }
        file.contents = file
            .contents
            .map_stream(|stream| watch_pieces(stream, call));
        Ok(file)
    }

    async fn save_file(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        let mut call = Call::begin(Operation::SaveFile, Some(name));
        let declared = contents.size();
        if let Some(size) = declared {
            call.note_size(size);
        }
        let save = self.inner.save_file(name, contents, options);
        let result = save.instrument(call.span.clone()).await;
        if let Ok(info) = &result
            && declared.is_none()
        {
            call.note_size(info.size);
        }
        call.end(failure(&result));
        result
    }

    async fn delete_file(&self, name: &FileName) -> Result<()> {
        let mut call = Call::begin(Operation::DeleteFile, Some(name));
        let delete = self.inner.delete_file(name);
        let result = delete.instrument(call.span.clone()).await;
        call.end(failure(&result));
        result
    }
}
