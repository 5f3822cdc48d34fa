//! The `helion` client's commands.

use std::path::Path;

use helion_cli::{HelionCliComposer, ICliComposer};

use crate::{PASSWORD, URL, check_argv, check_refused, environment, password, secrets};

fn composer() -> HelionCliComposer {
    HelionCliComposer::new(URL, "me", password(), Some(Path::new("/srv/apps"))).unwrap()
}

#[test]
fn target() {
    check_argv(composer().target_command(), &["helion", "target", URL]);
}

#[test]
fn login() {
    check_argv(
        composer().login_command(),
        &[
            "helion",
            "login",
            "me",
            "--credentials",
            "username: me",
            "--password",
            PASSWORD,
            "--target",
            URL,
        ],
    );
}

#[test]
fn login_to_a_space() {
    check_argv(
        composer().with_space("o", "s 1").unwrap().login_command(),
        &[
            "helion",
            "login",
            "me",
            "--credentials",
            "username: me",
            "--password",
            PASSWORD,
            "--target",
            URL,
            "--organization",
            "o",
            "--space",
            "s 1",
        ],
    );
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
    assert_eq!(secrets(&composer.login_command().unwrap()), [PASSWORD]);
    let others = [
        composer.target_command(),
        composer.list_command(),
        composer.delete_command("foo"),
        composer.push_command("foo", "foo"),
        composer.logs_command("foo"),
        composer.logout_command(),
    ];
    for command in others {
        assert!(secrets(&command.unwrap()).is_empty());
    }
    assert!(!format!("{composer:?}").contains(PASSWORD));
}

#[test]
fn every_command_has_the_private_home() {
    let composer = composer().with_home(Path::new("/srv/home"));
    let commands = [
        composer.target_command(),
        composer.login_command(),
        composer.list_command(),
        composer.delete_command("foo"),
        composer.push_command("foo", "foo"),
        composer.logs_command("foo"),
        composer.logout_command(),
    ];
    for command in commands {
        assert_eq!(
            environment(&command.unwrap()),
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
