//! The token that requests carry, and its renewal.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::time::Instant;

use crate::{Error, Result};

use super::auth::Grant;
use super::error::Call;

/// The most that a token is renewed before its end.
const AHEAD: Duration = Duration::from_mins(1);

/// How long a token is used at least, whatever the server says of its end: the servers count whole
/// seconds, and some give the same token again until its very end.
const AT_LEAST: Duration = Duration::from_millis(500);

/// The token of one store, got once for all requests that wait for it.
///
/// It is renewed before its end, by a quarter of its time and at most by a minute, and when a
/// server refuses it. A renewal that fails while the token is good is no failure of the request.
#[derive(Clone, Debug)]
pub(super) struct Session {
    ask: Ask,
    state: Arc<Mutex<State>>,
}

/// What gets a token.
#[derive(Clone)]
struct Ask(Arc<dyn Fn() -> BoxFuture<'static, Result<Grant>> + Send + Sync>);

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ask")
    }
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    /// The renewal that is under way; it ends with the last request that waits for it.
    renewal: Option<WeakShared<Renewal>>,
}

/// A token and the time from which on it is renewed.
#[derive(Clone, Debug)]
struct Held {
    grant: Arc<Grant>,
    renew_from: Option<Instant>,
}

type Renewal = BoxFuture<'static, std::result::Result<Arc<Grant>, Arc<Error>>>;

impl Session {
    /// A session whose tokens come from `ask`.
    pub(super) fn new<F>(ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Grant>> + Send + 'static,
    {
        Self {
            ask: Ask(Arc::new(move || ask().boxed())),
            state: Arc::default(),
        }
    }

    /// A token that is good as far as is known here.
    pub(super) async fn grant(&self, call: &Call) -> Result<Arc<Grant>> {
        let (renewal, old) = {
            let mut state = self.state();
            match &state.held {
                Some(held) if !held.is_due() => return Ok(Arc::clone(&held.grant)),
                Some(_) | None => {}
            }
            let old = state.held.clone();
            (self.renewal(&mut state), old)
        };
        match (renewal.await, old) {
            (Ok(grant), _) => Ok(grant),
            (Err(error), Some(old)) if !old.has_ended() => {
                tracing::debug!(target: "store", %error, "the token was not renewed yet");
                self.keep(&old.grant);
                Ok(old.grant)
            }
            (Err(error), _) => Err(told(call, error)),
        }
    }

    /// Another token, after a server refused this one; another request may have got it already.
    pub(super) async fn replace(&self, refused: &Arc<Grant>, call: &Call) -> Result<Arc<Grant>> {
        let renewal = {
            let mut state = self.state();
            match &state.held {
                Some(held) if !Arc::ptr_eq(&held.grant, refused) => {
                    return Ok(Arc::clone(&held.grant));
                }
                Some(_) | None => {}
            }
            state.held = None;
            self.renewal(&mut state)
        };
        renewal.await.map_err(|error| told(call, error))
    }

    /// The renewal that is under way, or a new one.
    fn renewal(&self, state: &mut State) -> Shared<Renewal> {
        if let Some(renewal) = state.renewal.as_ref().and_then(WeakShared::upgrade) {
            return renewal;
        }
        let session = self.clone();
        let renewal = async move { session.renew().await.map_err(Arc::new) };
        let renewal = renewal.boxed().shared();
        state.renewal = renewal.downgrade();
        renewal
    }

    async fn renew(&self) -> Result<Arc<Grant>> {
        let asked = (self.ask.0)().await;
        // Whoever asks from here on begins anew.
        self.state().renewal = None;
        let grant = Arc::new(asked?);
        self.keep(&grant);
        tracing::debug!(target: "store", "got a token");
        Ok(grant)
    }

    fn keep(&self, grant: &Arc<Grant>) {
        self.state().held = Some(Held::new(Arc::clone(grant)));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// The grant, to be renewed a part of its remaining time before its end.
    fn new(grant: Arc<Grant>) -> Self {
        let now = Instant::now();
        let renew_from = grant.ends.map(|ends| {
            let left = ends.saturating_duration_since(now);
            now + left.saturating_sub(AHEAD.min(left / 4)).max(AT_LEAST)
        });
        Self { grant, renew_from }
    }

    fn is_due(&self) -> bool {
        self.renew_from.is_some_and(|from| from <= Instant::now())
    }

    fn has_ended(&self) -> bool {
        self.grant.ends.is_some_and(|ends| ends <= Instant::now())
    }
}

/// One failure to get a token, as each of the calls that waited for it tells it.
fn told(call: &Call, error: Arc<Error>) -> Error {
    let told = call.error(error.kind()).with_message("no token was given");
    let told = match error.retry_after() {
        Some(delay) => told.with_retry_after(delay),
        None => told,
    };
    told.with_source(error)
}

#[cfg(test)]
mod tests;
