//! `plan`.

use rustix::process::Signal;
use serde_json::Value;

use crate::world::{Backend, ENDPOINT, PASSWORD, Running, World};

fn plan(world: &World, package: &str, more: &[&str]) -> crate::world::Finished {
    let arguments = ["--output", "json", "plan", package, "--endpoint", ENDPOINT];
    let user = ["--username", "ann"];
    let mut command = world.command(&[&arguments, &user[..], more].concat());
    command.env_remove("HELION_PASSWORD");
    crate::world::finish(command)
}

/// The checks with that outcome.
fn checks(plan: &Value, outcome: &str) -> Vec<String> {
    let checks = plan["checks"].as_array().unwrap().iter();
    let of_outcome = checks.filter(|check| check["outcome"] == outcome);
    of_outcome
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect()
}

const ALL: [&str; 10] = [
    "name",
    "package",
    "archive",
    "manifest",
    "endpoint",
    "user name",
    "application",
    "client",
    "temp folder",
    "commands",
];

#[test]
fn a_plan_shows_the_commands_that_run_and_writes_nothing() {
    for backend in [Backend::Sqlite, Backend::Fs] {
        let world = World::with_package_on(backend);
        let planned = plan(&world, "foo", &[]).code(0).json();
        let all: Vec<_> = ALL.into_iter().chain(["lock"]).collect();
        assert_eq!(checks(&planned, "ok"), all);
        assert_eq!(planned["is_ready"], true);
        let list = world.run(&["--output", "json", "list"]).code(0).json();
        assert_eq!(list["deployments"].as_array().unwrap().len(), 0);
        world.assert_nothing_left();

        let record = crate::world::finish(world.deploy(&[])).code(0).json();
        let commands = planned["commands"].as_array().unwrap();
        let words = |key: &str| -> Vec<_> {
            let commands = commands.iter();
            commands
                .map(|command| command[key].as_str().unwrap().to_owned())
                .collect()
        };
        assert!(!words("command").join("\n").contains(PASSWORD));
        let run = record["engine"]["steps"].as_array().unwrap().iter();
        let run = run.filter(|step| step["command"].as_str().unwrap().starts_with("helion "));
        let run: Vec<_> = run.map(|step| step["status"].clone()).collect();
        let planned: Vec<_> = words("status")
            .into_iter()
            .filter(|status| status != "LOGS")
            .collect();
        assert_eq!(run, planned);
    }
}

#[test]
fn the_first_check_that_fails_is_the_exit_code() {
    let world = World::with_package();
    let missing = plan(&world, "fo", &[]).code(3);
    assert_eq!(checks(&missing.json(), "failed"), ["package"]);
    assert_eq!(checks(&missing.json(), "skipped"), ["archive", "manifest"]);
    assert!(
        missing.stderr.contains("did you mean `foo`?"),
        "{missing:?}"
    );

    let mut beside = world.command(&["plan", "foo.tar.gz", "--endpoint", ENDPOINT]);
    beside
        .args(["--username", "ann"])
        .current_dir(world.root.path());
    let beside = crate::world::finish(beside).code(3).stderr;
    let hint = "hint: with a `/` it is a file: `./foo.tar.gz`";
    assert!(beside.contains(hint), "{beside}");

    let invalid = plan(&world, "foo", &["--name=-x"]).code(2).json();
    assert_eq!(checks(&invalid, "failed"), ["application"]);
    assert_eq!(checks(&invalid, "skipped"), ["commands", "lock"]);

    std::fs::remove_file(world.path("bin/cf")).unwrap();
    let clientless = plan(&world, "foo", &["--client", "cf"]).code(3);
    assert_eq!(checks(&clientless.json(), "failed"), ["client"]);
    assert!(
        clientless.stderr.contains("install-go-cli"),
        "{clientless:?}"
    );

    let broken = world.path("broken.tar.gz");
    let whole = std::fs::read(world.path("foo.tar.gz")).unwrap();
    std::fs::write(&broken, &whole[..whole.len() - 4]).unwrap();
    let refused = plan(&world, broken.to_str().unwrap(), &[]).code(2).json();
    assert_eq!(checks(&refused, "failed"), ["archive"]);
    assert_eq!(checks(&refused, "skipped"), ["manifest"]);
    world.assert_nothing_left();
}

#[test]
fn a_temporary_folder_that_cannot_be_used_is_told() {
    let world = World::with_package();
    let file = world.archive("foo");
    let command = ["--output", "json", "plan", "foo", "--username", "ann"];
    // The last one takes no folder, not even root's.
    for (folder, code) in [
        (world.path("nowhere").to_str().unwrap(), 3),
        (&file, 2),
        ("/sys", 2),
    ] {
        let mut plan = world.command(&[&command[..], &["--endpoint", ENDPOINT]].concat());
        plan.env("TMPDIR", folder);
        let refused = crate::world::finish(plan).code(code);
        let planned = refused.json();
        assert_eq!(checks(&planned, "failed"), ["temp folder"]);
        assert_eq!(planned["is_ready"], false);
        assert!(refused.stderr.contains("TMPDIR"), "{refused:?}");
    }
}

#[test]
fn a_deployment_that_is_in_the_way_is_named() {
    let world = World::with_package();
    world.behave("push", standin::Behaviour::Hang);
    let mut running = Running::start(world.deploy(&[]));
    running.until("  LIST");
    let busy = plan(&world, "foo", &[]).code(4);
    assert_eq!(checks(&busy.json(), "failed"), ["lock"]);
    let cancel = format!("`helion-deploy cancel {}`", running.id);
    assert!(busy.stderr.contains(&cancel), "{busy:?}");
    plan(&world, "foo", &["--name", "other"]).code(0);
    running.signal(Signal::INT);
    running.finish().code(1);
}

#[test]
fn as_text_the_commands_stand_below_the_checks() {
    let world = World::with_package();
    let arguments = ["plan", "foo", "--endpoint", ENDPOINT, "--username", "ann"];
    let text = world.run(&arguments).code(0).stdout;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "checks");
    assert_eq!(lines[1], "  ok       name         foo");
    assert!(lines.contains(&"commands"), "{text}");
    let login = lines.iter().find(|line| line.starts_with("  LOGIN"));
    assert!(login.unwrap().contains("30m"), "{text}");
    assert!(login.unwrap().contains("--password ***"), "{text}");
}
