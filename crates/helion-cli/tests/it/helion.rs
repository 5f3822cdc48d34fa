//! The `helion` client's commands.

use std::path::Path;

use helion_cli::{HelionCliComposer, ICliComposer};

use crate::{PASSWORD, URL, check_argv, check_refused, commands, environment, password, secrets};

fn composer() -> HelionCliComposer {
    HelionCliComposer::new(URL, "me", password(), Some(Path::new("/srv/apps"))).unwrap()
}

#[test]
fn target() {
    check_argv(composer().target_command(), &["helion", "target", URL]);
}

/// The words of a login that chooses no space.
const LOGIN: [&str; 9] = [
    "helion",
    "login",
    "me",
    "--credentials",
    "username: me",
    "--password",
    PASSWORD,
    "--target",
    URL,
];

#[test]
fn login() {
    check_argv(composer().login_command(), &LOGIN);
}

#[test]
fn login_to_a_space() {
    let composer = composer().with_space("o", "s 1").unwrap();
    let space = ["--organization", "o", "--space", "s 1"];
    check_argv(composer.login_command(), &[&LOGIN[..], &space].concat());
}

#[test]
fn list() {
    check_argv(
        composer().list_command(),
        &["helion", "list", "--target", URL],
    );
}

#[test]
fn delete() {
    check_argv(
        composer().delete_command("foo"),
        &["helion", "delete", "--target", URL, "-n", "foo"],
    );
}

#[test]
fn push() {
    check_argv(
        composer().push_command("foo", "foo"),
        &[
            "helion",
            "push",
            "--target",
            URL,
            "--as",
            "foo",
            "--path",
            "/srv/apps/foo",
            "--no-prompt",
        ],
    );
}

#[test]
fn logout() {
    check_argv(composer().logout_command(), &["helion", "logout"]);
}

#[test]
fn logs() {
    check_argv(
        composer().logs_command("foo"),
        &["helion", "logs", "--target", URL, "--num", "100", "foo"],
    );
}

#[test]
fn a_space_needs_no_command_of_its_own() {
    let composer = composer().with_space("o", "s").unwrap();
    assert!(composer.space_command().unwrap().is_none());
}

#[test]
fn the_password_is_the_only_secret_and_only_of_the_login() {
    let composer = composer();
    for command in commands(&composer) {
        let is_login = command.exposed_argv()[1] == "login";
        let expected: &[&str] = if is_login { &[PASSWORD] } else { &[] };
        assert_eq!(secrets(&command), expected, "{command}");
    }
    assert!(!format!("{composer:?}").contains(PASSWORD));
}

#[test]
fn every_command_has_the_private_home() {
    let composer = composer().with_home(Path::new("/srv/home"));
    for command in commands(&composer) {
        assert_eq!(
            environment(&command),
            [
                ("HOME", "/srv/home"),
                ("STACKATO_APP_ROOT", "/srv/home"),
                ("TMPDIR", "/srv/home"),
            ]
        );
    }
}

#[test]
fn values_that_would_be_misread_are_refused_by_name() {
    let make = |url, user| HelionCliComposer::new(url, user, password(), None);
    check_refused(make("--target", "me"), "endpoint");
    check_refused(make("https://api.x\n.io", "me"), "endpoint");
    check_refused(make(URL, "-me"), "user name");
    check_refused(make(URL, ""), "user name");
    check_refused(make(URL, "me\0"), "user name");
    let empty = batch::Secret::new("");
    check_refused(HelionCliComposer::new(URL, "me", empty, None), "password");
    check_refused(composer().with_space("-o", "s"), "organization");
    check_refused(composer().with_space("o", ""), "space");
    check_refused(composer().delete_command("--all"), "application name");
    check_refused(composer().logs_command("a\nb"), "application name");
    check_refused(composer().push_command("-n", "foo"), "application name");
    check_refused(composer().push_command("foo", "-foo"), "path");
    check_refused(composer().push_command("foo", ""), "path");
    let lost = composer().with_home(Path::new("home"));
    check_refused(lost.target_command(), "home directory");
}
