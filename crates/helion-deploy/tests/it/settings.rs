//! Flags, environment and file, and which of them counts.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::terminal::{Streams, Terminal};
use crate::world::{ENDPOINT, Finished, SUCCESS, World, finish, statuses};

/// Writes the user's own configuration file, for the user alone.
fn write(world: &World, text: &str) -> PathBuf {
    let folder = world.path("home/.config/helion-deploy");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("config.toml");
    std::fs::write(&path, text).unwrap();
    set_mode(&path, 0o600);
    path
}

fn set_mode(path: &PathBuf, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// The program in the world's folder without the world's own settings.
fn command(world: &World, arguments: &[&str]) -> Command {
    let mut command = world.command(arguments);
    command
        .env_remove("STORE_URL")
        .env_remove("HELION_PASSWORD");
    command
}

fn run(world: &World, arguments: &[&str]) -> Finished {
    finish(command(world, arguments))
}

/// What `config show` tells of a setting.
fn setting(document: &Value, key: &str) -> Value {
    let settings = document["settings"].as_array().unwrap();
    let row = settings.iter().find(|row| row["key"] == key).unwrap();
    json!([row["value"], row["source"]])
}

#[test]
fn settings_that_are_not_set_fit_what_they_are_printed_on() {
    let world = World::new();
    let narrow = (60, 44);
    let widest = |shown: &str| {
        let (_, unset) = shown.split_once("Not set:\n").unwrap();
        unset.lines().map(str::len).max().unwrap()
    };
    let show = world.command(&["config", "show"]);
    let (code, screen, _) = Terminal::start(show, Streams::Both, narrow).finish();
    assert_eq!(code, 0, "{screen}");
    assert!(widest(&screen) <= 43, "{screen}");
    // A terminal that only says what goes wrong is none that they are printed on.
    let mut show = world.shell("exec \"$@\" >shown");
    show.args(["sh", env!("CARGO_BIN_EXE_helion-deploy"), "config", "show"]);
    show.current_dir(world.root.path());
    let (code, screen, _) = Terminal::start(show, Streams::Error, narrow).finish();
    assert_eq!((code, screen.as_str()), (0, ""));
    let shown = std::fs::read_to_string(world.path("shown")).unwrap();
    assert!((70..=78).contains(&widest(&shown)), "{shown}");
}

#[test]
fn each_place_counts_before_those_below() {
    let world = World::new();
    let arguments = ["--output", "json", "config", "show"];
    let store = |command: Command| setting(&finish(command).code(0).json(), "store_url");

    let home = world.path("home");
    let own = format!(
        "sqlite:{}/.local/share/helion-deploy/store.sqlite",
        home.display()
    );
    let found = store(command(&world, &arguments));
    assert_eq!(found, json!([own, { "kind": "default" }]));

    let path = write(&world, "# mine\nstore_url = 'fs:/file'\n");
    let found = store(command(&world, &arguments));
    let source = json!({ "kind": "file", "path": path.to_str().unwrap(), "line": 2 });
    assert_eq!(found, json!(["fs:/file", source]));

    let mut with_variable = command(&world, &arguments);
    with_variable.env("STORE_URL", "fs:/variable");
    let source = json!({ "kind": "variable", "name": "STORE_URL" });
    assert_eq!(store(with_variable), json!(["fs:/variable", source]));

    let with_flag = [&["--store", "fs:/flag"], &arguments[..]].concat();
    let mut with_flag = command(&world, &with_flag);
    with_flag.env("STORE_URL", "fs:/variable");
    let source = json!({ "kind": "flag", "name": "--store" });
    assert_eq!(store(with_flag), json!(["fs:/flag", source]));
    // An empty one is as none.
    let mut with_empty = command(&world, &[&["--store", ""], &arguments[..]].concat());
    with_empty.env("STORE_URL", "");
    assert_eq!(store(with_empty)[0], "fs:/file");
}

#[test]
fn the_place_that_counts_is_the_one_that_is_used() {
    let world = World::new();
    let url = |name: &str| format!("fs:{}", world.path(name).display());
    write(&world, &format!("store_url = '{}'", url("file")));
    let list = ["packages", "list"];
    run(&world, &list).code(0);
    assert!(world.path("file").exists() && !world.path("variable").exists());
    let mut with_variable = command(&world, &list);
    with_variable.env("STORE_URL", url("variable"));
    finish(with_variable).code(0);
    assert!(world.path("variable").exists() && !world.path("flag").exists());
    let mut with_flag = command(&world, &["--store", &url("flag"), "packages", "list"]);
    with_flag.env("STORE_URL", url("variable"));
    finish(with_flag).code(0);
    assert!(world.path("flag").exists());
    assert!(
        !world.path("home/.local").exists(),
        "the default was not used"
    );
}

#[test]
fn a_container_on_swift_names_the_store_too() {
    let world = World::new();
    write(&world, "swift_container = 'deployments'");
    let show = ["--output", "json", "config", "show"];
    let shown = run(&world, &show).code(0).json();
    assert_eq!(setting(&shown, "store_url"), json!([null, null]));
    // Nobody says who asks for its files.
    let refused = run(&world, &["packages", "list"]).code(5);
    assert!(refused.stderr.contains("auth_url"), "{}", refused.stderr);
    assert!(!world.path("home/.local").exists(), "the default was used");
    run(&world, &["--store", "memory:", "packages", "list"]).code(0);
}

#[test]
fn a_deployment_takes_what_its_flags_do_not_say() {
    let world = World::with_package();
    for (org, space) in [("acme", "live"), ("acme", "staging")] {
        world.platform.add_space(org, space).unwrap();
    }
    let text = format!(
        "endpoint = '{ENDPOINT}'\nusername = 'ann'\nclient = 'cf'\norg = 'acme'\nspace = 'live'\n\
         timeout = '15m'\noutput = 'json'\n"
    );
    write(&world, &text);
    let space = |record: &Value| record["engine"]["space"]["space"].clone();
    let record = world.run(&["deploy", "foo"]).code(0).json();
    assert_eq!(statuses(&record), SUCCESS.replace("LOGIN", "LOGIN SPACE"));
    assert_eq!(space(&record), "live");

    let mut other = world.command(&["deploy", "foo"]);
    other.env("HELION_SPACE", "staging");
    assert_eq!(space(&finish(other).code(0).json()), "staging");

    let mut flags = world.command(&["deploy", "foo", "--space", "live", "--client", "helion"]);
    flags
        .env("HELION_SPACE", "staging")
        .env("HELION_CLIENT", "cf");
    let record = finish(flags).code(0).json();
    assert_eq!(
        (statuses(&record), space(&record)),
        (SUCCESS.to_owned(), json!("live"))
    );

    let id = record["deploy_id"].as_str().unwrap();
    let mut late = world.command(&["redeploy", id]);
    late.env("HELION_TIMEOUT", "1ns");
    let record = finish(late).code(1).json();
    assert_eq!(record["deploy_status"], "TIMED_OUT");
    let mut late = world.command(&["redeploy", id, "--timeout", "1ns"]);
    late.env("HELION_TIMEOUT", "15m");
    assert_eq!(finish(late).code(1).json()["deploy_status"], "TIMED_OUT");
    let mut late = world.command(&["redeploy", id, "--timeout", "15m"]);
    late.env("HELION_TIMEOUT", "1ns")
        .env("HELION_USERNAME", "nobody");
    let record = finish(late).code(1).json();
    assert_eq!(record["engine"]["error"]["step"], "LOGIN");
}

#[test]
fn what_nobody_has_set_is_told_with_every_place_for_it() {
    let world = World::with_package();
    let refused = |arguments: &[&str]| world.run(arguments).code(2).stderr;
    let text = refused(&["deploy", "foo", "--username", "ann"]);
    assert!(
        text.starts_with("error: no endpoint: give --endpoint, set HELION_ENDPOINT"),
        "{text}"
    );
    assert!(text.contains(".config/helion-deploy/config.toml"), "{text}");
    let text = refused(&["deploy", "foo", "--endpoint", ENDPOINT]);
    assert!(
        text.starts_with("error: no username: give --username"),
        "{text}"
    );
    let deploy = ["deploy", "foo", "--endpoint", ENDPOINT, "--username", "ann"];
    let text = refused(&[&deploy[..], &["--org", "acme"]].concat());
    assert!(text.contains("org without space"), "{text}");
    let text = refused(&[&deploy[..], &["--space", "live"]].concat());
    assert!(text.contains("space without org"), "{text}");
}

#[test]
fn a_password_that_is_empty_is_none() {
    let world = World::with_package();
    let mut deploy = world.deploy(&[]);
    deploy.env("HELION_PASSWORD", "");
    let text = finish(deploy).code(2).stderr;
    assert!(text.contains("no password: set HELION_PASSWORD"), "{text}");
    let mut show = world.command(&["--output", "json", "config", "show"]);
    show.env("HELION_PASSWORD", "");
    let found = setting(&finish(show).code(0).json(), "password");
    assert_eq!(found, json!([null, null]));
}

#[test]
fn a_wrong_value_is_told_with_where_it_came_from() {
    let world = World::with_package();
    let refused = |name: &str, value: &str, code: i32| {
        let mut deploy = world.deploy(&[]);
        deploy.env(name, value);
        finish(deploy).code(code).stderr
    };
    let told = |name: &str, value: &str, expected: &str| {
        let text = refused(name, value, 2);
        let expected = format!("error: {expected} (variable {name})\n");
        assert_eq!(text, expected);
    };
    let time = "`timeout` has to be a time, such as 15m or 1h 30m";
    told("HELION_TIMEOUT", "soon", time);
    told("HELION_TIMEOUT", "0s", time);
    told(
        "HELION_CLIENT",
        "\u{1}cf",
        "`client` has to be helion or cf",
    );
    let mut list = world.command(&["list"]);
    list.env("HELION_OUTPUT", "xml");
    let text = finish(list).code(2).stderr;
    let expected = "`output` has to be text or json (variable HELION_OUTPUT)";
    assert_eq!(text, format!("error: {expected}\n"));
    for (name, expected) in [
        ("HELION_ORG", "org without space"),
        ("HELION_SPACE", "space without org"),
    ] {
        let text = refused(name, "live", 2);
        assert!(text.contains(expected), "{text}");
    }
    let text = refused("STORE_URL", "sqlit:/x", 2);
    assert!(
        text.contains("did you mean `sqlite`? (variable STORE_URL)\n"),
        "{text}"
    );
    let path = write(
        &world,
        "\nstore_url = 'swift:x'\nswift_url = 'no'\nswift_token = 't'",
    );
    let text = run(&world, &["packages", "list"]).code(5).stderr;
    let source = format!("(file {}, line 3)\n", path.display());
    assert!(text.contains(&source), "{text}");
    // In the file it has to be TOML.
    let path = write(&world, "timeout = 'soon'");
    let text = run(&world, &["list"]).code(2).stderr;
    let expected = format!(
        "error: `{}`, line 1: `timeout` has to be a time in quotes, such as \"15m\" or \"1h 30m\"\n",
        path.display()
    );
    assert_eq!(text, expected);
}

#[test]
fn no_secret_is_ever_shown() {
    let world = World::new();
    let secrets = [
        "cloud_password",
        "os_application_credential_secret",
        "os_auth_token",
        "os_password",
        "st_key",
        "swift_token",
    ];
    let lines = secrets.map(|key| format!("{key} = 'swordfish'"));
    let address = "os_auth_url = 'https://ann:swordfish@x.io/v3'";
    let text = [address, &lines.join("\n")].join("\n");
    let path = write(&world, &text);
    for format in ["text", "json"] {
        let mut show = command(&world, &["--output", format, "config", "show"]);
        show.env("RUST_LOG", "trace");
        show.env("HELION_PASSWORD", "swordfish")
            .env("OS_PASSWORD", "swordfish");
        let shown = finish(show).code(0);
        assert!(!shown.stdout.contains("swordfish"), "{}", shown.stdout);
        assert!(!shown.stderr.contains("swordfish"), "{}", shown.stderr);
        assert_eq!(shown.stdout.matches("***").count(), 8, "{}", shown.stdout);
        assert!(
            shown.stdout.contains("https://***@x.io/v3"),
            "{}",
            shown.stdout
        );
    }
    // The store is told them, and tells nobody either.
    let mut list = command(&world, &["--store", "swift:x", "packages", "list"]);
    list.env("RUST_LOG", "trace");
    let refused = finish(list).code(5);
    assert!(!refused.stderr.contains("swordfish"), "{}", refused.stderr);
    // A request goes out, to a port where nobody listens: one that was free may be another test's
    // by then.
    write(&world, "swift_token = 'swordfish'");
    let url = "http://127.0.0.1:1/v1/AUTH_x";
    let mut list = command(&world, &["--store", "swift:x", "packages", "list"]);
    list.env("RUST_LOG", "trace").env("SWIFT_URL", url);
    let refused = finish(list).code(5);
    assert!(refused.stderr.contains("TRACE"), "{refused:?}");
    assert!(refused.stderr.contains("onnect"), "{refused:?}");
    assert!(!refused.stderr.contains("swordfish"), "{}", refused.stderr);
    write(&world, &text);

    set_mode(&path, 0o644);
    let refused = run(&world, &["list"]).code(2).stderr;
    let command = format!("chmod 600 \"{}\"\n", path.display());
    assert!(refused.contains(&command), "{refused}");
    assert!(!refused.contains("swordfish"), "{refused}");
    // Without a secret in it, others may read it.
    std::fs::write(&path, "os_username = 'ann'").unwrap();
    run(&world, &["list"]).code(0);
}

#[test]
fn a_file_that_is_wrong_stops_every_command_that_goes_by_it() {
    let world = World::new();
    let path = write(&world, "output = 'json'\nendpiont = 'https://x.io'\n");
    let expected = format!(
        "error: `{}`, line 2: unknown key `endpiont`; did you mean `endpoint`?\n",
        path.display()
    );
    for arguments in [&["list"][..], &["demo"], &["config", "show"], &["recover"]] {
        assert_eq!(run(&world, arguments).code(2).stderr, expected);
    }
    let refused = run(&world, &["--output", "json", "list"]).code(2);
    assert_eq!(refused.json()["error"]["exit_code"], 2);
    for arguments in [&["list"][..], &["--colour", "list"]] {
        let mut list = command(&world, arguments);
        list.env("HELION_OUTPUT", "json");
        assert_eq!(finish(list).code(2).json()["error"]["exit_code"], 2);
    }
    let mut list = command(&world, &["--output=text", "--colour", "list"]);
    list.env("HELION_OUTPUT", "json");
    assert_eq!(finish(list).code(2).stdout, "");
    // What is needed to mend it goes on.
    let shown = run(&world, &["config", "path"]).code(0).stdout;
    assert_eq!(shown, format!("{}\n", path.display()));
    run(&world, &["completions", "bash"]).code(0);
    run(&world, &["man"]).code(0);
    run(&world, &["--config", "/dev/null", "list"]).code(0);
}

#[test]
fn the_file_is_the_one_that_is_named() {
    let world = World::new();
    write(&world, "username = 'own'");
    let files = ["flag", "variable", "xdg"].map(|name| {
        let folder = world.path(name).join("helion-deploy");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("config.toml");
        std::fs::write(&path, format!("username = '{name}'")).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let show = ["--output", "json", "config", "show"];
    let username =
        |command: Command| setting(&finish(command).code(0).json(), "username")[0].clone();
    assert_eq!(username(command(&world, &show)), "own");
    let mut by_folder = command(&world, &show);
    by_folder.env("XDG_CONFIG_HOME", world.path("xdg"));
    assert_eq!(username(by_folder), "xdg");
    let mut by_variable = command(&world, &show);
    by_variable.env("XDG_CONFIG_HOME", world.path("xdg"));
    by_variable.env("HELION_DEPLOY_CONFIG", &files[1]);
    assert_eq!(username(by_variable), "variable");
    let mut by_flag = command(&world, &[&["--config", &files[0]], &show[..]].concat());
    by_flag.env("HELION_DEPLOY_CONFIG", &files[1]);
    assert_eq!(username(by_flag), "flag");

    let missing = run(&world, &["--config", "/nowhere/x.toml", "list"]).code(2);
    assert!(
        missing.stderr.contains("`/nowhere/x.toml`"),
        "{}",
        missing.stderr
    );
}

#[test]
fn a_swift_store_that_nobody_asks_for_names_settings_and_where_they_are_explained() {
    let world = World::new();
    let list = ["--output", "json", "--store", "swift:c", "list"];
    let error = world.run(&list).code(5).json()["error"].clone();
    let message = error["message"].as_str().unwrap();
    for word in ["`os_auth_url`", "`st_auth`", "docs/reference/settings.md"] {
        assert!(message.contains(word), "{message}");
    }
    assert!(!message.contains("open_store"), "{message}");
}
