//! What an application asks the engine for.

use std::path::PathBuf;
use std::time::Duration;

use package::PackageName;

use crate::credentials::Credentials;
use crate::digest;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::id::DeploymentId;
use crate::phase::Phase;
use crate::platform::Space;
use crate::record::{DeploymentRecord, ENGINE_SCHEMA};

/// A request to deploy one package to one endpoint.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deployment::{Credentials, DeployRequest};
///
/// let credentials = Credentials::new("admin", batch::Secret::new("open sesame"))?;
/// let request = DeployRequest::new("hello-world", "https://api.example.com", credentials)?
///     .with_timeout(Duration::from_secs(600));
/// assert!(!format!("{request:?}").contains("sesame"));
/// # Ok::<(), deployment::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DeployRequest {
    pub(crate) package: PackageName,
    pub(crate) file: Option<PathBuf>,
    pub(crate) endpoint: Endpoint,
    pub(crate) credentials: Credentials,
    pub(crate) application: Option<String>,
    pub(crate) space: Option<Space>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) redeploy_of: Option<DeploymentId>,
}

impl DeployRequest {
    /// The longest idempotency key taken, in bytes.
    pub const MAX_KEY_BYTES: usize = 255;

    /// Asks for the stored package `package` to be deployed to `endpoint`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`]: the name or the endpoint is not one.
    pub fn new(package: &str, endpoint: &str, credentials: Credentials) -> Result<Self> {
        let package = package.parse().map_err(|error: package::Error| {
            Error::invalid("package name", package, error.to_string())
        })?;
        let endpoint = endpoint.parse()?;
        Ok(Self {
            package,
            file: None,
            endpoint,
            credentials,
            application: None,
            space: None,
            timeout: None,
            idempotency_key: None,
            redeploy_of: None,
        })
    }

    /// Asks for the deployment of `record`, which has ended, once more: the same package,
    /// endpoint, application and space, with credentials that are given anew.
    ///
    /// The new record names the old one.
    /// A time limit or an idempotency key of the old request is not carried over.
    ///
    /// # Errors
    ///
    /// - [`Error::Busy`]: the deployment of `record` has not ended.
    /// - [`Error::InvalidRequest`]: the record does not tell what was deployed, as the original's
    ///   does not; or the package came from a file of a machine.
    /// - [`Error::NewerRecord`]: a newer engine recorded it.
    ///
    /// # Examples
    ///
    /// ```
    /// use batch::Secret;
    /// use deployment::{Credentials, DeployRequest, DeploymentRecord};
    ///
    /// let json = br#"{
    ///     "deploy_id": "019571ff-3c1b-7d2e-8a5f-0123456789ab", "deploy_status": "FAILED",
    ///     "package": "hello-world",
    ///     "engine": {"schema": 1, "endpoint": "https://api.example.com", "application": "shop"}
    /// }"#;
    /// let record = DeploymentRecord::parse("deployment_x.json", json)?;
    /// let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
    /// let request = DeployRequest::again(&record, credentials)?.with_idempotency_key("retry-1")?;
    /// # Ok::<(), deployment::Error>(())
    /// ```
    pub fn again(record: &DeploymentRecord, credentials: Credentials) -> Result<Self> {
        let refuse = |reason: &str| {
            let id = record.deploy_id.as_str();
            Err(Error::invalid("deployment to repeat", id, reason))
        };
        let id: DeploymentId = record.deploy_id.parse()?;
        if let Some(schema) = record.newer_schema() {
            return Err(Error::NewerRecord {
                file: id.file_name().to_string(),
                schema,
                known: ENGINE_SCHEMA,
            });
        }
        let Some(engine) = &record.engine else {
            return refuse("does not tell its endpoint");
        };
        if !record.is_terminal() {
            return Err(Error::Busy {
                application: engine.application.clone(),
                endpoint: engine.endpoint.clone(),
                by: id,
            });
        }
        if record
            .statuses()
            .any(|status| status == Phase::Copy.as_str())
        {
            return refuse("took its package from a file, not from the store");
        }
        let mut request = Self::new(&record.package, &engine.endpoint, credentials)?
            .with_application(&engine.application)?;
        request.space.clone_from(&engine.space);
        request.redeploy_of = Some(id);
        Ok(request)
    }

    /// Takes the package's archive from a file of this machine instead of the store.
    ///
    /// # Examples
    ///
    /// ```
    /// use batch::Secret;
    /// use deployment::{Credentials, DeployRequest};
    ///
    /// let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
    /// let request = DeployRequest::new("hello-world", "https://api.example.com", credentials)?
    ///     .with_file("/home/me/hello-world.tar.gz");
    /// # Ok::<(), deployment::Error>(())
    /// ```
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Gives the application another name than the package's.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`]: it is empty, begins with `-`, holds control characters, or is
    /// longer than 255 bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use batch::Secret;
    /// use deployment::{Credentials, DeployRequest, Error};
    ///
    /// let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
    /// let request = DeployRequest::new("hello-world", "https://api.example.com", credentials)?;
    /// let staged = request.clone().with_application("hello-staging")?;
    /// assert!(matches!(request.with_application("--force"), Err(Error::InvalidRequest { .. })));
    /// # Ok::<(), deployment::Error>(())
    /// ```
    pub fn with_application(mut self, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let reason = if name.is_empty() {
            Some("is empty")
        } else if name.starts_with('-') {
            Some("begins with `-` and would be read as an option")
        } else if name.chars().any(char::is_control) {
            Some("holds control characters")
        } else if name.len() > 255 {
            Some("is longer than 255 bytes")
        } else {
            None
        };
        if let Some(reason) = reason {
            return Err(Error::invalid("application name", name, reason));
        }
        self.application = Some(name);
        Ok(self)
    }

