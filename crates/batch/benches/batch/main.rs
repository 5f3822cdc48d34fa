//! What running commands costs over bare children: `cargo xtask bench batch`.
//!
//! Every row is measured against its floor in the same run: rounds alternate, and the ratio is
//! the median of the rounds' ratios. Rows about memory and about a large heap run in a process
//! of their own, which is this program with the scenario's name.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod floor;
mod many;
mod output;
mod row;
mod scenario;
mod step;
mod stop;
mod usage;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tokio::runtime::Runtime;

/// How much is measured: the short form runs with the tests, which only check that it works.
struct Size {
    rounds: usize,
    /// Children of a sequence.
    steps: usize,
    /// Batches at once, of ten steps each.
    batches: usize,
    output_bytes: u64,
    /// Commands at once that time out.
    late: usize,
    /// Trees of three generations that are killed.
    trees: usize,
    heap_bytes: usize,
}

const FULL: Size = Size {
    rounds: 7,
    // A round of them takes hundreds of the processor clock's ticks.
    steps: 5_000,
    batches: 1_000,
    output_bytes: 1 << 30,
    late: 200,
    trees: 31,
    heap_bytes: 2 << 30,
};

const SHORT: Size = Size {
    rounds: 1,
    steps: 5,
    batches: 3,
    output_bytes: 1 << 20,
    late: 3,
    trees: 1,
    heap_bytes: 1 << 20,
};

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [flag, name, amount] = &arguments[..]
        && flag == scenario::FLAG
    {
        return scenario::play(name, amount.parse()?);
    }
    // Cargo says so when it measures, and does not when it tests.
    let is_full = arguments.iter().any(|argument| argument == "--bench");
    let size = if is_full { FULL } else { SHORT };
    let folder = tempfile::tempdir()?;
    let tiny = floor::tiny_child(folder.path())?;
    println!("tiny child: {}", tiny.origin);
    let mut rows = Vec::new();
    rows.extend(step::cpu(&size, &tiny.path)?);
    rows.extend(step::heap(&size, &tiny.path)?);
    rows.extend(many::rows(&size)?);
    rows.extend(output::rows(&size)?);
    rows.extend(stop::rows(&size)?);
    row::print(&rows);
    if is_full {
        return row::write(&rows, &target_folder()?.join("bench-batch.json"));
    }
    println!("the short form only checks that the benchmark works; its figures mean nothing");
    Ok(())
}

/// A runtime such as an application has.
fn runtime() -> Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.context("no runtime")
}

fn target_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    // target/release/deps/batch-…
    let target = program.ancestors().nth(3).map(Path::to_owned);
    target.context("the bench does not run from a target folder")
}
