//! OpenStack's Identity service, version 3.

mod answer;
mod question;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{StatusCode, Url};
use tokio::time::Instant;

use crate::swift::response::Response;
use crate::{ErrorKind, Result};

use self::question::Identity;

use super::{Call, Grant, MOST, Secret, refused, server_url, token_header};

/// The setting that is told of where the URL makes no sense.
const URL: &str = "os_auth_url";

/// The most that an answer with a catalog may be, in bytes; large clouds reach some 100 KiB.
const LONGEST_ANSWER: usize = 4 * 1024 * 1024;

/// Who asks the Identity service of OpenStack (Keystone, version 3) for a token, and for what.
///
/// # Examples
///
/// ```
/// use store::{KeystoneAuth, KeystoneName, SwiftOptions};
///
/// let auth = KeystoneAuth::password(
///     "https://identity.example.com/v3",
///     KeystoneName::new("deployer").in_domain("corp"),
///     "swordfish",
/// )
/// .with_project(KeystoneName::new("releases").in_domain("corp"))
/// .with_region("north");
/// let options = SwiftOptions::new("deployments", auth);
/// assert!(!format!("{options:?}").contains("swordfish"));
/// ```
#[derive(Clone, Debug)]
pub struct KeystoneAuth {
    url: String,
    identity: Identity,
    project: Option<KeystoneName>,
    region: Option<String>,
    interface: SwiftInterface,
}

/// A user or a project of Keystone: by its name, which is one in a domain, or by its id.
///
/// # Examples
///
/// ```
/// use store::KeystoneName;
///
/// let user = KeystoneName::new("deployer"); // of the domain with the id `default`
/// assert_eq!(user, KeystoneName::new("deployer").in_domain_id("default"));
///
/// let of_corp = KeystoneName::new("deployer").in_domain("corp");
/// let by_id = KeystoneName::from_id("5c3a0cfc0b1c4bd0b5a8a3b8d9a1f3de");
/// assert_ne!(of_corp, by_id);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeystoneName(Named);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Named {
    Id(String),
    Name { name: String, domain: Domain },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Domain {
    Id(String),
    Name(String),
}

/// Which of the addresses that a cloud has for Swift is used.
///
/// # Examples
///
/// A program that runs inside the cloud:
///
/// ```
/// use store::{KeystoneAuth, SwiftInterface};
///
/// let url = "https://identity.example.com/v3";
/// let auth = KeystoneAuth::application_credential(url, "21dced0f", "swordfish")
///     .with_interface(SwiftInterface::Internal);
/// assert_eq!(SwiftInterface::default(), SwiftInterface::Public); // unless set
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SwiftInterface {
    /// The one for everybody.
    #[default]
    Public,
    /// The one inside the cloud.
    Internal,
    /// The one of its administrators.
    Admin,
}

impl KeystoneName {
    /// The one of this name in the domain with the id `default`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(Named::Name {
            name: name.into(),
            domain: Domain::Id("default".to_owned()),
        })
    }

    /// The one with this id.
    #[must_use]
    pub fn from_id(id: impl Into<String>) -> Self {
        Self(Named::Id(id.into()))
    }

    /// The one of the same name in the domain of this name; an id stays as it is.
    #[must_use]
    pub fn in_domain(self, name: impl Into<String>) -> Self {
        self.in_(Domain::Name(name.into()))
    }

    /// The one of the same name in the domain with this id; an id stays as it is.
    #[must_use]
    pub fn in_domain_id(self, id: impl Into<String>) -> Self {
        self.in_(Domain::Id(id.into()))
    }

    fn in_(self, domain: Domain) -> Self {
        match self.0 {
            Named::Id(id) => Self(Named::Id(id)),
            Named::Name { name, .. } => Self(Named::Name { name, domain }),
        }
    }
}

impl SwiftInterface {
    /// As catalogs spell it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }
}

impl KeystoneAuth {
    /// A user with a password, asked for at `url`, such as `https://identity.example.com/v3`.
    #[must_use]
    pub fn password(
        url: impl Into<String>,
        user: KeystoneName,
        password: impl Into<String>,
    ) -> Self {
        let password = Secret::new(password);
        Self::new(url, Identity::Password { user, password })
    }

    /// An application credential, by its id; it knows its project.
    ///
    /// # Examples
    ///
    /// ```
    /// use store::{KeystoneAuth, SwiftOptions};
    ///
    /// let url = "https://identity.example.com/v3";
    /// let auth = KeystoneAuth::application_credential(url, "21dced0f", "swordfish");
    /// let options = SwiftOptions::new("deployments", auth);
    /// assert!(!format!("{options:?}").contains("swordfish"));
    /// ```
    #[must_use]
    pub fn application_credential(
        url: impl Into<String>,
        id: impl Into<String>,
        secret: impl Into<String>,
    ) -> Self {
        let (id, secret) = (id.into(), Secret::new(secret));
        Self::new(url, Identity::Credential { id, secret })
    }

