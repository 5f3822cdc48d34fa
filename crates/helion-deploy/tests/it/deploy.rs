//! `deploy`, and reading its record in other processes.

use rusqlite::Connection;
use rustix::process::Signal;
use standin::Behaviour;

use crate::world::{ENDPOINT, PASSWORD, Running, SUCCESS, World, finish, statuses};

const KEY: [&str; 2] = ["--idempotency-key", "k"];

#[test]
fn a_package_travels_the_whole_way() {
    let world = World::with_package();
    let record = finish(world.deploy(&[])).code(0).json();
    assert_eq!(statuses(&record), SUCCESS);
    assert_eq!(world.pushed("foo"), ["index.html", "lib/a.txt"]);
    let steps = record["engine"]["steps"].as_array().unwrap();
    let removed = steps
        .iter()
        .find(|step| step["status"] == "REMOVED")
        .unwrap();
    // There was no application to remove, and that did not stop it.
    assert_eq!(
        (&removed["exit_code"], &removed["accepted"]),
        (&1.into(), &true.into())
    );
    assert!(
        steps
            .iter()
            .any(|step| step["status"] == "LOGOUT" && step["exit_code"] == 0)
    );
    world.assert_nothing_left();

    let id = record["deploy_id"].as_str().unwrap();
    let status = world
        .run(&["--output", "json", "status", id])
        .code(0)
        .json();
    assert_eq!(status, record);
    let list = world.run(&["--output", "json", "list"]).code(0).json();
    assert_eq!(list["deployments"], serde_json::json!([record]));
    let logs = world
        .run(&["logs", id, "--step", "deployed"])
        .code(0)
        .stdout;
    assert!(logs.contains("Push Status: OK"), "{logs}");
    world.run(&["logs", id, "--step", "NOTHING"]).code(3);
    // Again: now there is one to remove.
    finish(world.deploy(&[])).code(0);
}

#[test]
fn the_cf_client_goes_the_same_way() {
    let world = World::with_package();
    world.platform.add_space("org", "space").unwrap();
    let more = [
        "--client", "cf", "--org", "org", "--space", "space", "--name", "renamed",
    ];
    let record = finish(world.deploy(&more)).code(0).json();
    assert_eq!(statuses(&record), SUCCESS.replace("LOGIN", "LOGIN SPACE"));
    assert_eq!(world.pushed("renamed"), ["index.html", "lib/a.txt"]);
    assert_eq!(record["destination"], "https://renamed.example.com");
    world.assert_nothing_left();
}

#[test]
fn an_archive_on_this_machine_needs_no_catalog() {
    let world = World::new();
    let archive = world.archive("foo");
    let arguments = [
        "--output",
        "json",
        "deploy",
        &archive,
        "--endpoint",
        ENDPOINT,
        "--username",
        "ann",
    ];
    let record = world.run(&arguments).code(0).json();
    assert_eq!(statuses(&record), SUCCESS.replace("DOWNLOADING", "COPY"));
    assert!(std::path::Path::new(&archive).exists());
}

#[test]
fn a_wrong_password_fails_at_its_step() {
    let world = World::with_package();
    let mut command = world.deploy(&[]);
    command.env("HELION_PASSWORD", "wrong-password");
    let record = finish(command).code(1).json();
    assert_eq!(statuses(&record).rsplit(' ').next(), Some("FAILED"));
    assert_eq!(record["engine"]["error"]["step"], "LOGIN");
    let steps = record["engine"]["steps"].as_array().unwrap();
    let login = steps.iter().find(|step| step["status"] == "LOGIN").unwrap();
    assert_eq!(login["exit_code"], 1);
    assert!(
        login["output_tail"]
            .as_str()
            .unwrap()
            .contains("Login Required"),
        "{login}"
    );
    world.assert_nothing_left();
}

#[test]
fn a_platform_that_refuses_the_push_fails_with_its_words() {
    let world = World::with_package();
    world.behave("push", Behaviour::staging_failure());
    let finished = finish(world.deploy(&[])).code(1);
    assert!(
        finished
            .stderr
            .contains("error: the deployment ended FAILED"),
        "{}",
        finished.stderr
    );
    let record = finished.json();
    assert_eq!(record["engine"]["error"]["step"], "DEPLOYED");
    let steps = record["engine"]["steps"].as_array().unwrap();
    let push = steps
        .iter()
        .find(|step| step["status"] == "DEPLOYED")
        .unwrap();
    assert!(
        push["output_tail"]
            .as_str()
            .unwrap()
            .contains("NoAppDetectedError"),
        "{push}"
    );
    assert!(
        steps.iter().any(|step| step["status"] == "LOGS"),
        "{steps:?}"
    );
    world.assert_nothing_left();
}

