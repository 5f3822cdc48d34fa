//! Swift's own authentication, version 1.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tokio::time::Instant;

use crate::{ErrorKind, Result};

use super::{Call, Grant, Secret, refused, server_url, token_header};

/// A user and a key.
///
/// # Source
///
/// <https://docs.openstack.org/swift/latest/overview_auth.html>, `TempAuth`.
#[derive(Clone, Debug)]
pub(super) struct V1 {
    pub(super) url: String,
    pub(super) user: String,
    pub(super) key: Secret,
}

impl V1 {
    pub(super) fn check(&self) -> Result<()> {
        server_url("st_auth", &self.url)?;
        let user = Secret::new(&*self.user);
        if self.user.is_empty() || user.to_header().is_none() {
            return Err(refused("st_user", "the value cannot be a user"));
        }
        if self.key.reveal().is_empty() || self.key.to_header().is_none() {
            return Err(refused("st_key", "the value cannot be a key"));
        }
        Ok(())
    }

    pub(super) async fn ask(
        &self,
        http: &reqwest::Client,
        account: Option<&str>,
        call: &Call,
    ) -> Result<Grant> {
        let url = server_url("st_auth", &self.url)?;
        let mut request = http.get(url.clone()).header("x-auth-user", &self.user);
        if let Some(key) = self.key.to_header() {
            request = request.header("x-auth-key", key);
        }
        let answer = request.send().await;
        let answer = answer.map_err(|error| call.unanswered(&url, error))?;
        match answer.status() {
            StatusCode::OK | StatusCode::NO_CONTENT => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(call
                    .error(ErrorKind::Unauthenticated)
                    .with_message("the user and the key were not accepted"));
            }
            status => return Err(call.no_token(status, answer.headers())),
        }
        let headers = answer.headers();
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let (Some(token), Some(storage_url)) = (
            token_header(headers, "x-auth-token"),
            account.or_else(|| text("x-storage-url")),
        ) else {
            return Err(call.no_identity());
        };
        Ok(Grant {
            token,
            storage_url: storage_url.to_owned(),
            ends: left(headers).map(|left| Instant::now() + left),
        })
    }
}

/// How long the token still lasts.
fn left(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u32 = (headers.get("x-auth-token-expires")?.to_str().ok()?)
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds.into()))
}
