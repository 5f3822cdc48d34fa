//! What the store on Swift costs beside python-swiftclient, on the same server: `cargo xtask bench
//! swift`.
//!
//! As in the benchmark of the other stores, each work is done by both in each round, who begins
//! alternates, and what counts is the median of the rounds' ratios. Nobody counts the time that
//! Python takes to start.
//!
//! The rows `(bare)` are of a client that does nothing (see `floor`): they show what the server
//! itself takes, and so which ratio to python-swiftclient no client can exceed by much on the machine.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

#[path = "../store/case.rs"]
mod case;
mod floor;
#[path = "../store/peak.rs"]
mod peak;
mod reference;
#[path = "../store/report.rs"]
mod report;
mod server;
mod works;

use std::path::Path;

use anyhow::Result;
use tokio::runtime::Runtime;

use self::report::Row;
use self::server::Server;

/// The most memory over base that a file of any length may take, in MiB.
const PEAK: f64 = 64.0;

/// How much is measured: the short form runs with the tests, which only check that it works.
#[derive(Clone, Copy, Debug)]
struct Size {
    rounds: usize,
    /// Small files that are saved, and read, in one round.
    files: usize,
    /// Bytes of the long file.
    long: usize,
    /// Files in the listing.
    listed: usize,
}

const FULL: Size = Size {
    rounds: 5,
    files: 100,
    long: 1 << 30,
    listed: 25_000,
};

const SHORT: Size = Size {
    rounds: 1,
    files: 16,
    long: 9 << 20,
    listed: 20,
};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(server) = Server::find()? else {
        println!("NOT TESTED: the benchmark on OpenStack Swift, for there are no servers");
        return Ok(());
    };
    let runtime = Runtime::new()?;
    if let [mode, _, _, bytes] = arguments.as_slice()
        && mode == peak::MODE
    {
        let store = server.open(&runtime, "bench-peak")?;
        return peak::print(&runtime, store.as_ref(), bytes.parse()?, 0);
    }
    // Cargo says so when it measures, and does not when it tests.
    let is_full = arguments.iter().any(|argument| argument == "--bench");
    let size = if is_full { FULL } else { SHORT };
    let mut rows = Vec::new();
    for case in works::cases(&server, &runtime, size)? {
        rows.push(Row::of_times(&case, &case.measure(size.rounds)?));
        if is_full {
            // It takes minutes: what is known so far is shown.
            println!("{} is measured", case.work);
        }
    }
    // Only Linux tells a process its own peak.
    if cfg!(target_os = "linux") {
        let folder = tempfile::tempdir()?;
        rows.push(peak::measure("swift", folder.path(), size.long, PEAK)?);
    }
    if is_full {
        report::print(&rows, "swiftclient");
        let target = report::target_folder()?;
        report::write(&rows, &Path::new(&target).join("bench-swift.json"))?;
    }
    Ok(())
}
