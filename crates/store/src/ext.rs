//! The comfortable calls that every store has.

use std::fs::{self, File, Metadata};
use std::future::Future;
use std::io;
use std::path::Path;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::blocking::run_blocking;
use crate::{
    Error, ErrorKind, Etag, FileContents, FileInfo, FileName, IStore, ReadOptions, Result,
    SaveMode, SaveOptions,
};

/// How often [`StoreExt::update_json`] tries: each lost try is another writer's success, so this
/// many have to come between, one after the other, before a caller is turned away.
const UPDATE_TRIES: u32 = 128;

/// The comfortable calls, for every [`IStore`], an `Arc<dyn IStore>` too.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// use store::{FileName, MemoryStore, StoreExt};
///
/// let store = MemoryStore::new();
/// let name = FileName::new("visits.json")?;
/// for _ in 0..3 {
///     store.update_json(&name, 1024, |visits: Option<u32>| Some(visits.unwrap_or(0) + 1)).await?;
/// }
/// let (visits, _etag) = store.get_json::<u32>(&name, 1024).await?;
/// assert_eq!(visits, 3);
/// # }
/// # Ok(())
/// # }
/// ```
pub trait StoreExt: IStore {
    /// The whole file in memory, with what is known of it.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](ErrorKind::NotFound): no file has this name.
    /// - [`TooLarge`](ErrorKind::TooLarge): it holds more than `max` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// # #[cfg(feature = "memory")] {
    /// use store::{ErrorKind, FileName, MemoryStore, SaveOptions, StoreExt};
    ///
    /// let store = MemoryStore::new();
    /// let name = FileName::new("greeting.txt")?;
    /// store.save_bytes(&name, "hello", &SaveOptions::default()).await?;
    ///
    /// let (info, bytes) = store.get_file_bytes(&name, 100).await?;
    /// assert_eq!((info.content_type.as_str(), &bytes[..]), ("text/plain", &b"hello"[..]));
    /// let error = store.get_file_bytes(&name, 4).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::TooLarge);
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    fn get_file_bytes(
        &self,
        name: &FileName,
        max: u64,
    ) -> impl Future<Output = Result<(FileInfo, Bytes)>> + Send;

    /// Saves bytes that are in memory.
    ///
    /// # Errors
    ///
    /// As [`IStore::save_file`].
    fn save_bytes(
        &self,
        name: &FileName,
        bytes: impl Into<Bytes> + Send,
        options: &SaveOptions,
    ) -> impl Future<Output = Result<FileInfo>> + Send;

    /// Whether a file has this name.
    ///
    /// # Errors
    ///
    /// As [`IStore::get_file_info`], but for `NotFound`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// # #[cfg(feature = "memory")] {
    /// use store::{FileName, MemoryStore, SaveOptions, StoreExt};
    ///
    /// let store = MemoryStore::new();
    /// let name = FileName::new("greeting.txt")?;
    /// assert!(!store.check_file_exists(&name).await?);
    /// store.save_bytes(&name, "hello", &SaveOptions::default()).await?;
    /// assert!(store.check_file_exists(&name).await?);
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    fn check_file_exists(&self, name: &FileName) -> impl Future<Output = Result<bool>> + Send;

    /// The value that a JSON file of at most `max` bytes holds, and the version that it was read
    /// from.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](ErrorKind::NotFound): no file has this name.
    /// - [`TooLarge`](ErrorKind::TooLarge): it holds more than `max` bytes.
    /// - [`Corrupt`](ErrorKind::Corrupt): it is no JSON, or not that of a `T`.
    fn get_json<T: DeserializeOwned>(
        &self,
        name: &FileName,
        max: u64,
    ) -> impl Future<Output = Result<(T, Etag)>> + Send;

    /// Saves the value as JSON; the content type is `application/json` unless the options name
    /// another.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](ErrorKind::InvalidInput): the value has no JSON.
    /// - As [`IStore::save_file`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// # #[cfg(feature = "memory")] {
    /// use std::collections::BTreeMap;
    /// use store::{FileName, MemoryStore, SaveOptions, StoreExt};
    ///
    /// let store = MemoryStore::new();
    /// let name = FileName::new("ports")?;
    /// let ports = BTreeMap::from([("http".to_owned(), 80)]);
    /// let info = store.save_json(&name, &ports, &SaveOptions::default()).await?;
    /// assert_eq!(info.content_type, "application/json");
    ///
    /// let (read, etag) = store.get_json::<BTreeMap<String, u16>>(&name, 1024).await?;
    /// assert_eq!((read, etag), (ports, info.etag));
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    fn save_json<T: Serialize + Sync + ?Sized>(
        &self,
        name: &FileName,
        value: &T,
        options: &SaveOptions,
    ) -> impl Future<Output = Result<FileInfo>> + Send;

