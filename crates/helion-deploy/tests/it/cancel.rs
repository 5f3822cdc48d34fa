//! A cancel at every step, by signals and from another process.

use rustix::process::Signal;
use std::sync::Arc;

use batch::{LocalRunner, LocalRunnerOptions};
use deployment::{CliPlatform, Deployer, DeployerOptions, DeploymentId};
use serde_json::{Value, json};
use store::StoreExt as _;

use crate::processes::working_for;
use crate::world::{Backend, Running, SUCCESS, World, statuses};

/// The number of the client's last command.
const LOGOUT: usize = 7;

/// Has the client halt at its `number`-th command, the first one being 1, until `go` is there.
fn halt_at(world: &World, number: usize) {
    let [count, standing, go, client] =
        ["count", "standing", "go", "client/helion"].map(|name| world.path(name));
    let script = format!(
        "#!/bin/sh\nPATH=/usr/bin:/bin\n\
         echo >> {count}\n\
         if [ $(wc -l < {count}) = {number} ]; then\n\
         echo > {standing}\n\
         while [ ! -e {go} ]; do sleep 0.01; done\n\
         fi\n\
         exec {client} \"$@\"\n",
        count = count.display(),
        standing = standing.display(),
        go = go.display(),
        client = client.display(),
    );
    world.replace_client(&script);
}

/// A deployment whose client stands at that command.
fn standing_at(world: &World, number: usize) -> Running {
    halt_at(world, number);
    let running = Running::start(world.deploy(&[]));
    while !world.path("standing").exists() {
        std::thread::yield_now();
    }
    running
}

/// The record is what the program printed, ended once, and nothing is left.
#[track_caller]
fn check_ended(world: &World, running: Running, ending: &str) -> Value {
    let id = running.id.clone();
    let record = running.finish().json();
    let history = statuses(&record);
    let (before, last) = history.rsplit_once(' ').unwrap();
    assert_eq!(last, ending, "{history}");
    assert!(SUCCESS.starts_with(before), "{history}");
    let status = world.run(&["--output", "json", "status", &id]).json();
    assert_eq!(status, record);
    assert_eq!(working_for(&id), 0);
    world.assert_nothing_left();
    assert!(!is_cancel_asked(world, &id));
    record
}

#[track_caller]
fn check_logged_out(record: &Value) {
    let steps = record["engine"]["steps"].as_array().unwrap();
    let last = steps.last().unwrap();
    assert_eq!(
        (&last["status"], &last["exit_code"]),
        (&json!("LOGOUT"), &json!(0))
    );
}

fn is_cancel_asked(world: &World, id: &str) -> bool {
    let file = id.parse::<DeploymentId>().unwrap().cancel_file_name();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = store::open_store_url(&world.store_url).await.unwrap();
        store.check_file_exists(&file).await.unwrap()
    })
}

#[test]
fn by_a_signal_it_ends_at_every_command() {
    for number in 1..LOGOUT {
        let signal = [Signal::INT, Signal::TERM][number % 2];
        let world = World::with_package();
        let running = standing_at(&world, number);
        running.signal(signal);
        check_logged_out(&check_ended(&world, running, "CANCELLED"));
    }
}

#[test]
fn during_the_logout_a_signal_comes_too_late() {
    let world = World::with_package();
    let mut running = standing_at(&world, LOGOUT);
    running.signal(Signal::INT);
    running.until("cancelling");
    std::fs::write(world.path("go"), "").unwrap();
    check_ended(&world, running, "SUCCESS");
}

#[test]
fn by_a_signal_it_ends_while_it_unpacks() {
    let world = World::with_package();
    let archive = world.path("foo.tar.gz");
    let noise: Vec<u8> = (0..2_000_000_u32)
        .map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    let package = testkit::package("foo", &[("noise", &noise)]);
    std::fs::write(&archive, package).unwrap();
    let archive = archive.to_str().unwrap();
    world.run(&["packages", "add", archive]).code(0);
    // A signal that is late finds it at its first command.
    halt_at(&world, 1);
    let running = Running::start(world.deploy(&[]));
    running.signal(Signal::INT);
    check_ended(&world, running, "CANCELLED");
}

#[test]
fn by_another_process_it_ends_in_every_store() {
    for backend in [Backend::Sqlite, Backend::Fs] {
        let world = World::with_package_on(backend);
        let running = standing_at(&world, 5);
        let id = running.id.parse::<DeploymentId>().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = store::open_store_url(&world.store_url).await.unwrap();
            let runner = Arc::new(LocalRunner::new(LocalRunnerOptions::default()));
            let platform = Arc::new(CliPlatform::helion(runner));
            let deployer = Deployer::new(store, platform, DeployerOptions::default());
            deployer.cancel(&id).await.unwrap();
        });
        check_logged_out(&check_ended(&world, running, "CANCELLED"));
    }
}