    /// Deploys into a space of an organization instead of the platform's default.
    #[must_use]
    pub fn with_space(mut self, space: Space) -> Self {
        self.space = Some(space);
        self
    }

    /// Sets how long the whole deployment may take; unlimited unless set.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Gives the request a key: the same request with the same key is deployed once, however
    /// often it is made.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`]: the key is empty or longer than
    /// [`MAX_KEY_BYTES`](Self::MAX_KEY_BYTES).
    ///
    /// # Examples
    ///
    /// A request that is sent twice, as by a client whose connection broke:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::sync::Arc;
    /// # use store::StoreExt as _;
    /// # let mut runner = batch::MockICommandRunner::new();
    /// # runner.expect_run().returning(|_, _, _, _| {
    /// #     batch::RunReport::new(batch::StepOutcome::Exited { code: 0 })
    /// # });
    /// # let store = Arc::new(store::MemoryStore::new());
    /// # let archive = testkit::package("hello-world", &[("index.php", b"<?php phpinfo();")]);
    /// # let file = store::FileName::new("hello-world.tar.gz")?;
    /// # store.save_bytes(&file, archive, &store::SaveOptions::default()).await?;
    /// # let platform = Arc::new(deployment::CliPlatform::helion(Arc::new(runner)));
    /// # let options = deployment::DeployerOptions::default();
    /// # let deployer = deployment::Deployer::new(store, platform, options);
    /// use batch::Secret;
    /// use deployment::{Credentials, DeployRequest};
    ///
    /// let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
    /// let request = DeployRequest::new("hello-world", "https://api.example.com", credentials)?
    ///     .with_idempotency_key("build-4711")?;
    /// let first = deployer.deploy_package(request.clone()).await?;
    /// let second = deployer.deploy_package(request).await?;
    /// assert_eq!(first, second);
    /// # deployer.wait(&first).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Result<Self> {
        let key = key.into();
        if key.is_empty() {
            return Err(Error::invalid("idempotency key", key, "is empty"));
        }
        if key.len() > Self::MAX_KEY_BYTES {
            return Err(Error::invalid(
                "idempotency key",
                key,
                "is longer than 255 bytes",
            ));
        }
        self.idempotency_key = Some(key);
        Ok(self)
    }

    /// The application's name on the platform.
    pub(crate) fn application(&self) -> &str {
        self.application
            .as_deref()
            .unwrap_or_else(|| self.package.as_str())
    }

    /// A digest of what the request asks for; the password is no part of it.
    pub(crate) fn fingerprint(&self) -> String {
        let space = self.space.as_ref();
        let file = self.file.as_ref();
        let file = file.map_or(String::new(), |path| path.display().to_string());
        let repeated = self.redeploy_of.map(|id| id.to_string());
        let mut parts = vec![
            self.package.as_str(),
            &file,
            self.endpoint.identity(),
            self.credentials.username(),
            self.application(),
            space.map_or("", |space| space.organization.as_str()),
            space.map_or("", |space| space.space.as_str()),
        ];
        parts.extend(repeated.as_deref());
        digest::of_parts(&parts)
    }
}

#[cfg(test)]
mod tests {
    use batch::Secret;

    use super::*;

    fn request(package: &str, password: &str) -> DeployRequest {
        let credentials = Credentials::new("admin", Secret::new(password)).unwrap();
        DeployRequest::new(package, "https://api.x.io", credentials).unwrap()
    }

    #[test]
    fn the_fingerprint_tells_requests_apart_but_not_by_password() {
        let foo = request("foo", "one").fingerprint();
        assert_eq!(foo, request("foo", "two").fingerprint());
        assert_ne!(foo, request("bar", "one").fingerprint());
        let renamed = request("foo", "one").with_application("bar").unwrap();
        assert_ne!(foo, renamed.fingerprint());
    }

    #[track_caller]
    fn refused(request: Result<DeployRequest>) {
        let error = request.unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidInput, "{error}");
    }

    #[test]
    fn bad_values_are_refused_before_anything_happens() {
        let credentials = || Credentials::new("admin", Secret::new("x")).unwrap();
        for package in [
            "",
            "../x",
            "a/b",
            "-x",
            "deployment_x",
            "cancel_x",
            "lock_x",
        ] {
            refused(DeployRequest::new(
                package,
                "https://api.x.io",
                credentials(),
            ));
        }
        refused(DeployRequest::new("foo", "api.x.io", credentials()));
        for name in ["", "-n", "a\nb", &"x".repeat(256)] {
            refused(request("foo", "x").with_application(name));
        }
        for key in [String::new(), "k".repeat(256)] {
            refused(request("foo", "x").with_idempotency_key(key));
        }
    }
}
