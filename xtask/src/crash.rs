//! `cargo xtask crash-store`: kills savers of each durable store; CI runs a short form with the tests.

use anyhow::Result;

use crate::shell::Call;
use crate::usage_error;
use crate::workspace::root;

/// How often a saver is killed for each store.
const KILLS: &str = "200";

/// Runs the tests that kill savers, in full.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if !arguments.is_empty() {
        return Err(usage_error("`crash-store` takes nothing"));
    }
    let arguments = [
        "test",
        "--locked",
        "--package",
        "store",
        "--all-features",
        "--test",
        "it",
        "killed_saver",
    ];
    Call::cargo(&root(), &arguments)
        .env("CONFORMANCE_KILLS", KILLS)
        .run()
}
