//! A store backend over a foreign format: a directory of zip archives, one for each stored file.
//!
//! An archive has two members: the file's contents, deflated, and its facts as JSON. It is written
//! under a temporary name and then renamed, so whoever opens a name has one whole version.
//! Beside the archives lies the file `lock`, which orders the saves and deletes of all processes.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use flate2::{CrcReader, read::DeflateDecoder};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use store::{
    Capabilities, Error, ErrorKind, Etag, FileContents, FileInfo, FileName, Folders, IStore,
    ListOptions, Order, ReadOptions, Result, SaveMode, SaveOptions, StoredFile,
};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter, result::ZipError};

/// The member that holds the file's contents.
const CONTENTS: &str = "contents";
/// The member that holds what is known of the file.
const FACTS: &str = "facts.json";
/// The most bytes of facts that are read: far more than the contract lets anyone save.
const MAX_FACTS: u64 = 64 * 1024;
/// How much of a file is in memory at a time, in bytes.
const BLOCK: u64 = 1024 * 1024;
/// The most bytes in a name: as hexadecimal digits and `.zip` it fits an entry of a directory.
const MAX_NAME_LEN: usize = 125;

/// What work on the directory comes to, while it is not told yet for which call.
type Work<T> = std::result::Result<T, Box<dyn StdError + Send + Sync>>;

/// Keeps each file as one zip archive in a directory.
#[derive(Clone, Debug)]
struct ZipStore(Arc<Directory>);

impl ZipStore {
    /// Opens the store in a directory that is there, and removes what killed saves left.
    async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let open = move || {
            let handle = File::open(&path).map_err(|error| {
                Error::new(ErrorKind::Configuration, "open store").with_source(error)
            })?;
            File::options()
                .create(true)
                .append(true)
                .open(path.join("lock"))?;
            let directory = Directory { path, handle };
            directory.sweep()?;
            Ok(Self(Arc::new(directory)))
        };
        hop("open store", None, open).await
    }

    /// Runs `work` in one hop; it returns nothing where the file is not there.
    async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        name: &FileName,
        work: impl FnOnce(&Directory, &FileName) -> Work<Option<T>> + Send + 'static,
    ) -> Result<T> {
        let failed = |kind| Error::new(kind, operation).with_name(name.as_str());
        if name.as_str().len() > MAX_NAME_LEN {
            return Err(failed(ErrorKind::InvalidName).with_message("the name is over 125 bytes"));
        }
        let (directory, wanted) = (Arc::clone(&self.0), name.clone());
        let done = hop(operation, Some(name), move || work(&directory, &wanted)).await?;
        done.ok_or_else(|| failed(ErrorKind::NotFound))
    }
}

#[async_trait]
impl IStore for ZipStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
            .with_folders(Folders::Overlapping)
            .with_max_name_len(MAX_NAME_LEN)
    }

    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        options.check()?;
        let (directory, options) = (Arc::clone(&self.0), options.clone());
        hop("list files", None, move || directory.list(&options)).await
    }

    async fn get_file_info(&self, name: &FileName) -> Result<FileInfo> {
        Ok(self.run("get file info", name, Directory::version).await?.0)
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &ReadOptions,
    ) -> Result<StoredFile> {
        let (info, rest) = self.run("read file", name, Directory::version).await?;
        let options = options.clone();
        hop("read file", Some(name), move || rest.read(info, &options)).await
    }

    async fn save_file(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        options.check(name)?;
        let mut draft = self.run("save file", name, Directory::draft).await?;
        let mut blocks = contents.into_checked(name, options);
        while let Some(block) = blocks.try_next().await? {
            let write = move || {
                draft.archive.write_all(&block)?;
                draft.size += block.len() as u64;
                Ok(draft)
            };
            draft = hop("save file", Some(name), write).await?;
        }
        // Lives as long as this future, and so tells the last step whether anybody waits for it.
        let caller = Arc::new(());
        let (waiting, options) = (Arc::downgrade(&caller), options.clone());
        let show = move |directory: &Directory, name: &FileName| {
            directory.show(draft, name, &options, &waiting).map(Some)
        };
        self.run("save file", name, show).await
    }

    async fn delete_file(&self, name: &FileName) -> Result<()> {
        self.run("delete file", name, Directory::delete).await
    }
}

