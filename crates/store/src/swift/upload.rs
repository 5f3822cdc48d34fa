//! Saving a file in segments.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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
pub(super) const EXTRA: usize = FOLDER.len() + 36 + 1 + 6 + 1;

/// Where the segments lie.
pub(super) const FOLDER: &str = ".store/";

/// The upload and the file of a segment's name.
pub(super) fn parse(segment: &str) -> Option<(&str, FileName)> {
    let mut parts = segment.strip_prefix(FOLDER)?.splitn(3, '/');
    let (id, number, name) = (parts.next()?, parts.next()?, parts.next()?);
    let is_upload = Uuid::try_parse(id).is_ok() && number.parse::<usize>().is_ok();
    let name = FileName::new(name).ok().filter(|_| is_upload)?;
    Some((id, name))
}

/// A file that is being saved in segments, out of sight until its manifest is there.
///
/// The segment of number `n` is `.store/<upload>/<n>/<name>` in the container beside the files'.
/// The upload is a UUID of version 7, so that uploads are sorted by their beginning, and the name
/// tells which file's manifest may name the segment; the [sweep](super::sweep) lives by both.
pub(super) struct Upload {
    object: Arc<NewObject>,
    id: Uuid,
    begun: AtomicUsize,
    /// Why the contents did not come to their end.
    broken: Mutex<Option<Error>>,
}

impl Upload {
    pub(super) fn new(object: Arc<NewObject>) -> Self {
        Self {
            object,
            id: Uuid::now_v7(),
            begun: AtomicUsize::new(0),
            broken: Mutex::new(None),
        }
    }

    /// Saves the file, of which the first piece has come.
    pub(super) async fn save(self, first: Piece, pieces: Pieces) -> Result<FileInfo> {
        let (container, name) = (Arc::clone(&self.object.container), self.object.name.clone());
        container.note_segments();
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
        let objects: Vec<_> = (0..begun).map(|number| self.segment(number)).collect();
        self.object.container.remove_segments(objects).await;
    }

    async fn save_parts(&self, first: Piece, pieces: Pieces) -> Result<Manifest> {
        let state = (Some(first), pieces, 0);
        let pieces = stream::unfold(state, |(first, mut pieces, number)| async move {
            // What is on its way when the contents fail is waited for: deleted earlier than that, it
            // could come into being afterwards.
            match self.next_piece(first, &mut pieces, number).await {
                Ok(piece) => piece.map(|piece| ((number, piece), (None, pieces, number + 1))),
                Err(error) => {
                    *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    None
                }
            }
        });
        let parts: Vec<Part> = pieces
            .boxed()
            .map(|(number, piece)| self.save_segment(number, piece).boxed())
            .buffered(PIECES)
            .try_collect()
            .await?;
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        match broken.take() {
            Some(error) => Err(error),
            None => Ok(Manifest::new(parts)),
        }
    }

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
        if number >= self.object.container.limits.segments {
            return Err(self.too_large());
        }
        Ok(Some(piece))
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
        let request = || {
            let request = container.segment(Method::PUT, segment).body(piece.body());
            match HeaderValue::from_str(&piece.hash) {
                Ok(hash) => request.header(ETAG, hash),
                Err(_) => request,
            }
        };
        let answer = container.put(&container.segments, name, request).await?;
        match answer.status() {
            // Nobody else puts anything there, so what is later is an earlier try of this.
            StatusCode::CREATED | StatusCode::ACCEPTED
                if info::etag(&answer) == Some(&piece.hash) =>
            {
                Ok(())
            }
            StatusCode::CREATED | StatusCode::ACCEPTED => {
                let message = "the server stored something else than was sent";
                Err(failed(name, ErrorKind::Interrupted).with_message(message))
            }
            _ => Err(answer.into_error().await),
        }
    }

    /// Makes a file of the segments, which are all there.
    async fn show(&self, manifest: &Manifest) -> Result<FileInfo> {
        let object = &self.object;
        let body = serde_json::to_vec(&manifest.parts)
            .map_err(|error| failed(&object.name, ErrorKind::Other).with_source(error))?;
        let request = object
            .container
            .file(Method::PUT, &object.name)
            .query("multipart-manifest", "put")
            .body(Body::Bytes(Bytes::from(body)));
        let saved = object
            .replace(request, &manifest.etag(), manifest.size())
            .await;
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
        let (id, name) = (self.id, &self.object.name);
        format!("{FOLDER}{id}/{number:06}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_tells_its_upload_and_its_file() {
        let id = Uuid::now_v7().to_string();
        let segment = format!("{FOLDER}{id}/000003/a/b c");
        let (found, name) = parse(&segment).unwrap();
        assert_eq!((found, name.as_str()), (&*id, "a/b c"));
        assert_eq!(segment.len(), name.as_str().len() + EXTRA);
        for other in [
            "a/slo/1700000000.0/10/5/00000001",
            &format!("{FOLDER}x/000003/a"),
            &format!("{FOLDER}{id}/x/a"),
            &format!("{FOLDER}{id}/000003"),
            &format!("{FOLDER}{id}/000003/"),
            &format!("x{FOLDER}{id}/000003/a"),
        ] {
            assert!(parse(other).is_none(), "{other}");
        }
    }
}
