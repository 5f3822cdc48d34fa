//! The commands that hints name work as they are written.

use rustix::process::Signal;
use standin::Behaviour;

use crate::world::{ENDPOINT, Finished, Running, World, finish};

/// The only command that the hint on standard error names, as words.
#[track_caller]
fn command(finished: &Finished) -> Vec<String> {
    let (_, hint) = finished.stderr.split_once("hint: ").unwrap();
    let quoted: Vec<_> = hint.split('`').collect();
    assert_eq!(quoted.len(), 3, "{hint}");
    let words = shlex::split(quoted[1]).unwrap();
    assert_eq!(words[0], "helion-deploy");
    words[1..].to_vec()
}

/// Runs the command that the hint names.
#[track_caller]
fn follow(world: &World, finished: &Finished) -> Finished {
    let words = command(finished);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    world.run(&words)
}

#[test]
fn they_go_to_the_store_and_the_file_that_were_given() {
    let mut world = World::with_package();
    let store = std::mem::replace(&mut world.store_url, "memory:".to_owned());
    let config = world.path("my config.toml");
    std::fs::write(&config, format!("endpoint = '{ENDPOINT}'\n")).unwrap();
    let config = config.to_str().unwrap();
    let flags = ["--store", &store, "--config", config];
    world.behave("push", Behaviour::refuse("no"));
    let deploy = ["deploy", "foo", "--username", "ann"];
    let failed = world.run(&[&flags[..], &deploy].concat()).code(1);
    assert_eq!(command(&failed)[..4], flags);
    let logs = follow(&world, &failed).code(0).stdout;
    assert!(logs.contains("DEPLOYED"), "{logs}");

    world.run(&[&flags[..], &deploy].concat()).code(1);
    let first = world.run(&[&flags[..], &["list", "--limit", "1"]].concat());
    follow(&world, &first.code(0)).code(0);
    let missing = world.run(
        &[
            &flags[..],
            &["--output", "json", "plan", "fo", "--username", "ann"],
        ]
        .concat(),
    );
    let missing = missing.code(3);
    let shown = format!("`helion-deploy --store {store} --config '{config}' packages list`");
    assert!(missing.stderr.contains(&shown), "{missing:?}");
    let document = missing.json();
    let checks = document["checks"].as_array().unwrap();
    let hint = checks
        .iter()
        .find_map(|check| check["hint"].as_str())
        .unwrap();
    assert!(hint.contains(&shown), "{hint}");

    let secret = ["--store", "https://ann:swordfish@x.io", "list"];
    let refused = world.run(&secret).code(2).stderr;
    assert!(!refused.contains("swordfish"), "{refused}");
}

/// A deployment that is cancelled in its push.
fn cancelled(world: &World, arguments: &[&str]) -> Finished {
    world.behave("push", Behaviour::Hang);
    let mut running = Running::start(world.command(arguments));
    running.until("  LIST");
    running.signal(Signal::INT);
    let cancelled = running.finish().code(1);
    world.platform.clear_behaviour("push").unwrap();
    cancelled
}

#[test]
fn after_a_cancel_they_deploy_once_more_as_before() {
    let world = World::with_package();
    world.platform.add_space("o", "s").unwrap();
    let place = ["--endpoint", ENDPOINT, "--username", "ann"];
    let cf = ["--client", "cf", "--org", "o", "--space", "s"];
    let limit = ["--timeout", "1h 30m"];
    let deploy = [&["deploy", "foo"], &place[..], &cf, &limit].concat();
    let mut stopped = cancelled(&world, &deploy);
    let record: Vec<_> = command(&stopped)[1..2].to_vec();
    let told = ["--username", "ann", "--client", "cf", "--timeout", "1h 30m"];
    assert_eq!(command(&stopped)[2..], told);
    let again = [&["redeploy", &record[0]], &told[..]].concat();
    stopped = cancelled(&world, &again);
    assert_eq!(command(&stopped)[2..], told);
    follow(&world, &stopped).code(0);

    let archive = world.archive("bar");
    let deploy = [&["deploy", &archive], &place[..]].concat();
    let stopped = cancelled(&world, &deploy);
    assert_eq!(command(&stopped), ["deploy", "…"]);
    finish(world.command(&deploy)).code(0);
    let with_key = [&deploy[..], &["--idempotency-key", "k"]].concat();
    let stopped = cancelled(&world, &with_key);
    assert!(
        stopped.stderr.contains("another --idempotency-key"),
        "{stopped:?}"
    );
}
