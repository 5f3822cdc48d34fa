//! `helion`: texts, exit codes, option order and state files.

use std::fs;

use crate::world::{URL, World, end, mode};

const LOGIN_REQUIRED: &str = "Login Required\nPlease use 'helion login'\n";
const NO_FOO: &str = "Found a problem with argument \"application\": Application \"foo\" does not exist in space 'demo::main'. \
    Please use a different value.\n";

#[test]
fn a_deployment_runs_from_target_to_logout() {
    let world = World::new();
    world.helion(&["target", URL]).printed(
        "Successfully targeted to [https://api.example.com]\n\
         Target:       https://api.example.com\nOrganization: <none>\nSpace:        <none>\n",
    );
    world
        .helion(&["login", "ann", "--credentials", "username: ann", "--password", "s3cret", "--target", URL])
        .printed(
            "Attempting login to [https://api.example.com]\nSuccessfully logged into [https://api.example.com]\n\
             Choosing the one available organization: \"demo\"\nChoosing the one available space: \"main\"\n\
             Target:       https://api.example.com\nOrganization: demo\nSpace:        main\n",
        );
    world
        .helion(&["delete", "--target", URL, "-n", "foo"])
        .refused("", NO_FOO);
    world
        .helion(&["list", "--target", URL])
        .printed("No Applications\n");
    world.push_by_helion("foo").printed(
        "Creating Application [foo] as [https://api.example.com -> demo -> main -> foo] ... OK\n\
         Uploading Application [foo] ...\nPush Status: OK\nStarting Application [foo] ...\n\
         http://foo.example.com/ deployed\n",
    );
    world.helion(&["list", "--target", URL]).printed(
        "+-------------+---+--------+------+---------+-----------------+----------+\n\
         | Application | # | Mem    | Disk | Health  | URLs            | Services |\n\
         +-------------+---+--------+------+---------+-----------------+----------+\n\
         | foo         | 1 | 256.0M | 2.0G | RUNNING | foo.example.com |          |\n\
         +-------------+---+--------+------+---------+-----------------+----------+\n",
    );
    world
        .helion(&["delete", "--target", URL, "-n", "foo"])
        .printed("Deleting application [foo] ... OK\n");
    world
        .helion(&["logout"])
        .printed("Successfully logged out of [https://api.example.com]\n");
    world
        .helion(&["list", "--target", URL])
        .refused("", LOGIN_REQUIRED);
}

#[test]
fn a_name_is_looked_up_on_the_target_that_stands_before_it() {
    let world = World::with_helion();
    world.push_by_helion("foo").succeeded();
    fs::remove_file(world.path(".stackato/client/target")).expect("a target file");

    let too_late = world.helion(&["delete", "-n", "foo", "--target", URL]);
    too_late.refused(
        "",
        "Cannot access target 'https://api.stackato.local' \
         (couldn't open socket: host is unreachable (Name or service not known))\n",
    );
    world
        .helion(&["delete", "--target", URL, "-n", "foo"])
        .succeeded();
}

#[test]
fn the_environments_target_wins_over_the_file_and_loses_to_the_option() {
    let world = World::with_helion();
    let mut elsewhere = world.command("helion", &["list"]);
    end({
        elsewhere.env("STACKATO_TARGET", "api.other.example.com");
        elsewhere
    })
    .refused("", LOGIN_REQUIRED);

    let mut here = world.command("helion", &["list", "--target", URL]);
    here.env("STACKATO_TARGET", "api.other.example.com");
    end(here).printed("No Applications\n");
}

#[test]
fn a_target_that_does_not_answer_is_refused_on_stdout() {
    let world = World::new();
    world.helion(&["target", "https://api.nowhere.invalid"]).refused(
        "Host is not valid: 'https://api.nowhere.invalid'\nCannot access target 'https://api.nowhere.invalid' \
         (couldn't open socket: host is unreachable (Name or service not known))\n",
        "",
    );
    assert!(!world.path(".stackato/client/target").exists());
}

#[test]
fn a_target_in_the_clear_wants_to_be_allowed() {
    let world = World::new();
    world.helion(&["target", "http://api.example.com"]).refused(
        "",
        "Error: Illegal use of http://api.example.com.\n\
         Either re-target to use https, or force acceptance via --allow-http\n",
    );
    world
        .helion(&["target", "--allow-http", "http://api.example.com"])
        .succeeded();
}

#[test]
fn a_wrong_password_and_no_login_look_the_same() {
    let world = World::new();
    let attempt = "Attempting login to [https://api.example.com]\n";
    for (user, password) in [("ann", "wrong"), ("bob", "s3cret"), ("ann", "")] {
        world
            .helion(&["login", user, "--password", password, "--target", URL])
            .refused(attempt, LOGIN_REQUIRED);
    }
    world
        .helion(&["list", "--target", URL])
        .refused("", LOGIN_REQUIRED);
    world.push_by_helion("foo").refused("", LOGIN_REQUIRED);
}

#[test]
fn an_unknown_command_is_refused_on_stdout_and_an_unknown_option_on_stderr() {
    let world = World::with_helion();
    world
        .helion(&["dance"])
        .refused("Expected action name, got \"dance\"\n", "");
    world
        .helion(&["list", "--sideways"])
        .refused("", "Unknown option \"--sideways\"\n");
    world
        .helion(&["list", "foo"])
        .refused("", "wrong#args, too many\n");
    world
        .helion(&["delete", "--target", URL, "-n"])
        .refused("", "wrong#args, not enough\n");
}

