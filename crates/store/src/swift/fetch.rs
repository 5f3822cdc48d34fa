//! The bytes of one object, in order, however often the connection breaks.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use reqwest::StatusCode;
use reqwest::header::{HeaderValue, IF_MATCH, RANGE};

use crate::layers::Attempts;
use crate::{Error, ErrorKind, Etag, FileName, Operation, Result};

use super::container::Container;
use super::download;
use super::request::Request;
use super::response::Response;

/// How often in a row a read is taken up again that brings nothing more.
const RESUMPTIONS: usize = 3;

const OPERATION: Operation = Operation::GetFileContents;

/// Some bytes of an object on their way.
pub(super) struct Fetch {
    container: Arc<Container>,
    name: FileName,
    source: Source,
    place: u64,
    end: u64,
    body: Option<BoxStream<'static, Result<Bytes>>>,
    resumptions: usize,
}

/// What the bytes are read from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// Asks for all of it.
    pub(super) request: Request,
    /// The version that is read.
    pub(super) etag: String,
    /// The version of the file, where this is a segment of it.
    pub(super) file: Option<Etag>,
}

impl Fetch {
    /// Bytes that are still to be asked for.
    pub(super) fn new(
        container: &Arc<Container>,
        name: &FileName,
        source: Source,
        range: Range<u64>,
    ) -> Self {
        Self {
            container: Arc::clone(container),
            name: name.clone(),
            source,
            place: range.start,
            end: range.end,
            body: None,
            resumptions: 0,
        }
    }

    /// The same bytes, which this answer brings.
    pub(super) fn answered(self, answer: Response) -> Self {
        Self {
            body: Some(answer.into_stream()),
            ..self
        }
    }

    /// The next bytes; nothing after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let left = self.end - self.place;
            let Some(body) = &mut self.body else {
                self.ask(None).await?;
                continue;
            };
            let broken = match body.try_next().await {
                Ok(Some(piece)) if piece.len() as u64 <= left => {
                    self.place += piece.len() as u64;
                    self.resumptions = 0;
                    return Ok(Some(piece));
                }
                Ok(Some(_)) => return Err(download::strange(OPERATION, &self.name)),
                Ok(None) if left == 0 => return Ok(None),
                // Swift ends so where a segment is missing.
                Ok(None) => download::failed(&self.name, ErrorKind::Interrupted)
                    .with_message(format!("the contents end {left} bytes too early")),
                Err(error) if error.is_retryable() => error,
                Err(error) => return Err(error),
            };
            self.resumptions += 1;
            if self.resumptions > RESUMPTIONS {
                return Err(broken);
            }
            tracing::debug!(target: "store", name = %self.name, place = self.place, "taking up a read");
            self.ask(Some(broken)).await?;
        }
    }

    /// Asks for what is left, in the same version.
    async fn ask(&mut self, broken: Option<Error>) -> Result<()> {
        let range = HeaderValue::from_str(&format!("bytes={}-{}", self.place, self.end - 1));
        let etag = HeaderValue::from_str(&format!("\"{}\"", self.source.etag));
        let (Ok(range), Ok(etag)) = (range, etag) else {
            return Err(broken.unwrap_or_else(|| download::strange(OPERATION, &self.name)));
        };
        let request = self.source.request.clone();
        let request = request.header(RANGE, range).header(IF_MATCH, etag);
        let (client, name) = (&self.container.client, Some(self.name.as_str()));
        // A reader that has got some of the file already is not to begin anew for a busy server.
        let answer = Attempts::new(self.container.retry.clone())
            .run(|| client.send(OPERATION, name, request.clone()))
            .await?;
        match answer.status() {
            StatusCode::PARTIAL_CONTENT => {
                self.body = Some(answer.into_stream());
                Ok(())
            }
            StatusCode::NOT_FOUND | StatusCode::PRECONDITION_FAILED => Err(self.gone(broken).await),
            StatusCode::CONFLICT => Err(download::segment_missing(&self.name)),
            _ => Err(answer.into_error().await),
        }
    }

    /// Why what is read is not there any more.
    async fn gone(&mut self, broken: Option<Error>) -> Error {
        if let Some(etag) = &self.source.file {
            // Segments go with their file; where it is there still, this one went without it.
            match download::find(&self.container, OPERATION, &self.name).await {
                Ok(info) if info.etag == *etag => return download::segment_missing(&self.name),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return error,
            }
        }
        let message = "the file was replaced or deleted meanwhile";
        let error = download::failed(&self.name, ErrorKind::Interrupted).with_message(message);
        match broken {
            Some(broken) => error.with_source(broken),
            None => error,
        }
    }
}
