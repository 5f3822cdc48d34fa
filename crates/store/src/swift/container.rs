//! The container of a store, and the one beside it.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::ready;
use futures_util::{FutureExt, StreamExt, stream};
use reqwest::{Method, StatusCode};
use tokio::time::Instant;

use crate::{ErrorKind, FileName, Operation, Result, RetryOptions, SwiftOptions};

use super::client::Client;
use super::error::Call;
use super::limits::Limits;
use super::manifest::Manifest;
use super::request::Request;
use super::response::Response;
use super::segment_name;
use super::sweep;
use super::turns::Turns;

/// How long a store believes that there are no large files.
///
/// Whoever asks Swift before each save makes saves slower by half; what is overlooked meanwhile is
/// left to the sweep.
const BELIEF: Duration = Duration::from_mins(1);

/// How many segments are deleted at a time.
const REMOVALS: usize = 4;

/// A container, and what is known of its cluster.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) client: Client,
    pub(super) name: String,
    /// The container of the segments that large files are put together of.
    pub(super) segments: String,
    pub(super) limits: Limits,
    /// The most bytes of a segment, and of a file that has none.
    pub(super) segment_size: u64,
    /// The most bytes of a segment that is sent while it comes in.
    pub(super) streamed_segment_size: u64,
    /// The most rows of a page of a listing, as far as known.
    pub(super) page: AtomicUsize,
    /// How old the segments are that a sweep deletes which is still to be begun.
    sweep_age: Mutex<Option<Duration>>,
    pub(super) turns: Turns,
    /// How the steps of a save are repeated which nobody else can repeat.
    pub(super) retry: RetryOptions,
    /// When it was seen that there are no segments, or nothing once some were seen.
    no_segments: Mutex<NoSegments>,
}

#[derive(Debug)]
enum NoSegments {
    Unknown,
    At(Instant),
    Wrong,
}

