//! A store in a directory, made without care.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt;
use store::{
    Buffering, Capabilities, Error, ErrorKind, Etag, FileContents, FileInfo, FileName, IStore,
    ListOptions, Order, ReadOptions, Result, SaveOptions, StoredFile,
};
use tempfile::TempDir;

/// What a [`Careless`] store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaceFault {
    /// A file is written where it is read.
    WritesInPlace,
    /// Whether a save may replace what is there is looked up before, without a lock.
    ChecksThenSaves,
    /// An opening removes all that is being written.
    SweepsTheLiving,
}

/// Keeps each file as its etag, a line break and its bytes.
#[derive(Debug)]
pub(super) struct Careless {
    directory: PathBuf,
    fault: PlaceFault,
    saves: AtomicU64,
}

pub(super) async fn make() -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("files")).unwrap();
    fs::create_dir(directory.path().join("temporary")).unwrap();
    let address = directory.path().to_str().unwrap().to_owned();
    (directory, address)
}

fn failed(error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Other,
    };
    Error::new(kind, "use a file").with_source(error)
}

impl Careless {
    pub(super) fn open(directory: String, fault: PlaceFault) -> Self {
        let directory = PathBuf::from(directory);
        if fault == PlaceFault::SweepsTheLiving {
            for left in fs::read_dir(directory.join("temporary")).unwrap() {
                fs::remove_file(left.unwrap().path()).unwrap();
            }
        }
        Self {
            directory,
            fault,
            saves: AtomicU64::new(0),
        }
    }

    fn path(&self, name: &FileName) -> PathBuf {
        self.directory
            .join("files")
            .join(name.as_str().replace('/', "%2F"))
    }

    fn load(&self, name: &FileName) -> Result<(FileInfo, Bytes)> {
        let bytes = Bytes::from(fs::read(self.path(name)).map_err(failed)?);
        let end = bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(bytes.len());
        let etag = Etag::new(String::from_utf8_lossy(&bytes[..end]));
        let contents = bytes.slice((end + 1).min(bytes.len())..);
        let size = contents.len() as u64;
        Ok((
            FileInfo::new(name.clone(), size, etag, UNIX_EPOCH),
            contents,
        ))
    }

    /// Writes as the contents come, so that whoever looks sees how far they came.
    async fn write(
        &self,
        path: &Path,
        etag: &str,
        mut blocks: futures_util::stream::BoxStream<'static, Result<Bytes>>,
    ) -> Result<()> {
        let mut file = File::create(path).map_err(failed)?;
        writeln!(file, "{etag}").map_err(failed)?;
        while let Some(block) = blocks.try_next().await? {
            file.write_all(&block).map_err(failed)?;
            file.sync_all().map_err(failed)?;
        }
        Ok(())
    }
}

#[async_trait]
impl IStore for Careless {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_buffering(Buffering::Whole)
    }

    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        options.check()?;
        let mut page = Vec::new();
        for entry in fs::read_dir(self.directory.join("files")).map_err(failed)? {
            let text = entry.map_err(failed)?.file_name().into_string().unwrap();
            let name = FileName::new(text.replace("%2F", "/"))?;
            if options.includes(name.as_str()) {
                page.push(self.load(&name)?.0);
            }
        }
        page.sort_by(|a, b| a.name.cmp(&b.name));
        if options.order == Order::Descending {
            page.reverse();
        }
        page.truncate(options.limit);
        Ok(page)
    }

    async fn get_file_info(&self, name: &FileName) -> Result<FileInfo> {
        Ok(self.load(name)?.0)
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &ReadOptions,
    ) -> Result<StoredFile> {
        let (info, bytes) = self.load(name)?;
        let range = options.resolve(name, info.size)?;
        let bytes = bytes.slice(range.start as usize..range.end as usize);
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
        let current = self.load(name).ok().map(|(info, _)| info.etag);
        options.check_mode(name, current.as_ref())?;
        let number = self.saves.fetch_add(1, Ordering::Relaxed);
        let etag = format!("{}-{:p}-{number}", std::process::id(), self);
        let blocks = contents.into_checked(name, options);
        if self.fault == PlaceFault::WritesInPlace {
            self.write(&self.path(name), &etag, blocks).await?;
        } else {
            let temporary = self.directory.join("temporary").join(&etag);
            self.write(&temporary, &etag, blocks).await?;
            fs::rename(temporary, self.path(name)).map_err(failed)?;
        }
        Ok(self.load(name)?.0)
    }

    async fn delete_file(&self, name: &FileName) -> Result<()> {
        fs::remove_file(self.path(name)).map_err(failed)
    }
}
