//! `cf`: texts, exit codes and the configuration file.

use std::fs;

use crate::world::{URL, World, end, mode};

const NOT_LOGGED_IN: &str = "Not logged in. Use 'cf login' or 'cf login --sso' to log in.\n";

#[test]
fn a_deployment_runs_from_api_to_logout() {
    let world = World::new();
    world.cf(&["api", URL]).printed(
        "Setting API endpoint to https://api.example.com...\nOK\n\n\
         API endpoint:   https://api.example.com\nAPI version:    3.228.0\n\n\
         Not logged in. Use 'cf login' or 'cf login --sso' to log in.\n",
    );
    let mut auth = world.command("cf", &["auth"]);
    auth.env("CF_USERNAME", "ann").env("CF_PASSWORD", "s3cret");
    end(auth).printed(
        "API endpoint: https://api.example.com\n\nAuthenticating...\nOK\n\n\
         Use 'cf target' to view or set your target org and space.\n",
    );
    world.cf(&["target", "-o", "acme", "-s", "dev"]).printed(
        "API endpoint:   https://api.example.com\nAPI version:    3.228.0\n\
         user:           ann\norg:            acme\nspace:          dev\n",
    );
    world
        .cf(&["apps"])
        .printed("Getting apps in org acme / space dev as ann...\n\nNo apps found\n");
    let pushed = world
        .cf(&["push", "foo", "-p", "app", "--strategy", "rolling"])
        .succeeded();
    assert!(
        pushed
            .stdout
            .starts_with("Pushing app foo to org acme / space dev as ann...\n"),
        "{pushed:?}"
    );
    assert!(
        pushed
            .stdout
            .contains("routes:            foo.example.com\n"),
        "{pushed:?}"
    );
    world.cf(&["apps"]).printed(
        "Getting apps in org acme / space dev as ann...\n\n\
         name   requested state   processes   routes\nfoo    started           web:1/1     foo.example.com\n",
    );
    world
        .cf(&["delete", "foo", "-f"])
        .printed("Deleting app foo in org acme / space dev as ann...\nOK\n");
    world.cf(&["logout"]).printed("Logging out ann...\nOK\n");
    world.cf(&["apps"]).refused("FAILED\n", NOT_LOGGED_IN);
}

#[test]
fn deleting_what_is_not_there_succeeds() {
    let ended = World::with_cf().cf(&["delete", "foo", "-f"]).succeeded();
    assert_eq!(
        ended.stdout,
        "Deleting app foo in org acme / space dev as ann...\nOK\n"
    );
    assert_eq!(ended.stderr, "App 'foo' does not exist.\n");
}

#[test]
fn rejected_and_missing_credentials_are_told_apart() {
    let world = World::new();
    world.cf(&["api", URL]).succeeded();
    world.cf(&["auth", "ann", "wrong"]).refused(
        "API endpoint: https://api.example.com\n\nAuthenticating...\nFAILED\n",
        "Credentials were rejected, please try again.\n",
    );
    world
        .cf(&["auth"])
        .refused("FAILED\n", "Username and password not provided.\n");
    world
        .cf(&["auth", "ann"])
        .refused("FAILED\n", "Password not provided.\n");
}

#[test]
fn every_step_that_was_left_out_is_named() {
    let world = World::new();
    let no_endpoint = "No API endpoint set. Use 'cf login' or 'cf api' to target an endpoint.\n";
    world
        .cf(&["auth", "ann", "s3cret"])
        .refused("FAILED\n", no_endpoint);
    world.cf(&["apps"]).refused("FAILED\n", no_endpoint);
    world.cf(&["api", URL]).succeeded();
    world.cf(&["apps"]).refused("FAILED\n", NOT_LOGGED_IN);
    world
        .cf(&["target", "-o", "acme"])
        .refused("FAILED\n", NOT_LOGGED_IN);
    world.cf(&["auth", "ann", "s3cret"]).succeeded();
    world.cf(&["apps"]).refused(
        "FAILED\n",
        "No org targeted, use 'cf target -o ORG' to target an org.\n",
    );
    world.cf(&["target", "-o", "acme"]).succeeded();
    world.cf(&["apps"]).refused(
        "FAILED\n",
        "No space targeted, use 'cf target -s SPACE' to target a space.\n",
    );
}

