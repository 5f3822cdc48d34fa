//! What a failed exchange with a server means to the caller of a store.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{StatusCode, Url};

use crate::{Error, ErrorKind, Operation};

/// On whose behalf something is sent: the call of the store, and its file.
#[derive(Clone, Debug)]
pub(super) struct Call {
    operation: &'static str,
    name: Option<String>,
}

impl Call {
    pub(super) fn new(operation: Operation, name: Option<&str>) -> Self {
        Self {
            operation: operation.as_str(),
            name: name.map(str::to_owned),
        }
    }

    /// Getting a token, which is on behalf of many.
    pub(super) fn token() -> Self {
        Self {
            operation: "get token",
            name: None,
        }
    }

    /// The failure of this call.
    pub(super) fn error(&self, kind: ErrorKind) -> Error {
        let error = Error::new(kind, self.operation);
        match &self.name {
            Some(name) => error.with_name(name),
            None => error,
        }
    }

    /// The failure that a status tells of.
    pub(super) fn refused(&self, status: StatusCode, headers: &HeaderMap) -> Error {
        let error = self
            .error(kind_of(status))
            .with_message(format!("the server answered {}", answer(status, headers)));
        match retry_after(headers) {
            Some(delay) if error.is_retryable() => error.with_retry_after(delay),
            Some(_) | None => error,
        }
    }

    /// The failure that a status of a server of tokens tells of.
    pub(super) fn no_token(&self, status: StatusCode, headers: &HeaderMap) -> Error {
        let error = self.refused(status, headers);
        if error.is_retryable() {
            return error;
        }
        let message = format!(
            "asked for a token, the server answered {}",
            answer(status, headers)
        );
        self.error(ErrorKind::Configuration).with_message(message)
    }

    /// The failure of a server that was taken for one of tokens, and is none.
    pub(super) fn no_identity(&self) -> Error {
        self.error(ErrorKind::Configuration)
            .with_message("asked for a token, the server gave an answer without one")
    }

    /// The failure to get an answer from the server of `url`, of which only scheme and host are
    /// told.
    pub(super) fn unanswered(&self, url: &Url, error: reqwest::Error) -> Error {
        let server = url.origin().ascii_serialization();
        let (kind, message) = if let Some(refusal) = refused_certificate(&error) {
            let message = format!("the certificate of {server} was not accepted: {refusal}");
            (ErrorKind::Configuration, message)
        } else if error.is_builder() {
            (ErrorKind::InvalidInput, "it cannot be sent".to_owned())
        } else if error.is_connect() && error.is_timeout() {
            let message = format!("no connection to {server} came about in time");
            (ErrorKind::Timeout, message)
        } else if error.is_connect() {
            (ErrorKind::Unavailable, format!("cannot reach {server}"))
        } else {
            let message = format!("the connection to {server} broke");
            (ErrorKind::Unavailable, message)
        };
        // The address of an object is long, and told already.
        self.error(kind)
            .with_message(message)
            .with_source(error.without_url())
    }
}

/// What a status means where nobody knows better.
fn kind_of(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        400 => ErrorKind::InvalidInput,
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::PermissionDenied,
        404 => ErrorKind::NotFound,
        405 | 501 => ErrorKind::Unsupported,
        409 | 412 => ErrorKind::Conflict,
        413 => ErrorKind::TooLarge,
        416 => ErrorKind::OutOfRange,
        // What arrived was not what its checksum said, so it changed on the way.
        422 => ErrorKind::Interrupted,
        // 498 is Swift's own limit on the rate of requests.
        429 | 498 => ErrorKind::RateLimited,
        507 => ErrorKind::StorageFull,
        // 499: the server believes that the client went away.
        408 | 499 | 500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    }
}

/// The status and what finds the request in the server's log.
fn answer(status: StatusCode, headers: &HeaderMap) -> String {
    let transaction = headers
        .get("x-trans-id")
        .or_else(|| headers.get("x-openstack-request-id"))
        .and_then(|id| id.to_str().ok());
    match transaction {
        Some(id) => format!("{status} (transaction {id})"),
        None => status.to_string(),
    }
}

/// The delay that the server asks for; a date in its place is not understood, and waited for as if
/// there were none.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// Why a certificate was refused, where that is what went wrong.
fn refused_certificate(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(current) = cause {
        if let Some(refusal @ rustls::Error::InvalidCertificate(_)) = current.downcast_ref() {
            return Some(refusal);
        }
        // The source of an error of input and output is not what it wraps, but that one's source.
        cause = match current
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    None
}
