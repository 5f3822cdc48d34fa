//! Repeats calls that failed for now.

mod attempts;
mod lost_reply;
mod options;
mod replay;
mod resume;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    Capabilities, Error, ErrorKind, FileContents, FileInfo, FileName, IStore, ListOptions,
    Operation, ReadOptions, Result, SaveOptions, StoredFile, Support,
};

#[cfg(feature = "swift")]
pub(crate) use self::attempts::Attempts;
#[cfg(not(feature = "swift"))]
use self::attempts::Attempts;
use self::lost_reply::LostReply;
use self::replay::{Left, Replay};
use self::resume::Resume;

pub use self::options::RetryOptions;

/// Repeats the calls of another store that failed for now.
///
/// # Semantics
///
/// Only what [`Error::is_retryable`] calls so is repeated, with exponential backoff and full
/// jitter, and not before the store's own [`retry_after`](Error::retry_after) is over; see
/// [`RetryOptions`] for the bounds. A try that never ends is [`Timeout`](crate::Timeout)'s to end;
/// [`StoreBuilder`](crate::StoreBuilder) nests the two in the right order.
///
/// **Lost replies.** After `Timeout`, `Unavailable` and `Interrupted` nobody knows whether a save or
/// a delete took effect. So
///
/// - a save with [`SaveMode::Create`](crate::SaveMode::Create) or [`SaveMode::Update`](crate::SaveMode::Update) is repeated, which can do no harm:
///   where the first try took effect, the repeat is refused. What is refused then may be the saver's
///   own file or another's, whatever its bytes are, so the caller is told that the outcome is
///   unknown, with the kind of the first failure: never that it won, and never that somebody else
///   did. Of several savers at most one is told that it won, as the store below it promises.
/// - a delete first asks for the file's version, which costs one call more. It is repeated only
///   where a look before each repeat finds that very version, and has succeeded where it does not:
///   what another saved before the look is not deleted. The look and the repeat are two calls: what
///   another saves between them, or between a look and the late effect of a try whose reply was
///   lost, is deleted, as by any delete that comes later. Where the store does not tell the version,
///   it is not repeated.
/// - a save with [`SaveMode::Overwrite`](crate::SaveMode::Overwrite) is repeated as it is: it can
///   cover what another saved between the tries. Where others save the same name, use `Update`.
///
/// A saver that has to know whether it was the one, as for a lock, puts something of its own into
/// the file, and reads the file after an unknown outcome.
///
/// **Saves of a stream.** A stream is read once. A save of one is repeated only as long as the store
/// has not asked for the first piece of it; afterwards the failure is the caller's, as it is.
/// Contents that are in memory ([`FileContents::from_bytes`]) are repeated at no cost.
///
/// **Reads.** A stream that breaks, or ends too early, is taken up again at the same byte of the same
/// version, where the store has [`range_reads`](Capabilities::range_reads). If the file was
/// replaced or deleted meanwhile, the break is the caller's.
///
/// Each repeat is a `tracing` event of level debug.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// use std::sync::Arc;
/// use store::{
///     ErrorKind, FaultScript, FileName, MemoryStore, Operation, Retry, RetryOptions, SaveOptions,
///     StoreExt,
/// };
///
/// let script = FaultScript::new();
/// script.on(Operation::SaveFile).times(2).fail(ErrorKind::Unavailable);
/// let flaky = Arc::new(MemoryStore::new().with_faults(&script));
///
/// let store = Retry::new(flaky, RetryOptions::default());
/// store.save_bytes(&FileName::new("a")?, "hello", &SaveOptions::default()).await?;
/// assert_eq!(script.calls().len(), 3);
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Retry {
    inner: Arc<dyn IStore>,
    options: RetryOptions,
}

impl Retry {
    /// Repeats the failed calls of `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn IStore>, options: RetryOptions) -> Self {
        Self { inner, options }
    }

    fn attempts(&self) -> Attempts {
        Attempts::new(self.options.clone())
    }

    async fn read(
        &self,
        mut attempts: Attempts,
        name: &FileName,
        options: &ReadOptions,
    ) -> Result<StoredFile> {
        let file = attempts
            .run(|| self.inner.get_file_contents(name, options))
            .await?;
        if self.inner.capabilities().range_reads == Support::Unsupported {
            return Ok(file);
        }
        let (etag, range) = (file.info.etag.clone(), file.range.clone());
        let contents = file.contents.map_stream(|stream| {
            Resume::new(Arc::clone(&self.inner), attempts, name, etag, range, stream).into_stream()
        });
        Ok(StoredFile::new(file.info, file.range, contents))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl IStore for Retry {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        self.attempts()
            .run(|| self.inner.get_files_list(options))
            .await
    }

    async fn get_file_info(&self, name: &FileName) -> Result<FileInfo> {
        self.attempts().run(|| self.inner.get_file_info(name)).await
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &ReadOptions,
    ) -> Result<StoredFile> {
        self.read(self.attempts(), name, options).await
    }

    async fn save_file(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        let mut attempts = self.attempts();
        let (mut replay, mut contents) = Replay::new(contents);
        let mut lost = LostReply::default();
        loop {
            let error = match self.inner.save_file(name, contents, options).await {
                Ok(info) => return Ok(info),
                Err(error) => error,
            };
            contents = match replay.take_back() {
                // A store that has not asked for the contents has saved nothing.
                Left::Untouched(contents) => contents,
                Left::Copy(contents) => {
                    lost.note(&error);
                    contents
                }
                Left::Nothing => {
                    lost.note(&error);
                    return Err(lost.told(error));
                }
            };
            if !attempts.allow_another(&error).await {
                return Err(lost.told(error));
            }
        }
    }

    async fn delete_file(&self, name: &FileName) -> Result<()> {
        let mut attempts = self.attempts();
        let version = match attempts.run(|| self.inner.get_file_info(name)).await {
            Ok(info) => Some(info.etag),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let operation = Operation::DeleteFile.as_str();
                return Err(Error::new(ErrorKind::NotFound, operation).with_name(name.as_str()));
            }
            Err(_) => None,
        };
        let mut lost = LostReply::default();
        loop {
            let error = match self.inner.delete_file(name).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            lost.note(&error);
            if !lost.is_noted() {
                if attempts.allow_another(&error).await {
                    continue;
                }
                return Err(error);
            }
            // Only the version that was there may be deleted, so that one has to be known.
            let Some(version) = &version else {
                return Err(lost.told(error));
            };
            if error.kind() == ErrorKind::NotFound {
                return Ok(());
            }
            if !attempts.allow_another(&error).await {
                return Err(lost.told(error));
            }
            match attempts.run(|| self.inner.get_file_info(name)).await {
                Ok(info) if info.etag == *version => {}
                // Another version: the one that was to go is gone.
                Ok(_) => return Ok(()),
                Err(found) if found.kind() == ErrorKind::NotFound => return Ok(()),
                Err(found) => return Err(lost.told(found)),
            }
        }
    }
}
