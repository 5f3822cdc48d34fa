//! Where a container is, and how it is reached.

use std::path::PathBuf;
use std::time::Duration;

use crate::Result;

use super::auth::{SwiftAuth, server_url};

/// Which container a [`SwiftStore`](crate::SwiftStore) keeps its files in, and how it is reached.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use store::{SwiftAuth, SwiftOptions, SwiftTls};
///
/// let auth = SwiftAuth::v1("https://swift.example.com/auth/v1.0", "test:tester", "testing");
/// let options = SwiftOptions::new("deployments", auth)
///     .with_tls(SwiftTls::CaFile("/etc/ssl/corp.pem".into()))
///     .with_stall_timeout(Duration::from_secs(20))
///     .with_max_requests(8);
/// assert_eq!(options.segment_size, 8 * 1024 * 1024);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SwiftOptions {
    /// The container's name: 1 to 256 bytes without `/`.
    pub container: String,
    /// Who asks, and whom for a token.
    pub auth: SwiftAuth,
    /// The URL of the account, where it is not the one that comes with the token.
    pub storage_url: Option<String>,
    /// Whose certificates are accepted; by default the system decides.
    pub tls: SwiftTls,
    /// How long a connection may take to come about; by default 10 s.
    pub connect_timeout: Duration,
    /// How long the server may do nothing: take no byte of a body, send none, or not answer; by
    /// default 1 minute.
    pub stall_timeout: Duration,
    /// The most requests that wait for an answer at a time; by default 32. Bodies of answers that are
    /// being read are not counted, nor are segments that are sent while they come in, of which each
    /// save has at most two: they may wait for their contents as long as the caller likes.
    pub max_requests: usize,
    /// The most bytes of one object: what is longer is saved in segments, of which a save holds up
    /// to three in memory. By default 8 MiB.
    pub segment_size: u64,
    /// The most bytes of a segment that is sent while it comes in, and so is not in memory as a whole.
    /// By default 256 MiB; up to [`segment_size`](Self::segment_size), there is none.
    ///
    /// Such segments are for contents of known length, after the first three segments of the file went
    /// well. They are faster, for a server takes some time for each object; but where the connection
    /// breaks after the first 8 MiB of one, the save fails, unless its contents are in memory.
    pub streamed_segment_size: u64,
    /// How old the segments are, by the cluster's clock, that the first save in segments has deleted
    /// beside it where no file needs them: longer than any save takes. By default 1 day; never where
    /// absent.
    pub sweep_age: Option<Duration>,
}

/// Whose certificates are accepted on encrypted connections.
///
/// # Examples
///
/// ```
/// use store::{SwiftAuth, SwiftOptions, SwiftTls};
///
/// let auth = SwiftAuth::v1("https://swift.example.com/auth/v1.0", "test:tester", "testing");
/// let options = SwiftOptions::new("deployments", auth);
/// assert_eq!(options.tls, SwiftTls::System);
///
/// let private = options.with_tls(SwiftTls::CaFile("/etc/ssl/corp.pem".into()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SwiftTls {
    /// Those that the operating system trusts.
    #[default]
    System,
    /// Those that lead to a certificate in this PEM file, and no others.
    CaFile(PathBuf),
    /// All, also those of an attacker. Opening the store logs a warning.
    Unverified,
}

impl SwiftOptions {
    /// The container, reached as `auth` says.
    #[must_use]
    pub fn new(container: impl Into<String>, auth: impl Into<SwiftAuth>) -> Self {
        Self {
            container: container.into(),
            auth: auth.into(),
            storage_url: None,
            tls: SwiftTls::System,
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_mins(1),
            max_requests: 32,
            segment_size: 8 * 1024 * 1024,
            streamed_segment_size: 256 * 1024 * 1024,
            sweep_age: Some(Duration::from_hours(24)),
        }
    }

    /// Refuses what cannot be right whatever the servers say.
    pub(super) fn check(&self) -> Result<()> {
        self.auth.check()?;
        if let Some(url) = &self.storage_url {
            server_url("os_storage_url", url)?;
        }
        Ok(())
    }

    /// Sets the URL of the account.
    #[must_use]
    pub fn with_storage_url(mut self, url: impl Into<String>) -> Self {
        self.storage_url = Some(url.into());
        self
    }

    /// Sets whose certificates are accepted.
    #[must_use]
    pub fn with_tls(mut self, tls: SwiftTls) -> Self {
        self.tls = tls;
        self
    }

    /// Sets how long a connection may take to come about.
    #[must_use]
    pub fn with_connect_timeout(mut self, most: Duration) -> Self {
        self.connect_timeout = most;
        self
    }

    /// Sets how long the server may do nothing.
    #[must_use]
    pub fn with_stall_timeout(mut self, most: Duration) -> Self {
        self.stall_timeout = most;
        self
    }

    /// Sets the most requests at a time; 0 is as 1.
    #[must_use]
    pub fn with_max_requests(mut self, most: usize) -> Self {
        self.max_requests = most;
        self
    }

    /// Sets the most bytes of a segment that is sent while it comes in; 0 where none may be.
    #[must_use]
    pub fn with_streamed_segment_size(mut self, bytes: u64) -> Self {
        self.streamed_segment_size = bytes;
        self
    }

    /// Sets how old the segments are that are deleted where no file needs them.
    #[must_use]
    pub fn with_sweep_age(mut self, age: Option<Duration>) -> Self {
        self.sweep_age = age;
        self
    }

    /// Sets the most bytes of one object; 0 is as 1, and more than the cluster takes as that.
    #[must_use]
    pub fn with_segment_size(mut self, bytes: u64) -> Self {
        self.segment_size = bytes;
        self
    }
}
