//! The commands that composers give, through the public API.

#![expect(clippy::unwrap_used, reason = "a test that fails shows where")]

mod cf;
mod helion;
mod property;

use batch::{Command, Secret};
use helion_cli::ICliComposer;

/// The endpoint of all tests.
const URL: &str = "https://api.x.io";

/// A password that occurs nowhere else.
const PASSWORD: &str = "open sesame";

fn password() -> Secret {
    Secret::new(PASSWORD)
}

#[track_caller]
fn check_argv(command: helion_cli::Result<Command>, expected: &[&str]) {
    let command = command.unwrap();
    assert_eq!(command.exposed_argv(), expected);
    assert_eq!(command.working_directory(), None);
    let shown = format!("{command} {command:?}");
    assert!(!shown.contains(PASSWORD), "{shown}");
}

/// Every command that `composer` has.
fn commands(composer: &dyn ICliComposer) -> Vec<Command> {
    let space = composer.space_command().unwrap();
    let others = [
        composer.target_command(),
        composer.login_command(),
        composer.list_command(),
        composer.delete_command("foo"),
        composer.push_command("foo", "foo"),
        composer.logs_command("foo"),
        composer.logout_command(),
    ];
    others
        .map(Result::unwrap)
        .into_iter()
        .chain(space)
        .collect()
}

/// The environment that a command sets, with secrets in the clear.
fn environment(command: &Command) -> Vec<(&str, &str)> {
    command
        .environment()
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose()))
        .collect()
}

fn secrets(command: &Command) -> Vec<&str> {
    command.secrets().map(Secret::expose).collect()
}

#[track_caller]
fn check_refused<T: std::fmt::Debug>(result: helion_cli::Result<T>, expected: &str) {
    match result.unwrap_err() {
        helion_cli::Error::InvalidArgument { argument, .. } => assert_eq!(argument, expected),
        other => panic!("{other:?}"),
    }
}