    /// Changes the value that a JSON file holds, with no other writer's change lost.
    ///
    /// `change` gets the value, or `None` where there is no file, and returns what to save; on
    /// `None` nothing is saved and nothing returned. It is called anew, at most 128 times, while
    /// other writers come between. What it saves gets a plain JSON content type and no metadata.
    ///
    /// # Errors
    ///
    /// - [`Conflict`](ErrorKind::Conflict): other writers came between each time.
    /// - [`Unsupported`](ErrorKind::Unsupported): the store has no exclusive create or update.
    /// - As [`get_json`](Self::get_json) and [`save_json`](Self::save_json).
    ///
    /// # Examples
    ///
    /// Takes a seat where one is left, and saves nothing where none is:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// # #[cfg(feature = "memory")] {
    /// use store::{FileName, MemoryStore, StoreExt};
    ///
    /// let store = MemoryStore::new();
    /// let name = FileName::new("seats.json")?;
    /// let take = |seats: Option<u32>| seats.unwrap_or(1).checked_sub(1);
    /// assert!(store.update_json(&name, 1024, take).await?.is_some());
    /// assert!(store.update_json(&name, 1024, take).await?.is_none());
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    fn update_json<T, F>(
        &self,
        name: &FileName,
        max: u64,
        change: F,
    ) -> impl Future<Output = Result<Option<FileInfo>>> + Send
    where
        T: Serialize + DeserializeOwned + Send + Sync,
        F: FnMut(Option<T>) -> Option<T> + Send;

    /// Saves the local file at `path`, a block at a time.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](ErrorKind::InvalidInput): there is no such file, it is no regular one, it
    ///   cannot be read, or it changed its length meanwhile.
    /// - As [`IStore::save_file`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "memory")] {
    /// use store::{FileName, MemoryStore, SaveOptions, StoreExt};
    ///
    /// let file = tempfile::NamedTempFile::new()?;
    /// std::fs::write(file.path(), "hello")?;
    ///
    /// let store = MemoryStore::new();
    /// let name = FileName::new("greeting.txt")?;
    /// let info = store.save_path(&name, file.path(), &SaveOptions::default()).await?;
    /// assert_eq!(info.size, 5);
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    fn save_path(
        &self,
        name: &FileName,
        path: &Path,
        options: &SaveOptions,
    ) -> impl Future<Output = Result<FileInfo>> + Send;
}

impl<S: IStore + ?Sized> StoreExt for S {
    async fn get_file_bytes(&self, name: &FileName, max: u64) -> Result<(FileInfo, Bytes)> {
        let file = self
            .get_file_contents(name, &ReadOptions::default())
            .await?;
        if file.info.size > max {
            return Err(too_large(name, max));
        }
        match file.contents.collect(max).await {
            Ok(bytes) => Ok((file.info, bytes)),
            Err(error) if error.kind() == ErrorKind::TooLarge => Err(too_large(name, max)),
            Err(error) => Err(Error::new(error.kind(), "read file")
                .with_name(name.as_str())
                .with_source(error)),
        }
    }

    async fn save_bytes(
        &self,
        name: &FileName,
        bytes: impl Into<Bytes> + Send,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        let contents = FileContents::from_bytes(bytes);
        self.save_file(name, contents, options).await
    }

