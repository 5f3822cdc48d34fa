//! Saving a file in segments.

mod long;

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use reqwest::header::{ETAG, HeaderValue};
use reqwest::{Method, StatusCode};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{Error, ErrorKind, FileInfo, Operation, Result};

use super::checksum::Checksum;
use super::flow::Flow;
use super::info;
use super::manifest::{Manifest, Part};
use super::pieces::{Piece, Pieces};
use super::request::{Body, Request};
use super::response::Response;
use super::save::{NewObject, failed};
use super::segment_name;

/// How many pieces are in memory: some are on their way, and one comes in.
const PIECES: usize = 3;

/// A file that is being saved in segments, out of sight until its manifest is there.
///
/// The segment of number `n` is `.store/<upload>/<n>/<name>` in the container beside the files'.
/// The upload is a UUID of version 7, so that uploads are sorted by their beginning, and the name
/// tells which file's manifest may name the segment; the [sweep](super::sweep) lives by both.
pub(super) struct Upload {
    object: Arc<NewObject>,
    id: Uuid,
    begun: AtomicUsize,
    /// Whether each segment was saved at the first try.
    is_smooth: AtomicBool,
    /// Why the contents did not come to their end.
    broken: Mutex<Option<Error>>,
    /// Whether a segment failed, so that none begins any more.
    has_failed: watch::Sender<bool>,
    /// The long segment that was begun last; of those before it nothing is still to come.
    last_flow: Mutex<Option<Flow>>,
}

impl Upload {
    pub(super) fn new(object: Arc<NewObject>) -> Self {
        Self {
            object,
            id: Uuid::now_v7(),
            begun: AtomicUsize::new(0),
            is_smooth: AtomicBool::new(true),
            broken: Mutex::new(None),
            has_failed: watch::Sender::new(false),
            last_flow: Mutex::new(None),
        }
    }

