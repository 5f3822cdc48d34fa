//! What Swift answered.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::{Error, ErrorKind, Result};

use super::error::Call;
use super::flow::Carrier;

/// How much of the explanation of a refusal is looked at, in bytes: a line for each of a thousand
/// segments, and more.
const EXPLANATION: usize = 4 * 1024 * 1024;

/// How long a body may take that is no contents, however it moves: a page of a listing or a manifest
/// of some MiB over a slow link.
const MOST: Duration = Duration::from_mins(5);

/// The answer to a request: status, headers, and the body as it arrives.
#[derive(Debug)]
pub(super) struct Response {
    answer: reqwest::Response,
    call: Call,
    stall_timeout: Duration,
    /// What is still on its way of the request, and ends with the answer.
    _carrier: Option<Carrier>,
}

impl Response {
    pub(super) fn new(answer: reqwest::Response, call: Call, stall_timeout: Duration) -> Self {
        Self {
            answer,
            call,
            stall_timeout,
            _carrier: None,
        }
    }

    /// The answer to a request that may be on its way still.
    pub(super) fn with_carrier(self, carrier: Option<Carrier>) -> Self {
        Self {
            _carrier: carrier,
            ..self
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
        match status {
            // The status is the same for an object that is too large and for a quota that is used up.
            StatusCode::PAYLOAD_TOO_LARGE => {
                let explanation = self.explanation().await.to_ascii_lowercase();
                if !explanation.contains("quota") {
                    return error;
                }
                let message = "the quota of the account or the container is used up";
                call.error(ErrorKind::StorageFull).with_message(message)
            }
            StatusCode::BAD_REQUEST if is_passing(&self.explanation().await) => {
                let message = "the server does not find all segments now";
                call.error(ErrorKind::Unavailable).with_message(message)
            }
            _ => error,
        }
    }

    async fn explanation(self) -> String {
        let explanation = self.bytes(EXPLANATION).await.unwrap_or_default();
        String::from_utf8_lossy(&explanation).into_owned()
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

/// Whether a manifest was refused for what may be otherwise in a moment: that servers do not answer
/// for some segments, or have not heard of them yet.
fn is_passing(explanation: &str) -> bool {
    let Some((_, lines)) = explanation.split_once("Errors:") else {
        return false;
    };
    let mut statuses = lines
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.rsplit_once(", ").map_or(line, |(_, status)| status))
        .map(|status| status.split(' ').next()?.parse().ok())
        .peekable();
    statuses.peek().is_some()
        && statuses.all(|status| matches!(status, Some(404 | 408 | 429 | 498 | 499 | 500..=599)))
}

#[cfg(test)]
mod tests {
    use super::is_passing;

    #[test]
    fn a_manifest_is_refused_for_now_if_all_its_segments_are() {
        for (explanation, expected) in [
            (
                "Errors:\n/c_segments/a%2Cb, 503 Service Unavailable\n",
                true,
            ),
            (
                "Errors:\n/c/a, 404 Not Found\n/c/b, 500 Internal Error\n",
                true,
            ),
            ("Errors:\n/c/a, 404 Not Found\n/c/b, Etag Mismatch\n", false),
            ("Errors:\n/c/a, 403 Forbidden\n", false),
            ("Errors:\n", false),
            ("/c/a, 404 Not Found\n", false),
        ] {
            assert_eq!(is_passing(explanation), expected, "{explanation}");
        }
    }
}