    /// An application credential, by its name, which is one of a user's.
    ///
    /// # Examples
    ///
    /// ```
    /// use store::{KeystoneAuth, KeystoneName};
    ///
    /// let auth = KeystoneAuth::named_application_credential(
    ///     "https://identity.example.com/v3",
    ///     KeystoneName::new("deployer"),
    ///     "ci",
    ///     "swordfish",
    /// );
    /// assert!(!format!("{auth:?}").contains("swordfish"));
    /// ```
    #[must_use]
    pub fn named_application_credential(
        url: impl Into<String>,
        user: KeystoneName,
        name: impl Into<String>,
        secret: impl Into<String>,
    ) -> Self {
        let (name, secret) = (name.into(), Secret::new(secret));
        Self::new(url, Identity::NamedCredential { user, name, secret })
    }

    /// A token that somebody else got, exchanged for one of the project. No other can be had once
    /// it has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use store::{KeystoneAuth, KeystoneName};
    ///
    /// let auth = KeystoneAuth::token("https://identity.example.com/v3", "gAAAAABk")
    ///     .with_project(KeystoneName::new("releases"));
    /// assert!(!format!("{auth:?}").contains("gAAAAABk"));
    /// ```
    #[must_use]
    pub fn token(url: impl Into<String>, token: impl Into<String>) -> Self {
        Self::new(url, Identity::Token(Secret::new(token)))
    }

    fn new(url: impl Into<String>, identity: Identity) -> Self {
        Self {
            url: url.into(),
            identity,
            project: None,
            region: None,
            interface: SwiftInterface::Public,
        }
    }

    /// Sets the project whose account is meant; without one it is the user's default project.
    #[must_use]
    pub fn with_project(mut self, project: KeystoneName) -> Self {
        self.project = Some(project);
        self
    }

    /// Sets the region; where a cloud has several, it has to be named.
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Sets which of Swift's addresses is used.
    #[must_use]
    pub fn with_interface(mut self, interface: SwiftInterface) -> Self {
        self.interface = interface;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        tokens_url(URL, &self.url).map(|_| ())
    }

    /// Gets a token; the catalog need not know Swift where `account` tells the URL of the account.
    pub(super) async fn ask(
        &self,
        http: &reqwest::Client,
        account: Option<&str>,
        call: &Call,
    ) -> Result<Grant> {
        let url = tokens_url(URL, &self.url)?;
        let question = self.identity.question(self.project.as_ref());
        let json = HeaderValue::from_static("application/json");
        let request = http.post(url.clone()).header(CONTENT_TYPE, json);
        let answer = request.body(question.to_string()).send().await;
        let answer = answer.map_err(|error| call.unanswered(&url, error))?;
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED => {}
            status if self.identity.is_refused_by(status) => {
                return Err(call
                    .error(ErrorKind::Unauthenticated)
                    .with_message(self.identity.refusal()));
            }
            status => return Err(call.no_token(status, answer.headers())),
        }
        let Some(token) = token_header(answer.headers(), "x-subject-token") else {
            return Err(call.no_identity());
        };
        let answer = Response::new(answer, call.clone(), MOST);
        let answer = answer::parse(&answer.bytes(LONGEST_ANSWER).await?)
            .map_err(|error| call.no_identity().with_source(error))?;
        let storage_url = match account {
            Some(account) => account.to_owned(),
            None => answer
                .storage_url(self.region.as_deref(), self.interface)
                .map_err(|message| call.error(ErrorKind::Configuration).with_message(message))?,
        };
        Ok(Grant {
            token,
            storage_url,
            ends: answer.lasts().map(|lasts| Instant::now() + lasts),
        })
    }
}

/// Where tokens are asked for, by the URL of the service: with or without its version.
pub(in crate::swift) fn tokens_url(setting: &'static str, text: &str) -> Result<Url> {
    let mut url = server_url(setting, text)?;
    let path = url.path().trim_end_matches('/').to_owned();
    if path.ends_with("/v2.0") {
        return Err(refused(
            setting,
            "version 2 of the Identity service is not supported: name the URL of version 3",
        ));
    }
    let version = if path.ends_with("/v3") { "" } else { "/v3" };
    url.set_path(&format!("{path}{version}/auth/tokens"));
    Ok(url)
}
