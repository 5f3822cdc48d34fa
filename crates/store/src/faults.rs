//! A store that fails as a script says.

mod calls;
mod fault;
mod running;
mod script;

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    Capabilities, FileContents, FileInfo, FileName, IStore, ListOptions, Operation, ReadOptions,
    Result, SaveOptions, StoredFile,
};

use self::fault::Moment;
use self::running::RunningCall;

pub use self::calls::{CallOutcome, LoggedCall};
pub use self::script::{FaultRule, FaultScript};

/// Passes calls on to another store, but for the faults of a [`FaultScript`], which also logs them.
///
/// It is how the users of a store test what they do when it fails: over a
/// [`MemoryStore`](crate::MemoryStore), or over the store that is meant to be used. Without a fault
/// it changes nothing.
///
/// # Examples
///
/// A save that took effect, though its reply was lost:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// use store::{
///     CallOutcome, ErrorKind, FaultScript, FileName, MemoryStore, Operation, SaveOptions, StoreExt,
/// };
///
/// let script = FaultScript::new();
/// script.on(Operation::SaveFile).named("a").lose_reply();
/// let store = MemoryStore::new().with_faults(&script);
///
/// let name = FileName::new("a")?;
/// let error = store.save_bytes(&name, "hello", &SaveOptions::default()).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Timeout);
/// assert_eq!(store.get_file_bytes(&name, 5).await?.1, "hello");
///
/// let calls = script.calls();
/// assert_eq!(calls[0].outcome, CallOutcome::Failed(ErrorKind::Timeout));
/// assert_eq!((calls[1].operation, calls[1].bytes), (Operation::GetFileContents, 5));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FaultStore {
    inner: Arc<dyn IStore>,
    script: FaultScript,
}

impl FaultStore {
    /// Passes on to `inner` what `script`, which goes on to be the caller's too, lets through.
    ///
    /// # Examples
    ///
    /// Over a store on disk:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use store::{ErrorKind, FaultScript, FaultStore, FsOptions, FsStore, Operation, SaveOptions};
    /// use store::{FileName, StoreExt};
    ///
    /// let directory = tempfile::tempdir()?;
    /// let files = FsStore::open(directory.path(), FsOptions::default()).await?;
    /// let script = FaultScript::new();
    /// script.on(Operation::SaveFile).fail(ErrorKind::StorageFull);
    /// let store = FaultStore::new(Arc::new(files), &script);
    ///
    /// let name = FileName::new("a")?;
    /// let error = store.save_bytes(&name, "hello", &SaveOptions::default()).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::StorageFull);
    /// assert!(!directory.path().join("a").exists());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new(inner: Arc<dyn IStore>, script: &FaultScript) -> Self {
        Self {
            inner,
            script: script.clone(),
        }
    }

    async fn run<T>(
        &self,
        operation: Operation,
        name: Option<&FileName>,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let running = self.script.begin(operation, name);
        let result = around(&running, call).await;
        running.end(&result);
        result
    }
}

/// The call with the faults before it and after it.
async fn around<T>(running: &RunningCall, call: impl Future<Output = Result<T>>) -> Result<T> {
    running.reach(Moment::Before).await?;
    let value = call.await?;
    running.reach(Moment::AfterEffect).await?;
    Ok(value)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl IStore for FaultStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        let call = self.inner.get_files_list(options);
        self.run(Operation::GetFilesList, None, call).await
    }

    async fn get_file_info(&self, name: &FileName) -> Result<FileInfo> {
        let call = self.inner.get_file_info(name);
        self.run(Operation::GetFileInfo, Some(name), call).await
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &ReadOptions,
    ) -> Result<StoredFile> {
        let running = self.script.begin(Operation::GetFileContents, Some(name));
        let read = self.inner.get_file_contents(name, options);
        let result = around(&running, read).await;
        running.end(&result);
        let mut file = result?;
        file.contents = running.tear(file.contents);
        Ok(file)
    }

    async fn save_file(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        let running = self.script.begin(Operation::SaveFile, Some(name));
        let contents = running.tear(contents);
        let save = self.inner.save_file(name, contents, options);
        // The store only knows that the contents broke; the caller gets what the script says.
        let result = around(&running, save)
            .await
            .map_err(|error| running.torn_error(error));
        running.end(&result);
        result
    }

    async fn delete_file(&self, name: &FileName) -> Result<()> {
        let call = self.inner.delete_file(name);
        self.run(Operation::DeleteFile, Some(name), call).await
    }
}
