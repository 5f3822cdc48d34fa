//! A request to Swift, before a token and a server are known.

use std::fmt;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::flow::Flow;

/// What stands for itself in a URL wherever it stands.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// In an object's name the slash does, too.
const IN_PATH: AsciiSet = UNRESERVED.remove(b'/');

/// A request to an account, a container or an object, or to the cluster.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) base: Base,
    /// What follows the base: a path, and the query.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

/// What the target of a request is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// The account's URL.
    Account,
    /// The server of the account.
    Server,
}

/// What a request carries.
#[derive(Clone)]
pub(super) enum Body {
    Empty,
    Bytes(Bytes),
    /// Bytes that came in blocks, to be sent one after the other.
    Blocks(Vec<Bytes>),
    /// Bytes that come in while they are sent.
    Flow(Flow),
}

impl Request {
    /// A request to the account.
    pub(super) fn account(method: Method) -> Self {
        Self {
            method,
            base: Base::Account,
            target: String::new(),
            headers: HeaderMap::new(),
            body: Body::Empty,
        }
    }

    /// A request for what the cluster tells of itself.
    pub(super) fn cluster_info() -> Self {
        let mut request = Self::account(Method::GET);
        request.base = Base::Server;
        request.target.push_str("/info");
        request
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

    /// Whether a URL leads where the target says: `.` and `..` between slashes lead elsewhere, and
    /// nothing can be written in their place.
    pub(super) fn is_reachable(&self) -> bool {
        let path = self.target.split('?').next().unwrap_or_default();
        !path.split('/').any(|part| matches!(part, "." | ".."))
    }

    /// Whether it can be sent once more: all that it carries is in memory.
    pub(super) fn is_repeatable(&self) -> bool {
        match &self.body {
            Body::Empty | Body::Bytes(_) | Body::Blocks(_) => true,
            Body::Flow(flow) => flow.is_kept(),
        }
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
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes themselves may be anything, secrets too.
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => f.debug_tuple("Bytes").field(&bytes.len()).finish(),
            Self::Blocks(blocks) => f.debug_tuple("Blocks").field(&blocks.len()).finish(),
            Self::Flow(flow) => f.debug_tuple("Flow").field(flow).finish(),
        }
    }
}
