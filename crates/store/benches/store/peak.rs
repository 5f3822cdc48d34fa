//! What saving and reading one file of a GiB takes of memory, in a process of its own.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use store::{FileContents, FileName, IStore, ReadOptions, SaveOptions, StoreExt as _};
use tokio::runtime::Runtime;

use super::report::Row;

const MIB: usize = 1024 * 1024;

/// The first argument of the process that measures itself.
pub(super) const MODE: &str = "--memory";

/// Has a process measure itself.
#[expect(
    clippy::disallowed_methods,
    reason = "the benchmark runs itself anew, for a base that nothing before it has raised"
)]
pub(super) fn measure(
    backend: &'static str,
    folder: &Path,
    bytes: usize,
    most: f64,
) -> Result<Row> {
    let folder = folder.join(format!("memory-{backend}"));
    std::fs::create_dir(&folder)?;
    let output = std::process::Command::new(std::env::current_exe()?)
        .args([MODE, backend])
        .arg(&folder)
        .arg(bytes.to_string())
        .stderr(std::process::Stdio::inherit())
        .output()?;
    ensure!(
        output.status.success(),
        "the process that measures memory failed"
    );
    std::fs::remove_dir_all(&folder)?;
    let mib: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(Row::of_memory(backend, bytes, mib, most))
}

/// Prints the peak over base in MiB, without the bytes that the store keeps in memory.
pub(super) fn print(
    runtime: &Runtime,
    store: &dyn IStore,
    bytes: usize,
    kept: usize,
) -> Result<()> {
    let over = runtime.block_on(peak_over_base(store, bytes))?;
    let mib = |bytes: usize| i32::try_from(bytes / 1024).map(|kib| f64::from(kib) / 1024.0);
    println!("{:.2}", mib(over.saturating_sub(kept))?);
    Ok(())
}

async fn peak_over_base(store: &dyn IStore, bytes: usize) -> Result<usize> {
    // What any use of the store takes belongs to the base.
    let small = FileName::new("small")?;
    store
        .save_bytes(&small, "small", &SaveOptions::default())
        .await?;
    store.get_file_bytes(&small, 9).await?;
    // A piece of its own each time, as one that comes from elsewhere is.
    let pieces = stream::iter(0..bytes / MIB).map(|_| Ok(Bytes::from(vec![7; MIB])));
    let base = status("VmRSS")?;
    let name = FileName::new("huge")?;
    let contents = FileContents::from_stream(pieces.boxed(), Some(bytes as u64));
    store
        .save_file(&name, contents, &SaveOptions::default())
        .await?;
    let file = store
        .get_file_contents(&name, &ReadOptions::default())
        .await?;
    let mut pieces = file.contents.into_stream();
    let mut all = 0;
    while let Some(piece) = pieces.next().await {
        all += piece?.len();
    }
    ensure!(all == bytes, "{all} bytes were read of {bytes}");
    Ok(status("VmHWM")?.saturating_sub(base))
}

/// A line of this process's status, in bytes.
fn status(key: &str) -> Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let kib: usize = line
        .and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok())
        .with_context(|| format!("the process's status has no {key}"))?;
    Ok(kib * 1024)
}
