//! Reading a file.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use reqwest::header::{HeaderValue, IF_MATCH, RANGE};
use reqwest::{Method, StatusCode};

use crate::{
    Error, ErrorKind, Etag, FileContents, FileInfo, FileName, Operation, ReadOptions, ReadRange,
    Result, StoredFile,
};

use super::container::Container;
use super::digest::FileDigest;
use super::info;
use super::manifest::Manifest;
use super::response::Response;

/// How often the file is looked for anew which changes while it is opened.
const ROUNDS: usize = 4;

/// How often in a row a read is taken up again that brings nothing more.
const RESUMPTIONS: usize = 3;

const OPERATION: Operation = Operation::GetFileContents;

/// Opens the file.
pub(super) async fn open(
    container: &Arc<Container>,
    name: &FileName,
    options: &ReadOptions,
) -> Result<StoredFile> {
    for round in 1..=ROUNDS {
        let opened = match options.range.as_ref().map(header) {
            // No header says this: it is for the file's size to tell what it comes to.
            Some(None) => open_nothing(container, name, options).await,
            Some(Some(range)) => open_answer(container, name, options, Some(range)).await,
            None => open_answer(container, name, options, None).await,
        };
        match opened {
            Ok(Some(file)) => return Ok(file),
            Ok(None) => {}
            // Whoever replaces a file deletes what the old one was put together of.
            Err(error) if error.kind() == ErrorKind::Corrupt && round < ROUNDS => {}
            Err(error) => return Err(error),
        }
    }
    let message = "the file is replaced again and again";
    Err(failed(name, ErrorKind::Interrupted).with_message(message))
}

/// What is known of the file.
pub(super) async fn find(
    container: &Container,
    operation: Operation,
    name: &FileName,
) -> Result<FileInfo> {
    let request = container.file(Method::HEAD, name);
    let answer = (container.client)
        .send(operation, Some(name.as_str()), request)
        .await?;
    match answer.status() {
        StatusCode::OK | StatusCode::NO_CONTENT => {
            let size = length(&answer).ok_or_else(|| strange(operation, name))?;
            info::of_answer(operation, name, &answer, size)
        }
        _ => Err(answer.into_error().await),
    }
}

/// The header that asks for the range, if there is one.
fn header(range: &ReadRange) -> Option<String> {
    match range {
        ReadRange::Bounded(range) if range.is_empty() => None,
        ReadRange::Bounded(Range { start, end }) => Some(format!("bytes={start}-{}", end - 1)),
        ReadRange::From(start) => Some(format!("bytes={start}-")),
        ReadRange::Last(0) => None,
        ReadRange::Last(count) => Some(format!("bytes=-{count}")),
    }
}

/// A read that comes to nothing, of a file that is there; nothing if it has changed to one of which
/// there is more.
async fn open_nothing(
    container: &Container,
    name: &FileName,
    options: &ReadOptions,
) -> Result<Option<StoredFile>> {
    let info = find(container, OPERATION, name).await?;
    let range = options.resolve(name, info.size)?;
    let nothing = FileContents::from_bytes(Bytes::new());
    Ok(range
        .is_empty()
        .then(|| StoredFile::new(info, range, nothing)))
}

/// The file with its bytes on their way; nothing if it changed meanwhile.
async fn open_answer(
    container: &Arc<Container>,
    name: &FileName,
    options: &ReadOptions,
    range: Option<String>,
) -> Result<Option<StoredFile>> {
    let mut request = container.file(Method::GET, name);
    if let Some(range) = range.and_then(|range| HeaderValue::from_str(&range).ok()) {
        request = request.header(RANGE, range);
    }
    let answer = (container.client)
        .send(OPERATION, Some(name.as_str()), request)
        .await?;
    let size = match answer.status() {
        StatusCode::OK => length(&answer),
        StatusCode::PARTIAL_CONTENT => whole_length(&answer),
        StatusCode::RANGE_NOT_SATISFIABLE => return open_nothing(container, name, options).await,
        StatusCode::CONFLICT => return Err(segment_missing(name)),
        _ => return Err(answer.into_error().await),
    };
    let size = size.ok_or_else(|| strange(OPERATION, name))?;
    let info = info::of_answer(OPERATION, name, &answer, size)?;
    let range = options.resolve(name, size)?;
    if length(&answer) != Some(range.end - range.start) {
        return Err(strange(OPERATION, name));
    }
    let Some(digest) = digest(container, name, &answer, &info, &range).await? else {
        return Ok(None);
    };
    let download = Download {
        container: Arc::clone(container),
        name: name.clone(),
        etag: info.etag.clone(),
        place: range.start,
        end: range.end,
        body: answer.into_stream(),
        digest,
        resumptions: 0,
    };
    let contents = FileContents::from_stream(download.into_stream(), Some(range.end - range.start));
    Ok(Some(StoredFile::new(info, range, contents)))
}

