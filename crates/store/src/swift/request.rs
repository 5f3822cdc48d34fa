//! A request to Swift, before a token and a server are known.

use std::fmt;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::Result;

/// What stands for itself in a URL wherever it stands.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// In an object's name the slash does, too.
const IN_PATH: AsciiSet = UNRESERVED.remove(b'/');

/// A request to an account, a container or an object.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    /// What follows the account's URL: a path, and the query.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

/// What a request carries.
pub(super) enum Body {
    Empty,
    Bytes(Bytes),
    /// A stream, and its length in bytes where that is known; it is sent in chunks otherwise.
    Stream(BoxStream<'static, Result<Bytes>>, Option<u64>),
}

impl Request {
    /// A request to the account.
    pub(super) fn account(method: Method) -> Self {
        Self {
            method,
            target: String::new(),
            headers: HeaderMap::new(),
            body: Body::Empty,
        }
    }

    /// A request to a container.
    pub(super) fn container(method: Method, container: &str) -> Self {
        let mut request = Self::account(method);
        request.target.push('/');
        request
            .target
            .extend(utf8_percent_encode(container, &UNRESERVED));
        request
    }

    /// A request to an object.
    pub(super) fn object(method: Method, container: &str, object: &str) -> Self {
        let mut request = Self::container(method, container);
        request.target.push('/');
        request.target.extend(utf8_percent_encode(object, &IN_PATH));
        request
    }

    /// Adds a parameter to the query.
    pub(super) fn query(mut self, key: &'static str, value: &str) -> Self {
        let separator = if self.target.contains('?') { '&' } else { '?' };
        self.target.push(separator);
        self.target.push_str(key);
        self.target.push('=');
        self.target.extend(utf8_percent_encode(value, &UNRESERVED));
        self
    }

    /// Adds a header.
    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Sets the body.
    pub(super) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// The same request once more, unless it carries a stream, which is read once.
    pub(super) fn try_clone(&self) -> Option<Self> {
        let body = match &self.body {
            Body::Empty => Body::Empty,
            Body::Bytes(bytes) => Body::Bytes(bytes.clone()),
            Body::Stream(..) => return None,
        };
        Some(Self {
            method: self.method.clone(),
            target: self.target.clone(),
            headers: self.headers.clone(),
            body,
        })
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes themselves may be anything, secrets too.
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => f.debug_tuple("Bytes").field(&bytes.len()).finish(),
            Self::Stream(_, length) => f.debug_tuple("Stream").field(length).finish(),
        }
    }
}
