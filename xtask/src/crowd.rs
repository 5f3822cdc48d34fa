//! `cargo xtask crowd`: very many deployments at once; CI runs short forms with the tests.

use anyhow::Result;

use crate::shell::Call;
use crate::usage_error;
use crate::workspace::root;

/// How many deployments are asked for at once.
const COUNT: &str = "10000";

/// Has them deployed and looks at the memory, in one process after the other.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if !arguments.is_empty() {
        return Err(usage_error("`crowd` takes nothing"));
    }
    let arguments = [
        "test",
        "--locked",
        "--package",
        "deployment",
        "--all-features",
        "--test",
        "it",
        "crowd::",
        "--",
        "--nocapture",
        "--test-threads=1",
    ];
    Call::cargo(&root(), &arguments).env("CROWD", COUNT).run()
}
