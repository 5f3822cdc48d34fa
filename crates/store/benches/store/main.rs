//! What the stores cost over the bare system: `cargo xtask bench store`.
//!
//! Each work is done by a store and, in the same round, by its floor: the least that the system
//! needs for the same durability (see `floor`). Who begins alternates from round to round, and what
//! counts is the median of the rounds' ratios. Memory is the peak of a process of its own.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod backends;
mod bare;
mod case;
mod floor;
mod fs;
mod memory;
mod peak;
mod report;
mod sqlite;
mod subject;

use std::path::Path;

use anyhow::Result;

use self::report::Row;

/// The most memory over base that a file of any length may take, in MiB.
const PEAK: f64 = 16.0;

/// How much is measured: the short form runs with the tests, which only check that it works.
#[derive(Clone, Copy, Debug)]
struct Size {
    rounds: usize,
    /// Small files that are saved in one round.
    saves: usize,
    /// Small files that each of the 64 writers saves in one round.
    saves_each: usize,
    /// Small reads in one round.
    reads: usize,
    /// Bytes of a streamed file.
    long: usize,
    /// Files in the listing.
    listed: usize,
    /// Bytes of the file whose saving and reading must not take memory.
    huge: usize,
}

const FULL: Size = Size {
    rounds: 31,
    saves: 12,
    saves_each: 4,
    reads: 2000,
    long: 64 << 20,
    listed: 10_000,
    huge: 1 << 30,
};

const SHORT: Size = Size {
    rounds: 1,
    saves: 2,
    saves_each: 1,
    reads: 2,
    long: 3 << 20,
    listed: 20,
    huge: 5 << 20,
};

/// Lets new files be as fast as on a disk where nothing was deleted lately.
///
/// ext4 without a journal takes no inode that was deleted in the last minutes, as long as the
/// inode's block is in memory, and looks at each of them for every new file: the files that a run
/// deletes at its end slowed the next one down. Only root may let memory go; others have to wait.
fn forget_deletions() {
    let caches = Path::new("/proc/sys/vm/drop_caches");
    if caches.exists() {
        rustix::fs::sync();
        if let Err(error) = std::fs::write(caches, "1") {
            println!("files that were deleted lately may slow new ones down: {error}");
        }
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, backend, folder, bytes] = arguments.as_slice()
        && mode == peak::MODE
    {
        return backends::print_peak(backend, Path::new(folder), bytes.parse()?);
    }
    // Cargo says so when it measures, and does not when it tests.
    let is_full = arguments.iter().any(|argument| argument == "--bench");
    let size = if is_full { FULL } else { SHORT };
    if is_full {
        forget_deletions();
    }
    // Beside the build's own files: on a real disk, where a write is durable or not.
    let target = report::target_folder()?;
    let folder = tempfile::Builder::new()
        .prefix("bench-store-")
        .tempdir_in(&target)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut rows = Vec::new();
    let mut cases = fs::cases(&runtime, folder.path(), size)?;
    cases.extend(sqlite::cases(&runtime, folder.path(), size)?);
    cases.extend(memory::cases(&runtime, size)?);
    for case in &cases {
        rows.push(Row::of_times(case, &case.measure(size.rounds)?));
    }
    // Only Linux tells a process its own peak.
    if cfg!(target_os = "linux") {
        for backend in backends::NAMES {
            rows.push(peak::measure(backend, folder.path(), size.huge, PEAK)?);
        }
    }
    if is_full {
        report::print(&rows, "floor");
        report::write(&rows, &target.join("bench-store.json"))?;
    }
    Ok(())
}
