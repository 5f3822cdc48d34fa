//! The password stays in memory.

use std::path::Path;

use standin::Behaviour;

use crate::world::{PASSWORD, World, finish};

/// Every file below `folder` that holds the password.
fn files_with_password(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files_with_password(&entry.path(), found);
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            if bytes
                .windows(PASSWORD.len())
                .any(|window| window == PASSWORD.as_bytes())
            {
                found.push(entry.path().display().to_string());
            }
        }
    }
}

#[track_caller]
fn the_password_is_nowhere(client: &str, push: Option<Behaviour>) {
    let world = World::with_package();
    world.platform.add_space("o", "s").unwrap();
    // The client prints every argument that it is given, as a tracing one might.
    for command in ["login", "auth"] {
        world.behave(command, Behaviour::EchoArguments);
    }
    let code = i32::from(push.is_some());
    if let Some(behaviour) = push {
        world.behave("push", behaviour);
    }
    let more = ["--client", client, "--org", "o", "--space", "s"];
    let mut command = world.deploy(&more);
    command.env("RUST_LOG", "trace");
    let finished = finish(command).code(code);
    assert!(!finished.stdout.contains(PASSWORD), "{}", finished.stdout);
    assert!(!finished.stderr.contains(PASSWORD), "{}", finished.stderr);
    let mut found = Vec::new();
    files_with_password(world.root.path(), &mut found);
    assert_eq!(found, [""; 0]);
    let id = finished.json()["deploy_id"].as_str().unwrap().to_owned();
    let logs = world.run(&["logs", &id]).code(0).stdout;
    assert!(!logs.contains(PASSWORD), "{logs}");
    if client == "helion" {
        assert!(logs.contains("--password ***"), "{logs}");
    }
}

#[test]
fn after_a_success() {
    the_password_is_nowhere("helion", None);
    the_password_is_nowhere("cf", None);
}

#[test]
fn after_a_failure() {
    the_password_is_nowhere("helion", Some(Behaviour::staging_failure()));
    the_password_is_nowhere("cf", Some(Behaviour::staging_failure()));
}

#[test]
fn a_password_in_an_endpoint_is_refused_and_not_repeated() {
    let world = World::with_package();
    for endpoint in [
        "https://bob:swordfish@api.example.com",
        "https://api.example.com?token=swordfish",
        "https://api.example.com#swordfish",
        "https://api.example.com?user=ann@example.com&token=swordfish",
        "https://api.example.com?token=pike@swordfish",
        "bob:swordfish@api.example.com",
        "bob:swordfish@https://api.example.com",
        "api.example.com?token=swordfish&next=https://example.com",
        "api.example.com#swordfish://example.com",
        "fs:bob:swordfish@api.example.com",
    ] {
        for (format, command) in [
            ("json", "plan"),
            ("text", "plan"),
            ("json", "deploy"),
            ("text", "deploy"),
        ] {
            let flag = ["--endpoint", endpoint];
            let words = ["--output", format, command, "foo", "--username", "ann"];
            let flagged = world.run(&[&words[..], &flag].concat());
            let mut set = world.command(&words);
            set.env("HELION_ENDPOINT", endpoint);
            for refused in [flagged, finish(set)] {
                let refused = refused.code(2);
                assert!(!refused.stdout.contains("swordfish"), "{refused:?}");
                assert!(!refused.stderr.contains("swordfish"), "{refused:?}");
            }
        }
    }
    let plan = ["--output", "json", "plan", "foo", "--username", "ann"];
    let flag = ["--endpoint", "https://bob:swordfish@api.example.com"];
    let plan = world.run(&[&plan[..], &flag].concat()).code(2).json();
    assert_eq!(plan["endpoint"], "https://***@api.example.com");
}

#[test]
fn a_password_where_none_is_taken_is_not_repeated() {
    let world = World::new();
    for wrong in [
        &["deploy", "foo", "--password-stdin=swordfish"][..],
        &["deploy", "foo", "--password-stdin", "swordfish"],
        &["deploy", "foo", "--password=swordfish"],
        &["deploy", "foo", "--password", "swordfish"],
        &["redeploy", "--password-stdin", "swordfish"],
        &["redeploy", "--password-stdin=swordfish"],
        &["packages", "--password-stdin", "swordfish"],
        &["deploy", "--password-stdin", "--timeout", "swordfish"],
    ] {
        let refused = world.run(&[&["--output", "json"], wrong].concat()).code(2);
        assert!(!refused.stderr.contains("swordfish"), "{refused:?}");
        assert!(!refused.stdout.contains("swordfish"), "{refused:?}");
        assert!(refused.stderr.starts_with("error: "), "{refused:?}");
        assert_eq!(refused.json()["error"]["exit_code"], 2);
    }
    // The one word that could be the package.
    for wrong in [
        &["deploy", "--password-stdin", "swordfish"][..],
        &["deploy", "--password-stdin", "--", "swordfish"],
        &[
            "deploy",
            "--username",
            "ann",
            "--password-stdin",
            "swordfish",
            "--timeout",
            "1s",
        ],
    ] {
        let refused = world.run(&[&["--output", "json"], wrong].concat()).code(2);
        assert!(!refused.stderr.contains("swordfish"), "{refused:?}");
        let error = refused.json()["error"].clone();
        assert!(!error.to_string().contains("swordfish"), "{error}");
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains("deploy PACKAGE --password-stdin"), "{hint}");
    }
    // What cannot be a password is named.
    let refused = world.run(&["deploy", "--password-stdin", "--usrname"]);
    let refused = refused.code(2).stderr;
    assert!(refused.contains("'--usrname'"), "{refused}");
}