#[test]
fn nothing_is_asked_without_a_terminal() {
    let world = World::with_helion();
    world.push_by_helion("foo").succeeded();
    for arguments in [
        &["delete", "--target", URL, "foo"][..],
        &["push", "foo", "--path", "app"],
        &["login", "ann"],
    ] {
        let ended = world.helion(arguments).failed();
        assert!(
            ended
                .stderr
                .starts_with("Error: stdin isn't a terminal\nTry with --noprompt"),
            "{ended:?}"
        );
    }
}

#[test]
fn an_organization_and_a_space_are_chosen_where_there_are_several() {
    let world = World::new();
    world.platform.add_space("acme", "dev").expect("a space");
    world.platform.add_space("acme", "live").expect("a space");
    let login = ["login", "ann", "--password", "s3cret", "--target", URL];
    world.helion(&login).failed();
    let chosen = [&login[..], &["--organization", "acme", "--space", "live"]].concat();
    let ended = world.helion(&chosen).succeeded();
    assert!(
        ended
            .stdout
            .ends_with("Organization: acme\nSpace:        live\n"),
        "{ended:?}"
    );
    let ended = world
        .helion(&[&login[..], &["--organization", "nope", "--space", "live"]].concat())
        .failed();
    assert!(
        ended
            .stderr
            .contains("Organization \"nope\" does not exist"),
        "{ended:?}"
    );

    world.push_by_helion("foo").succeeded();
    let application = world
        .platform
        .applications()
        .expect("a list")
        .pop()
        .expect("an application");
    assert_eq!(
        (
            application.organization.as_str(),
            application.space.as_str()
        ),
        ("acme", "live")
    );
}

#[test]
fn the_history_keeps_every_command_line_with_its_password_for_all_to_read() {
    let world = World::with_helion();
    let folder = world.path(".stackato/client");
    let history = fs::read_to_string(folder.join("history")).expect("a history");
    assert_eq!(
        history,
        format!(
            "target {URL}\nlogin ann --credentials {{username: ann}} --password s3cret --target {URL}\n"
        )
    );
    assert_eq!(mode(&folder.join("history")), 0o644);
    for private in ["target", "token", "token2"] {
        assert_eq!(mode(&folder.join(private)), 0o600, "{private}");
        let text = fs::read_to_string(folder.join(private)).expect("a file");
        assert!(!text.contains("s3cret"), "{private}");
    }
    for _ in 0..25 {
        world.helion(&["list"]).succeeded();
    }
    let history = fs::read_to_string(folder.join("history")).expect("a history");
    assert_eq!(history, "list\n".repeat(20));
}

#[test]
fn the_state_moves_with_stackato_app_root_and_needs_a_home() {
    let world = World::new();
    let mut moved = world.command("helion", &["target", URL]);
    moved.env("STACKATO_APP_ROOT", world.path("elsewhere"));
    end(moved).succeeded();
    assert!(world.path("elsewhere/.stackato/client/target").exists());
    assert!(!world.path(".stackato").exists());

    let mut homeless = world.command("helion", &["target", URL]);
    homeless.env_remove("HOME");
    end(homeless).refused("", "Could not determine HOME environment\n");
}

#[test]
fn a_logout_without_a_target_leaves_other_targets_logged_in() {
    let world = World::with_helion();
    world
        .helion(&[
            "login",
            "ann",
            "--password",
            "s3cret",
            "--target",
            "api.two.example.com",
        ])
        .succeeded();
    world.helion(&["logout"]).succeeded();
    world
        .helion(&["list", "--target", URL])
        .refused("", LOGIN_REQUIRED);
    world
        .helion(&["list", "--target", "api.two.example.com"])
        .succeeded();
    world
        .helion(&["logout", "--all"])
        .printed("Successfully logged out of all known targets\n");
    world
        .helion(&["list", "--target", "api.two.example.com"])
        .refused("", LOGIN_REQUIRED);
    world.helion(&["logout"]).succeeded();
}

#[test]
fn a_second_push_updates_and_the_list_is_also_json() {
    let world = World::with_helion();
    world.push_by_helion("foo").succeeded();
    let ended = world.push_by_helion("foo").succeeded();
    assert!(
        ended.stdout.starts_with("Updating Application [foo]"),
        "{ended:?}"
    );
    let list = world.helion(&["list", "--json"]).succeeded().stdout;
    let list: serde_json::Value = serde_json::from_str(&list).expect("json");
    assert_eq!(list[0]["entity"]["name"], "foo");
}

#[test]
fn the_logs_are_those_of_the_last_push() {
    let world = World::with_helion();
    world
        .helion(&["logs", "--target", URL, "foo"])
        .refused("", NO_FOO);
    world.push_by_helion("foo").succeeded();
    let ended = world.helion(&["logs", "--target", URL, "--num", "1", "foo"]);
    ended.printed("foo[stager]: staging completed\n");
}

#[test]
fn a_path_that_is_not_there_is_refused() {
    let world = World::with_helion();
    let missing = world.path("missing");
    world
        .helion(&["push", "--as", "foo", "--path", "missing", "--no-prompt"])
        .refused(
            "",
            &format!(
                "Error: Deployment path '{}' does not exist\n",
                missing.display()
            ),
        );
}

#[test]
fn a_client_without_a_platform_says_so() {
    let world = World::new();
    let mut lost = world.command("helion", &["target", URL]);
    lost.env_remove("STANDIN_PLATFORM");
    end(lost).refused("", "Error: STANDIN_PLATFORM is not set\n");
}
