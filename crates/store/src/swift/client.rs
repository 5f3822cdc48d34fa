//! Requests and answers, with a token.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use reqwest::header::{CONTENT_LENGTH, HeaderName};
use reqwest::{StatusCode, Url, redirect};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::layers::Progress;
use crate::{Error, ErrorKind, FileContents, Operation, Result};

use super::auth::Grant;
use super::config::SwiftOptions;
use super::error::Call;
use super::flow::Carrier;
use super::request::{Base, Body, Request};
use super::response::Response;
use super::session::Session;
use super::tls;

const TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

/// How long a connection is kept for the next request: shorter than Swift keeps it, which is 60 s by
/// default, so that a request rarely meets one that is about to be closed.
const IDLE: Duration = Duration::from_secs(30);

/// The most bytes that are handed over at once; what is longer is watched as it goes.
const AT_ONCE: usize = 1024 * 1024;

/// Sends requests to Swift; clones share the token, the connections and the bounds.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    session: Session,
    /// Whether another token can be had after one that is refused.
    is_renewable: bool,
    stall_timeout: Duration,
    /// The requests that wait for an answer, without those that wait for their contents.
    requests: Arc<Semaphore>,
}

impl Client {
    /// A client that has asked nobody yet.
    pub(super) fn new(options: &SwiftOptions) -> Result<Self> {
        options.check()?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(&options.tls)?)
            .user_agent(concat!("helion-store/", env!("CARGO_PKG_VERSION")))
            // A redirection would carry the token to whomever the answer names.
            .redirect(redirect::Policy::none())
            .connect_timeout(options.connect_timeout)
            .pool_idle_timeout(IDLE)
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Configuration, "open store")
                    .with_message("the HTTP client cannot be set up")
                    .with_source(error)
            })?;
        let most = options.max_requests.clamp(1, Semaphore::MAX_PERMITS);
        Ok(Self {
            is_renewable: options.auth.is_renewable(),
            session: session(options, &http),
            http,
            stall_timeout: options.stall_timeout,
            requests: Arc::new(Semaphore::new(most)),
        })
    }

    /// Sends the request and returns the answer, whatever status it has, as long as that is the
    /// caller's business: [`Response::into_error`] makes an error of it.
    ///
    /// A token that is refused is renewed once, and the request sent again.
    ///
    /// # Errors
    ///
    /// - [`Unauthenticated`](ErrorKind::Unauthenticated),
    ///   [`PermissionDenied`](ErrorKind::PermissionDenied),
    ///   [`RateLimited`](ErrorKind::RateLimited), [`Unavailable`](ErrorKind::Unavailable),
    ///   [`StorageFull`](ErrorKind::StorageFull): the server said so.
    /// - [`Unavailable`](ErrorKind::Unavailable), [`Timeout`](ErrorKind::Timeout): there is no
    ///   answer.
    pub(super) async fn send(
        &self,
        operation: Operation,
        name: Option<&str>,
        request: Request,
    ) -> Result<Response> {
        let call = Call::new(operation, name);
        let _turn = self.turn(&call, &request).await?;
        let grant = self.session.grant(&call).await?;
        let first = self.exchange(&call, &grant, request.clone()).await?;
        let is_refused = first.status() == StatusCode::UNAUTHORIZED && self.is_renewable;
        if !is_refused || !request.is_repeatable() {
            return checked(&call, first);
        }
        // What is still on its way of the first request ends with it.
        drop(first);
        let grant = self.session.replace(&grant, &call).await?;
        checked(&call, self.exchange(&call, &grant, request).await?)
    }

    /// How long a server may do nothing.
    pub(super) fn stall_timeout(&self) -> Duration {
        self.stall_timeout
    }

    /// Waits until the request may be sent.
    ///
    /// One whose body comes in while it is sent has its turn at once: it waits for the caller, who may
    /// wait for this store in turn. Its upload bounds how many there are.
    async fn turn(&self, call: &Call, request: &Request) -> Result<Option<SemaphorePermit<'_>>> {
        if matches!(request.body, Body::Flow(_)) {
            return Ok(None);
        }
        let turn = (self.requests)
            .acquire()
            .await
            .map_err(|error| call.error(ErrorKind::Other).with_source(error))?;
        Ok(Some(turn))
    }

    /// Sends the request once.
    async fn exchange(&self, call: &Call, grant: &Grant, request: Request) -> Result<Response> {
        if !request.is_reachable() {
            return Err(call
                .error(ErrorKind::InvalidInput)
                .with_message("no URL leads to a name with a part `.` or `..`"));
        }
        let account = &grant.storage_url;
        let url = match request.base {
            Base::Account => Url::parse(&format!("{account}{}", request.target)),
            Base::Server => Url::parse(account).and_then(|url| url.join(&request.target)),
        };
        let url = url.map_err(|error| {
            call.error(ErrorKind::InvalidInput)
                .with_message("the address of the object is no URL")
                .with_source(error)
        })?;
        let upload = Upload::new(request.body);
        let mut outgoing = reqwest::Request::new(request.method, url.clone());
        *outgoing.headers_mut() = request.headers;
        outgoing.headers_mut().insert(TOKEN, grant.token.clone());
        if let Some(length) = upload.declared {
            outgoing.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        *outgoing.body_mut() = upload.body;
        let answer = tokio::select! {
            biased;
            answer = self.http.execute(outgoing) => answer,
            () = upload.progress.stalled(self.stall_timeout) => {
                let message = format!("the server stood still for {:?}", self.stall_timeout);
                return Err(call.error(ErrorKind::Timeout).with_message(message));
            }
        };
        // A server that answers early may take the rest only to throw it away.
        if let Some(carrier) = &upload.carrier {
            carrier.stop();
        }
        match answer {
            Ok(answer) => Ok(Response::new(answer, call.clone(), self.stall_timeout)
                .with_carrier(upload.carrier)),
            // The failure of the stream is what broke the connection.
            Err(error) => Err(upload
                .broken
                .take()
                .unwrap_or_else(|| call.unanswered(&url, error))),
        }
    }
}