#[test]
fn a_target_that_fails_unsets_the_one_before() {
    let world = World::with_cf();
    world.platform.add_space("acme", "dev").expect("a space");
    world
        .cf(&["target", "-o", "acme", "-s", "nope"])
        .refused("FAILED\n", "Space 'nope' not found.\n");
    world.cf(&["target", "-o", "acme", "-s", "dev"]).succeeded();
    world
        .cf(&["target", "-o", "nope"])
        .refused("FAILED\n", "Organization 'nope' not found.\n");
    world.cf(&["apps"]).refused(
        "FAILED\n",
        "No org targeted, use 'cf target -o ORG' to target an org.\n",
    );
}

#[test]
fn an_endpoint_that_does_not_answer_is_a_request_error() {
    let world = World::new();
    let ended = world.cf(&["api", "https://api.nowhere.invalid"]).failed();
    assert_eq!(
        ended.stdout,
        "Setting API endpoint to https://api.nowhere.invalid...\nFAILED\n"
    );
    let expected = "Request error: Get \"https://api.nowhere.invalid\": dial tcp: lookup api.nowhere.invalid: no such host\nTIP: ";
    assert!(ended.stderr.starts_with(expected), "{ended:?}");
}

#[test]
fn a_wrong_command_line_shows_the_usage() {
    let world = World::with_cf();
    world.cf(&["dance"]).refused(
        "",
        "'dance' is not a registered command. See 'cf help -a'\n",
    );
    let ended = world.cf(&["push", "foo", "--sideways"]).failed();
    assert_eq!(ended.stderr, "Incorrect Usage: unknown flag `sideways'\n\n");
    assert!(ended.stdout.starts_with("NAME:\n   push - "), "{ended:?}");
    let ended = world.cf(&["push"]).failed();
    assert_eq!(
        ended.stderr,
        "Incorrect Usage: the required argument `APP_NAME` was not provided\n\n"
    );
    let ended = world.cf(&["push", "foo", "-p", "missing"]).failed();
    assert_eq!(
        ended.stderr,
        "Incorrect Usage: The specified path 'missing' does not exist.\n\n"
    );
    let ended = world
        .cf(&["push", "foo", "-p", "app", "--strategy", "sudden"])
        .failed();
    assert!(
        ended
            .stderr
            .starts_with("Incorrect Usage: STRATEGY must be"),
        "{ended:?}"
    );
}

#[test]
fn the_configuration_is_private_and_holds_no_password() {
    let world = World::new();
    let in_home = |arguments: &[&str]| {
        let mut command = world.command("cf", arguments);
        command.env("CF_HOME", world.path("cf-home"));
        end(command)
    };
    in_home(&["api", URL]).succeeded();
    in_home(&["auth", "ann", "s3cret"]).succeeded();
    in_home(&["target", "-o", "acme", "-s", "dev"]).succeeded();
    let path = world.path("cf-home/.cf/config.json");
    assert_eq!(
        (mode(&path), mode(path.parent().expect("a folder"))),
        (0o600, 0o700)
    );
    let text = fs::read_to_string(&path).expect("a file");
    assert!(!text.contains("s3cret"));
    let config: serde_json::Value = serde_json::from_str(&text).expect("json");
    assert_eq!(
        (&config["Target"], &config["SpaceFields"]["Name"]),
        (&URL.into(), &"dev".into())
    );

    in_home(&["logout"]).succeeded();
    in_home(&["logout"]).printed("Logging out...\nOK\n");
    let text = fs::read_to_string(&path).expect("a file");
    let config: serde_json::Value = serde_json::from_str(&text).expect("json");
    assert_eq!(
        (&config["Target"], &config["AccessToken"]),
        (&URL.into(), &"".into())
    );
    assert!(!world.path(".cf").exists());
}

#[test]
fn the_logs_are_those_of_the_last_push() {
    let world = World::with_cf();
    world
        .cf(&["logs", "foo", "--recent"])
        .refused("FAILED\n", "App 'foo' not found.\n");
    world.push_by_cf("foo").succeeded();
    let ended = world.cf(&["logs", "foo", "--recent"]).succeeded();
    assert!(
        ended.stdout.starts_with(
            "Retrieving logs for app foo in org acme / space dev as ann...\n\n   [STG/0] "
        ),
        "{ended:?}"
    );
    assert!(
        ended.stdout.ends_with("OUT Staging complete\n"),
        "{ended:?}"
    );
}
