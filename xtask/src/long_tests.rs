//! The tests that CI runs in a short form, in full: `cargo xtask crash`, `crash-store`, `crowd` and
//! `fuzz`.

use anyhow::Result;

use crate::shell::Call;
use crate::usage_error;
use crate::workspace::root;

/// How many programs are killed that deploy.
const RUNS: &str = "1000";

/// How often a saver is killed for each store.
const KILLS: &str = "200";

/// How many deployments are asked for at once.
const COUNT: &str = "10000";

/// How many cases each fuzz target runs: an archive's take more than a minute.
const CASES: &str = "200000";

/// The crates that have fuzz targets: tests whose names begin with `fuzz_`.
const FUZZED: [&str; 3] = ["store", "package", "deployment"];

/// Kills deploying programs, or the one of a seed.
pub(crate) fn crash(arguments: &[String]) -> Result<()> {
    let (variable, value) = match arguments {
        [] => ("CRASH_RUNS", RUNS),
        [seed] if seed.parse::<u64>().is_ok() => ("CRASH_SEED", seed.as_str()),
        _ => return Err(usage_error("`crash` takes the seed of one run, or nothing")),
    };
    let tests = ["crash::", "--", "--nocapture"];
    test("helion-deploy", &tests).env(variable, value).run()
}

/// Kills savers of each durable store.
pub(crate) fn crash_store(arguments: &[String]) -> Result<()> {
    refuse_any("crash-store", arguments)?;
    let tests = ["killed_saver", "--", "--nocapture"];
    test("store", &tests).env("CONFORMANCE_KILLS", KILLS).run()
}

/// Has very many deployments made, and looks at the memory, in one process after the other.
pub(crate) fn crowd(arguments: &[String]) -> Result<()> {
    refuse_any("crowd", arguments)?;
    let tests = ["crowd::", "--", "--nocapture", "--test-threads=1"];
    test("deployment", &tests).env("CROWD", COUNT).run()
}

/// Hands whatever may come from outside to every target.
pub(crate) fn fuzz(arguments: &[String]) -> Result<()> {
    refuse_any("fuzz", arguments)?;
    for package in FUZZED {
        let tests = ["--release", "fuzz_"];
        test(package, &tests).env("FUZZ_CASES", CASES).run()?;
    }
    Ok(())
}

fn refuse_any(command: &str, arguments: &[String]) -> Result<()> {
    if arguments.is_empty() {
        return Ok(());
    }
    Err(usage_error(format!("`{command}` takes nothing")))
}

/// A call of those integration tests of a crate that `tests` names.
fn test(package: &str, tests: &[&str]) -> Call {
    let all = [
        "test",
        "--locked",
        "--package",
        package,
        "--all-features",
        "--test",
        "it",
    ];
    Call::cargo(&root(), &[&all[..], tests].concat())
}
