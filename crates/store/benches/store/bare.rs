//! A thread that saves the two rows of a small file, and nothing else.
//!
//! It is what a store with a thread for its saves cannot do without: a hop there and back, between
//! two that stay awake, and one flushed transaction of two rows in the tables that the store makes.
//! No look at what is there, no number, no answer but that it is done. Where this stays below a
//! limit in several runs, the store cannot reach it on that machine.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rusqlite::Connection;
use store::{SqliteOptions, SqliteStore};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError as NoAnswer;

use super::case::Case;
use super::floor::Rows;
use super::subject::Subject;

/// How long the thread stays awake for the next save, as the store's does.
const PAUSE: Duration = Duration::from_micros(50);

/// Small files saved by such a thread, one after the other.
pub(super) fn case<'a>(subject: &Subject<'a>, folder: &Path, rows: Arc<Rows>) -> Result<Case<'a>> {
    let path = folder.join("sqlite-bare.db");
    let store = SqliteStore::open(&path, SqliteOptions::default());
    drop(subject.runtime.block_on(store)?);
    let thread = BareThread::start(&path)?;
    let floor = move |name: &str, bytes: &[u8]| rows.save(&format!("bare-{name}"), bytes);
    let save = async move |name, bytes| thread.save(name, bytes).await;
    Ok(subject.save_by("put, bare", floor, save))
}

struct Save {
    name: String,
    bytes: Vec<u8>,
    reply: oneshot::Sender<Result<()>>,
}

/// A handle on the thread, which ends with it.
struct BareThread(Sender<Save>);

impl BareThread {
    /// Starts on a database that a store has made and closed.
    fn start(database: &Path) -> Result<Self> {
        let connection = Connection::open(database)?;
        // The log is made as long as it gets, as the store's is: to grow takes it another flush.
        connection.execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
             INSERT INTO block VALUES (1, zeroblob(16777216)); DELETE FROM block;
             PRAGMA wal_checkpoint; PRAGMA wal_autocheckpoint = 1000;",
        )?;
        let (saves, waiting) = mpsc::channel();
        std::thread::spawn(move || run(&connection, &waiting));
        Ok(Self(saves))
    }

    async fn save(&self, name: String, bytes: Vec<u8>) -> Result<()> {
        let (reply, mut answer) = oneshot::channel();
        let save = Save { name, bytes, reply };
        self.0.send(save).ok().context("the thread has ended")?;
        loop {
            match answer.try_recv() {
                Ok(saved) => return saved,
                Err(NoAnswer::Closed) => anyhow::bail!("the thread has ended"),
                Err(NoAnswer::Empty) => {
                    std::thread::yield_now();
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

fn run(connection: &Connection, waiting: &Receiver<Save>) {
    for number in 1.. {
        let Some(save) = next(waiting) else { return };
        let saved = insert(connection, number << 20, &save);
        drop(save.reply.send(saved));
    }
}

fn next(waiting: &Receiver<Save>) -> Option<Save> {
    let begun = Instant::now();
    while begun.elapsed() < PAUSE {
        match waiting.try_recv() {
            Ok(save) => return Some(save),
            Err(TryRecvError::Empty) => std::thread::yield_now(),
            Err(TryRecvError::Disconnected) => return None,
        }
    }
    waiting.recv().ok()
}

fn insert(connection: &Connection, block: i64, save: &Save) -> Result<()> {
    let run = |sql| connection.prepare_cached(sql)?.execute(());
    run("BEGIN IMMEDIATE")?;
    let sql = "INSERT INTO block (id, bytes) VALUES (?1, ?2)";
    connection
        .prepare_cached(sql)?
        .execute((block, &save.bytes))?;
    let sql = "INSERT INTO file (name, content, size, etag, modified, content_type)
               VALUES (?1, ?2 >> 20, ?3, '18a1b2c3d4e5f607-18a1b2c3d4e5f607',
                       1700000000000000000, 'application/octet-stream')";
    let size = i64::try_from(save.bytes.len())?;
    connection
        .prepare_cached(sql)?
        .execute((&save.name, block, size))?;
    run("COMMIT")?;
    Ok(())
}
