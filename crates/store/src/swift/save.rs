//! Saving a file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use reqwest::{Method, StatusCode};

use crate::layers::Attempts;
use crate::{
    Error, ErrorKind, FileContents, FileInfo, FileName, Operation, Result, SaveMode, SaveOptions,
};

use super::container::Container;
use super::info;
use super::pieces::{Piece, Pieces};
use super::request::Request;
use super::response::Response;
use super::upload::Upload;

/// From how many bytes on a file of one object has a checksum: MD5 takes 1.5 ms for so many, which is
/// worth an entry of metadata that others see.
const SUMMED: u64 = 1024 * 1024;

/// How often a save is made anew that Swift put before one that came later.
const ROUNDS: usize = 8;

/// Saves the contents: as one object if they fit in one, or else in segments.
pub(super) async fn save(
    container: &Arc<Container>,
    name: &FileName,
    contents: FileContents,
    options: &SaveOptions,
) -> Result<FileInfo> {
    let object = Arc::new(NewObject {
        container: Arc::clone(container),
        name: name.clone(),
        options: options.clone(),
        // Whoever has contents in memory can repeat the whole save, and knows better when.
        is_repeated: !contents.is_kept(),
        may_be_there: AtomicBool::new(false),
    });
    // What can be refused is refused before the contents are read.
    info::told(container.file(Method::PUT, name), name, options)?;
    let mut pieces = Pieces::new(name, contents, options, container.segment_size);
    let first = pieces.next().await?;
    if pieces.is_at_end() {
        object.save_whole(first).await
    } else {
        Upload::new(object).save(first, pieces).await
    }
}

/// The object that a file is going to be.
pub(super) struct NewObject {
    pub(super) container: Arc<Container>,
    pub(super) name: FileName,
    options: SaveOptions,
    is_repeated: bool,
    /// Whether a try to put it there ended, of which nobody knows whether it took effect.
    may_be_there: AtomicBool,
}

impl NewObject {
    /// Whether a checksum is kept with it: where its own metadata leaves room for that.
    pub(super) fn has_checksum(&self) -> bool {
        let limits = &self.container.limits;
        limits.has_room_for_checksum(&self.options.metadata)
    }

    async fn save_whole(self: Arc<Self>, piece: Piece) -> Result<FileInfo> {
        let request = self.container.file(Method::PUT, &self.name);
        let mut request = request.body(piece.body());
        if piece.length >= SUMMED && self.has_checksum() {
            request = info::summed(request, piece.checksum(), &piece.hash);
        }
        let object = Arc::clone(&self);
        let put = async move { object.replace(request, &piece.hash, piece.length).await };
        let turns = &self.container.turns;
        turns.take(Operation::SaveFile, &self.name, put).await
    }

    /// Puts the object there, and deletes the segments of the one that was there.
    pub(super) async fn replace(
        &self,
        request: Request,
        hash: &str,
        size: u64,
    ) -> Result<FileInfo> {
        // A create replaces nothing.
        if self.options.mode == SaveMode::Create {
            return self.put(request, hash, size).await;
        }
        let operation = Operation::SaveFile;
        let segments = self
            .repeat(|| self.container.segments_of(operation, &self.name))
            .await?;
        let saved = self.put(request, hash, size).await?;
        self.container.remove_segments(segments).await;
        Ok(saved)
    }

    /// Puts the object there, of which all has come: it is the file when this returns.
    ///
    /// Of saves at the same time the one stays that Swift gave the latest time, which is when it is
    /// told of it; it says so by another status where that is not this one. The file would be
    /// another's then, though this save ended last, so it is made anew.
    async fn put(&self, request: Request, hash: &str, size: u64) -> Result<FileInfo> {
        let mut request = info::told(request, &self.name, &self.options)?;
        if let Ok(hash) = HeaderValue::from_str(hash) {
            request = request.header(ETAG, hash);
        }
        if self.options.mode == SaveMode::Create {
            request = request.header(IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        for _ in 0..ROUNDS {
            let answer = self.send(&request).await?;
            if answer.status().is_success() {
                self.may_be_there.store(true, Ordering::Relaxed);
            }
            match answer.status() {
                StatusCode::CREATED if info::etag(&answer) == Some(hash) => {
                    return info::of_saved(&self.name, &answer, size, &self.options);
                }
                StatusCode::CREATED => {
                    let message = "the server stored something else than was sent";
                    return Err(failed(&self.name, ErrorKind::Interrupted).with_message(message));
                }
                StatusCode::ACCEPTED => {
                    tracing::debug!(target: "store", name = %self.name, "a later save went before");
                }
                StatusCode::PRECONDITION_FAILED if self.options.mode == SaveMode::Create => {
                    return Err(failed(&self.name, ErrorKind::AlreadyExists));
                }
                _ => return Err(answer.into_error().await),
            }
        }
        let message = format!("the save was lost to later ones {ROUNDS} times");
        Err(failed(&self.name, ErrorKind::Unavailable).with_message(message))
    }

    async fn send(&self, request: &Request) -> Result<Response> {
        // A create that got no answer may have won: repeated, it would be told that it lost.
        if self.options.mode == SaveMode::Create {
            return self.send_once(request).await;
        }
        self.repeat(|| self.send_once(request)).await
    }

    async fn send_once(&self, request: &Request) -> Result<Response> {
        let container = &self.container;
        let answer = container
            .put(&container.name, &self.name, || request.clone())
            .await
            .inspect_err(|error| {
                // A disk that is full may be one of several.
                let is_known = !matches!(error.kind(), ErrorKind::Other | ErrorKind::StorageFull);
                if error.is_retryable() || !is_known {
                    self.may_be_there.store(true, Ordering::Relaxed);
                }
            })?;
        // Among its reasons are some that pass.
        if answer.status() == StatusCode::BAD_REQUEST {
            return Err(answer.into_error().await);
        }
        Ok(answer)
    }

    /// Whether it may be what is stored now, however the save ended.
    ///
    /// The last try alone does not tell: it may be refused after an earlier one took effect whose
    /// answer was lost.
    pub(super) fn may_be_there(&self) -> bool {
        self.may_be_there.load(Ordering::Relaxed)
    }

    /// Does a step of the save, and does it again where nobody else can.
    pub(super) async fn repeat<T, F>(&self, step: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut step = step;
        if self.is_repeated {
            return Attempts::new(self.container.retry.clone()).run(step).await;
        }
        step().await
    }
}

pub(super) fn failed(name: &FileName, kind: ErrorKind) -> Error {
    Error::new(kind, Operation::SaveFile.as_str()).with_name(name.as_str())
}
