//! Where a deployment's package comes from.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::StreamExt as _;
use package::PackageName;
use sha2::{Digest as _, Sha256};
use store::{FileInfo, FileName, IStore, ReadOptions};
use tokio_util::io::{StreamReader, SyncIoBridge};
use tokio_util::sync::CancellationToken;

use crate::digest::hex;
use crate::error::{Error, Result};
use crate::package_file;
use crate::phase::Phase;
use crate::recorder::Recorder;

/// What an archive's file name has behind the package's name.
pub(crate) const ARCHIVE_SUFFIX: &str = ".tar.gz";

/// The key in a stored archive's metadata under which whoever saved it has left its sha256.
pub(crate) const DIGEST_KEY: &str = "sha256";

/// Where a package's archive is.
///
/// Nothing of it is run before all of it was read: an archive that ends before or after the size
/// that its store or folder tells is refused.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use deployment::PackageSource;
/// use store::{FileName, MemoryStore};
///
/// let stored = PackageSource::Stored {
///     store: Arc::new(MemoryStore::new()),
///     file: FileName::new("hello-world.tar.gz")?,
/// };
/// let local = PackageSource::LocalFile("/srv/packages/hello-world.tar.gz".into());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PackageSource {
    /// In a store, which it is streamed from.
    ///
    /// Where the file's metadata has a `sha256` in hexadecimal digits, an archive with another one
    /// is refused.
    Stored {
        /// The store.
        store: Arc<dyn IStore>,
        /// The archive's name in it.
        file: FileName,
    },
    /// In a file of this machine.
    LocalFile(PathBuf),
}

/// An opened archive: how many bytes it has, and where they are read.
pub(crate) struct OpenSource {
    size: u64,
    /// The sha256 that it must have, in lower case, where that is known.
    digest: Option<String>,
    reader: Box<dyn Read + Send>,
}

impl PackageSource {
    /// The status that fetching from here reaches.
    pub(crate) const fn phase(&self) -> Phase {
        match self {
            Self::Stored { .. } => Phase::Downloading,
            Self::LocalFile(_) => Phase::Copy,
        }
    }

    /// Opens the archive for a blocking thread; a cancel ends the reads with an error.
    pub(crate) async fn open(&self, cancel: &CancellationToken) -> Result<OpenSource> {
        match self {
            Self::Stored { store, file } => {
                let stored = store
                    .get_file_contents(file, &ReadOptions::default())
                    .await
                    .map_err(|error| fetch_error(file, error))?;
                let chunks = stored
                    .contents
                    .into_stream()
                    .map(|chunk| chunk.map_err(io::Error::other))
                    .take_until(cancel.clone().cancelled_owned());
                let reader = SyncIoBridge::new(StreamReader::new(Box::pin(chunks)));
                Ok(OpenSource {
                    size: stored.info.size,
                    digest: known_digest(&stored.info),
                    reader: Box::new(reader),
                })
            }
            Self::LocalFile(path) => {
                let (file, size) = package_file::open(path).await?;
                Ok(OpenSource {
                    size,
                    digest: None,
                    reader: Box::new(file),
                })
            }
        }
    }
}

/// The file of the package's archive in a store.
pub(crate) fn archive_file(name: &PackageName) -> Result<FileName> {
    FileName::new(format!("{name}{ARCHIVE_SUFFIX}"))
        .map_err(Error::store("name the package's archive"))
}

/// The sha256 that whoever saved the archive has left with it; what is none is somebody's own
/// fact.
fn known_digest(info: &FileInfo) -> Option<String> {
    let digest = info.metadata.get(DIGEST_KEY)?;
    let is_sha256 = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_sha256.then(|| digest.to_ascii_lowercase())
}

fn fetch_error(file: &FileName, error: store::Error) -> Error {
    if error.kind() == store::ErrorKind::NotFound {
        let name = file.as_str().trim_end_matches(ARCHIVE_SUFFIX).to_owned();
        return Error::PackageNotFound { name };
    }
    Error::store("fetch the package")(error)
}

/// Counts what is read, tells about it, checks it against size and digest, and stops at a cancel.
pub(crate) struct FetchReader<'a> {
    source: OpenSource,
    /// Of what was read so far, where there is something to compare it with.
    hash: Option<Sha256>,
    read: u64,
    told: u64,
    recorder: &'a Recorder,
    cancel: CancellationToken,
}

/// How many bytes lie between two events of progress.
const TELL_EVERY: u64 = 256 * 1024;

impl<'a> FetchReader<'a> {
    pub(crate) fn new(
        source: OpenSource,
        recorder: &'a Recorder,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            hash: source.digest.as_ref().map(|_| Sha256::new()),
            source,
            read: 0,
            told: 0,
            recorder,
            cancel,
        }
    }
}

impl FetchReader<'_> {
    /// Checks at the archive's end that it is the one that was saved.
    fn check_whole(&mut self) -> io::Result<()> {
        let (read, size) = (self.read, self.source.size);
        if read != size {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("the archive ended after {read} of {size} bytes"),
            ));
        }
        let (Some(hash), Some(expected)) = (&self.hash, &self.source.digest) else {
            return Ok(());
        };
        // Whoever reads on behind the end has the same verdict again.
        let found = hex(&hash.clone().finalize());
        if found == *expected {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the archive's sha256 is `{found}`, and was `{expected}` when it was saved"),
        ))
    }
}

impl Read for FetchReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(cancelled());
        }
        let count = self.source.reader.read(buffer)?;
        if self.cancel.is_cancelled() {
            return Err(cancelled());
        }
        self.read += count as u64;
        if let Some(hash) = &mut self.hash {
            hash.update(&buffer[..count]);
        }
        #[cfg(feature = "metrics")]
        crate::metrics::fetched(count as u64);
        let ended = count == 0 && !buffer.is_empty();
        if ended {
            self.check_whole()?;
        }
        if self.read - self.told >= TELL_EVERY || (ended && self.told != self.read) {
            self.told = self.read;
            self.recorder.fetched(self.read, self.source.size);
        }
        Ok(count)
    }
}

fn cancelled() -> io::Error {
    io::Error::other("the deployment was stopped")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use store::MemoryStore;
    use tokio::time::Instant;

    use super::*;
    use crate::clock::Clock;
    use crate::deployment_status::DeploymentStatus;
    use crate::event::EventSender;
    use crate::id::DeploymentId;
    use crate::lease::{Lease, LeaseEnd};
    use crate::recorder::Writer;

    #[tokio::test]
    async fn an_archive_of_another_digest_stays_refused() {
        let length = Duration::from_mins(1);
        let began = (SystemTime::UNIX_EPOCH, Instant::now());
        let writer = Writer {
            status: Arc::new(DeploymentStatus::new(Arc::new(MemoryStore::new()))),
            lease: Lease::new(length, LeaseEnd::after(length, began)),
            lost: CancellationToken::new(),
        };
        let id = DeploymentId::generate();
        let recorder = Recorder::start(id, Clock::system(), EventSender::default(), writer);
        let source = OpenSource {
            size: 3,
            digest: Some("0".repeat(64)),
            reader: Box::new(&b"abc"[..]),
        };
        let mut reader = FetchReader::new(source, &recorder, CancellationToken::new());
        for _ in 0..3 {
            let error = reader.read_to_end(&mut Vec::new()).unwrap_err().to_string();
            assert!(error.contains("sha256 is `ba7816bf"), "{error}");
        }
    }
}
