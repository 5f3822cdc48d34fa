//! `list` and `logs`, and errors that say what to do next.

use crate::world::{Backend, Running, World, finish};
use rustix::process::Signal;

#[test]
fn a_list_is_a_table_and_names_the_way_to_the_next_page() {
    let world = World::with_package();
    let ids: Vec<_> = (0..3)
        .map(|_| {
            let record = finish(world.deploy(&[])).code(0).json();
            record["deploy_id"].as_str().unwrap().to_owned()
        })
        .collect();
    let page = world.run(&["list", "--limit", "2"]).code(0);
    let lines: Vec<_> = page.stdout.lines().collect();
    let heading: Vec<_> = lines[0].split_whitespace().collect();
    assert_eq!(
        heading.join(" "),
        "DEPLOYMENT STATUS SINCE (UTC) TOOK PACKAGE DESTINATION"
    );
    assert_eq!(lines.len(), 3);
    assert!(lines[1].starts_with(&format!("{}  SUCCESS  ", ids[2])));
    let column = lines[0].find("DESTINATION").unwrap();
    assert_eq!(&lines[1][column..], "https://foo.example.com");
    let next = format!(
        "hint: there may be more: `helion-deploy list --after {}`",
        ids[1]
    );
    assert_eq!(page.stderr.trim(), next);
    let rest = world.run(&["list", "--after", &ids[1]]).code(0);
    assert_eq!(rest.stdout.lines().count(), 2);
    assert_eq!(rest.stderr, "");
}

#[test]
fn an_unknown_word_is_answered_with_the_known_ones() {
    let world = World::with_package();
    let wrong = world.run(&["list", "--status", "no status"]).code(2);
    assert!(
        wrong.stderr.contains("hint: the statuses are INIT"),
        "{wrong:?}"
    );
    let strange = world.run(&["list", "--status", "succes"]).code(0);
    assert!(strange.stderr.contains("SUCCESS FAILED"), "{strange:?}");
    let record = finish(world.deploy(&[])).code(0).json();
    let id = record["deploy_id"].as_str().unwrap();
    let missing = world.run(&["logs", id, "--step", "PUSH"]).code(3);
    assert!(
        missing.stderr.contains("TARGET, LOGIN, REMOVED"),
        "{missing:?}"
    );
}

/// The hint that the document of a failure gives.
#[track_caller]
fn hint(world: &World, arguments: &[&str]) -> String {
    let failed = world.run(&[&["--output", "json"], arguments].concat());
    let error = failed.json()["error"].clone();
    let hint = error["hint"].as_str().unwrap().to_owned();
    assert!(
        failed.stderr.contains(&format!("hint: {hint}")),
        "{failed:?}"
    );
    hint
}

#[test]
fn errors_say_what_to_do_next() {
    let world = World::with_package();
    let to = ["--endpoint", crate::world::ENDPOINT, "--username", "ann"];
    let deploy = |name| [&["deploy", name], &to[..]].concat();
    assert!(hint(&world, &deploy("fooo")).contains("did you mean `foo`?"));
    assert!(hint(&world, &deploy("quite-another")).contains("packages list"));
    assert!(hint(&world, &["packages", "show", "fop"]).contains("`foo`"));
    let id = "0198c0de-0000-7000-8000-000000000000";
    for command in ["status", "logs", "cancel"] {
        assert!(hint(&world, &[command, id]).contains("`helion-deploy list`"));
    }
    let file = format!("fs:{}/x", world.archive("foo"));
    assert!(hint(&world, &["--store", &file, "list"]).contains("STORE_URL"));
    assert!(hint(&world, &["--store", "sqlit:/x", "list"]).contains("sqlite:/file"));

    let mut unnamed = world.command(&deploy("foo"));
    unnamed.env_remove("HELION_PASSWORD");
    let unnamed = finish(unnamed).code(2);
    assert!(unnamed.stderr.contains("--password-stdin"), "{unnamed:?}");

    std::fs::remove_file(world.path("bin/helion")).unwrap();
    let clientless = finish(world.deploy(&[])).code(1);
    assert!(
        clientless
            .stderr
            .contains("hint: install the `helion` client")
    );
}

