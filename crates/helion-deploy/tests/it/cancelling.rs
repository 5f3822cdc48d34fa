//! `cancel`, from another process than the one that deploys.

use serde_json::{Value, json};
use standin::Behaviour;

use crate::processes::kill_working_for;
use crate::recover::{change_record, end_lease};
use crate::world::{Backend, Finished, Running, World, finish, statuses};

fn cancel(world: &World, id: &str, more: &[&str]) -> Finished {
    world.run(&[&["--output", "json", "cancel", id], more].concat())
}

/// A deployment whose push does not end by itself.
fn pushing(world: &World) -> Running {
    world.behave("push", Behaviour::Hang);
    let mut running = Running::start(world.deploy(&[]));
    running.until("  LIST");
    running
}

#[test]
fn a_deployment_of_another_process_ends_cancelled_in_every_store() {
    for backend in [Backend::Sqlite, Backend::Fs] {
        let world = World::with_package_on(backend);
        let running = pushing(&world);
        let cancelled = cancel(&world, &running.id, &[]).code(0).json();
        assert_eq!(cancelled["deploy_status"], "CANCELLED");
        let id = running.id.clone();
        let record = running.finish().code(1).json();
        assert_eq!(cancelled, record);
        world.assert_nothing_left();
        // It is what was asked for already.
        let again = cancel(&world, &id, &[]).code(0).json();
        assert_eq!(again, record);
    }
}

#[test]
fn one_need_not_wait_for_the_end() {
    let world = World::with_package();
    let running = pushing(&world);
    let asked = cancel(&world, &running.id, &["--no-wait"]).code(0);
    assert_eq!(asked.json()["deploy_id"], json!(running.id));
    let record = running.finish().code(1).json();
    assert_eq!(statuses(&record).rsplit(' ').next(), Some("CANCELLED"));
}

#[test]
fn what_has_ended_otherwise_is_a_conflict() {
    let world = World::with_package();
    let record = finish(world.deploy(&[])).code(0).json();
    let id = record["deploy_id"].as_str().unwrap();
    let late = cancel(&world, id, &[]).code(4);
    assert_eq!(late.json(), record);
    assert!(late.stderr.contains("has ended SUCCESS"), "{late:?}");
    cancel(&world, "0198c0de-0000-7000-8000-000000000000", &[]).code(3);
}

#[test]
fn a_deployment_that_nobody_runs_is_left_to_recovery() {
    let world = World::with_package();
    let mut running = pushing(&world);
    running.kill();
    end_lease(&world, &running.id);
    let gone = cancel(&world, &running.id, &[]).code(1);
    assert_eq!(gone.json()["deploy_id"], json!(running.id));
    assert!(gone.stderr.contains("`helion-deploy recover`"), "{gone:?}");
    let recovered = world.run(&["--output", "json", "recover"]).code(0).json();
    assert_eq!(recovered["interrupted"], json!([running.id]));
}

#[test]
fn a_record_without_a_lease_is_nobodys_to_recover() {
    let world = World::with_package();
    let mut running = pushing(&world);
    running.kill();
    // The Python original records nothing of an engine.
    change_record(&world, &running.id, |record| {
        record["engine"] = Value::Null;
    });
    let refused = cancel(&world, &running.id, &[]).code(1);
    assert!(refused.stderr.contains("Python original"), "{refused:?}");
    assert!(!refused.stderr.contains("hint:"), "{refused:?}");
    // Nor does anybody end what it left running.
    kill_working_for(&running.id);
}