/// The directory, for threads that may block.
#[derive(Debug)]
struct Directory {
    path: PathBuf,
    /// The same, open: a flush then never fails for want of a handle.
    handle: File,
}

impl Directory {
    /// Waits until nobody else changes the directory; it is ours until the file is dropped.
    fn lock(&self) -> io::Result<File> {
        let file = File::options().append(true).open(self.path.join("lock"))?;
        file.lock()?;
        Ok(file)
    }

    /// Flushes what was renamed or removed. That has happened already: a failure leaves it open.
    fn flush(&self, operation: &'static str, name: &FileName) -> Result<()> {
        let unknown = Error::new(ErrorKind::Unavailable, operation).with_name(name.as_str());
        self.handle
            .sync_all()
            .map_err(|error| unknown.with_source(error))
    }

    /// Removes the drafts of processes that are gone: those of the living are locked.
    fn sweep(&self) -> Work<()> {
        let _lock = self.lock()?;
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "tmp") {
                match File::open(&path).map(|file| file.try_lock()) {
                    Ok(Ok(())) => drop(Temporary(path)),
                    Ok(Err(TryLockError::WouldBlock)) => {}
                    // It came to its end meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Ok(Err(TryLockError::Error(error))) | Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Begins an archive that nobody sees.
    fn draft(&self, _: &FileName) -> Work<Option<Draft>> {
        let etag = uuid::Uuid::new_v4().to_string();
        let path = self.path.join(format!("{etag}.tmp"));
        // A sweep holds this lock, too, and so meets no draft that has not got its own yet.
        let _lock = self.lock()?;
        let file = File::create_new(&path)?;
        let temporary = Temporary(path);
        file.try_lock()?;
        let mut archive = Box::new(ZipWriter::new(file));
        // Large: nobody knows yet that they are less than 4 GiB.
        archive.start_file(CONTENTS, deflated().large_file(true))?;
        let size = 0;
        Ok(Some(Draft {
            temporary,
            archive,
            etag,
            size,
        }))
    }

    /// Ends the archive and gives it its name, if the options allow that and somebody still waits.
    fn show(
        &self,
        mut draft: Draft,
        name: &FileName,
        options: &SaveOptions,
        waiting: &Weak<()>,
    ) -> Work<FileInfo> {
        let facts = Facts {
            size: draft.size,
            etag: draft.etag,
            modified: now(),
            content_type: options.content_type_of(name).to_owned(),
            metadata: options.metadata.clone(),
        };
        draft.archive.start_file(FACTS, deflated())?;
        draft.archive.write_all(&serde_json::to_vec(&facts)?)?;
        // It stays open, and so locked, until it has its name.
        let file = draft.archive.finish()?;
        file.sync_all()?;
        let _lock = self.lock()?;
        // A save that was given up must not replace what its caller saved after it.
        if waiting.strong_count() == 0 {
            return Err("nobody waits for the save".into());
        }
        if options.mode != SaveMode::Overwrite {
            let current = self.version(name)?.map(|(info, _)| info.etag);
            options.check_mode(name, current.as_ref())?;
        }
        fs::rename(&draft.temporary.0, self.path.join(entry_of(name)))?;
        self.flush("save file", name)?;
        Ok(facts.into_info(name))
    }

    /// Removes the archive, if it is there; under the lock, since an update relies on it.
    fn delete(&self, name: &FileName) -> Work<Option<()>> {
        let _lock = self.lock()?;
        match fs::remove_file(self.path.join(entry_of(name))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            removed => removed?,
        }
        Ok(Some(self.flush("delete file", name)?))
    }

    /// The version that has the name now, if there is one, with its contents.
    fn version(&self, name: &FileName) -> Work<Option<(FileInfo, Rest)>> {
        let file = match File::open(self.path.join(entry_of(name))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut archive = ZipArchive::new(file)?;
        let mut json = Vec::new();
        archive
            .by_name(FACTS)?
            .take(MAX_FACTS)
            .read_to_end(&mut json)?;
        let facts: Facts = serde_json::from_slice(&json)?;
        let contents = archive.by_name(CONTENTS)?;
        let start = contents
            .data_start()
            .filter(|_| contents.compression() == DEFLATED);
        let start = start.ok_or(ZipError::UnsupportedArchive(
            "the contents are not deflated",
        ))?;
        let (deflated, crc) = (contents.compressed_size(), Some(contents.crc32()));
        drop(contents);
        let mut file = archive.into_inner();
        file.seek(SeekFrom::Start(start))?;
        let inflated = CrcReader::new(DeflateDecoder::new(file.take(deflated)));
        let left = facts.size;
        Ok(Some((
            facts.into_info(name),
            Rest {
                inflated,
                left,
                crc,
            },
        )))
    }

    /// One page of the files.
    fn list(&self, options: &ListOptions) -> Work<Vec<FileInfo>> {
        let mut names = Vec::new();
        // A scan may miss a file that is replaced while it runs.
        let lock = self.lock()?;
        for entry in fs::read_dir(&self.path)? {
            names.extend(name_of(&entry?.path()).filter(|name| options.includes(name.as_str())));
        }
        drop(lock);
        names.sort_unstable();
        if options.order == Order::Descending {
            names.reverse();
        }
        // What was deleted since the scan is left out, and what follows fills up the page.
        let find = |name| {
            let version = self
                .version(name)
                .map_err(|error| failed("list files", Some(name), error));
            version.transpose()
        };
        let versions = names.iter().filter_map(find).take(options.limit);
        versions.map(|version| Ok(version?.0)).collect()
    }
}

/// How contents are kept.
const DEFLATED: CompressionMethod = CompressionMethod::Deflated;

/// Fast rather than small: packages are compressed already.
fn deflated() -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(DEFLATED)
        .compression_level(Some(1))
}

/// A file that goes when this is dropped, unless it was renamed before.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed is left to the next opening.
        let _ = fs::remove_file(&self.0);
    }
}