    async fn check_file_exists(&self, name: &FileName) -> Result<bool> {
        match self.get_file_info(name).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn get_json<T: DeserializeOwned>(&self, name: &FileName, max: u64) -> Result<(T, Etag)> {
        let (info, bytes) = self.get_file_bytes(name, max).await?;
        Ok((parse_json(name, &bytes)?, info.etag))
    }

    async fn save_json<T: Serialize + Sync + ?Sized>(
        &self,
        name: &FileName,
        value: &T,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        let bytes = serde_json::to_vec(value).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "save file")
                .with_name(name.as_str())
                .with_message("the value has no JSON")
                .with_source(error)
        })?;
        let mut options = options.clone();
        options
            .content_type
            .get_or_insert_with(|| "application/json".to_owned());
        self.save_file(name, FileContents::from_bytes(bytes), &options)
            .await
    }

    async fn update_json<T, F>(
        &self,
        name: &FileName,
        max: u64,
        mut change: F,
    ) -> Result<Option<FileInfo>>
    where
        T: Serialize + DeserializeOwned + Send + Sync,
        F: FnMut(Option<T>) -> Option<T> + Send,
    {
        for _ in 0..UPDATE_TRIES {
            let (value, mode) = match self.get_json::<T>(name, max).await {
                Ok((value, etag)) => (Some(value), SaveMode::Update(etag)),
                Err(error) if error.kind() == ErrorKind::NotFound => (None, SaveMode::Create),
                Err(error) => return Err(error),
            };
            let Some(changed) = change(value) else {
                return Ok(None);
            };
            let options = SaveOptions::default().with_mode(mode);
            match self.save_json(name, &changed, &options).await {
                Ok(info) => return Ok(Some(info)),
                Err(error) => match error.kind() {
                    ErrorKind::Conflict | ErrorKind::AlreadyExists => {}
                    _ => return Err(error),
                },
            }
            // Whoever came between gets on with its work before the next try.
            tokio::task::yield_now().await;
        }
        Err(Error::new(ErrorKind::Conflict, "update file")
            .with_name(name.as_str())
            .with_message(format!("other writers came between {UPDATE_TRIES} times")))
    }

    async fn save_path(
        &self,
        name: &FileName,
        path: &Path,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        let contents = open_path(name, path).await?;
        self.save_file(name, contents, options).await
    }
}

fn too_large(name: &FileName, max: u64) -> Error {
    Error::new(ErrorKind::TooLarge, "read file")
        .with_name(name.as_str())
        .with_message(format!("the file holds more than {max} bytes"))
}

fn parse_json<T: DeserializeOwned>(name: &FileName, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        // The parser's own text may quote a stored value, so only the place is told.
        Error::new(ErrorKind::Corrupt, "read file")
            .with_name(name.as_str())
            .with_message(format!(
                "the file does not hold the expected JSON, at line {} column {}",
                error.line(),
                error.column()
            ))
    })
}

async fn open_path(name: &FileName, path: &Path) -> Result<FileContents> {
    let failed = {
        let (name, path) = (name.clone(), path.to_owned());
        move |error: io::Error| {
            Error::new(ErrorKind::InvalidInput, "save file")
                .with_name(name.as_str())
                .with_message(format!(
                    "the local file `{}` cannot be read",
                    path.display()
                ))
                .with_source(error)
        }
    };
    let path = path.to_owned();
    let (file, size) =
        run_blocking("save file", move || open_regular(&path).map_err(failed)).await?;
    Ok(FileContents::from_file(file, size))
}

fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    // A pipe that is opened lets whoever waits to write to it go on, to nobody who reads, and a
    // device may do something.
    check_regular(&fs::metadata(path)?)?;
    open_what_came(path)
}

/// Opens what has the path, though it be a pipe by now that nobody writes to.
fn open_what_came(path: &Path) -> io::Result<(File, u64)> {
    let file = open_at_once(path)?;
    let opened = file.metadata()?;
    check_regular(&opened)?;
    #[cfg(unix)]
    rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::empty())?;
    Ok((file, opened.len()))
}

fn check_regular(found: &Metadata) -> io::Result<()> {
    if found.is_file() {
        return Ok(());
    }
    Err(io::Error::other("it is no regular file"))
}

#[cfg(unix)]
fn open_at_once(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open};

    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(open(path, flags, Mode::empty())?.into())
}

#[cfg(not(unix))]
fn open_at_once(path: &Path) -> io::Result<File> {
    File::open(path)
}

// Apple's systems have no `mknodat` in rustix.
#[cfg(all(test, unix, not(target_vendor = "apple")))]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn a_pipe_that_took_the_place_of_a_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let error = open_what_came(&pipe).unwrap_err();
        assert_eq!(error.to_string(), "it is no regular file");
    }
}
