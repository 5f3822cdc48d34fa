//! The stores whose memory is measured.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use store::{FsOptions, FsStore, IStore, MemoryStore, SqliteOptions, SqliteStore};
use tokio::runtime::Runtime;

use super::peak;

pub(super) const NAMES: [&str; 3] = ["fs", "sqlite", "memory"];

/// Has this process print what it takes.
pub(super) fn print_peak(backend: &str, folder: &Path, bytes: usize) -> Result<()> {
    let runtime = Runtime::new()?;
    let (store, kept): (Arc<dyn IStore>, usize) = match backend {
        "fs" => {
            let store = FsStore::open(folder.join("fs"), FsOptions::default());
            (Arc::new(runtime.block_on(store)?), 0)
        }
        "sqlite" => {
            let store = SqliteStore::open(folder.join("db"), SqliteOptions::default());
            (Arc::new(runtime.block_on(store)?), 0)
        }
        "memory" => (Arc::new(MemoryStore::new()), bytes),
        other => bail!("no such backend: `{other}`"),
    };
    peak::print(&runtime, store.as_ref(), bytes, kept)
}