#[test]
fn a_client_that_is_not_there_is_named() {
    let world = World::with_package();
    std::fs::remove_file(world.path("bin/helion")).unwrap();
    let record = finish(world.deploy(&[])).code(1).json();
    let error = &record["engine"]["error"];
    assert_eq!(error["step"], "TARGET");
    assert!(
        error["message"].as_str().unwrap().contains("helion"),
        "{error}"
    );
    world.assert_nothing_left();
}

#[test]
fn a_command_that_hangs_times_out() {
    let world = World::with_package();
    world.behave("push", Behaviour::Hang);
    let record = finish(world.deploy(&["--timeout", "2s"])).code(1).json();
    assert_eq!(statuses(&record).rsplit(' ').next(), Some("TIMED_OUT"));
    world.assert_nothing_left();
}

#[test]
fn what_is_invalid_or_missing_is_said_by_the_exit_code() {
    let world = World::with_package();
    let deploy = |package, endpoint, user| {
        world
            .run(&[
                "deploy",
                package,
                "--endpoint",
                endpoint,
                "--username",
                user,
            ])
            .code
    };
    assert_eq!(deploy("bar", ENDPOINT, "ann"), 3);
    assert_eq!(deploy("../foo", ENDPOINT, "ann"), 3); // a file, which is not there
    assert_eq!(deploy("f oo", ENDPOINT, "ann"), 2);
    for endpoint in [
        "",
        "api.x.io",
        "ftp://api.x.io",
        "https://u:p@x.io",
        "https://a b",
    ] {
        assert_eq!(deploy("foo", endpoint, "ann"), 2, "{endpoint}");
    }
    assert_eq!(deploy("foo", ENDPOINT, ""), 2);
    assert_eq!(world.run(&["deploy", "foo"]).code, 2);
    assert_eq!(world.run(&["status", "42"]).code, 2);
    assert_eq!(
        world
            .run(&["status", "6eeca9c0-257e-11e5-9760-985aeb8b7458"])
            .code,
        3
    );
    let mut command = world.deploy(&[]);
    command.env_remove("HELION_PASSWORD");
    finish(command).code(2);
    let list = world.run(&["--output", "json", "list"]).code(0).json();
    assert_eq!(list["deployments"], serde_json::json!([]));
    world.assert_nothing_left();
}

#[test]
fn the_password_can_come_from_standard_input() {
    let world = World::with_package();
    let file = world.path("password");
    std::fs::write(&file, format!("{PASSWORD}\r\nanother line\n")).unwrap();
    let mut command = world.deploy(&["--password-stdin"]);
    command
        .env_remove("HELION_PASSWORD")
        .stdin(std::fs::File::open(file).unwrap());
    finish(command).code(0);
}

#[test]
fn another_process_follows_and_ctrl_c_cancels() {
    let world = World::with_package();
    world.behave("push", Behaviour::Hang);
    let mut running = Running::start(world.deploy(&KEY));
    running.until("  LIST");

    let record = world
        .run(&["--output", "json", "status", &running.id])
        .code(0)
        .json();
    assert!(statuses(&record).ends_with("REMOVED LIST"), "{record}");
    let list = world
        .run(&["--output", "json", "list", "--status", "list"])
        .code(0)
        .json();
    assert_eq!(list["deployments"][0]["deploy_id"], running.id.as_str());
    // The application is taken; the same key finds the same deployment.
    let conflict = finish(world.deploy(&[])).code(4);
    assert!(
        conflict.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains(&running.id)
    );
    let mut watching = world.command(&["--output", "json", "status", &running.id, "--watch"]);
    let watching = watching
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();

    running.signal(Signal::INT);
    let id = running.id.clone();
    let record = running.finish().code(1).json();
    assert_eq!(statuses(&record).rsplit(' ').next(), Some("CANCELLED"));
    let steps = record["engine"]["steps"].as_array().unwrap();
    assert_eq!(steps.last().unwrap()["status"], "LOGOUT");
    let watched = watching.wait_with_output().unwrap();
    let watched: serde_json::Value = serde_json::from_slice(&watched.stdout).unwrap();
    assert_eq!(watched, record);
    world.assert_nothing_left();

    let again = finish(world.deploy(&KEY)).code(1).json();
    assert_eq!(again["deploy_id"], id.as_str());
}

