//! The directory, and what is done to it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::Weak;
use std::time::SystemTime;

use flate2::{CrcReader, read::DeflateDecoder};
use store::{
    Error, ErrorKind, FileInfo, FileName, ListOptions, Order, Result, SaveMode, SaveOptions,
};
use zip::{ZipArchive, ZipWriter, result::ZipError};

use crate::draft::{CONTENTS, DEFLATED, Draft, FACTS, Facts, Temporary, deflated};
use crate::entry::{entry_of, name_of};
use crate::failure::{Work, failed};
use crate::rest::Rest;

/// The most bytes of facts that are read: far more than the contract lets anyone save.
const MAX_FACTS: u64 = 64 * 1024;

/// The directory, for threads that may block.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    /// The same, open: a flush then never fails for want of a handle.
    handle: File,
}

impl Directory {
    /// Opens a directory that is there, and removes what killed saves left.
    pub(crate) fn open(path: PathBuf) -> Work<Self> {
        let handle = File::open(&path).map_err(|error| {
            Error::new(ErrorKind::Configuration, "open store").with_source(error)
        })?;
        File::options()
            .create(true)
            .append(true)
            .open(path.join("lock"))?;
        let directory = Self { path, handle };
        directory.sweep()?;
        Ok(directory)
    }

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
    pub(crate) fn draft(&self, _: &FileName) -> Work<Option<Draft>> {
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
    pub(crate) fn show(
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
    pub(crate) fn delete(&self, name: &FileName) -> Work<Option<()>> {
        let _lock = self.lock()?;
        match fs::remove_file(self.path.join(entry_of(name))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            removed => removed?,
        }
        Ok(Some(self.flush("delete file", name)?))
    }

    /// The version that has the name now, if there is one, with its contents.
    pub(crate) fn version(&self, name: &FileName) -> Work<Option<(FileInfo, Rest)>> {
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
    pub(crate) fn list(&self, options: &ListOptions) -> Work<Vec<FileInfo>> {
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

/// The wall clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where this store reads the clock"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
