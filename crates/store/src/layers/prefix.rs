//! A folder of a store, as a store.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;

use crate::{
    Capabilities, Error, ErrorKind, FileContents, FileInfo, FileName, IStore, ListOptions,
    Operation, ReadOptions, Result, SaveOptions, StoredFile,
};

/// A folder of another store: `a` here is `<folder>/a` there.
///
/// # Semantics
///
/// - Nothing outside the folder can be read, listed or changed, whatever the name or the listing's
///   prefix: names are checked text, and the folder is put before them.
/// - Everything, errors too, speaks of the names here. A message that quotes a file's name in
///   backticks, as [`Error::overlap`] does, is put right; the source of an error tells the names
///   there.
/// - A name may be shorter here, by the folder and its `/`:
///   [`Capabilities::max_name_len`] tells how long.
/// - The folder [`RESERVED`](FileName::RESERVED) is no name here either. What lies in
///   `<folder>/.store/` there cannot be reached and is not listed.
/// - A file there with the folder's own name, or that of a folder around it, leaves room for no file
///   here: saves fail with [`NameOverlap`](ErrorKind::NameOverlap).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// use std::sync::Arc;
/// use store::{FileName, MemoryStore, Prefix, SaveOptions, StoreExt};
///
/// let whole = Arc::new(MemoryStore::new());
/// let tenant = Prefix::new(whole.clone(), &FileName::new("tenants/1")?);
/// tenant.save_bytes(&FileName::new("a")?, "hello", &SaveOptions::default()).await?;
/// assert!(whole.check_file_exists(&FileName::new("tenants/1/a")?).await?);
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Prefix {
    inner: Arc<dyn IStore>,
    /// The folder with a `/` behind it.
    path: Arc<str>,
}

impl Prefix {
    /// The folder `folder` of `inner`, which need not hold a file yet.
    #[must_use]
    pub fn new(inner: Arc<dyn IStore>, folder: &FileName) -> Self {
        Self {
            inner,
            path: format!("{folder}/").into(),
        }
    }

    /// The name there of what is `name` here.
    fn inner_name(&self, name: &FileName, operation: Operation) -> Result<FileName> {
        FileName::new(format!("{}{name}", self.path)).map_err(|error| {
            Error::new(ErrorKind::InvalidName, operation.as_str())
                .with_name(name.as_str())
                .with_message(format!(
                    "with its folder the name is longer than {} bytes",
                    FileName::MAX_LEN
                ))
                .with_source(error)
        })
    }

    /// The info as it is here, where the name is one.
    fn outer_info(&self, info: FileInfo) -> Option<FileInfo> {
        let name = info.name.as_str().strip_prefix(&*self.path)?;
        let name = FileName::new(name).ok()?;
        Some(FileInfo { name, ..info })
    }

    fn seen_from_here<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| error.seen_from(&self.path))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl IStore for Prefix {
    fn capabilities(&self) -> Capabilities {
        let inner = self.inner.capabilities();
        let max_name_len = inner.max_name_len.saturating_sub(self.path.len());
        inner.with_max_name_len(max_name_len)
    }

    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        options.check()?;
        let inside = |text: &str| format!("{}{text}", self.path);
        let mut page = ListOptions {
            prefix: Some(inside(options.prefix.as_deref().unwrap_or_default())),
            after: options.after.as_deref().map(inside),
            ..options.clone()
        };
        let mut found = Vec::new();
        loop {
            let infos = self.seen_from_here(self.inner.get_files_list(&page).await)?;
            let is_last = infos.len() < page.limit;
            page.after = infos.last().map(|info| info.name.as_str().to_owned());
            found.extend(infos.into_iter().filter_map(|info| self.outer_info(info)));
            // A page from which a name was left out is filled up: a short one would be the last.
            page.limit = options.limit.saturating_sub(found.len());
            if is_last || page.limit == 0 {
                return Ok(found);
            }
        }
    }

    async fn get_file_info(&self, name: &FileName) -> Result<FileInfo> {
        let inner = self.inner_name(name, Operation::GetFileInfo)?;
        let info = self.seen_from_here(self.inner.get_file_info(&inner).await)?;
        Ok(FileInfo {
            name: name.clone(),
            ..info
        })
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &ReadOptions,
    ) -> Result<StoredFile> {
        let inner = self.inner_name(name, Operation::GetFileContents)?;
        let mut file = self.seen_from_here(self.inner.get_file_contents(&inner, options).await)?;
        file.info.name = name.clone();
        let path = Arc::clone(&self.path);
        file.contents = file.contents.map_stream(|stream| {
            stream
                .map(move |piece| piece.map_err(|error| error.seen_from(&path)))
                .boxed()
        });
        Ok(file)
    }

    async fn save_file(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        let inner = self.inner_name(name, Operation::SaveFile)?;
        let saved = self.inner.save_file(&inner, contents, options).await;
        let info = self.seen_from_here(saved)?;
        Ok(FileInfo {
            name: name.clone(),
            ..info
        })
    }

    async fn delete_file(&self, name: &FileName) -> Result<()> {
        let inner = self.inner_name(name, Operation::DeleteFile)?;
        self.seen_from_here(self.inner.delete_file(&inner).await)
    }
}
