//! `recover`, `redeploy` and `prune`, after real deaths of the program.

use rustix::process::Signal;
use std::sync::Arc;
use std::time::Duration;

use batch::{LocalRunner, LocalRunnerOptions};
use deployment::{CliPlatform, Clock, Deployer, DeployerOptions, DeploymentId};
use serde_json::{Value, json};
use store::{FileName, SaveOptions, StoreExt as _};

use crate::processes::working_for;
use crate::world::{Backend, ENDPOINT, Running, SUCCESS, World, finish, statuses};

/// Has the lease of `id` end now: an hour passes for its record, so that no test waits.
pub(crate) fn end_lease(world: &World, id: &str) {
    change_record(world, id, |record| {
        record["engine"]["lease_until"] = json!("2015-07-08 14:35:52.951490");
    });
}

/// Changes the record of `id` in the store.
pub(crate) fn change_record(world: &World, id: &str, change: impl FnOnce(&mut Value)) {
    let name = FileName::new(format!("deployment_{id}.json")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = store::open_store_url(&world.store_url).await.unwrap();
        let (mut record, _) = store.get_json::<Value>(&name, 1 << 20).await.unwrap();
        change(&mut record);
        let options = SaveOptions::default();
        store.save_json(&name, &record, &options).await.unwrap();
    });
}

/// A deployment in the middle of its push, whose client outlives the program: it prints nothing, so
/// that a closed pipe does not end it.
pub(crate) fn pushing(world: &World) -> Running {
    let up = world.path("pushing");
    let script = format!(
        "#!/bin/sh\nPATH=/usr/bin:/bin\n\
         [ \"$1\" = push ] || exit 0\n\
         setsid sleep 1000 &\n\
         echo up > {}\n\
         sleep 1000\n",
        up.display()
    );
    world.replace_client(&script);
    let mut running = Running::start(world.deploy(&[]));
    running.until("  LIST");
    while !up.exists() {
        std::thread::yield_now();
    }
    running
}

/// Has the database miss what stands in its only lock.
pub(crate) fn lose_lock(world: &World) {
    let database = rusqlite::Connection::open(world.path("store")).unwrap();
    let lose = "UPDATE file SET content = 999 WHERE name LIKE 'lock_%'";
    assert_eq!(database.execute(lose, []).unwrap(), 1);
}

fn recover(world: &World) -> Value {
    let recovered = world.run(&["--output", "json", "recover"]).code(0);
    // What the document tells is not logged as well.
    assert_eq!(recovered.stderr, "");
    recovered.json()
}

#[test]
fn a_killed_program_leaves_an_interrupted_record_and_nothing_else() {
    let world = World::with_package();
    let mut running = pushing(&world);
    running.kill();
    let id = running.id.clone();
    assert!(working_for(&id) > 0);
    let directory = world.path(&format!("temp/helion-deploy-{id}"));
    assert!(directory.exists());
    // Its lease has not ended yet, so somebody might still be there.
    let nothing = json!({ "interrupted": [], "cleaned": [], "failed": [], "unread_locks": [] });
    assert_eq!(recover(&world), nothing);
    assert!(working_for(&id) > 0 && directory.exists());

    end_lease(&world, &id);
    let report = recover(&world);
    assert_eq!(
        report,
        json!({ "interrupted": [id], "cleaned": [], "failed": [], "unread_locks": [] })
    );
    assert_eq!(working_for(&id), 0);
    world.assert_nothing_left();
    let record = world
        .run(&["--output", "json", "status", &id])
        .code(0)
        .json();
    let history = statuses(&record);
    assert!(history.ends_with("REMOVED LIST INTERRUPTED"), "{history}");
    assert_eq!(recover(&world), nothing);

    // Once more, and both are there.
    world.restore_client();
    let again = ["--output", "json", "redeploy", &id, "--username", "ann"];
    let repeated = world.run(&again).code(0).json();
    assert_eq!(statuses(&repeated), SUCCESS);
    assert_eq!(repeated["engine"]["redeploy_of"], id.as_str());
    assert_eq!(repeated["engine"]["endpoint"], ENDPOINT);
    world.assert_nothing_left();

    let told = world.run(&["prune", "--keep", "9"]).code(0);
    assert!(told.stdout.ends_with(", 0 keys forgotten\n"), "{told:?}");
    let prune = ["--output", "json", "prune", "--keep", "1"];
    let report = world.run(&prune).code(0).json();
    let expected = json!({
        "removed": [id], "kept": 1, "unfinished": 0, "unreadable": [], "keys": 0,
        "unreadable_keys": 0,
    });
    assert_eq!(report, expected);
    world.run(&["status", &id]).code(3);
    world.run(&["prune"]).code(2);
}

