//! Checking a package while it streams into the store.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Buf as _, Bytes};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use package::{Inspection, UnpackLimits, inspect_package};
use store::FileContents;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::error::{Error, Result};

/// How many chunks the check may lag behind the save: it bounds memory, and lets both go on at
/// once.
const CHUNKS_AHEAD: usize = 4;

/// What the check says of the archive.
pub(crate) struct Verdict {
    check: JoinHandle<Result<Inspection, package::Error>>,
    refused: Arc<AtomicBool>,
}

/// Starts checking `contents` as package `name` on a blocking thread.
///
/// The contents that are returned are the same, but end with an error when the check fails, so
/// that the store saves nothing.
pub(crate) fn inspected(
    contents: FileContents,
    name: String,
    limits: UnpackLimits,
) -> (FileContents, Verdict) {
    let size = contents.size();
    let (chunks, receiver) = mpsc::channel::<Bytes>(CHUNKS_AHEAD);
    let (tell, told) = oneshot::channel();
    let check = tokio::task::spawn_blocking(move || {
        let reader = ChunkReader {
            receiver,
            chunk: Bytes::new(),
        };
        let result = inspect_package(reader, &name, &limits);
        // Nobody listens any more when the save itself has failed.
        let _ = tell.send(result.is_ok());
        result
    });
    let refused = Arc::new(AtomicBool::new(false));
    let contents = contents.into_stream();
    let copying = Copying {
        contents,
        chunks,
        told,
        refused: Arc::clone(&refused),
    };
    let copied = stream::unfold(Some(copying), |copying| async { copying?.next().await });
    (
        FileContents::from_stream(copied.boxed(), size),
        Verdict { check, refused },
    )
}

/// Checks `contents` as package `name` up to their end, and keeps nothing of them.
pub(crate) async fn inspect(
    contents: FileContents,
    name: String,
    limits: UnpackLimits,
) -> Result<Inspection> {
    let (contents, verdict) = inspected(contents, name, limits);
    let mut contents = contents.into_stream();
    while let Some(chunk) = contents.next().await {
        match chunk {
            Ok(_) => {}
            Err(_) if verdict.is_refusal() => break,
            Err(error) => return Err(Error::store("read the package")(error)),
        }
    }
    verdict.wait().await
}

/// Contents on their way both to the store and to the check.
struct Copying {
    contents: BoxStream<'static, store::Result<Bytes>>,
    chunks: mpsc::Sender<Bytes>,
    told: oneshot::Receiver<bool>,
    refused: Arc<AtomicBool>,
}

impl Copying {
    /// The next chunk, and the rest; after the last one, the verdict.
    async fn next(mut self) -> Option<(store::Result<Bytes>, Option<Self>)> {
        match self.contents.next().await {
            Some(Ok(chunk)) => {
                // A check that has failed reads no further; its verdict comes at the end.
                drop(self.chunks.send(chunk.clone()).await);
                Some((Ok(chunk), Some(self)))
            }
            Some(Err(error)) => Some((Err(error), None)),
            None => {
                drop(self.chunks);
                if self.told.await == Ok(true) {
                    return None;
                }
                self.refused.store(true, Ordering::Relaxed);
                Some((Err(no_package()), None))
            }
        }
    }
}

fn no_package() -> store::Error {
    store::Error::new(store::ErrorKind::InvalidInput, "read the package")
        .with_message("it is no legal package")
}

impl Verdict {
    /// Whether it was the check that broke the contents off, and nothing else.
    pub(crate) fn is_refusal(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Waits for the end of the check.
    pub(crate) async fn wait(self) -> Result<Inspection> {
        self.check
            .await
            .map_err(Error::task)?
            .map_err(Error::package("check the package"))
    }
}

/// Reads the chunks of a channel; their end is the end of the channel.
struct ChunkReader {
    receiver: mpsc::Receiver<Bytes>,
    chunk: Bytes,
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.receiver.blocking_recv() {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
        }
        let count = self.chunk.len().min(buffer.len());
        self.chunk.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
