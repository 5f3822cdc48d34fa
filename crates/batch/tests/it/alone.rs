//! Tests that need a process of their own: they count its files, or change it as a whole.

use std::path::Path;

/// Tells the test that it runs alone.
const ALONE: &str = "BATCH_TEST_ALONE";

/// Runs `body` in a process in which no other test runs; `test` is the name of the calling test.
pub(crate) fn alone(test: &str, body: impl FnOnce()) {
    alone_through(&[], test, body);
}

/// The same, in a process that other programs start, each with the rest as its arguments.
#[expect(
    clippy::disallowed_methods,
    reason = "a process of the tests', not a command"
)]
pub(crate) fn alone_through(wrapper: &[&str], test: &str, body: impl FnOnce()) {
    if is_alone(test) {
        return body();
    }
    let program = std::env::current_exe().unwrap();
    let mut words = wrapper.iter().map(Path::new).chain([program.as_path()]);
    let output = std::process::Command::new(words.next().unwrap())
        .args(words)
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ALONE, test)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{errors}");
    // Else there was no test of this name.
    assert!(printed.contains("1 passed"), "{printed}");
}

/// Whether this is the process that runs nothing but the test.
pub(crate) fn is_alone(test: &str) -> bool {
    std::env::var_os(ALONE).is_some_and(|alone| alone == test)
}

/// How many files this process has open.
pub(crate) fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