#[test]
fn a_deploy_ends_what_a_killed_program_left() {
    let world = World::with_package();
    let mut running = pushing(&world);
    running.kill();
    end_lease(&world, &running.id);
    world.restore_client();
    let deployed = finish(world.deploy(&[])).code(0);
    let told = deployed.stderr.lines().filter(|l| l.contains("owner"));
    let once = format!(
        "deployment {} was interrupted: its owner is dead",
        running.id
    );
    assert_eq!(told.collect::<Vec<_>>(), [once]);
    let record = deployed.json();
    assert_eq!(statuses(&record), SUCCESS);
    assert_eq!(working_for(&running.id), 0);
    world.assert_nothing_left();
    let old = ["--output", "json", "status", &running.id];
    assert_eq!(
        world.run(&old).code(0).json()["deploy_status"],
        "INTERRUPTED"
    );
}

#[test]
fn a_recovery_that_fails_tells_what_it_has_ended() {
    let world = World::with_package();
    let mut running = pushing(&world);
    running.kill();
    end_lease(&world, &running.id);
    let mut recover = world.command(&["--output", "json", "recover"]);
    // Private directories cannot be in a file.
    recover.env("TMPDIR", world.path("foo.tar.gz"));
    let failed = finish(recover).code(2);
    let message = failed.json()["error"]["message"].to_string();
    assert!(message.contains("the temporary folder"), "{message}");
    let told = failed.stderr.lines().filter(|l| l.contains(&running.id));
    assert_eq!(told.count(), 1, "{failed:?}");
    assert!(failed.stderr.contains("its owner is dead"), "{failed:?}");
    // The rest is for one that finds its directory.
    let report = self::recover(&world);
    assert_eq!(report["cleaned"], json!([running.id]));
    assert_eq!(working_for(&running.id), 0);
    world.assert_nothing_left();
}

/// Recovers on a host whose clock is an hour ahead: by then every lease has ended, and no record
/// has been touched by anything but the recovery.
fn recover_in_an_hour(world: &World) -> Vec<DeploymentId> {
    let hour = Duration::from_hours(1);
    let clock = Clock::system();
    let ahead = Clock::new(move || clock.now() + hour);
    let options = DeployerOptions::default()
        .with_temp_root(world.path("temp"))
        .with_clock(ahead);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = store::open_store_url(&world.store_url).await.unwrap();
        let runner = Arc::new(LocalRunner::new(LocalRunnerOptions::default()));
        let platform = Arc::new(CliPlatform::helion(runner));
        let report = Deployer::new(store, platform, options)
            .recover()
            .await
            .unwrap();
        assert!(report.failed.is_empty(), "{report:?}");
        report.interrupted
    })
}

#[test]
fn a_stopped_program_that_wakes_up_writes_nothing() {
    for backend in [Backend::Sqlite, Backend::Fs] {
        let world = World::with_package_on(backend);
        let running = pushing(&world);
        let id = running.id.clone();
        running.signal(Signal::STOP);
        assert_eq!(recover_in_an_hour(&world), [id.parse().unwrap()]);
        let status = ["--output", "json", "status", &id];
        let interrupted = world.run(&status).code(0).json();

        running.signal(Signal::CONT);
        let finished = running.finish().code(1);
        assert_eq!(finished.json(), interrupted);
        assert!(
            finished.stderr.contains("ownership lost"),
            "{}",
            finished.stderr
        );
        assert_eq!(world.run(&status).code(0).json(), interrupted);
        assert!(statuses(&interrupted).ends_with("REMOVED LIST INTERRUPTED"));
        assert_eq!(working_for(&id), 0);
        world.assert_nothing_left();
        // Nobody has anything left to do, and the application is free.
        assert_eq!(recover_in_an_hour(&world), []);
        world.restore_client();
        let next = finish(world.deploy(&[])).code(0).json();
        assert_eq!(statuses(&next), SUCCESS);
    }
}

#[test]
fn a_lock_that_cannot_be_read_is_told() {
    let world = World::with_package();
    finish(world.deploy(&[])).code(0);
    lose_lock(&world);
    let failed = world.run(&["--output", "json", "recover"]).code(1);
    let report = failed.json();
    let unread = report["unread_locks"].as_array().unwrap();
    let reason = unread[0].as_str().unwrap();
    assert!(reason.contains("lock_"), "{reason}");
    assert_eq!(
        (unread.len(), &report["failed"]),
        (1, &json!([])),
        "{report}"
    );

    let failed = world.run(&["recover"]).code(1);
    assert_eq!(failed.stdout, "nothing recovered\n");
    assert_eq!(
        failed.stderr,
        format!(
            "a lock is not read: {reason}\n\
             error: 1 lock could not be read\n\
             hint: restore the store from a backup\n"
        )
    );
}

#[test]
fn what_was_not_recovered_is_counted() {
    let world = World::with_package_on(Backend::Fs);
    let record = finish(world.deploy(&[])).code(0).json();
    let id = record["deploy_id"].as_str().unwrap();
    std::fs::write(world.path(&format!("store/deployment_{id}.json")), "{").unwrap();
    let failed = world.run(&["recover"]).code(1);
    assert_eq!(failed.stdout, "nothing recovered\n");
    let counted = "error: 1 deployment could not be recovered\nhint: `helion-deploy ";
    assert!(failed.stderr.contains(counted), "{failed:?}");
}
