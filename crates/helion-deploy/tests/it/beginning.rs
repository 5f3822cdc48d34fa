//! Signals that come while a deployment begins.

use std::io::{PipeWriter, Write as _};

use rusqlite::Connection;
use rustix::process::Signal;

use crate::world::{PASSWORD, Running, World, finish, statuses};

/// A deployment that waits for its password, which is the rest of the pipe; it has recovered, and
/// read the record of what it repeats.
fn before_the_password(world: &World) -> (Running, PipeWriter) {
    let record = finish(world.deploy(&[])).code(0).json();
    let id = record["deploy_id"].as_str().unwrap();
    let redeploy = ["--output", "json", "redeploy", id, "--username", "ann"];
    let mut redeploy = world.command(&[&redeploy[..], &["--password-stdin"]].concat());
    let (reader, password) = std::io::pipe().unwrap();
    redeploy.stdin(reader).env("RUST_LOG", "store=debug");
    let mut running = Running::start_any(redeploy);
    running.until(&format!("name=\"deployment_{id}.json\""));
    (running, password)
}

#[test]
fn a_password_that_does_not_come_is_not_waited_for() {
    let world = World::with_package();
    let (running, password) = before_the_password(&world);
    running.signal(Signal::TERM);
    running.finish().code(143);
    drop(password);
    world.assert_nothing_left();
}

/// A deployment that waits for its first write to the store, which nobody can write to before the
/// connection is told `ROLLBACK`.
fn beginning(world: &World) -> (Running, Connection) {
    let (mut running, mut password) = before_the_password(world);
    let writer = Connection::open(world.path("store")).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    password.write_all(PASSWORD.as_bytes()).unwrap();
    drop(password);
    // It has found the package; what comes next is its lock.
    running.until("name=\"foo.tar.gz\"");
    (running, writer)
}

#[test]
fn what_begins_after_all_is_cancelled() {
    let world = World::with_package();
    let (mut running, writer) = beginning(&world);
    running.signal(Signal::TERM);
    running.until("stopping");
    writer.execute_batch("ROLLBACK").unwrap();
    let ended = running.finish().code(1);
    assert!(ended.stderr.contains("cancelling; once more"), "{ended:?}");
    assert!(statuses(&ended.json()).ends_with(" CANCELLED"), "{ended:?}");
    world.assert_nothing_left();
    assert_eq!(
        finish(world.deploy(&[])).code(0).json()["deploy_status"],
        "SUCCESS"
    );
}

#[test]
fn a_beginning_that_fails_after_all_says_why() {
    let world = World::with_package();
    let (mut running, writer) = beginning(&world);
    running.signal(Signal::INT);
    running.until("stopping");
    writer
        .execute_batch("ALTER TABLE file RENAME TO gone; COMMIT")
        .unwrap();
    let failed = running.finish().code(5);
    let message = failed.json()["error"]["message"].to_string();
    assert!(message.contains("no such table"), "{message}");
    assert!(!failed.stderr.contains("recover"), "{failed:?}");
    world.assert_nothing_left();
}

/// The second signal, and how long the first one waits, are tested by a paused clock.
#[test]
fn a_store_that_takes_no_beginning_is_left() {
    let world = World::with_package();
    let (running, writer) = beginning(&world);
    running.signal(Signal::HUP);
    let stopped = running.finish().code(129);
    let error = stopped.json()["error"].clone();
    assert_eq!(error["message"], "stopped by SIGHUP");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("`helion-deploy recover` ends it"), "{hint}");
    writer.execute_batch("ROLLBACK").unwrap();
    world.assert_nothing_left();
}