/// What the bytes are checked by; nothing if the file changed meanwhile.
async fn digest(
    container: &Container,
    name: &FileName,
    answer: &Response,
    info: &FileInfo,
    range: &Range<u64>,
) -> Result<Option<FileDigest>> {
    if *range != (0..info.size) || answer.text("x-object-manifest").is_some() {
        return Ok(Some(FileDigest::unknown()));
    }
    if !Manifest::is_told(answer) {
        return Ok(Some(FileDigest::of_bytes(info.etag.as_str(), info.size)));
    }
    match Manifest::of_file(container, OPERATION, name).await? {
        // Bytes in the manifest have no hash of which the etag could be made.
        Some(manifest) if manifest.has_data || manifest.etag() == info.etag.as_str() => {
            Ok(Some(FileDigest::of_parts(&manifest)))
        }
        Some(_) | None => Ok(None),
    }
}

/// The length of the body.
fn length(answer: &Response) -> Option<u64> {
    answer.text("content-length")?.parse().ok()
}

/// The length of the file of which the answer has a part: `bytes 1-2/5`.
fn whole_length(answer: &Response) -> Option<u64> {
    let (_, length) = answer.text("content-range")?.rsplit_once('/')?;
    length.parse().ok()
}

fn failed(name: &FileName, kind: ErrorKind) -> Error {
    Error::new(kind, OPERATION.as_str()).with_name(name.as_str())
}

fn segment_missing(name: &FileName) -> Error {
    let message = "a segment of the file is missing on the server";
    failed(name, ErrorKind::Corrupt).with_message(message)
}

fn strange(operation: Operation, name: &FileName) -> Error {
    Error::new(ErrorKind::Other, operation.as_str())
        .with_name(name.as_str())
        .with_message("the server's answer does not tell which bytes it has")
}

/// The bytes of a file on their way.
struct Download {
    container: Arc<Container>,
    name: FileName,
    etag: Etag,
    place: u64,
    end: u64,
    body: BoxStream<'static, Result<Bytes>>,
    digest: FileDigest,
    resumptions: usize,
}

impl Download {
    fn into_stream(self) -> BoxStream<'static, Result<Bytes>> {
        stream::try_unfold(self, |mut download| async {
            let piece = download.next().await?;
            Ok(piece.map(|piece| (piece, download)))
        })
        .boxed()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let left = self.end - self.place;
            let broken = match self.body.try_next().await {
                Ok(Some(piece)) if piece.len() as u64 <= left => {
                    self.digest.update(&self.name, &piece)?;
                    self.place += piece.len() as u64;
                    self.resumptions = 0;
                    return Ok(Some(piece));
                }
                Ok(Some(_)) => return Err(strange(OPERATION, &self.name)),
                Ok(None) if left == 0 => return Ok(None),
                // Swift ends so where a segment is missing.
                Ok(None) => failed(&self.name, ErrorKind::Interrupted)
                    .with_message(format!("the contents end {left} bytes too early")),
                Err(error) if error.is_retryable() => error,
                Err(error) => return Err(error),
            };
            self.resume(broken).await?;
        }
    }

    /// Takes the read up again where it broke, in the same version.
    async fn resume(&mut self, broken: Error) -> Result<()> {
        self.resumptions += 1;
        if self.resumptions > RESUMPTIONS {
            return Err(broken);
        }
        tracing::debug!(target: "store", name = %self.name, place = self.place, "taking up a read");
        let range = HeaderValue::from_str(&format!("bytes={}-{}", self.place, self.end - 1));
        let etag = HeaderValue::from_str(&format!("\"{}\"", self.etag));
        let (Ok(range), Ok(etag)) = (range, etag) else {
            return Err(broken);
        };
        let request = self.container.file(Method::GET, &self.name);
        let request = request.header(RANGE, range).header(IF_MATCH, etag);
        let answer = (self.container.client)
            .send(OPERATION, Some(self.name.as_str()), request)
            .await?;
        match answer.status() {
            StatusCode::PARTIAL_CONTENT => {
                self.body = answer.into_stream();
                Ok(())
            }
            StatusCode::NOT_FOUND | StatusCode::PRECONDITION_FAILED => {
                let message = "the file was replaced or deleted meanwhile";
                Err(failed(&self.name, ErrorKind::Interrupted)
                    .with_message(message)
                    .with_source(broken))
            }
            StatusCode::CONFLICT => Err(segment_missing(&self.name)),
            _ => Err(answer.into_error().await),
        }
    }
}
