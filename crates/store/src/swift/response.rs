//! What Swift answered.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::{Error, ErrorKind, Result};

use super::error::Call;

/// How much of the explanation of a refusal is looked at, in bytes.
const EXPLANATION: usize = 4096;

/// How long a body may take that is no contents, however it moves: a page of a listing or a manifest
/// of some MiB over a slow link.
const MOST: Duration = Duration::from_mins(5);

/// The answer to a request: status, headers, and the body as it arrives.
#[derive(Debug)]
pub(super) struct Response {
    answer: reqwest::Response,
    call: Call,
    stall_timeout: Duration,
}

impl Response {
    pub(super) fn new(answer: reqwest::Response, call: Call, stall_timeout: Duration) -> Self {
        Self {
            answer,
            call,
            stall_timeout,
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.answer.status()
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    /// The header's text, where there is one.
    pub(super) fn text(&self, header: &str) -> Option<&str> {
        self.headers().get(header)?.to_str().ok()
    }

    /// The body in pieces of any size; that it is complete is checked as far as the server told its
    /// length.
    pub(super) fn into_stream(self) -> BoxStream<'static, Result<Bytes>> {
        stream::try_unfold(self, |mut response| async move {
            let piece = response.piece().await?;
            Ok(piece.map(|piece| (piece, response)))
        })
        .boxed()
    }

    /// The whole body, if it is not longer than `limit` bytes.
    pub(super) async fn bytes(self, limit: usize) -> Result<Bytes> {
        let call = self.call.clone();
        (tokio::time::timeout(MOST, self.collect(limit)).await).unwrap_or_else(|_| {
            let message = format!("the answer was not over within {MOST:?}");
            Err(call.error(ErrorKind::Timeout).with_message(message))
        })
    }

    async fn collect(mut self, limit: usize) -> Result<Bytes> {
        let mut all = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            if all.len() + piece.len() > limit {
                let message = format!("the answer is longer than {limit} bytes");
                return Err(self.call.error(ErrorKind::Other).with_message(message));
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// The failure that the answer is.
    pub(super) async fn into_error(self) -> Error {
        let (status, call) = (self.status(), self.call.clone());
        let error = call.refused(status, self.headers());
        if status != StatusCode::PAYLOAD_TOO_LARGE {
            return error;
        }
        // The status is the same for an object that is too large and for a quota that is used up.
        let explanation = self.bytes(EXPLANATION).await.unwrap_or_default();
        let explanation = explanation.to_ascii_lowercase();
        if explanation.windows(5).any(|word| word == b"quota") {
            let message = "the quota of the account or the container is used up";
            return call.error(ErrorKind::StorageFull).with_message(message);
        }
        error
    }

    async fn piece(&mut self) -> Result<Option<Bytes>> {
        match tokio::time::timeout(self.stall_timeout, self.answer.chunk()).await {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(error)) => Err(self.broken(error)),
            Err(_) => {
                let message = format!("the contents stood still for {:?}", self.stall_timeout);
                Err(self.call.error(ErrorKind::Timeout).with_message(message))
            }
        }
    }

    fn broken(&self, error: reqwest::Error) -> Error {
        let message = "the connection broke before the end of the answer";
        self.call
            .error(ErrorKind::Interrupted)
            .with_message(message)
            .with_source(error.without_url())
    }
}
