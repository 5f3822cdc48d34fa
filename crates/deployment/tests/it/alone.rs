//! Tests that look at what all tests of a process share.

use std::process::Command;

const VARIABLE: &str = "DEPLOYMENT_TEST_ALONE";

/// Whether `test` has this process to itself; otherwise it has passed in a process of its own.
#[expect(
    clippy::disallowed_methods,
    reason = "the test needs a process that is no child of a deployment"
)]
#[track_caller]
pub(crate) fn is_alone(test: &str) -> bool {
    if std::env::var_os(VARIABLE).is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(VARIABLE, test)
        .output()
        .unwrap();
    let (out, err) = (&output.stdout, &output.stderr);
    let told = String::from_utf8_lossy(out) + String::from_utf8_lossy(err);
    assert!(told.contains("test result: ok. 1 passed"), "{told}");
    // What it has measured.
    std::io::Write::write_all(&mut std::io::stderr(), err).unwrap();
    false
}