fn session(options: &SwiftOptions, http: &reqwest::Client) -> Session {
    let shared = Arc::new((
        options.auth.clone(),
        options.storage_url.clone(),
        http.clone(),
    ));
    Session::new(move || {
        let shared = Arc::clone(&shared);
        async move {
            let (auth, account, http) = &*shared;
            auth.ask(http, account.as_deref()).await
        }
    })
}

/// Hands on the answers that are the caller's business.
fn checked(call: &Call, response: Response) -> Result<Response> {
    let status = response.status();
    match status.as_u16() {
        401 | 403 | 408 | 429 | 498 | 499 | 500..=599 => {
            Err(call.refused(status, response.headers()))
        }
        _ => Ok(response),
    }
}

/// The body of a request on its way.
struct Upload {
    body: Option<reqwest::Body>,
    /// The length of a stream, where it is known: HTTP's `Content-Length`.
    declared: Option<u64>,
    progress: Progress,
    broken: Broken,
    carrier: Option<Carrier>,
}

/// Why the stream of a body failed.
#[derive(Clone, Debug, Default)]
struct Broken(Arc<Mutex<Option<Error>>>);

impl Upload {
    fn new(body: Body) -> Self {
        let progress = Progress::new();
        let broken = Broken::default();
        let mut carrier = None;
        let (contents, declared) = match body {
            Body::Empty => (None, None),
            // Nobody tells the length of nothing unasked, and Swift wants to be told.
            Body::Bytes(bytes) if bytes.is_empty() => (None, Some(0)),
            Body::Bytes(bytes) if bytes.len() <= AT_ONCE => (Some(bytes.into()), None),
            Body::Bytes(bytes) => {
                let contents = FileContents::from_bytes(bytes);
                let size = contents.size();
                (Some(streamed(contents, &progress, &broken)), size)
            }
            Body::Flow(flow) => {
                let (contents, begun) = flow.begin();
                carrier = Some(begun);
                let contents = streamed(contents, &progress, &broken);
                (Some(contents), Some(flow.length()))
            }
            Body::Blocks(blocks) => {
                let size = Some(blocks.iter().map(|block| block.len() as u64).sum());
                let contents = stream::iter(blocks.into_iter().map(Ok)).boxed();
                let contents = FileContents::from_stream(contents, size);
                (Some(streamed(contents, &progress, &broken)), size)
            }
        };
        Self {
            body: contents,
            declared,
            progress,
            broken,
            carrier,
        }
    }
}

fn streamed(contents: FileContents, progress: &Progress, broken: &Broken) -> reqwest::Body {
    let broken = broken.clone();
    let pieces = progress.watch(contents).into_stream().map(move |piece| {
        piece.map_err(|error| {
            *broken.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            "the contents failed"
        })
    });
    reqwest::Body::wrap_stream(pieces)
}

impl Broken {
    fn take(&self) -> Option<Error> {
        (self.0.lock().unwrap_or_else(PoisonError::into_inner)).take()
    }
}

#[cfg(test)]
mod tests;