/// A deployment whose command hangs, and a process that was given the same key and follows it.
fn owner_and_follower() -> (World, Running, Running) {
    let world = World::with_package();
    world.behave("push", Behaviour::Hang);
    let mut owner = Running::start(world.deploy(&KEY));
    owner.until("  LIST");
    let mut follower = Running::start(world.deploy(&KEY));
    follower.until("another process deploys it");
    (world, owner, follower)
}

#[test]
fn the_same_key_follows_the_deployment_of_another_process() {
    let (world, running, mut following) = owner_and_follower();
    assert_eq!(following.id, running.id);
    following.until(" ~ LIST");
    running.signal(Signal::INT);
    let record = running.finish().code(1).json();
    let followed = following.finish().code(1);
    assert!(followed.stderr.contains(" ~ CANCELLED"), "{followed:?}");
    assert_eq!(followed.json(), record);
    // It has ended, so nobody deploys it.
    let late = finish(world.deploy(&KEY)).code(1);
    assert!(!late.stderr.contains("another process"), "{late:?}");
    assert_eq!(late.json(), record);
}

#[test]
fn a_second_signal_does_not_wait_for_the_store_to_take_the_first() {
    let (world, running, following) = owner_and_follower();
    // Nobody can write to the store.
    let writer = Connection::open(world.path("store")).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    following.signal(Signal::INT);
    following.signal(Signal::TERM);
    let left = following.finish().code(1);
    assert!(left.stderr.contains("left to its owner"), "{left:?}");
    writer.execute_batch("ROLLBACK").unwrap();
    running.signal(Signal::INT);
    running.finish().code(1);
    world.assert_nothing_left();
}

#[test]
fn a_second_ctrl_c_does_not_wait() {
    let world = World::with_package();
    world.behave("push", Behaviour::Hang);
    // The logout, which a first cancel waits for, hangs as well.
    world.behave("logout", Behaviour::Hang);
    let mut running = Running::start(world.deploy(&[]));
    running.until("  LIST");
    running.signal(Signal::TERM);
    running.until("cancelling");
    running.signal(Signal::INT);
    let record = running.finish().code(1).json();
    assert_eq!(statuses(&record).rsplit(' ').next(), Some("CANCELLED"));
    world.assert_nothing_left();
}

#[test]
fn a_usage_error_is_a_document_too() {
    let world = World::new();
    let finished = world.run(&["--output", "json", "status", "42"]).code(2);
    assert_eq!(finished.json()["error"]["exit_code"], 2);
    assert!(finished.stderr.contains("42"), "{}", finished.stderr);
    world.run(&["--help"]).code(0);
}

#[test]
fn a_pipe_is_no_package() {
    let world = World::new();
    let pipe = world.path("foo.tar.gz");
    #[expect(
        clippy::disallowed_methods,
        reason = "the standard library makes no pipes with a name"
    )]
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    let pipe = pipe.to_str().unwrap();
    world.run(&["packages", "add", pipe]).code(2);
    let arguments = ["deploy", pipe, "--endpoint", ENDPOINT, "--username", "ann"];
    world.run(&arguments).code(2);
}

#[test]
fn a_client_that_leaves_its_process_group_is_not_left_running() {
    let world = World::with_package();
    let client = world.path("bin/helion");
    std::fs::remove_file(&client).unwrap();
    // A helper in a session of its own keeps writing into the home.
    let script = "#!/bin/sh\nPATH=/usr/bin:/bin\n\
                  setsid sh -c 'while :; do date > \"$HOME/busy\"; sleep 0.01; done' &\nexit 0\n";
    std::fs::write(&client, script).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&client, executable).unwrap();
    let record = finish(world.deploy(&[])).code(0).json();
    assert_eq!(statuses(&record), SUCCESS);
    world.assert_nothing_left();
}

#[test]
fn of_a_deployment_that_ran_no_command_no_output_is_hinted_at() {
    let world = World::with_package();
    let mut deploy = world.deploy(&[]);
    deploy.env("TMPDIR", world.path("nowhere"));
    let failed = finish(deploy).code(1);
    assert!(failed.stderr.contains("private directory"), "{failed:?}");
    assert!(!failed.stderr.contains("hint:"), "{failed:?}");
}