/// An archive that is being written.
struct Draft {
    // Goes before the archive, which holds the lock that keeps a sweep away.
    temporary: Temporary,
    archive: Box<ZipWriter<File>>,
    etag: String,
    size: u64,
}

/// What is kept of a file beside its contents. The size, too: the archive's own has no checksum.
#[derive(Deserialize, Serialize)]
struct Facts {
    size: u64,
    etag: String,
    modified: SystemTime,
    content_type: String,
    metadata: BTreeMap<String, String>,
}

impl Facts {
    /// The same for callers of the store.
    fn into_info(self, name: &FileName) -> FileInfo {
        FileInfo::new(name.clone(), self.size, Etag::new(self.etag), self.modified)
            .with_content_type(self.content_type)
            .with_metadata(self.metadata)
    }
}

/// What is still to be read of an open archive, which stays what it is when its name goes.
struct Rest {
    inflated: CrcReader<DeflateDecoder<io::Take<File>>>,
    left: u64,
    /// What the checksum has to be in the end, where that is the end of the file.
    crc: Option<u32>,
}

impl Rest {
    /// What `options` ask for: at once where it is one block, else block by block.
    fn read(mut self, info: FileInfo, options: &ReadOptions) -> Work<StoredFile> {
        let range = options.resolve(&info.name, info.size)?;
        // Deflated bytes have no other way to the middle than from the start.
        io::copy(
            &mut self.inflated.by_ref().take(range.start),
            &mut io::sink(),
        )?;
        self.left = range.end - range.start;
        self.crc = self.crc.filter(|_| range.end == info.size);
        if self.left <= BLOCK {
            let contents = FileContents::from_bytes(self.next()?.0);
            return Ok(StoredFile::new(info, range, contents));
        }
        let (size, name) = (Some(self.left), info.name.clone());
        let blocks = stream::try_unfold(self, move |rest| {
            let name = name.clone();
            async move {
                match rest.left {
                    0 => Ok(None),
                    _ => hop("read file", Some(&name), move || rest.next())
                        .await
                        .map(Some),
                }
            }
        });
        Ok(StoredFile::new(
            info,
            range,
            FileContents::from_stream(blocks.boxed(), size),
        ))
    }

    /// The next block, and what is left then.
    fn next(mut self) -> Work<(Bytes, Self)> {
        let wanted = self.left.min(BLOCK);
        let mut block = Vec::new();
        let got = self
            .inflated
            .by_ref()
            .take(wanted)
            .read_to_end(&mut block)? as u64;
        self.left -= got;
        let wrong = |crc| self.left == 0 && crc != self.inflated.crc().sum();
        if got < wanted || self.crc.is_some_and(wrong) {
            return Err(ZipError::InvalidArchive("the contents are damaged".into()).into());
        }
        Ok((block.into(), self))
    }
}

