//! `cargo xtask crash` and `crash-store`: kill programs at any moment; CI runs short forms with the
//! tests.

use anyhow::Result;

use crate::shell::Call;
use crate::usage_error;
use crate::workspace::root;

/// How many programs are killed that deploy.
const RUNS: &str = "1000";

/// How often a saver is killed for each store.
const KILLS: &str = "200";

/// Kills deploying programs, or the one of a seed.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (variable, value) = match arguments {
        [] => ("CRASH_RUNS", RUNS),
        [seed] if seed.parse::<u64>().is_ok() => ("CRASH_SEED", seed.as_str()),
        _ => return Err(usage_error("`crash` takes the seed of one run, or nothing")),
    };
    kill("helion-deploy", "crash::", variable, value)
}

/// Kills savers of each durable store.
pub(crate) fn run_store(arguments: &[String]) -> Result<()> {
    if !arguments.is_empty() {
        return Err(usage_error("`crash-store` takes nothing"));
    }
    kill("store", "killed_saver", "CONFORMANCE_KILLS", KILLS)
}

/// Runs the tests of a crate that kill, in full.
fn kill(package: &str, tests: &str, variable: &'static str, value: &str) -> Result<()> {
    let arguments = [
        "test",
        "--locked",
        "--package",
        package,
        "--all-features",
        "--test",
        "it",
        tests,
        "--",
        "--nocapture",
    ];
    Call::cargo(&root(), &arguments).env(variable, value).run()
}