#[test]
fn who_is_in_the_way_is_named_with_what_can_be_done() {
    let world = World::with_package();
    world.behave("push", standin::Behaviour::Hang);
    let mut running = Running::start(world.deploy(&[]));
    running.until("  LIST");
    let busy = finish(world.deploy(&[])).code(4);
    let id = &running.id;
    let hint = busy.json()["error"]["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains(&format!("status {id} --watch")), "{hint}");
    assert!(hint.contains(&format!("cancel {id}")), "{hint}");
    running.signal(Signal::INT);
    running.finish().code(1);
}

#[test]
fn who_holds_an_application_without_a_record_is_to_be_waited_for() {
    let world = World::with_package_on(Backend::Fs);
    let record = finish(world.deploy(&[])).code(0).json();
    let id = record["deploy_id"].as_str().unwrap();
    // Its lock stays, as that of a program which died before it recorded anything.
    let file = format!("store/deployment_{id}.json");
    std::fs::remove_file(world.path(&file)).unwrap();
    let busy = finish(world.deploy(&[])).code(4).json()["error"].clone();
    assert!(busy["message"].to_string().contains(id), "{busy}");
    let to = ["--endpoint", crate::world::ENDPOINT, "--username", "ann"];
    let plan = [&["--output", "json", "plan", "foo"], &to[..]].concat();
    let plan = world.run(&plan).code(4).json();
    let checks = plan["checks"].as_array().unwrap();
    let planned = checks.iter().find_map(|check| check["hint"].as_str());
    for hint in [busy["hint"].as_str().unwrap(), planned.unwrap()] {
        // There is nothing to watch or to cancel.
        assert!(hint.starts_with("it is not recorded: "), "{hint}");
        assert!(!hint.contains(id), "{hint}");
    }
}

#[test]
fn what_prune_cannot_read_is_named_with_what_can_be_done() {
    let world = World::with_package_on(Backend::Fs);
    let mut ids = Vec::new();
    for key in ["a", "b", "c"] {
        let deploy = world.deploy(&["--idempotency-key", key]);
        let record = finish(deploy).code(0).json();
        ids.push(record["deploy_id"].as_str().unwrap().to_owned());
    }
    let file = |name: &str| world.path("store").join(name);
    let record = |id: &str| file(&format!("deployment_{id}.json"));
    let clean = world.run(&["prune", "--keep", "9"]).code(0);
    assert_eq!(clean.stderr, "");
    std::fs::write(record(&ids[0]), "{").unwrap();
    let newer = std::fs::read_to_string(record(&ids[1])).unwrap();
    let newer = newer.replace("\"schema\": 1", "\"schema\": 999");
    std::fs::write(
        record(&ids[1]),
        newer.replace("\"schema\":1", "\"schema\":999"),
    )
    .unwrap();
    let keys = std::fs::read_dir(world.path("store")).unwrap();
    let mut keys = keys.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let key = keys.find(|name| name.starts_with("lock_key_")).unwrap();
    std::fs::write(file(&key), "no claim").unwrap();

    let text = world.run(&["prune", "--keep", "9"]).code(0);
    assert!(text.stdout.contains("3 unreadable"), "{text:?}");
    let pruned = world.run(&["--output", "json", "prune", "--older-than", "90d"]);
    let pruned = pruned.code(0);
    let document = pruned.json();
    assert_eq!(document["unreadable_keys"], 1);
    let unreadable = document["unreadable"].as_array().unwrap();
    // An age alone looks at all of them here, since they fit into a page.
    assert_eq!(unreadable.len(), 2, "{document}");
    for told in [text.stderr, pruned.stderr] {
        for record in unreadable {
            let (id, reason) = (&record["deploy_id"], &record["reason"]);
            let (id, reason) = (id.as_str().unwrap(), reason.as_str().unwrap());
            assert!(ids[..2].iter().any(|broken| broken == id), "{document}");
            let line = format!("deployment {id} is unreadable: {reason}\n");
            assert!(told.contains(&line), "{told}");
        }
        assert!(!told.contains(&ids[2]), "{told}");
        assert!(told.contains("1 idempotency key is unreadable"), "{told}");
        assert!(told.contains("hint: they stay until"), "{told}");
    }
}

#[test]
fn a_copy_under_another_id_is_used_by_no_command() {
    let world = World::with_package_on(Backend::Fs);
    let record = finish(world.deploy(&[])).code(0).json();
    let id = record["deploy_id"].as_str().unwrap();
    let copy = "019571ff-3c1b-7d2e-8a5f-0123456789ab";
    let file = |id: &str| world.path("store").join(format!("deployment_{id}.json"));
    std::fs::copy(file(id), file(copy)).unwrap();
    let redeploy = ["redeploy", copy, "--username", "ann"];
    for command in [
        &["status", copy][..],
        &["logs", copy],
        &["cancel", copy],
        &redeploy,
    ] {
        let refused = world.run(command).code(5);
        assert!(refused.stderr.contains("its deploy_id"), "{refused:?}");
        assert_eq!(refused.stdout, "");
    }
    let left = std::fs::read_dir(world.path("store")).unwrap();
    let mut names = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!names.any(|name| name.starts_with("cancel_")));
    world.run(&["status", id]).code(0);
}

