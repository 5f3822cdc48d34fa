//! The tests that CI runs in a short form, in full: `cargo xtask crash`, `crash-store`, `crowd` and
//! `fuzz`.

use anyhow::{Result, bail};

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
    let tests = Tests {
        package: "helion-deploy",
        filter: "crash::",
        harness: &["--nocapture"],
        ..TESTS
    };
    tests.run(variable, value)
}

/// Kills savers of each durable store.
pub(crate) fn crash_store(arguments: &[String]) -> Result<()> {
    refuse_any("crash-store", arguments)?;
    let tests = Tests {
        package: "store",
        filter: "killed_saver",
        harness: &["--nocapture"],
        ..TESTS
    };
    tests.run("CONFORMANCE_KILLS", KILLS)
}

/// Has very many deployments made, and looks at the memory, in one process after the other.
pub(crate) fn crowd(arguments: &[String]) -> Result<()> {
    refuse_any("crowd", arguments)?;
    let tests = Tests {
        package: "deployment",
        filter: "crowd::",
        harness: &["--nocapture", "--test-threads=1"],
        ..TESTS
    };
    tests.run("CROWD", COUNT)
}

/// Hands whatever may come from outside to every target.
pub(crate) fn fuzz(arguments: &[String]) -> Result<()> {
    refuse_any("fuzz", arguments)?;
    for package in FUZZED {
        let tests = Tests {
            package,
            profile: &["--release"],
            filter: "fuzz_",
            ..TESTS
        };
        tests.run("FUZZ_CASES", CASES)?;
    }
    Ok(())
}

fn refuse_any(command: &str, arguments: &[String]) -> Result<()> {
    if arguments.is_empty() {
        return Ok(());
    }
    Err(usage_error(format!("`{command}` takes nothing")))
}

/// Those integration tests of a crate whose paths hold the filter.
struct Tests {
    package: &'static str,
    profile: &'static [&'static str],
    filter: &'static str,
    /// What the test harness is told.
    harness: &'static [&'static str],
}

/// What most of them have.
const TESTS: Tests = Tests {
    package: "",
    profile: &[],
    filter: "",
    harness: &[],
};

impl Tests {
    /// Runs them in the form that the variable sets; that there are none is a failure.
    fn run(&self, variable: &'static str, value: &str) -> Result<()> {
        let list = self.call(&["--list"]).read()?;
        if count(&list) == 0 {
            bail!("`{}` has no test `{}`", self.package, self.filter);
        }
        self.call(self.harness).env(variable, value).run()
    }

    fn call(&self, harness: &[&str]) -> Call {
        let package = ["test", "--locked", "--package", self.package];
        let tests = ["--all-features", "--test", "it", self.filter, "--"];
        let arguments = [&package[..], self.profile, &tests, harness].concat();
        Call::cargo(&root(), &arguments)
    }
}

/// How many tests the harness has listed.
fn count(list: &str) -> usize {
    list.lines().filter(|line| line.ends_with(": test")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_a_list_are_counted() {
        assert_eq!(
            count("crash::one: test\ncrash::two: test\n\n2 tests, 0 benchmarks\n"),
            2
        );
        assert_eq!(count("0 tests, 0 benchmarks\n"), 0);
    }
}
