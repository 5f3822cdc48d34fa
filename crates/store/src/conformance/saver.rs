//! The process that saves until it is killed.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use serde::{Deserialize, Serialize};

use super::child::answer;
use super::samples::{LONG, create, joined, name, options, pattern, update};
use super::violation::{Answer, Clause, Verdict, Violation};
use crate::{ErrorKind, FileContents, FileInfo, Guarantee, IStore, Support};

/// How many tasks save at the same time.
const WORKERS: u64 = 3;

/// The names of each worker: in the root, in a folder that comes and goes, and below it.
pub(super) fn names(worker: u64) -> [String; 3] {
    [
        format!("w{worker}"),
        format!("f{worker}/x"),
        format!("f{worker}/y/z"),
    ]
}

/// All names that are used.
pub(super) fn all_names() -> impl Iterator<Item = String> {
    (0..WORKERS).flat_map(names)
}

/// What the process tells, in order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Told {
    /// The file is about to be changed so.
    Begins(String, Change),
    /// The contents have been asked for a bit further.
    Goes,
    /// The call has returned: what was told last of the file is done, with this etag if saved.
    Done(String, Option<String>),
    /// The call has failed.
    Failed(Violation),
}

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Change {
    Save(Version),
    Delete,
}

/// Contents that can be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    seed: u64,
    length: usize,
}

impl Version {
    pub(super) fn bytes(self) -> Vec<u8> {
        pattern(self.seed, self.length)
    }

    /// What the file is saved with, where the store keeps it: every other version has nothing.
    pub(super) fn metadata(self, store: &dyn IStore) -> BTreeMap<String, String> {
        let is_told = self.seed.is_multiple_of(2);
        if !is_told || store.capabilities().metadata == Support::Unsupported {
            return BTreeMap::new();
        }
        BTreeMap::from([("seed".to_owned(), self.seed.to_string())])
    }
}

/// Saves and deletes, in all ways that the store has, until the process is killed.
pub(super) async fn save(store: &Arc<dyn IStore>, seed: u64) {
    let workers = (0..WORKERS).map(|worker| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            // A number that no other worker or process uses.
            let first = (seed << 32) | (worker << 24);
            if let Err(violation) = work(&*store, worker, first).await {
                answer(&Told::Failed(violation));
            }
        })
    });
    join_all(workers.map(joined)).await;
}

async fn work(store: &dyn IStore, worker: u64, first: u64) -> Verdict {
    let mut current: BTreeMap<String, Option<FileInfo>> = BTreeMap::new();
    for text in names(worker) {
        let info = match store.get_file_info(&name(&text)).await {
            Ok(info) => Some(info),
            missing => {
                missing.fails(Clause::Durable, ErrorKind::NotFound, "an info")?;
                None
            }
        };
        current.insert(text, info);
    }
    for number in first.. {
        let dice = pattern(number, 8);
        let index = usize::from(dice[0]) % current.len();
        let Some((text, info)) = current.iter_mut().nth(index) else {
            continue;
        };
        *info = match info.take() {
            Some(_) if dice[1] < 60 => delete(store, text).await?,
            old => save_one(store, text, number, &dice, old).await?,
        };
    }
    Ok(())
}

async fn delete(store: &dyn IStore, text: &str) -> Verdict<Option<FileInfo>> {
    answer(&Told::Begins(text.to_owned(), Change::Delete));
    store
        .delete_file(&name(text))
        .await
        .succeeds(Clause::Durable, "a delete")?;
    answer(&Told::Done(text.to_owned(), None));
    Ok(None)
}

async fn save_one(
    store: &dyn IStore,
    text: &str,
    seed: u64,
    dice: &[u8],
    old: Option<FileInfo>,
) -> Verdict<Option<FileInfo>> {
    let capabilities = store.capabilities();
    let mut options = match old {
        None if dice[2] < 128 && capabilities.exclusive_create != Guarantee::Unsupported => {
            create()
        }
        Some(old) if dice[2] < 128 && capabilities.exclusive_update != Guarantee::Unsupported => {
            update(&old)
        }
        Some(_) | None => options(),
    };
    let short = usize::from(dice[3]) * 20;
    let length = if dice[4] < 90 { LONG + short } else { short };
    let version = Version { seed, length };
    options.metadata = version.metadata(store);
    answer(&Told::Begins(text.to_owned(), Change::Save(version)));
    let bytes = Bytes::from(version.bytes());
    let pieces = (0..length).step_by(256 * 1024).map(move |start| {
        answer(&Told::Goes);
        Ok(bytes.slice(start..length.min(start + 256 * 1024)))
    });
    let contents = FileContents::from_stream(stream::iter(pieces).boxed(), None);
    let saved = store.save_file(&name(text), contents, &options).await;
    let saved = saved.succeeds(Clause::Durable, &format!("a save of `{text}`"))?;
    let etag = saved.etag.as_str().to_owned();
    answer(&Told::Done(text.to_owned(), Some(etag)));
    Ok(Some(saved))
}
