//! Which stores are alive, so that the uploads of those that died can be removed.

use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::error::{cannot_open, failed, no_regular_file};
use crate::{Error, ErrorKind, Result};

/// The longest time between two tries for a lock: short beside what an opening takes on a slow
/// disk.
const LONGEST_PAUSE: Duration = Duration::from_millis(32);

/// One open store: a file that stays locked while the process lives.
#[derive(Debug)]
pub(super) struct Owner {
    path: PathBuf,
    _lock: File,
}

/// An id that no other store has: 64 random bits.
pub(super) fn new_id() -> Arc<str> {
    format!("{:016x}", RandomState::new().hash_one(std::process::id())).into()
}

impl Drop for Owner {
    fn drop(&mut self) {
        // One that stays is unlocked from now on, and removed by whoever opens next.
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "a lock file stays behind");
        }
    }
}

/// The opening of a store; only one at a time is under way for one database.
#[derive(Debug)]
pub(super) struct Opening {
    directory: PathBuf,
    database: PathBuf,
    _lock: File,
}

impl Opening {
    /// Waits for another opening to end, at most for the busy timeout.
    pub(super) fn begin(database: &Path, busy_timeout: Duration) -> Result<Self> {
        let directory = locks_of(database)?;
        let failed = cannot_open(database);
        std::fs::create_dir_all(&directory).map_err(&failed)?;
        let lock = lock_file(&directory.join("opening")).map_err(&failed)?;
        if !lock_within(&lock, busy_timeout).map_err(&failed)? {
            return Err(Error::new(ErrorKind::Unavailable, "open store")
                .with_name(database.display().to_string())
                .with_message("another opening of the database did not end"));
        }
        Ok(Self {
            directory,
            database: database.to_owned(),
            _lock: lock,
        })
    }

    /// Discards the uploads of the dead and announces the owner.
    pub(super) fn finish(self, connection: &Connection, id: &str) -> Result<Owner> {
        let failed = cannot_open(&self.database);
        let living = self.living().map_err(&failed)?;
        discard_uploads(connection, &living)?;
        let path = self.directory.join(id);
        let lock = lock_file(&path).map_err(&failed)?;
        lock.lock().map_err(&failed)?;
        Ok(Owner { path, _lock: lock })
    }

    /// The owners that live; the files of the others are removed.
    fn living(&self) -> std::io::Result<Vec<String>> {
        let mut living = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            let entry = entry?;
            let Ok(id) = entry.file_name().into_string() else {
                continue;
            };
            if id == "opening" {
                continue;
            }
            let file = match File::open(entry.path()) {
                Ok(file) => file,
                // Its owner ended meanwhile.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => living.push(id),
                Err(TryLockError::Error(error)) => return Err(error),
                Ok(()) => match std::fs::remove_file(entry.path()) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(error);
                    }
                    Ok(()) | Err(_) => {}
                },
            }
        }
        Ok(living)
    }
}

/// The directory of locks that everybody finds, by whatever link they reach the database.
///
/// What is there and is no regular file is refused, before anything is left beside it.
fn locks_of(database: &Path) -> Result<PathBuf> {
    let place = match std::fs::canonicalize(database) {
        Ok(place) if !place.is_file() => return Err(no_regular_file(database)),
        Ok(place) => place,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => end_of_links(database),
        Err(error) => return Err(cannot_open(database)(error)),
    };
    let mut directory = place.into_os_string();
    directory.push("-locks");
    Ok(directory.into())
}

/// Where SQLite makes a database that is not there yet: at the end of a link that leads nowhere.
fn end_of_links(database: &Path) -> PathBuf {
    let mut place = database.to_owned();
    // As many as Linux follows.
    for _ in 0..40 {
        let Ok(target) = std::fs::read_link(&place) else {
            break;
        };
        place = place.parent().unwrap_or(Path::new("")).join(target);
    }
    place
}

/// Tries until the lock is taken or the time is over; whether it was taken.
fn lock_within(file: &File, time: Duration) -> std::io::Result<bool> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {}
        }
        let left = time.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Ok(false);
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn lock_file(path: &Path) -> std::io::Result<File> {
    File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn discard_uploads(connection: &Connection, living: &[String]) -> Result<()> {
    let failed = failed("open store");
    let mut statement = connection
        .prepare("SELECT DISTINCT owner FROM upload")
        .map_err(&failed)?;
    let owners = statement
        .query_map((), |row| row.get::<_, String>(0))
        .map_err(&failed)?;
    let owners: Vec<String> = owners.collect::<rusqlite::Result<_>>().map_err(&failed)?;
    for owner in owners.iter().filter(|owner| !living.contains(owner)) {
        let transaction = connection.unchecked_transaction().map_err(&failed)?;
        let sql = "INSERT OR IGNORE INTO discarded SELECT content FROM upload WHERE owner = ?1";
        let count = transaction.execute(sql, [owner]).map_err(&failed)?;
        transaction
            .execute("DELETE FROM upload WHERE owner = ?1", [owner])
            .map_err(&failed)?;
        transaction.commit().map_err(&failed)?;
        tracing::info!(
            count,
            "discarded the unfinished uploads of a store that died"
        );
    }
    Ok(())
}
