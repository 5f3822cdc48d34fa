//! A store in one SQLite database file.

mod contents;
mod database;
mod error;
mod group;
mod identity;
mod log;
mod owner;
mod readers;
mod rows;
mod schema;
mod task;
mod thread;
mod tidying;
mod transaction;
mod upload;
mod writer;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

use crate::blocking::run_blocking;
use crate::blocks::{Block, Blocks, Checksum};
use crate::clock::Clock;
use crate::{
    Capabilities, Durability, Etag, FileContents, FileInfo, FileName, IStore, ListOptions,
    ReadOptions, Result, SaveOptions, StoredFile,
};

use self::contents::Snapshot;
use self::database::Database;
use self::readers::Readers;
use self::upload::Upload;
use self::writer::Writer;

/// The bytes in one row of contents: an upload holds two of them in memory.
const BLOCK: usize = 1024 * 1024;

/// How many low bits of a row's key are the block's position in its file; the others are the
/// content's number.
const POSITION_BITS: u32 = 20;

/// The content of every empty file.
const NO_CONTENT: i64 = 0;

/// Keeps files in one SQLite database file, which the store makes and migrates itself.
///
/// # Semantics
///
/// - Several stores, in this process or others on this machine, may be open on one file. The file
///   must not lie on a network file system: SQLite's write-ahead log does not work there.
/// - All saves go through one thread, which commits those that wait together, with those that come
///   while it works on them: many concurrent savers share one flush of the disk. A save of up to
///   1 MiB is one transaction; a longer one writes its blocks out of sight and shows them in its
///   last.
/// - A caller that is alone and saves one file after the other waits awake for each answer, for at
///   most half a millisecond; other tasks of its thread run meanwhile. The thread that saves
///   watches 50 microseconds for what comes next.
/// - What is saved stays in the `-wal` file until a save has filled that, and copies it into the
///   database. The file gets up to 8 MiB long, or up to 64 MiB once files of more than 1 MiB were
///   saved; one transaction may take it beyond that.
/// - A read of more than 1 MiB holds a read transaction until its stream is dropped. What is
///   written meanwhile stays in the `-wal` file until then, which gets longer for it and is cut to
///   64 MiB afterwards.
/// - A file holds at most 1 TiB. Space of deleted files is used again, and given back to the file
///   system once more than 64 MiB and a quarter of the file are free.
/// - Saving or reading a file of any length takes at most 16 MiB of memory, of which 4 MiB are the
///   pages that the store keeps. Each further stream that is open takes up to 4 MiB more.
/// - A database that is locked by another process for the busy timeout is
///   [`Unavailable`](crate::ErrorKind::Unavailable), one on a full disk
///   [`StorageFull`](crate::ErrorKind::StorageFull), a damaged one
///   [`Corrupt`](crate::ErrorKind::Corrupt); what else it holds stays readable as far as it is
///   whole.
/// - While the database file is gone each call fails with
///   [`Unavailable`](crate::ErrorKind::Unavailable); it is never made anew under an open store.
///   Another file that is put in its place is opened in its stead. Whoever puts one there removes
///   `-wal` and `-shm` first, or SQLite takes them for the new file's.
/// - Beside the database `x` lie `x-wal`, `x-shm`, which are SQLite's, and `x-locks`, a directory
///   that tells which stores are alive.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("files.db");
/// use store::{FileName, SaveOptions, SqliteOptions, SqliteStore, StoreExt};
///
/// let store = SqliteStore::open(&path, SqliteOptions::default()).await?;
/// let name = FileName::new("greeting.txt")?;
/// store.save_bytes(&name, "hello", &SaveOptions::default()).await?;
/// assert!(store.check_file_exists(&name).await?);
/// # Ok(())
/// # }
/// ```
pub struct SqliteStore {
    path: PathBuf,
    clock: Clock,
    readers: Arc<Readers>,
    writer: Writer,
    owner: Arc<str>,
    uploads: AtomicI64,
    random: RandomState,
}

/// How a [`SqliteStore`] is opened.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use store::{Durability, SqliteOptions};
///
/// let options = SqliteOptions::default()
///     .with_durability(Durability::Process)
///     .with_busy_timeout(Duration::from_secs(30));
/// assert_eq!(options.busy_timeout, Duration::from_secs(30));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// What a finished save survives; by default a crash of the machine.
    pub durability: Durability,
    /// How long a call waits while another process writes, before it fails with
    /// [`Unavailable`](crate::ErrorKind::Unavailable); 10 seconds by default.
    pub busy_timeout: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            busy_timeout: Duration::from_secs(10),
        }
    }
}

impl SqliteOptions {
    /// Sets what a finished save survives.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets how long a call waits while another process writes.
    #[must_use]
    pub fn with_busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }
}

