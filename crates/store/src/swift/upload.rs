//! Saving a file in segments.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use reqwest::header::{ETAG, HeaderValue};
use reqwest::{Method, StatusCode};
use uuid::Uuid;

use crate::{Error, ErrorKind, FileInfo, FileName, Operation, Result};

use super::info;
use super::manifest::{Manifest, Part};
use super::pieces::{Piece, Pieces};
use super::request::Body;
use super::save::{NewObject, failed};

/// How many pieces are in memory: some are on their way, and one comes in.
const PIECES: usize = 3;

/// How many bytes a segment's name is longer than the file's.
pub(super) const EXTRA: usize = FileName::RESERVED.len() + 1 + 36 + 1 + 6 + 1;

/// A file that is being saved in segments, out of sight until its manifest is there.
///
/// The segment of number `n` is `.store/<upload>/<n>/<name>` in the container beside the files'.
/// The upload is a UUID of version 7, so that uploads are sorted by their beginning, and the name
/// tells which file's manifest may name the segment; [`Sweep`](super::sweep) lives by both.
pub(super) struct Upload {
    object: Arc<NewObject>,
    id: Uuid,
    begun: AtomicUsize,
}

impl Upload {
    pub(super) fn new(object: Arc<NewObject>) -> Self {
        Self {
            object,
            id: Uuid::now_v7(),
            begun: AtomicUsize::new(0),
        }
    }

    /// Saves the file, of which the first piece has come.
    pub(super) async fn save(self, first: Piece, pieces: Pieces) -> Result<FileInfo> {
        let (container, name) = (Arc::clone(&self.object.container), self.object.name.clone());
        container.note_segments().await;
        match self.save_parts(first, pieces).await {
            Ok(manifest) => {
                let show = async move { self.show(&manifest).await };
                container.turns.take(Operation::SaveFile, &name, show).await
            }
            Err(error) => {
                self.remove().await;
                Err(error)
            }
        }
    }

    /// Deletes what is there of the segments.
    async fn remove(&self) {
        let begun = self.begun.load(Ordering::Relaxed);
        let objects = (0..begun).map(|number| self.segment(number)).collect();
        self.object.container.remove_segments(objects).await;
    }

    async fn save_parts(&self, first: Piece, pieces: Pieces) -> Result<Manifest> {
        let limits = &self.object.container.limits;
        let state = (Some(first), pieces, 0_usize);
        let pieces = stream::try_unfold(state, |(first, mut pieces, number)| async move {
            let piece = match first {
                Some(piece) => piece,
                None if pieces.is_at_end() => return Ok(None),
                None => pieces.next().await?,
            };
            if number >= limits.segments {
                return Err(self.too_large());
            }
            Ok(Some(((number, piece), (None, pieces, number + 1))))
        });
        let parts: Vec<Part> = pieces
            .boxed()
            .map_ok(|(number, piece)| self.save_segment(number, piece).boxed())
            .try_buffered(PIECES)
            .try_collect()
            .await?;
        Ok(Manifest(parts))
    }

    async fn save_segment(&self, number: usize, piece: Piece) -> Result<Part> {
        let container = &self.object.container;
        self.begun.fetch_max(number + 1, Ordering::Relaxed);
        let segment = self.segment(number);
        self.object
            .repeat(|| self.put_segment(&segment, &piece))
            .await?;
        let Piece { length, hash, .. } = piece;
        Ok(Part::new(&container.segments, &segment, hash, length))
    }

    async fn put_segment(&self, segment: &str, piece: &Piece) -> Result<()> {
        let (container, name) = (&self.object.container, &self.object.name);
        loop {
            let mut request = container.segment(Method::PUT, segment);
            if let Ok(hash) = HeaderValue::from_str(&piece.hash) {
                request = request.header(ETAG, hash);
            }
            let request = request.body(piece.body());
            let operation = Operation::SaveFile;
            let answer = (container.client)
                .send(operation, Some(name.as_str()), request)
                .await?;
            match answer.status() {
                // Nobody else puts anything there, so what is later is an earlier try of this.
                StatusCode::CREATED | StatusCode::ACCEPTED
                    if info::etag(&answer) == Some(&piece.hash) =>
                {
                    return Ok(());
                }
                StatusCode::CREATED | StatusCode::ACCEPTED => {
                    let message = "the server stored something else than was sent";
                    return Err(failed(name, ErrorKind::Interrupted).with_message(message));
                }
                StatusCode::NOT_FOUND => container.make(&container.segments, name).await?,
                _ => return Err(answer.into_error().await),
            }
        }
    }

    /// Makes a file of the segments, which are all there.
    async fn show(&self, manifest: &Manifest) -> Result<FileInfo> {
        let object = &self.object;
        let body = serde_json::to_vec(&manifest.0)
            .map_err(|error| failed(&object.name, ErrorKind::Other).with_source(error))?;
        let request = object
            .container
            .file(Method::PUT, &object.name)
            .query("multipart-manifest", "put")
            .body(Body::Bytes(Bytes::from(body)));
        let saved = object
            .replace(request, &manifest.etag(), manifest.size())
            .await;
        if let Err(error) = &saved {
            // Where the outcome is unknown, the file may be there and need its segments: if it is
            // not, the sweep finds that out.
            let is_known = !error.is_retryable() && error.kind() != ErrorKind::Other;
            if is_known {
                self.remove().await;
            }
        }
        saved
    }

    fn too_large(&self) -> Error {
        let container = &self.object.container;
        let message = format!(
            "the contents are longer than the {} bytes that this store takes",
            container.max_file_size()
        );
        failed(&self.object.name, ErrorKind::TooLarge).with_message(message)
    }

    fn segment(&self, number: usize) -> String {
        let (folder, id, name) = (FileName::RESERVED, self.id, &self.object.name);
        format!("{folder}/{id}/{number:06}/{name}")
    }
}
