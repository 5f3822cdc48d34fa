//! `cargo xtask fuzz`: whatever comes from outside does no harm; CI runs a short form with the tests.

use anyhow::Result;

use crate::shell::Call;
use crate::usage_error;
use crate::workspace::root;

/// How many cases each target runs: an archive's take more than a minute.
const CASES: &str = "200000";

/// The crates that have targets: tests whose names begin with `fuzz_`.
const PACKAGES: [&str; 3] = ["store", "package", "deployment"];

/// Runs every target, in full.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if !arguments.is_empty() {
        return Err(usage_error("`fuzz` takes nothing"));
    }
    for package in PACKAGES {
        let arguments = [
            "test",
            "--locked",
            "--release",
            "--package",
            package,
            "--all-features",
            "--test",
            "it",
            "fuzz_",
        ];
        Call::cargo(&root(), &arguments)
            .env("FUZZ_CASES", CASES)
            .run()?;
    }
    Ok(())
}
