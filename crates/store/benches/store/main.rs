//! What the stores cost over the bare system: `cargo xtask bench store`.
//!
//! Each work is done by a store and, in the same round, by its floor: the least that the system
//! needs for the same durability (see `floor`). Who begins alternates from round to round, and what
//! counts is the median of the rounds' ratios. Memory is the peak of a process of its own.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod case;
mod floor;
mod fs;
mod memory;
mod peak;
mod report;
mod sqlite;
mod subject;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use self::case::Case;
use self::report::Row;

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

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, backend, folder, bytes] = arguments.as_slice()
        && mode == peak::MODE
    {
        return peak::measure_here(backend, Path::new(folder), bytes.parse()?);
    }
    // Cargo says so when it measures, and does not when it tests.
    let is_full = arguments.iter().any(|argument| argument == "--bench");
    let size = if is_full { FULL } else { SHORT };
    // Beside the build's own files: on a real disk, where a write is durable or not.
    let target = target_folder()?;
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
        rows.push(measure(case, size.rounds)?);
    }
    // Only Linux tells a process its own peak.
    if cfg!(target_os = "linux") {
        for backend in peak::BACKENDS {
            rows.push(peak::measure(backend, folder.path(), size.huge)?);
        }
    }
    if is_full {
        report::print(&rows);
        report::write(&rows, &target.join("bench-store.json"))?;
    }
    Ok(())
}

fn measure(case: &Case<'_>, rounds: usize) -> Result<Row> {
    let mut pairs = Vec::new();
    // The first round warms caches and is not counted.
    for round in 0..=rounds {
        let pair = if round % 2 == 0 {
            let store = (case.store)(round)?;
            (store, (case.floor)(round)?)
        } else {
            let floor = (case.floor)(round)?;
            ((case.store)(round)?, floor)
        };
        if round > 0 {
            pairs.push(pair);
        }
    }
    if pairs.is_empty() {
        bail!("nothing was measured");
    }
    Ok(Row::of_times(case, &pairs))
}

fn target_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    // target/release/deps/store-…
    let target = program.ancestors().nth(3).map(Path::to_owned);
    target.context("the bench does not run from a target folder")
}