/// The entry of the directory for a file: digits, which mean nothing to any file system.
fn entry_of(name: &FileName) -> String {
    let halves = name
        .as_str()
        .bytes()
        .flat_map(|byte| [byte >> 4, byte & 0xf]);
    let digits = halves.filter_map(|half| char::from_digit(half.into(), 16));
    digits.chain(".zip".chars()).collect()
}

/// The name whose archive lies at `path`, if it is one.
fn name_of(path: &Path) -> Option<FileName> {
    let entry = path.file_name()?.to_str()?;
    let digits = entry.strip_suffix(".zip")?.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let name = String::from_utf8(digits.map(byte).collect::<Option<_>>()?).ok()?;
    // Nothing but the one spelling that a read looks for.
    FileName::new(name)
        .ok()
        .filter(|name| entry_of(name) == entry)
}

/// The wall clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where this store reads the clock"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

/// One hop to a thread that may block.
async fn hop<T: Send + 'static>(
    operation: &'static str,
    name: Option<&FileName>,
    work: impl FnOnce() -> Work<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.unwrap_or_else(|panic| Err(panic.into()));
    done.map_err(|error| failed(operation, name, error))
}

/// The one place where the errors of others become the store's.
fn failed(
    operation: &'static str,
    name: Option<&FileName>,
    error: Box<dyn StdError + Send + Sync>,
) -> Error {
    use io::ErrorKind as Io;
    let error = match error.downcast::<Error>() {
        Ok(error) => return *error,
        Err(error) => error,
    };
    let system = match error.downcast_ref() {
        Some(ZipError::Io(error)) => Some(error),
        _ => error.downcast_ref(),
    };
    let kind = match system {
        // Made by what unpacks, not by the system.
        Some(error) if error.raw_os_error().is_none() => ErrorKind::Corrupt,
        Some(error) => match error.kind() {
            Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
            Io::StorageFull | Io::QuotaExceeded => ErrorKind::StorageFull,
            _ => ErrorKind::Other,
        },
        None if error.is::<ZipError>() || error.is::<serde_json::Error>() => ErrorKind::Corrupt,
        None => ErrorKind::Other,
    };
    let failed = Error::new(kind, operation).with_source(error);
    match name {
        Some(name) => failed.with_name(name.as_str()),
        None => failed,
    }
}

/// Lists what is stored in the directory that is given.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let directory = std::env::args_os().nth(1);
    let store = ZipStore::open(directory.unwrap_or_else(|| ".".into())).await?;
    for info in store.get_files_list(&ListOptions::default()).await? {
        writeln!(io::stdout(), "{} {}", info.size, info.name.as_str())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use store::StoreExt as _;
    use tempfile::TempDir;

    use super::*;

    async fn make_place() -> (TempDir, String) {
        let directory = tempfile::tempdir().unwrap();
        let address = directory.path().to_str().unwrap().to_owned();
        (directory, address)
    }

    async fn open_store(address: String) -> ZipStore {
        ZipStore::open(address).await.unwrap()
    }

    store::store_conformance!(make_place, open_store);

    #[tokio::test]
    async fn an_opening_removes_what_the_dead_left_and_nothing_else() {
        let (place, address) = make_place().await;
        let store = open_store(address.clone()).await;
        let living = store
            .0
            .draft(&FileName::new("a").unwrap())
            .unwrap()
            .unwrap();
        fs::write(place.path().join("dead.tmp"), "half").unwrap();
        open_store(address).await;
        assert!(!place.path().join("dead.tmp").exists());
        assert!(living.temporary.0.exists());
    }

    #[tokio::test]
    async fn damage_is_told_and_named() {
        let (place, address) = make_place().await;
        let store = open_store(address).await;
        let name = FileName::new("a").unwrap();
        let saved = vec![7; 1 << 16];
        store
            .save_bytes(&name, saved.clone(), &SaveOptions::default())
            .await
            .unwrap();
        let path = place.path().join("61.zip");
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, damaged).unwrap();
            match store.get_file_bytes(&name, 1 << 16).await {
                Ok((_, read)) => assert_eq!(read, saved, "{at}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{at}: {error:?}"),
            }
        }
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let error = store
            .get_files_list(&ListOptions::default())
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.name()),
            (ErrorKind::Corrupt, Some("a"))
        );
    }
}