impl Container {
    pub(super) fn new(client: Client, options: &SwiftOptions, limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            client,
            segments: format!("{}_segments", options.container),
            name: options.container.clone(),
            segment_size: options.segment_size.clamp(1, limits.object),
            streamed_segment_size: options.streamed_segment_size.min(limits.object),
            page: AtomicUsize::new(limits.page),
            limits,
            sweep_age: Mutex::new(options.sweep_age),
            turns: Turns::default(),
            retry: RetryOptions::default(),
            no_segments: Mutex::new(NoSegments::Unknown),
        })
    }

    /// The most bytes of a file.
    pub(super) fn max_file_size(&self) -> u64 {
        match self.limits.segments {
            0 => self.segment_size,
            segments => self.segment_size.saturating_mul(segments as u64),
        }
    }

    /// The most bytes of a file's name: that of a segment is longer.
    pub(super) fn max_name_len(&self) -> usize {
        self.limits
            .name
            .saturating_sub(segment_name::EXTRA)
            .min(FileName::MAX_LEN)
    }

    /// A request about a file.
    pub(super) fn file(&self, method: Method, name: &FileName) -> Request {
        Request::object(method, &self.name, name.as_str())
    }

    /// A request about an object beside the files.
    pub(super) fn segment(&self, method: Method, object: &str) -> Request {
        Request::object(method, &self.segments, object)
    }

    /// Puts an object into the container, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// - [`Unavailable`](ErrorKind::Unavailable): the container was made, and is not known to all
    ///   servers yet, or the request cannot be sent again.
    /// - Those of [`Client::send`].
    pub(super) async fn put(
        &self,
        container: &str,
        name: &FileName,
        request: impl Fn() -> Request,
    ) -> Result<Response> {
        let (operation, file) = (Operation::SaveFile, Some(name.as_str()));
        let answer = self.client.send(operation, file, request()).await?;
        if answer.status() != StatusCode::NOT_FOUND {
            return Ok(answer);
        }
        // What is still on its way of the first request ends with it.
        drop(answer);
        self.make(container, name).await?;
        let unavailable = Call::new(operation, file).error(ErrorKind::Unavailable);
        let again = request();
        if !again.is_repeatable() {
            let message = "the container was made after too much was sent to be sent again";
            return Err(unavailable.with_message(message));
        }
        let answer = self.client.send(operation, file, again).await?;
        if answer.status() != StatusCode::NOT_FOUND {
            return Ok(answer);
        }
        Err(unavailable.with_message("the container was made, and is not found yet"))
    }

    async fn make(&self, container: &str, name: &FileName) -> Result<()> {
        let request = Request::container(Method::PUT, container);
        let made = (self.client)
            .send(Operation::SaveFile, Some(name.as_str()), request)
            .await?;
        if made.status().is_success() {
            tracing::info!(target: "store", container, "made the container");
            return Ok(());
        }
        Err(made.into_error().await)
    }

    /// The segments that go with the file that is stored under the name now, as far as anybody can
    /// tell.
    pub(super) async fn segments_of(
        &self,
        operation: Operation,
        name: &FileName,
    ) -> Result<Vec<String>> {
        if !self.may_have_segments(operation, name).await? {
            return Ok(Vec::new());
        }
        let request = self.file(Method::HEAD, name);
        let found = (self.client)
            .send(operation, Some(name.as_str()), request)
            .await?;
        match found.status() {
            StatusCode::NOT_FOUND => return Ok(Vec::new()),
            StatusCode::OK | StatusCode::NO_CONTENT if !Manifest::is_told(&found) => {
                return Ok(Vec::new());
            }
            StatusCode::OK | StatusCode::NO_CONTENT => {}
            _ => return Err(found.into_error().await),
        }
        let Some(manifest) = Manifest::of_file(self, operation, name).await? else {
            return Ok(Vec::new());
        };
        let objects = manifest.own_objects(&self.segments, name);
        if objects.is_empty() || self.keeps_versions(operation).await? {
            return Ok(Vec::new());
        }
        Ok(objects)
    }

    /// Whether Swift keeps the files that are replaced or deleted, with their manifests; also where
    /// it may not be asked.
    pub(super) async fn keeps_versions(&self, operation: Operation) -> Result<bool> {
        let request = Request::container(Method::HEAD, &self.name);
        let answer = match self.client.send(operation, None, request).await {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(true),
            answer => answer?,
        };
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(false),
            StatusCode::OK | StatusCode::NO_CONTENT => {
                let is_enabled = |told: &str| told.eq_ignore_ascii_case("true");
                Ok(answer.text("x-versions-enabled").is_some_and(is_enabled)
                    || answer.text("x-versions-location").is_some()
                    || answer.text("x-history-location").is_some())
            }
            _ => Err(answer.into_error().await),
        }
    }

    /// Notes that this store is about to put segments there; the first time a sweep is begun beside it.
    pub(super) fn note_segments(self: &Arc<Self>) {
        *self.no_segments() = NoSegments::Wrong;
        let mut age = (self.sweep_age.lock()).unwrap_or_else(PoisonError::into_inner);
        if let Some(age) = age.take() {
            let container = Arc::clone(self);
            tokio::spawn(async move {
                if let Err(error) = sweep::sweep(&container, age).await {
                    tracing::debug!(target: "store", %error, "no segments were swept");
                }
            });
        }
    }

    /// Whether there may be large files.
    pub(super) async fn may_have_segments(
        &self,
        operation: Operation,
        name: &FileName,
    ) -> Result<bool> {
        match *self.no_segments() {
            NoSegments::Wrong => return Ok(true),
            NoSegments::At(when) if when.elapsed() < BELIEF => return Ok(false),
            NoSegments::At(_) | NoSegments::Unknown => {}
        }
        let request = Request::container(Method::HEAD, &self.segments);
        let found = (self.client)
            .send(operation, Some(name.as_str()), request)
            .await;
        let has_none = match found {
            // Whoever may not see the segments could not delete any, either.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => true,
            found => found?.status() == StatusCode::NOT_FOUND,
        };
        let mut known = self.no_segments();
        // A save may have put some there since.
        if !matches!(*known, NoSegments::Wrong) {
            *known = if has_none {
                NoSegments::At(Instant::now())
            } else {
                NoSegments::Wrong
            };
        }
        Ok(matches!(*known, NoSegments::Wrong))
    }

    fn no_segments(&self) -> MutexGuard<'_, NoSegments> {
        (self.no_segments.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes segments, as far as that is possible now, and returns how many it deleted; the sweep
    /// finds what stays.
    pub(super) async fn remove_segments(
        &self,
        objects: impl IntoIterator<Item = String> + Send,
    ) -> usize {
        let removals = objects
            .into_iter()
            .map(|object| self.remove_segment(object).boxed())
            .collect::<Vec<_>>();
        let removed = stream::iter(removals).buffer_unordered(REMOVALS);
        removed.filter(|removed| ready(*removed)).count().await
    }

    async fn remove_segment(&self, object: String) -> bool {
        let request = self.segment(Method::DELETE, &object);
        match self.client.send(Operation::DeleteFile, None, request).await {
            Ok(answer) => answer.status().is_success(),
            Err(error) => {
                tracing::debug!(target: "store", object, %error, "a segment is left to the sweep");
                false
            }
        }
    }
}
