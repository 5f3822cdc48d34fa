//! A store in memory, for tests and trials.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;

use crate::clock::Clock;
use crate::contents::in_memory;
use crate::{
    Buffering, Capabilities, Error, ErrorKind, Etag, FaultScript, FaultStore, FileContents,
    FileInfo, FileName, IStore, ListOptions, Operation, Order, ReadOptions, Result, SaveOptions,
    StoredFile,
};

/// Keeps files in memory, with the semantics of the durable stores.
///
/// # Semantics
///
/// Everything of [`IStore`]'s contract but durability: what it holds ends with it. A save holds the
/// whole contents in memory.
///
/// A test can give it a clock ([`with_clock`](Self::with_clock)) and faults
/// ([`with_faults`](Self::with_faults)).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// use store::{FileName, MemoryStore, SaveOptions, StoreExt};
///
/// let store = MemoryStore::new();
/// let name = FileName::new("greeting.txt")?;
/// store.save_bytes(&name, "hello", &SaveOptions::default()).await?;
/// assert_eq!(store.get_file_bytes(&name, 100).await?.1, "hello");
/// # Ok(())
/// # }
/// ```
pub struct MemoryStore {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<FileName, (FileInfo, Bytes)>,
    saves: u64,
}

impl MemoryStore {
    /// An empty store that marks files with the system's time.
    #[must_use]
    pub fn new() -> Self {
        Self {
            clock: Clock::system(),
            state: Mutex::default(),
        }
    }

    /// An empty store that marks files with the time that `now` tells.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// use std::time::{Duration, SystemTime};
    /// use store::{FileName, MemoryStore, SaveOptions, StoreExt};
    ///
    /// let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(12 * 3600);
    /// let store = MemoryStore::with_clock(move || noon);
    /// let info = store.save_bytes(&FileName::new("a")?, "hello", &SaveOptions::default()).await?;
    /// assert_eq!(info.modified, noon);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_clock(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self {
            clock: Clock::new(now),
            state: Mutex::default(),
        }
    }

    /// The store behind the faults of a script, which also logs the calls.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// use store::{ErrorKind, FaultScript, IStore, ListOptions, MemoryStore};
    ///
    /// let script = FaultScript::new();
    /// script.on_any().nth(2).fail(ErrorKind::PermissionDenied);
    /// let store = MemoryStore::new().with_faults(&script);
    /// assert!(store.get_files_list(&ListOptions::default()).await?.is_empty());
    /// let error = store.get_files_list(&ListOptions::default()).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_faults(self, script: &FaultScript) -> FaultStore {
        FaultStore::new(Arc::new(self), script)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole at every point where a holder could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.state().files.len();
        f.debug_struct("MemoryStore")
            .field("files", &files)
            .finish_non_exhaustive()
    }
}

impl State {
    fn get(&self, name: &FileName, operation: Operation) -> Result<&(FileInfo, Bytes)> {
        let missing =
            || Error::new(ErrorKind::NotFound, operation.as_str()).with_name(name.as_str());
        self.files.get(name).ok_or_else(missing)
    }

    /// A stored file whose name lies below `name`, or is a folder of it.
    fn overlapping(&self, name: &FileName) -> Option<&str> {
        let below = format!("{name}/");
        let first_below = self
            .files
            .range::<str, _>((Bound::Included(below.as_str()), Bound::Unbounded));
        let first_below = first_below.map(|(name, _)| name.as_str()).next();
        first_below
            .filter(|found| found.starts_with(&below))
            .or_else(|| {
                name.folders()
                    .find_map(|folder| self.files.get_key_value(folder))
                    .map(|(name, _)| name.as_str())
            })
    }

    fn page(&self, options: &ListOptions) -> Vec<FileInfo> {
        let (least, end) = options.bounds();
        if end.as_ref().is_some_and(|end| *end <= least) {
            return Vec::new();
        }
        let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let files = self
            .files
            .range::<str, _>((Bound::Included(least.as_str()), end));
        let infos = files.map(|(_, (info, _))| info);
        match options.order {
            Order::Ascending => infos.take(options.limit).cloned().collect(),
            Order::Descending => infos.rev().take(options.limit).cloned().collect(),
        }
    }
}

async fn read_all(name: &FileName, contents: FileContents, options: &SaveOptions) -> Result<Bytes> {
    let mut blocks = contents.into_checked(name, options);
    let first = blocks.try_next().await?.unwrap_or_default();
    let Some(second) = blocks.try_next().await? else {
        // A file of one block costs no copy.
        return Ok(first);
    };
    let mut all = BytesMut::from(first);
    all.extend_from_slice(&second);
    while let Some(block) = blocks.try_next().await? {
        all.extend_from_slice(&block);
    }
    Ok(all.freeze())
}

#[async_trait]
impl IStore for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_buffering(Buffering::Whole)
    }

    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        options.check()?;
        Ok(self.state().page(options))
    }

    async fn get_file_info(&self, name: &FileName) -> Result<FileInfo> {
        Ok(self.state().get(name, Operation::GetFileInfo)?.0.clone())
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &ReadOptions,
    ) -> Result<StoredFile> {
        let (info, bytes) = self.state().get(name, Operation::GetFileContents)?.clone();
        let range = options.resolve(name, info.size)?;
        let bytes = bytes.slice(in_memory(&range));
        Ok(StoredFile::new(
            info,
            range,
            FileContents::from_bytes(bytes),
        ))
    }

    async fn save_file(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        options.check(name)?;
        let bytes = read_all(name, contents, options).await?;
        let mut state = self.state();
        let current = state.files.get(name).map(|(info, _)| &info.etag);
        options.check_mode(name, current)?;
        if current.is_none()
            && let Some(found) = state.overlapping(name)
        {
            return Err(Error::overlap(name, found));
        }
        state.saves += 1;
        let etag = Etag::new(format!("{:x}", state.saves));
        let info = FileInfo::new(name.clone(), bytes.len() as u64, etag, self.clock.now())
            .with_content_type(options.content_type_of(name))
            .with_metadata(options.metadata.clone());
        state.files.insert(name.clone(), (info.clone(), bytes));
        Ok(info)
    }

    async fn delete_file(&self, name: &FileName) -> Result<()> {
        let mut state = self.state();
        state.get(name, Operation::DeleteFile)?;
        state.files.remove(name);
        Ok(())
    }
}