#[test]
fn a_running_deployment_whose_record_goes_suggests_no_package() {
    let world = World::with_package_on(Backend::Fs);
    let record = finish(world.deploy(&[])).code(0).json();
    let id = record["deploy_id"].as_str().unwrap();
    let again = ["redeploy", id, "--username", "ann"];
    world.behave("push", standin::Behaviour::Hang);
    for command in [world.deploy(&[]), world.command(&again)] {
        let mut running = Running::start(command);
        running.until("  LIST");
        let file = format!("store/deployment_{}.json", running.id);
        std::fs::remove_file(world.path(&file)).unwrap();
        running.signal(Signal::INT);
        let lost = running.finish().code(3);
        assert!(lost.stderr.contains("hint: `helion-deploy "), "{lost:?}");
        assert!(!lost.stderr.contains("did you mean"), "{lost:?}");
        // Its lock holds for a lease after it was made.
        let lock = std::fs::read_dir(world.path("store")).unwrap();
        let mut names = lock.map(|entry| entry.unwrap().path());
        let is_lock = |path: &std::path::PathBuf| path.to_string_lossy().contains("/lock_");
        std::fs::remove_file(names.find(is_lock).unwrap()).unwrap();
    }
}

#[test]
fn an_application_is_free_when_its_record_has_just_been_pruned() {
    let world = World::with_package();
    finish(world.deploy(&[])).code(0);
    let pruned = world.run(&["prune", "--keep", "0"]).code(0);
    assert!(pruned.stdout.starts_with("1 removed, "), "{pruned:?}");
    finish(world.deploy(&[])).code(0);
}

#[test]
fn only_a_page_that_is_known_to_be_the_last_has_no_next() {
    let world = World::with_package();
    let id = finish(world.deploy(&[])).code(0).json()["deploy_id"].clone();
    let list = ["--output", "json", "list", "--limit"];
    let list = |more: &[&str]| world.run(&[&list, more].concat()).code(0).json();
    assert_eq!(list(&["1"])["next"], id);
    let behind = list(&["1", "--after", id.as_str().unwrap()]);
    assert_eq!(
        (&behind["deployments"], &behind["next"]),
        (&serde_json::json!([]), &serde_json::Value::Null)
    );
    assert!(list(&["2"])["next"].is_null());
}
