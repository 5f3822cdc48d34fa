//! The least that the system needs for the same work.
//!
//! - Durable saves in files: create, write, fsync, rename and fsync of the directory by the standard
//!   library, on the caller's own thread. Writers at once are threads.
//! - Reads of files: one hop to a blocking thread, as no asynchronous program can do with less, and
//!   the standard library there; one hop for each MiB of a stream, into one buffer.
//! - SQLite: one connection with its write-ahead log flushed at each commit and its own 4 KiB pages,
//!   on the caller's thread, a row for a small file or a MiB of a long one, a commit for each row,
//!   and one buffer to read a long one into. Writers at once can do no better there than one after
//!   the other.
//! - Memory: a map behind a lock.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _};

pub(super) const MIB: usize = 1 << 20;

/// Files in one directory.
#[derive(Debug)]
pub(super) struct Files(PathBuf);

impl Files {
    pub(super) fn new(folder: PathBuf) -> Result<Self> {
        fs::create_dir(&folder)?;
        fs::create_dir(folder.join("temporary"))?;
        Ok(Self(folder))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Saves the piece `count` times over as one file.
    pub(super) fn save(&self, name: &str, piece: &[u8], count: usize) -> Result<()> {
        let temporary = self.0.join("temporary").join(name);
        let mut file = File::create(&temporary)?;
        for _ in 0..count {
            file.write_all(piece)?;
        }
        file.sync_all()?;
        fs::rename(&temporary, self.path(name))?;
        File::open(&self.0)?.sync_all()?;
        Ok(())
    }

    pub(super) async fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.path(name);
        Ok(tokio::task::spawn_blocking(move || fs::read(path)).await??)
    }

    pub(super) async fn info(&self, name: &str) -> Result<fs::Metadata> {
        let path = self.path(name);
        Ok(tokio::task::spawn_blocking(move || fs::metadata(path)).await??)
    }

    /// Reads the file as a stream is read; the count of its bytes.
    pub(super) async fn stream(&self, name: &str) -> Result<usize> {
        let path = self.path(name);
        let mut file = tokio::task::spawn_blocking(move || File::open(path)).await??;
        let mut buffer = vec![0; MIB];
        let mut all = 0;
        loop {
            let read;
            (file, buffer, read) = tokio::task::spawn_blocking(move || {
                let read = file.read(&mut buffer);
                (file, buffer, read)
            })
            .await?;
            match read? {
                0 => return Ok(all),
                count => all += count,
            }
        }
    }

    pub(super) async fn list(&self) -> Result<Vec<(String, u64, SystemTime)>> {
        let folder = self.0.clone();
        tokio::task::spawn_blocking(move || {
            let mut files = Vec::new();
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let facts = entry.metadata()?;
                if facts.is_file() {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    files.push((name, facts.len(), facts.modified()?));
                }
            }
            Ok(files)
        })
        .await?
    }
}

/// Rows of one database.
#[derive(Debug)]
pub(super) struct Rows(Mutex<Connection>);

impl Rows {
    pub(super) fn new(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE file (name TEXT PRIMARY KEY, size INTEGER, modified INTEGER, bytes BLOB);
             CREATE TABLE chunk (name TEXT, position INTEGER, bytes BLOB,
                 PRIMARY KEY (name, position));",
        )?;
        Ok(Self(Mutex::new(connection)))
    }

    pub(super) fn save(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.with(|connection| {
            let sql = "INSERT OR REPLACE INTO file VALUES (?1, ?2, ?3, ?4)";
            let row = (
                name,
                i64::try_from(bytes.len())?,
                1_700_000_000_000_i64,
                bytes,
            );
            connection.prepare_cached(sql)?.execute(row)?;
            Ok(())
        })
    }

    /// Saves the same bytes under each name, in one transaction.
    pub(super) fn save_all(&self, names: impl Iterator<Item = String>, bytes: &[u8]) -> Result<()> {
        self.with(|connection| Ok(connection.execute_batch("BEGIN")?))?;
        for name in names {
            self.save(&name, bytes)?;
        }
        self.with(|connection| Ok(connection.execute_batch("COMMIT")?))
    }

    pub(super) fn save_stream(&self, name: &str, piece: &[u8], count: usize) -> Result<()> {
        self.with(|connection| {
            let sql = "INSERT OR REPLACE INTO chunk VALUES (?1, ?2, ?3)";
            let mut statement = connection.prepare_cached(sql)?;
            for position in 0..count {
                statement.execute((name, i64::try_from(position)?, piece))?;
            }
            Ok(())
        })
    }

    pub(super) fn remove_stream(&self, name: &str) -> Result<()> {
        self.with(|connection| {
            connection.execute("DELETE FROM chunk WHERE name = ?1", [name])?;
            Ok(())
        })
    }

    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>> {
        self.with(|connection| {
            let sql = "SELECT bytes FROM file WHERE name = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_row([name], |row| row.get(0))?)
        })
    }

    pub(super) fn info(&self, name: &str) -> Result<(i64, i64)> {
        self.with(|connection| {
            let sql = "SELECT size, modified FROM file WHERE name = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let facts = statement
                .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            facts.context("a file is missing")
        })
    }

    pub(super) fn stream(&self, name: &str) -> Result<usize> {
        self.with(|connection| {
            let sql = "SELECT bytes FROM chunk WHERE name = ?1 AND position = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let mut buffer = Vec::with_capacity(MIB);
            let mut all = 0;
            for position in 0_i64.. {
                buffer.clear();
                let read = statement.query_row((name, position), |row| {
                    buffer.extend_from_slice(row.get_ref(0)?.as_blob()?);
                    Ok(())
                });
                let Some(()) = read.optional()? else { break };
                all += buffer.len();
            }
            Ok(all)
        })
    }

    pub(super) fn list(&self) -> Result<Vec<(String, i64, i64)>> {
        self.with(|connection| {
            let sql = "SELECT name, size, modified FROM file ORDER BY name";
            let mut statement = connection.prepare_cached(sql)?;
            let rows =
                statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A map of contents.
#[derive(Clone, Debug, Default)]
pub(super) struct Map(Arc<Mutex<BTreeMap<String, Bytes>>>);

impl Map {
    pub(super) fn save(&self, name: &str, bytes: Bytes) {
        self.with(|map| map.insert(name.to_owned(), bytes));
    }

    pub(super) fn read(&self, name: &str) -> Option<Bytes> {
        self.with(|map| map.get(name).cloned())
    }

    pub(super) fn list(&self) -> Vec<(String, usize)> {
        self.with(|map| {
            let files = map.iter().map(|(name, bytes)| (name.clone(), bytes.len()));
            files.collect()
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Bytes>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
