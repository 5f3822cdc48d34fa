//! `recover`, `redeploy` and `prune`, after real deaths of the program.

use serde_json::{Value, json};
use store::{FileName, SaveOptions, StoreExt as _};

use crate::world::{ENDPOINT, Running, SUCCESS, World, finish, statuses};

/// The processes that work for deployment `id`.
fn working_for(id: &str) -> usize {
    let variable = format!("DEPLOYMENT_RUN={id}");
    let processes = std::fs::read_dir("/proc").unwrap();
    let environments = processes.filter_map(|entry| {
        let path = entry.unwrap().path().join("environ");
        std::fs::read(path).ok()
    });
    let carries = |environment: &Vec<u8>| {
        let mut entries = environment.split(|byte| *byte == 0);
        entries.any(|entry| entry == variable.as_bytes())
    };
    environments.filter(carries).count()
}

/// Has the lease of `id` end now: an hour passes for its record, so that no test waits.
fn end_lease(world: &World, id: &str) {
    let url = format!("sqlite:{}", world.path("store.sqlite").display());
    let name = FileName::new(format!("deployment_{id}.json")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = store::open_store_url(&url).await.unwrap();
        let (mut record, _) = store.get_json::<Value>(&name, 1 << 20).await.unwrap();
        record["engine"]["lease_until"] = json!("2015-07-08 14:35:52.951490");
        let options = SaveOptions::default();
        store.save_json(&name, &record, &options).await.unwrap();
    });
}

/// A deployment in the middle of its push, whose client outlives the program: it prints nothing, so
/// that a closed pipe does not end it.
fn pushing(world: &World) -> Running {
    let (client, up) = (world.path("bin/helion"), world.path("pushing"));
    std::fs::remove_file(&client).unwrap();
    let script = format!(
        "#!/bin/sh\nPATH=/usr/bin:/bin\n\
         [ \"$1\" = push ] || exit 0\n\
         setsid sleep 1000 &\n\
         echo up > {}\n\
         sleep 1000\n",
        up.display()
    );
    std::fs::write(&client, script).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&client, executable).unwrap();
    let mut running = Running::start(world.deploy(&[]));
    running.until("  LIST");
    while !up.exists() {
        std::thread::yield_now();
    }
    running
}

/// Puts the stand-in client back.
fn restore_client(world: &World) {
    let client = world.path("bin/helion");
    std::fs::remove_file(&client).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_helion-deploy"), client).unwrap();
}

fn recover(world: &World) -> Value {
    world.run(&["--output", "json", "recover"]).code(0).json()
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
    let nothing = json!({ "interrupted": [], "cleaned": [], "failed": [] });
    assert_eq!(recover(&world), nothing);
    assert!(working_for(&id) > 0 && directory.exists());

    end_lease(&world, &id);
    let report = recover(&world);
    assert_eq!(
        report,
        json!({ "interrupted": [id], "cleaned": [], "failed": [] })
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
    restore_client(&world);
    let again = ["--output", "json", "redeploy", &id, "--username", "ann"];
    let repeated = world.run(&again).code(0).json();
    assert_eq!(statuses(&repeated), SUCCESS);
    assert_eq!(repeated["engine"]["redeploy_of"], id.as_str());
    assert_eq!(repeated["engine"]["endpoint"], ENDPOINT);
    world.assert_nothing_left();

    let prune = ["--output", "json", "prune", "--keep", "1"];
    let report = world.run(&prune).code(0).json();
    let expected = json!({ "removed": 1, "kept": 1, "unfinished": 0, "unreadable": 0 });
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
    restore_client(&world);
    let record = finish(world.deploy(&[])).code(0).json();
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
fn a_stopped_program_that_wakes_up_writes_nothing() {
    let world = World::with_package();
    let running = pushing(&world);
    let id = running.id.clone();
    running.signal("-STOP");
    end_lease(&world, &id);
    assert_eq!(recover(&world)["interrupted"], json!([id]));
    let status = ["--output", "json", "status", &id];
    let interrupted = world.run(&status).code(0).json();

    running.signal("-CONT");
    let finished = running.finish().code(1);
    assert_eq!(finished.json(), interrupted);
    assert!(
        finished.stderr.contains("ownership lost"),
        "{}",
        finished.stderr
    );
    assert_eq!(world.run(&status).code(0).json(), interrupted);
    assert_eq!(interrupted["deploy_status"], "INTERRUPTED");
    assert_eq!(working_for(&id), 0);
    world.assert_nothing_left();
}
