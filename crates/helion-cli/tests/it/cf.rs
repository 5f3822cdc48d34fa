//! The `cf` client's commands.

use std::path::Path;

use helion_cli::{CfCliComposer, ICliComposer, PushStrategy};

use crate::{PASSWORD, URL, check_argv, check_refused, commands, environment, password, secrets};

fn composer() -> CfCliComposer {
    CfCliComposer::new(URL, "me", password(), Some(Path::new("/srv/apps"))).unwrap()
}

#[test]
fn target() {
    check_argv(composer().target_command(), &["cf", "api", URL]);
}

#[test]
fn the_login_has_the_password_in_the_environment_only() {
    check_argv(composer().login_command(), &["cf", "auth"]);
    let login = composer().login_command().unwrap();
    assert_eq!(
        environment(&login),
        [
            ("CF_COLOR", "false"),
            ("CF_USERNAME", "me"),
            ("CF_PASSWORD", PASSWORD),
        ]
    );
    assert_eq!(secrets(&login), [PASSWORD]);
}

#[test]
fn space() {
    assert!(composer().space_command().unwrap().is_none());
    let chosen = composer().with_space("o", "s 1").unwrap();
    let command = chosen.space_command().map(Option::unwrap);
    check_argv(command, &["cf", "target", "-o", "o", "-s", "s 1"]);
}

#[test]
fn list() {
    check_argv(composer().list_command(), &["cf", "apps"]);
}

#[test]
fn delete() {
    check_argv(
        composer().delete_command("foo"),
        &["cf", "delete", "foo", "-f"],
    );
}

#[test]
fn push() {
    let replace = composer().with_push_strategy(PushStrategy::Replace);
    for composer in [composer(), replace] {
        check_argv(
            composer.push_command("foo", "foo"),
            &["cf", "push", "foo", "-p", "/srv/apps/foo"],
        );
    }
}

#[test]
fn a_rolling_push() {
    check_argv(
        composer()
            .with_push_strategy(PushStrategy::Rolling)
            .push_command("foo", "foo"),
        &[
            "cf",
            "push",
            "foo",
            "-p",
            "/srv/apps/foo",
            "--strategy",
            "rolling",
        ],
    );
}

#[test]
fn logs() {
    check_argv(
        composer().logs_command("foo"),
        &["cf", "logs", "foo", "--recent"],
    );
}

#[test]
fn logout() {
    check_argv(composer().logout_command(), &["cf", "logout"]);
}

#[test]
fn every_command_has_the_private_home_and_no_colours() {
    let composer = composer()
        .with_home(Path::new("/srv/home"))
        .with_space("o", "s")
        .unwrap();
    let commands = commands(&composer);
    assert_eq!(commands.len(), 8);
    for command in commands {
        assert_eq!(
            environment(&command)[..4],
            [
                ("CF_COLOR", "false"),
                ("CF_HOME", "/srv/home"),
                ("HOME", "/srv/home"),
                ("TMPDIR", "/srv/home"),
            ]
        );
    }
}

#[test]
fn values_that_would_be_misread_are_refused_by_name() {
    let make = |url, user| CfCliComposer::new(url, user, password(), None);
    check_refused(make("--unset", "me"), "endpoint");
    check_refused(make("https://me:pw@api.x.io", "me"), "endpoint");
    check_refused(make(URL, "-me"), "user name");
    check_refused(composer().with_space("o", "-s"), "space");
    check_refused(composer().delete_command("-r"), "application name");
    check_refused(composer().push_command("--task", "foo"), "application name");
    check_refused(composer().push_command("foo", "a\0"), "path");
    check_refused(composer().logs_command(""), "application name");
}
