//! What the engine costs over the bare system: `cargo xtask bench deploy`.
//!
//! A package of about 50 kB is deployed with a client that exits at once, statuses durable on
//! SQLite. In the same round the very same commands are spawned and waited for by the standard
//! library, and nothing else. Wall times, the median of the rounds' ratios.
//!
//! A package of 200 MB is unpacked, and in the same round by the system's `tar`. Memory is the
//! peak of a process of its own, and the newest page is listed among 100,000 records.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod engine;
mod idle;
mod large;
mod large_package;
mod listing;
mod memory;
mod noise;
mod quiet;
mod row;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::runtime::Runtime;

use self::row::Row;

/// How much is measured: the short form runs with the tests, which only check that it works.
struct Size {
    rounds: usize,
    deployments: u32,
    pause: Duration,
    /// Bytes of the large package.
    package: usize,
    /// Rounds of unpacking it.
    unpackings: usize,
    /// Records among which the newest page is listed.
    records: usize,
    /// Rounds of listing.
    listings: usize,
}

const FULL: Size = Size {
    rounds: 9,
    deployments: 20,
    pause: Duration::from_secs(6),
    package: 200_000_000,
    unpackings: 5,
    records: 100_000,
    listings: 21,
};

const SHORT: Size = Size {
    rounds: 1,
    deployments: 3,
    pause: Duration::ZERO,
    package: 2_000_000,
    unpackings: 1,
    records: 50,
    listings: 1,
};

/// Rows that are measured together; `cargo bench --bench deploy -- NAME` measures only these.
struct Part {
    name: &'static str,
    rows: fn(&Size, &Path) -> Result<Vec<Row>>,
}

/// In this order: what deletes many files comes after what is measured by the file system's pace.
const PARTS: &[Part] = &[
    Part {
        name: "engine",
        rows: engine::rows,
    },
    Part {
        name: "large",
        rows: large::rows,
    },
    Part {
        name: "listing",
        rows: listing::rows,
    },
];

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [mode, folder] = arguments.as_slice()
        && mode == memory::MODE
    {
        return memory::measure_here(Path::new(folder));
    }
    // Cargo says so when it measures, and does not when it tests.
    let is_full = arguments.iter().any(|argument| argument == "--bench");
    let size = if is_full { FULL } else { SHORT };
    // Beside the build's own files: on a real disk, where a write is durable or not.
    let target = target_folder()?;
    let folder = tempfile::Builder::new()
        .prefix("bench-deploy-large-")
        .tempdir_in(&target)?;
    let is_wanted = |part: &Part| {
        let mut names = arguments.iter().filter(|name| !name.starts_with('-'));
        names.clone().next().is_none() || names.any(|name| name == part.name)
    };
    let mut rows = Vec::new();
    for part in PARTS.iter().filter(|part| is_wanted(part)) {
        rows.extend((part.rows)(&size, folder.path())?);
    }
    row::print(&rows);
    if is_full {
        row::write(&rows, &target.join("bench-deploy.json"))?;
    }
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
    // target/release/deps/deploy-…
    let target = program.ancestors().nth(3).map(Path::to_owned);
    target.context("the bench does not run from a target folder")
}
