//! Who asks for a token, and whom.

mod keystone;
mod ready;
mod v1;

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use crate::{Error, ErrorKind, Result};

pub use self::keystone::{KeystoneAuth, KeystoneName, SwiftInterface};

pub(super) use self::keystone::tokens_url;
use self::ready::ReadyToken;
use self::v1::V1;

use super::error::Call;
use super::secret::Secret;

/// How long a server of tokens may take.
pub(super) const MOST: Duration = Duration::from_secs(30);

/// Who asks for the files, and how Swift learns that.
///
/// No password, key or token is shown by `Debug`.
///
/// # Examples
///
/// ```
/// use store::SwiftAuth;
///
/// let own = SwiftAuth::v1("http://127.0.0.1:8080/auth/v1.0", "test:tester", "testing");
/// assert!(!format!("{own:?}").contains("testing"));
///
/// let ready = SwiftAuth::ready_token("http://127.0.0.1:8080/v1/AUTH_test", "AUTH_tk0123");
/// assert!(!format!("{ready:?}").contains("AUTH_tk0123"));
/// ```
#[derive(Clone, Debug)]
pub struct SwiftAuth(Method);

#[derive(Clone, Debug)]
enum Method {
    V1(V1),
    Keystone(KeystoneAuth),
    Ready(ReadyToken),
}

impl SwiftAuth {
    /// Swift's own authentication, version 1 (TempAuth): a user, such as `account:user`, and a key,
    /// shown at `url`, such as `http://127.0.0.1:8080/auth/v1.0`.
    #[must_use]
    pub fn v1(url: impl Into<String>, user: impl Into<String>, key: impl Into<String>) -> Self {
        Self(Method::V1(V1 {
            url: url.into(),
            user: user.into(),
            key: Secret::new(key),
        }))
    }

    /// A token that somebody else got, for the account at `storage_url`. When it ends, so does the
    /// access.
    #[must_use]
    pub fn ready_token(storage_url: impl Into<String>, token: impl Into<String>) -> Self {
        Self(Method::Ready(ReadyToken {
            storage_url: storage_url.into(),
            token: Secret::new(token),
        }))
    }

    /// Refuses what cannot be right whatever the server says.
    pub(super) fn check(&self) -> Result<()> {
        match &self.0 {
            Method::V1(v1) => v1.check(),
            Method::Keystone(keystone) => keystone.check(),
            Method::Ready(ready) => ready.check(),
        }
    }

    /// Whether another token can be had.
    pub(super) fn is_renewable(&self) -> bool {
        match &self.0 {
            Method::V1(_) | Method::Keystone(_) => true,
            Method::Ready(_) => false,
        }
    }

    /// Gets a token, for the account whose URL is told here or else by the server.
    pub(super) async fn ask(&self, http: &reqwest::Client, account: Option<&str>) -> Result<Grant> {
        let call = &Call::token();
        let asked = async {
            match &self.0 {
                Method::V1(v1) => v1.ask(http, account, call).await,
                Method::Keystone(keystone) => keystone.ask(http, account, call).await,
                Method::Ready(ready) => ready.grant(),
            }
        };
        let mut grant = (tokio::time::timeout(MOST, asked).await).unwrap_or_else(|_| {
            let message = format!("no token came within {MOST:?}");
            Err(call.error(ErrorKind::Timeout).with_message(message))
        })?;
        let path = grant.storage_url.trim_end_matches('/').len();
        grant.storage_url.truncate(path);
        Ok(grant)
    }
}

impl From<KeystoneAuth> for SwiftAuth {
    fn from(keystone: KeystoneAuth) -> Self {
        Self(Method::Keystone(keystone))
    }
}

/// A token, and where it opens what.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) token: HeaderValue,
    /// The URL of the account, without a slash at the end.
    pub(super) storage_url: String,
    /// When the token ends, where that is known.
    pub(super) ends: Option<Instant>,
}

/// The refusal of a setting.
fn refused(setting: &'static str, message: &'static str) -> Error {
    Error::new(ErrorKind::Configuration, "open store")
        .with_name(setting)
        .with_message(message)
}

/// The token in a header of an answer, as a header of requests that no log shows.
fn token_header(headers: &HeaderMap, name: &str) -> Option<HeaderValue> {
    let mut token = headers.get(name)?.clone();
    token.set_sensitive(true);
    Some(token)
}

/// The URL, if it is one of a server: `http` or `https`, and nothing secret or meaningless in it.
pub(super) fn server_url(setting: &'static str, text: &str) -> Result<Url> {
    let refused = |message| refused(setting, message);
    let url = Url::parse(text).map_err(|_| refused("the value is no URL"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refused("the URL is not one of `http:` or `https:`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused(
            "the URL names a user, which has settings of its own",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("nothing may follow the path of the URL"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests;