    /// Saves the file, of which the first piece has come.
    pub(super) async fn save(self, first: Piece, mut pieces: Pieces) -> Result<FileInfo> {
        let (container, name) = (Arc::clone(&self.object.container), self.object.name.clone());
        container.note_segments();
        if self.object.has_checksum() {
            pieces.sum_from(&first);
        }
        match self.save_parts(first, pieces).await {
            Ok((manifest, checksum)) => {
                let show = async move { self.show(&manifest, checksum).await };
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
        let objects: Vec<_> = (0..begun).map(|number| self.segment(number)).collect();
        self.object.container.remove_segments(objects).await;
    }

    /// Saves the first few segments piece by piece. If that goes well, long ones follow, each sent
    /// while it comes in: that takes less of the servers, but what breaks then is lost with the save.
    async fn save_parts(
        &self,
        first: Piece,
        mut pieces: Pieces,
    ) -> Result<(Manifest, Option<Checksum>)> {
        let few = self.flow_length(&pieces).map_or(usize::MAX, |_| PIECES);
        let mut parts = Vec::new();
        self.save_pieces(Some(first), &mut pieces, &mut parts, few)
            .await?;
        pieces = self.save_flows(pieces, &mut parts).await?;
        self.save_pieces(None, &mut pieces, &mut parts, usize::MAX)
            .await?;
        Ok((Manifest::new(parts), pieces.checksum()))
    }

    /// Saves the next `most` pieces, each a segment.
    async fn save_pieces(
        &self,
        first: Option<Piece>,
        pieces: &mut Pieces,
        parts: &mut Vec<Part>,
        most: usize,
    ) -> Result<()> {
        let state = (first, pieces, parts.len());
        let pieces = stream::unfold(state, |(first, pieces, number)| async move {
            // What is on its way when the contents fail is waited for: deleted earlier than that, it
            // could come into being afterwards.
            match self.next_piece(first, pieces, number).await {
                Ok(piece) => piece.map(|piece| ((number, piece), (None, pieces, number + 1))),
                Err(error) => {
                    self.note_broken(error);
                    None
                }
            }
        });
        let segments = pieces
            .take(most)
            .take_until(self.failed().boxed())
            .boxed()
            .map(|(number, piece)| self.save_segment(number, piece).boxed())
            .buffer_unordered(PIECES);
        let mut saved: Vec<(usize, Part)> = self.finish(segments).await?;
        saved.sort_unstable_by_key(|(number, _)| *number);
        parts.extend(saved.into_iter().map(|(_, part)| part));
        Ok(())
    }

    /// What all segments came to.
    ///
    /// After a failure none begins, and those are waited for that have begun: deleted earlier than that,
    /// one could come into being afterwards.
    async fn finish<T>(&self, segments: impl Stream<Item = Result<T>>) -> Result<Vec<T>> {
        let mut segments = pin!(segments);
        let mut saved = Vec::new();
        while let Some(segment) = segments.next().await {
            match segment {
                Ok(part) => saved.push(part),
                Err(error) => {
                    self.give_up();
                    let rest = async { while segments.next().await.is_some() {} };
                    let most = self.object.container.client.stall_timeout();
                    // What takes longer is left to the sweep.
                    let _ = tokio::time::timeout(most, rest).await;
                    return Err(error);
                }
            }
        }
        self.check_broken()?;
        Ok(saved)
    }

    fn give_up(&self) {
        self.has_failed.send_replace(true);
        let flow = self
            .last_flow
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(flow) = &*flow {
            flow.cancel();
        }
    }

    async fn failed(&self) {
        // The sender is here as long as anybody waits.
        let _ = self.has_failed.subscribe().wait_for(|failed| *failed).await;
    }

    /// The piece that has come already, or else the next.
    async fn next_piece(
        &self,
        first: Option<Piece>,
        pieces: &mut Pieces,
        number: usize,
    ) -> Result<Option<Piece>> {
        let piece = match first {
            Some(piece) => piece,
            None if pieces.is_at_end() => return Ok(None),
            None => pieces.next().await?,
        };
        self.check_number(number)?;
        Ok(Some(piece))
    }

    async fn save_segment(&self, number: usize, piece: Piece) -> Result<(usize, Part)> {
        let container = &self.object.container;
        let segment = self.begin(number);
        let request = || {
            let request = container.segment(Method::PUT, &segment).body(piece.body());
            match HeaderValue::from_str(&piece.hash) {
                Ok(hash) => request.header(ETAG, hash),
                Err(_) => request,
            }
        };
        let answer = self.object.repeat(|| self.put_segment(request)).await?;
        if info::etag(&answer) != Some(&piece.hash) {
            return Err(self.changed());
        }
        let Piece { length, hash, .. } = piece;
        let part = Part::new(&container.segments, &segment, hash, length);
        Ok((number, part))
    }

    async fn put_segment(&self, request: impl Fn() -> Request) -> Result<Response> {
        let (container, name) = (&self.object.container, &self.object.name);
        let answer = match container.put(&container.segments, name, request).await {
            // Nobody else puts anything there, so what is later is an earlier try of this.
            Ok(answer) if is_stored(&answer) => return Ok(answer),
            Ok(answer) => Err(answer.into_error().await),
            Err(error) => Err(error),
        };
        self.is_smooth.store(false, Ordering::Relaxed);
        answer
    }

    /// The name of the segment of that number, which may be there from now on.
    fn begin(&self, number: usize) -> String {
        self.begun.fetch_max(number + 1, Ordering::Relaxed);
        self.segment(number)
    }

    fn check_number(&self, number: usize) -> Result<()> {
        if number < self.object.container.limits.segments {
            return Ok(());
        }
        Err(self.too_large())
    }

    fn note_broken(&self, error: Error) {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn check_broken(&self) -> Result<()> {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.take().map_or(Ok(()), Err)
    }

    fn changed(&self) -> Error {
        let message = "the server stored something else than was sent";
        failed(&self.object.name, ErrorKind::Interrupted).with_message(message)
    }

    /// Makes a file of the segments, which are all there.
    async fn show(&self, manifest: &Manifest, checksum: Option<Checksum>) -> Result<FileInfo> {
        let object = &self.object;
        let body = serde_json::to_vec(&manifest.parts)
            .map_err(|error| failed(&object.name, ErrorKind::Other).with_source(error))?;
        let request = object
            .container
            .file(Method::PUT, &object.name)
            .query("multipart-manifest", "put")
            .body(Body::Bytes(Bytes::from(body)));
        let etag = manifest.etag();
        let request = match checksum {
            Some(checksum) => info::summed(request, checksum, &etag),
            None => request,
        };
        let saved = object.replace(request, &etag, manifest.size()).await;
        // A file that may be there needs its segments: if it is not, the sweep finds that out.
        if saved.is_err() && !object.may_be_there() {
            self.remove().await;
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
        segment_name::of(self.id, number, &self.object.name)
    }
}

fn is_stored(answer: &Response) -> bool {
    matches!(answer.status(), StatusCode::CREATED | StatusCode::ACCEPTED)
}
