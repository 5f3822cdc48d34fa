//! What a child sees of the host's environment.

use batch::{Command, LocalRunner, LocalRunnerOptions, RunOptions};

use crate::children::{run, run_with};

fn names(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .collect()
}

#[tokio::test]
async fn only_listed_variables_reach_the_child() {
    // Cargo sets it for tests; it stands for any secret of the host's.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let report = run(&Command::new("env").env("OWN", "1")).await;
    let text = report.output.to_text();
    let names = names(&text);
    assert!(names.contains(&"PATH") && names.contains(&"OWN") && names.contains(&"BATCH_RUN"));
    for name in names {
        let is_listed = [
            "PATH",
            "LANG",
            "TZ",
            "TMPDIR",
            "http_proxy",
            "https_proxy",
            "no_proxy",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "NO_PROXY",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "OWN",
            "BATCH_RUN",
        ]
        .contains(&name)
            || name.starts_with("LC_");
        assert!(is_listed, "{name}");
    }
}

#[tokio::test]
async fn more_is_passed_on_when_asked_for() {
    let options = LocalRunnerOptions::default()
        .without_passed_env()
        .with_passed_env("CARGO_MANIFEST_*")
        .with_env("SET", "by the options")
        .with_env("WON", "by the options");
    let command = Command::new("/usr/bin/env").env("WON", "by the command");
    let report = run_with(&LocalRunner::new(options), &command, &RunOptions::new("/")).await;
    let text = report.output.to_text();
    assert!(text.contains("SET=by the options\n"), "{text}");
    assert!(text.contains("WON=by the command\n"), "{text}");
    let mut names = names(&text);
    names.retain(|name| !name.starts_with("CARGO_MANIFEST_"));
    assert_eq!(names, ["BATCH_RUN", "SET", "WON"]);
}

#[tokio::test]
async fn the_debug_of_a_runner_shows_no_values_of_the_host() {
    let runner = LocalRunner::new(LocalRunnerOptions::default().with_passed_env("CARGO_*"));
    let host = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    assert!(!format!("{runner:?}").contains(&host));
}
