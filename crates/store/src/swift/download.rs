//! Reading a file.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use reqwest::header::{HeaderValue, RANGE};
use reqwest::{Method, StatusCode};

use crate::{
    Error, ErrorKind, FileContents, FileInfo, FileName, Operation, ReadOptions, ReadRange, Result,
    StoredFile,
};

use super::ahead;
use super::container::Container;
use super::digest::FileDigest;
use super::fetch::{Fetch, Source};
use super::info;
use super::manifest::Manifest;
use super::response::Response;

/// How often the file is looked for anew which changes while it is opened.
const ROUNDS: usize = 4;

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
    let Some((digest, manifest)) = digest(container, name, &answer, &info, &range).await? else {
        return Ok(None);
    };
    let source = Source {
        request: container.file(Method::GET, name),
        etag: info.etag.as_str().to_owned(),
        file: None,
    };
    let pieces = match manifest.filter(ahead::is_worth_it) {
        Some(manifest) => ahead::read(container, &info, manifest),
        None => in_order(Fetch::new(container, name, source, range.clone()).answered(answer)),
    };
    let contents = checked(name.clone(), pieces, digest);
    let contents = FileContents::from_stream(contents, Some(range.end - range.start));
    Ok(Some(StoredFile::new(info, range, contents)))
}

/// What the bytes are checked by, and the manifest that it was made of; nothing if the file changed
/// meanwhile.
async fn digest(
    container: &Container,
    name: &FileName,
    answer: &Response,
    info: &FileInfo,
    range: &Range<u64>,
) -> Result<Option<(FileDigest, Option<Manifest>)>> {
    if *range != (0..info.size) || answer.text("x-object-manifest").is_some() {
        return Ok(Some((FileDigest::unknown(), None)));
    }
    let checksum = info::checksum(answer, &info.etag);
    let digest = checksum.map(|checksum| FileDigest::of_whole(checksum, info.size));
    if !Manifest::is_told(answer) {
        let digest = digest.unwrap_or_else(|| FileDigest::of_bytes(info.etag.as_str(), info.size));
        return Ok(Some((digest, None)));
    }
    // Then the manifest would tell nothing that is needed.
    if digest.is_some() && !ahead::is_long_enough(info.size) {
        return Ok(digest.map(|digest| (digest, None)));
    }
    match Manifest::of_file(container, OPERATION, name).await? {
        // Bytes in the manifest have no hash of which the etag could be made.
        Some(manifest) if manifest.has_data || manifest.etag() == info.etag.as_str() => {
            let digest = digest.unwrap_or_else(|| FileDigest::of_parts(&manifest));
            Ok(Some((digest, Some(manifest))))
        }
        Some(_) | None => Ok(None),
    }
}

fn in_order(fetch: Fetch) -> BoxStream<'static, Result<Bytes>> {
    stream::try_unfold(fetch, |mut fetch| async {
        let piece = fetch.next().await?;
        Ok(piece.map(|piece| (piece, fetch)))
    })
    .boxed()
}

/// The same bytes, as far as they are those that were saved.
fn checked(
    name: FileName,
    pieces: BoxStream<'static, Result<Bytes>>,
    mut digest: FileDigest,
) -> BoxStream<'static, Result<Bytes>> {
    let pieces = pieces.map(move |piece| {
        let piece = piece?;
        digest.update(&name, &piece)?;
        Ok(piece)
    });
    pieces.boxed()
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

pub(super) fn failed(name: &FileName, kind: ErrorKind) -> Error {
    Error::new(kind, OPERATION.as_str()).with_name(name.as_str())
}

pub(super) fn segment_missing(name: &FileName) -> Error {
    let message = "a segment of the file is missing on the server";
    failed(name, ErrorKind::Corrupt).with_message(message)
}

pub(super) fn strange(operation: Operation, name: &FileName) -> Error {
    Error::new(ErrorKind::Other, operation.as_str())
        .with_name(name.as_str())
        .with_message("the server's answer does not tell which bytes it has")
}
