//! What `--output json` prints is what `docs/reference/schemas` says.

mod validation;

use serde_json::{Value, json};
use store::{FileName, SaveOptions, StoreExt as _};

use crate::recover::{end_lease, lose_lock, pushing};
use crate::schemas::validation::Schemas;
use crate::world::{ENDPOINT, PASSWORD, World, finish};

/// A document, with the name of its schema and the command that printed it.
type Printed = (&'static str, Value);

/// Every document that the program prints, of each kind at least one that has all its parts.
fn all() -> Vec<Printed> {
    [packages(), deployments(), leftovers(), program()].concat()
}

fn json_of(world: &World, arguments: &[&str], code: i32) -> Value {
    let arguments = [&["--output", "json"], arguments].concat();
    world.run(&arguments).code(code).json()
}

fn packages() -> Vec<Printed> {
    let world = World::with_package();
    let archive = world.archive("bar");
    vec![
        (
            "package",
            json_of(&world, &["packages", "add", &archive], 0),
        ),
        ("package", json_of(&world, &["packages", "show", "bar"], 0)),
        ("packages-list", json_of(&world, &["packages", "list"], 0)),
        (
            "packages-remove",
            json_of(&world, &["packages", "remove", "bar"], 0),
        ),
        ("error", json_of(&world, &["packages", "show", "bar"], 3)),
        (
            "error",
            json_of(&world, &["--colour", "packages", "list"], 2),
        ),
    ]
}

fn deployments() -> Vec<Printed> {
    let world = World::with_package();
    world.platform.add_space("acme", "live").unwrap();
    let space = ["--client", "cf", "--org", "acme", "--space", "live"];
    let key = ["--idempotency-key", "build-4711"];
    let deployed = finish(world.deploy(&[&space[..], &key].concat()))
        .code(0)
        .json();
    let mut wrong = world.deploy(&[]);
    wrong.env("HELION_PASSWORD", format!("not-{PASSWORD}"));
    let failed = finish(wrong).code(1).json();
    let id = deployed["deploy_id"].as_str().unwrap();
    let plan = ["--endpoint", ENDPOINT, "--username", "ann"];
    let plan = |package, code| json_of(&world, &[&["plan", package], &plan[..]].concat(), code);
    let redeploy = ["redeploy", id, "--username", "ann", "--client", "cf"];
    vec![
        ("plan", plan("foo", 0)),
        ("plan", plan("fou", 3)),
        ("record", json_of(&world, &["cancel", id], 4)),
        ("record", json_of(&world, &["status", id], 0)),
        ("logs", json_of(&world, &["logs", id], 0)),
        ("record", json_of(&world, &redeploy, 0)),
        ("list", json_of(&world, &["list", "--limit", "2"], 0)),
        ("list", json_of(&world, &["list"], 0)),
        ("prune", json_of(&world, &["prune", "--keep", "1"], 0)),
        ("record", deployed),
        ("record", failed),
    ]
}

/// What a program that was killed leaves, and a record and a lock that cannot be read.
fn leftovers() -> Vec<Printed> {
    let world = World::with_package();
    let mut running = pushing(&world);
    running.kill();
    end_lease(&world, &running.id);
    let interrupted = json_of(&world, &["recover"], 0);
    let record = json_of(&world, &["status", &running.id], 0);
    save(&world, &running.id, &json!("broken"));
    // Its client has left a private directory again, so a recovery asks for it.
    let directory = world.path(&format!("temp/helion-deploy-{}", running.id));
    std::fs::create_dir(directory).unwrap();
    let unreadable = json_of(&world, &["recover"], 1);
    let other = World::with_package();
    finish(other.deploy(&[])).code(0);
    lose_lock(&other);
    vec![
        ("recover", interrupted),
        ("record", record),
        ("recover", unreadable),
        ("recover", json_of(&other, &["recover"], 1)),
        ("list", json_of(&world, &["list"], 0)),
        ("prune", json_of(&world, &["prune", "--keep", "9"], 0)),
        ("error", json_of(&world, &["status", &running.id], 5)),
    ]
}

/// The id of a deployment of another engine.
const OTHERS: &str = "6eeca9c0-257e-11e5-9760-985aeb8b7458";

/// Puts a record into the world's store.
fn save(world: &World, id: &str, record: &Value) {
    let name = FileName::new(format!("deployment_{id}.json")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = store::open_store_url(&world.store_url).await.unwrap();
        let options = SaveOptions::default();
        store.save_json(&name, record, &options).await.unwrap();
    });
}

/// What tells of the program itself.
fn program() -> Vec<Printed> {
    let world = World::new();
    let file = world.path("config.toml");
    std::fs::write(&file, format!("endpoint = '{ENDPOINT}'\n")).unwrap();
    let file = file.to_str().unwrap();
    let pages = world.path("man");
    vec![
        (
            "config-show",
            json_of(&world, &["--config", file, "config", "show"], 0),
        ),
        ("config-path", json_of(&world, &["config", "path"], 0)),
        (
            "man",
            json_of(&world, &["man", "--dir", pages.to_str().unwrap()], 0),
        ),
        ("demo", json_of(&world, &["demo"], 0)),
    ]
}

/// The record in what the demo prints: an object of two schemas cannot be closed.
fn without_folders(demo: &Value) -> Value {
    let mut record = demo.as_object().unwrap().clone();
    record.retain(|key, _| !["demo_folder", "platform_folder"].contains(&key.as_str()));
    Value::Object(record)
}

#[test]
fn every_document_is_what_its_schema_says_and_nothing_else() {
    let documents = all();
    let (schemas, closed) = (Schemas::published(), Schemas::closed());
    let mut unused = schemas.names();
    for (name, document) in documents {
        schemas.check(name, &document);
        // A key that no schema describes would be seen here.
        match name {
            "demo" => closed.check("record", &without_folders(&document)),
            _ => closed.check(name, &document),
        }
        schemas.check_that_broken_ones_fail(name, &document);
        unused.remove(name);
    }
    assert!(unused.is_empty(), "nothing of {unused:?} was printed");
}

#[test]
fn records_of_other_engines_are_what_the_schema_says() {
    let world = World::new();
    let original = json!({
        "datetime": "2015-07-08 14:35:52.951490",
        "deploy_id": OTHERS,
        "deploy_status": "SUCCESS",
        "destination": "",
        "history": ["2015-07-08 14:35:52.951490 ~ SUCCESS"],
        "package": "node-env",
    });
    let mut newer = original.clone();
    newer["engine"] = json!({ "schema": 2, "steps": "elsewhere" });
    newer["colour"] = json!("red");
    let schemas = Schemas::published();
    for record in [original, newer] {
        save(&world, OTHERS, &record);
        let printed = json_of(&world, &["status", OTHERS], 0);
        assert_eq!(printed, record);
        schemas.check("record", &printed);
        schemas.check("list", &json_of(&world, &["list"], 0));
    }
}
