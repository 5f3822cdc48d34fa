//! Where a deployment's package comes from.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::StreamExt as _;
use store::{FileName, IStore, ReadOptions};
use tokio_util::io::{StreamReader, SyncIoBridge};
use tokio_util::sync::CancellationToken;

use crate::catalog::open_file;
use crate::error::{Error, Result};
use crate::phase::Phase;
use crate::recorder::Recorder;

/// What an archive's file name has behind the package's name.
pub(crate) const ARCHIVE_SUFFIX: &str = ".tar.gz";

/// Where a package's archive is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PackageSource {
    /// In a store, which it is streamed from.
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
    pub(crate) size: u64,
    pub(crate) reader: Box<dyn Read + Send>,
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
                    reader: Box::new(reader),
                })
            }
            Self::LocalFile(path) => {
                let opened = tokio::task::spawn_blocking({
                    let path = path.clone();
                    move || open_file(&path)
                });
                let (file, size) = opened
                    .await
                    .map_err(Error::task)?
                    .map_err(Error::directory("open the package file", path))?;
                Ok(OpenSource {
                    size,
                    reader: Box::new(file),
                })
            }
        }
    }
}

fn fetch_error(file: &FileName, error: store::Error) -> Error {
    if error.kind() == store::ErrorKind::NotFound {
        let name = file.as_str().trim_end_matches(ARCHIVE_SUFFIX).to_owned();
        return Error::PackageNotFound { name };
    }
    Error::store("fetch the package")(error)
}

/// Counts what is read, tells about it, checks it against the size, and stops at a cancel.
pub(crate) struct FetchReader<'a> {
    source: OpenSource,
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
            source,
            read: 0,
            told: 0,
            recorder,
            cancel,
        }
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
        #[cfg(feature = "metrics")]
        crate::metrics::fetched(count as u64);
        let ended = count == 0 && !buffer.is_empty();
        if ended && self.read != self.source.size {
            let (read, size) = (self.read, self.source.size);
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("the archive ended after {read} of {size} bytes"),
            ));
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
