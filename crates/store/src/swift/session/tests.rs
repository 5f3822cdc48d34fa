use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::header::HeaderValue;
use tokio::sync::Notify;

use super::*;
use crate::{ErrorKind, Operation};

/// Tokens that are numbered in the order in which they were got.
#[derive(Debug, Default)]
struct Tokens {
    asked: AtomicU32,
    /// Which requests fail.
    fail: Mutex<Vec<u32>>,
    lasts: Option<Duration>,
    /// What each request waits for.
    gate: Option<Notify>,
}

impl Tokens {
    fn lasting(seconds: u64) -> Self {
        Self {
            lasts: Some(Duration::from_secs(seconds)),
            ..Self::default()
        }
    }

    fn gated() -> Self {
        Self {
            gate: Some(Notify::new()),
            ..Self::default()
        }
    }

    fn session(self) -> (Arc<Self>, Session) {
        let tokens = Arc::new(self);
        let asked = Arc::clone(&tokens);
        let session = Session::new(move || {
            let tokens = Arc::clone(&asked);
            async move { tokens.ask().await }
        });
        (tokens, session)
    }

    async fn ask(&self) -> Result<Grant> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        // As with a real server, others ask meanwhile.
        tokio::task::yield_now().await;
        if let Some(gate) = &self.gate {
            gate.notified().await;
        }
        if self.fail.lock().unwrap().contains(&number) {
            let error = Call::token().error(ErrorKind::RateLimited);
            return Err(error.with_retry_after(Duration::from_secs(7)));
        }
        Ok(Grant {
            token: HeaderValue::from(number),
            storage_url: String::new(),
            ends: self.lasts.map(|lasts| Instant::now() + lasts),
        })
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

fn call() -> Call {
    Call::new(Operation::GetFileInfo, Some("a"))
}

async fn token(session: &Session) -> HeaderValue {
    session.grant(&call()).await.unwrap().token.clone()
}

#[tokio::test(start_paused = true)]
async fn one_token_is_got_for_all_that_wait_and_kept_when_it_never_ends() {
    let (tokens, session) = Tokens::default().session();
    let call = call();
    let waiting = (0..100).map(|_| session.grant(&call));
    for grant in futures_util::future::join_all(waiting).await {
        assert_eq!(grant.unwrap().token, "1");
    }
    tokio::time::advance(Duration::from_hours(1000)).await;
    assert_eq!(token(&session).await, "1");
    assert_eq!(tokens.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_a_part_of_its_time_before_its_end() {
    for (lasts, renewed) in [(4, 3000), (86_400, 86_340_000), (0, 500)] {
        let (tokens, session) = Tokens::lasting(lasts).session();
        assert_eq!(token(&session).await, "1");
        tokio::time::advance(Duration::from_millis(renewed - 1)).await;
        assert_eq!(token(&session).await, "1");
        tokio::time::advance(Duration::from_millis(1)).await;
        let call = call();
        let waiting = (0..10).map(|_| session.grant(&call));
        for grant in futures_util::future::join_all(waiting).await {
            assert_eq!(grant.unwrap().token, "2");
        }
        assert_eq!(tokens.asked(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn while_a_token_is_good_a_failed_renewal_is_no_failure() {
    let (tokens, session) = Tokens::lasting(100).session();
    tokens.fail.lock().unwrap().extend([2, 3, 4]);
    assert_eq!(token(&session).await, "1");
    tokio::time::advance(Duration::from_secs(75)).await;
    // It is not tried again at once.
    for _ in 0..10 {
        assert_eq!(token(&session).await, "1");
    }
    assert_eq!(tokens.asked(), 2);
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!(token(&session).await, "1");
    assert_eq!(tokens.asked(), 3);
    tokio::time::advance(Duration::from_secs(5)).await;
    let error = session.grant(&call()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(token(&session).await, "5");
}

#[tokio::test(start_paused = true)]
async fn one_failure_is_told_to_all_that_wait() {
    let (tokens, session) = Tokens::gated().session();
    tokens.fail.lock().unwrap().push(1);
    let gate = tokens.gate.as_ref().unwrap();
    let call = call();
    let waiting = futures_util::future::join_all((0..10).map(|_| session.grant(&call)));
    let (grants, ()) = tokio::join!(waiting, async { gate.notify_one() });
    for grant in grants {
        let error = grant.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(
            error.to_string(),
            "failed to get file info `a`: no token was given"
        );
    }
    assert_eq!(tokens.asked(), 1);
    gate.notify_one();
    assert_eq!(token(&session).await, "2");
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once_for_all_that_met_it() {
    let (tokens, session) = Tokens::default().session();
    let first = session.grant(&call()).await.unwrap();
    let call = call();
    let refused = (0..10).map(|_| session.replace(&first, &call));
    for grant in futures_util::future::join_all(refused).await {
        assert_eq!(grant.unwrap().token, "2");
    }
    // Whoever learns of the refusal late gets what the others have.
    assert_eq!(session.replace(&first, &call).await.unwrap().token, "2");
    assert_eq!(token(&session).await, "2");
    assert_eq!(tokens.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_gets_the_token_though_the_first_to_ask_went_away() {
    let (tokens, session) = Tokens::gated().session();
    let call = call();
    let mut first = Box::pin(session.grant(&call));
    let mut second = Box::pin(session.grant(&call));
    assert!((&mut first).now_or_never().is_none());
    assert!((&mut second).now_or_never().is_none());
    drop(first);
    tokens.gate.as_ref().unwrap().notify_one();
    assert_eq!(second.await.unwrap().token, "1");
    assert_eq!(tokens.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_nobody_waits_for_is_begun_anew() {
    let (tokens, session) = Tokens::gated().session();
    let call = call();
    let mut first = Box::pin(session.grant(&call));
    assert!((&mut first).now_or_never().is_none());
    drop(first);
    tokens.gate.as_ref().unwrap().notify_one();
    assert_eq!(token(&session).await, "2");
}