impl SqliteStore {
    /// Opens the database file, which is made, with its directory, where it is missing.
    ///
    /// Removes what crashed writers left, and leaves alone what writers that live are at.
    ///
    /// # Errors
    ///
    /// - [`Configuration`](crate::ErrorKind::Configuration): the file is another program's
    ///   database, or of a newer version of this crate, or cannot be opened as a file.
    /// - [`Corrupt`](crate::ErrorKind::Corrupt): the file is no database, or a damaged one.
    /// - [`PermissionDenied`](crate::ErrorKind::PermissionDenied): the file or its directory cannot
    ///   be written.
    /// - [`Unavailable`](crate::ErrorKind::Unavailable): another process kept it locked for the
    ///   busy timeout.
    pub async fn open(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self> {
        let path = path.as_ref().to_owned();
        run_blocking("open store", move || Self::open_blocking(&path, &options)).await
    }

    fn open_blocking(path: &Path, options: &SqliteOptions) -> Result<Self> {
        // SQLite reads a meaning into some relative texts, such as `:memory:`.
        let path = std::path::absolute(path).map_err(error::cannot_open(path))?;
        let database = Database::open(&path, options.busy_timeout)?;
        let owner = database.id();
        let readers = Readers::new(path.clone(), options.busy_timeout);
        let writer = Writer::start(database, options.durability)?;
        Ok(Self {
            path,
            clock: Clock::system(),
            readers: Arc::new(readers),
            writer,
            owner,
            uploads: AtomicI64::new(0),
            random: RandomState::new(),
        })
    }

    /// A version that the file never had: the time is no use alone, since clocks are set back.
    fn new_info(&self, name: &FileName, options: &SaveOptions) -> FileInfo {
        let now = self.clock.now();
        let number = self.uploads.fetch_add(1, Ordering::Relaxed);
        let random = self.random.hash_one((&self.owner, number));
        let etag = Etag::new(format!("{:x}-{random:x}", to_nanos(now)));
        FileInfo::new(name.clone(), 0, etag, from_nanos(to_nanos(now)))
            .with_content_type(options.content_type_of(name))
            .with_metadata(options.metadata.clone())
    }

    async fn save_long(
        &self,
        first: bytes::Bytes,
        mut blocks: Blocks<BLOCK>,
        mut checksum: Checksum,
        mut info: FileInfo,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        let name = info.name.clone();
        self.check_early(&name, options).await?;
        let number = self.uploads.fetch_add(1, Ordering::Relaxed);
        let mut upload = Upload::new(&self.writer, Arc::clone(&self.owner), number, name.clone());
        let mut block = first;
        loop {
            (block, checksum) = hash(block, checksum).await?;
            info.size += block.len() as u64;
            // The next block arrives while this one is written.
            let (appended, next) =
                futures_util::future::join(upload.append(block), blocks.next()).await;
            appended?;
            match next? {
                Block::Inner(next) => block = next,
                Block::Last(last) => {
                    let (last, checksum) = hash(last, checksum).await?;
                    checksum.check(&name)?;
                    info.size += last.len() as u64;
                    return upload.publish(last, info, options.clone()).await;
                }
            }
        }
    }

    /// Spares the caller a long upload that is known to be refused; the last step checks again.
    async fn check_early(&self, name: &FileName, options: &SaveOptions) -> Result<()> {
        let current = match self.get_file_info(name).await {
            Ok(info) => Some(info.etag),
            Err(error) if error.kind() == crate::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        options.check_mode(name, current.as_ref())
    }
}

/// Hashing a block takes about a millisecond, so it does not run on the caller's task.
async fn hash(block: bytes::Bytes, mut checksum: Checksum) -> Result<(bytes::Bytes, Checksum)> {
    if !checksum.is_wanted() {
        return Ok((block, checksum));
    }
    run_blocking("save file", move || {
        checksum.update(&block);
        Ok((block, checksum))
    })
    .await
}

/// Nanoseconds since 1970, as the database keeps times.
fn to_nanos(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    }
}

fn from_nanos(nanos: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanos.unsigned_abs());
    if nanos < 0 {
        UNIX_EPOCH - distance
    } else {
        UNIX_EPOCH + distance
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl IStore for SqliteStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_max_file_size(Some((BLOCK as u64) << POSITION_BITS))
    }

    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        options.check()?;
        let options = options.clone();
        self.readers
            .read("list files", move |reader| rows::list(&reader, &options))
            .await
    }

    async fn get_file_info(&self, name: &FileName) -> Result<FileInfo> {
        let name = name.clone();
        self.readers
            .read("get file info", move |reader| {
                Ok(rows::find(&reader, &name, "get file info")?.info)
            })
            .await
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &ReadOptions,
    ) -> Result<StoredFile> {
        let (name, options) = (name.clone(), options.clone());
        self.readers
            .read("read file", move |reader| {
                Snapshot::open(reader, &name)?.into_file(&options)
            })
            .await
    }

    async fn save_file(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        options.check(name)?;
        self.capabilities().check_size(name, contents.size())?;
        let mut checksum = Checksum::new(options);
        let mut blocks = Blocks::<BLOCK>::new(name, contents);
        let mut info = self.new_info(name, options);
        match blocks.next().await? {
            Block::Inner(first) => self.save_long(first, blocks, checksum, info, options).await,
            Block::Last(bytes) => {
                checksum.update(&bytes);
                checksum.check(name)?;
                info.size = bytes.len() as u64;
                let options = options.clone();
                self.writer
                    .run("save file", bytes.len(), move |connection| {
                        transaction::save(connection, &info, &bytes, &options)
                    })
                    .await
            }
        }
    }

    async fn delete_file(&self, name: &FileName) -> Result<()> {
        let name = name.clone();
        self.writer
            .run("delete file", 0, move |connection| {
                transaction::delete(connection, &name)
            })
            .await
    }
}
