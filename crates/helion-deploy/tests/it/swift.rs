//! The whole way with a store on a real OpenStack Swift.
//!
//! `cargo xtask services up` starts one, and the variable `SWIFT_SERVICES` says where it is; without
//! it nothing here is tested, and each test says so.

use rustix::process::Signal;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;
use standin::Behaviour;

use crate::world::{ENDPOINT, Finished, Running, SUCCESS, World, finish, statuses};

/// The program with a container of its own.
struct OnSwift {
    world: World,
    variables: Vec<(&'static str, String)>,
}

impl OnSwift {
    /// On the servers of that name, where there are any; with Keystone's or Swift's own tokens.
    fn new(instance: &str, auth: &str) -> Option<Self> {
        let path = std::env::var_os("SWIFT_SERVICES").filter(|path| path != "none");
        let Some(path) = path else {
            say_untested("deployments with a store on Swift: SWIFT_SERVICES is not set");
            return None;
        };
        let services: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let servers = &services["instances"][instance];
        if servers[auth].is_null() {
            say_untested(&format!(
                "deployments with a store on Swift by {auth}: it is not up"
            ));
            return None;
        }
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let user = &servers[auth]["users"][0];
        let url = text(&servers[auth]["auth_url"]);
        let mut variables = match auth {
            "keystone" => vec![
                ("OS_AUTH_URL", url),
                ("OS_USERNAME", text(&user["name"])),
                ("OS_PASSWORD", text(&user["password"])),
                ("OS_PROJECT_NAME", text(&user["project"])),
                ("OS_USER_DOMAIN_ID", "default".to_owned()),
                ("OS_PROJECT_DOMAIN_ID", "default".to_owned()),
                // The catalog names the Swifts of all instances.
                ("OS_REGION_NAME", text(&servers[auth]["region"])),
            ],
            _ => vec![
                ("ST_AUTH", url),
                ("ST_USER", text(&user["name"])),
                ("ST_KEY", text(&user["key"])),
            ],
        };
        let world = World::new();
        // The temporary folder's name is nobody else's.
        let own = world.root.path().file_name().unwrap().to_str().unwrap();
        variables.push(("STORE_URL", format!("swift:deployments-{own}")));
        Some(Self { world, variables })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(&["--output", "json"]);
        command.args(arguments);
        command.envs(self.variables.iter().map(|(key, value)| (key, value)));
        command
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        finish(self.command(arguments))
    }

    fn deploy(&self, more: &[&str]) -> Command {
        let deploy = ["deploy", "hello-world", "--endpoint", ENDPOINT];
        self.command(&[&deploy[..], &["--username", "ann"], more].concat())
    }

    fn add_package(&self) {
        let archive = self.world.archive("hello-world");
        self.run(&["packages", "add", &archive]).code(0);
    }

    /// That no output or error tells what the store was opened with.
    #[track_caller]
    fn assert_secret(&self, finished: &Finished) {
        let secrets = self
            .variables
            .iter()
            .filter(|(key, _)| ["ST_KEY", "OS_PASSWORD"].contains(key));
        for (key, secret) in secrets {
            let is_told = finished.stdout.contains(secret) || finished.stderr.contains(secret);
            assert!(!is_told, "{key}: {finished:?}");
        }
    }
}

/// Says on the program's own standard error, which the harness does not capture, what is left out.
fn say_untested(what: &str) {
    let _ = writeln!(std::io::stderr(), "NOT TESTED: {what}");
}

fn check_whole_way(instance: &str, auth: &str) {
    let Some(program) = OnSwift::new(instance, auth) else {
        return;
    };
    program.add_package();
    let listed = program.run(&["packages", "list"]).code(0).json();
    assert!(listed.to_string().contains("hello-world"), "{listed}");
    let mut records = Vec::new();
    // The second finds the application of the first, whose lock is there.
    for _ in 0..2 {
        let finished = finish(program.deploy(&[])).code(0);
        program.assert_secret(&finished);
        let record = finished.json();
        assert_eq!(statuses(&record), SUCCESS);
        records.insert(0, record);
    }
    let pushed = program.world.pushed("hello-world");
    assert_eq!(pushed, ["index.html", "lib/a.txt"]);
    program.world.assert_nothing_left();
    let id = records[0]["deploy_id"].as_str().unwrap();
    let status = program.run(&["status", id]).code(0).json();
    assert_eq!(status, records[0]);
    // The newest first.
    let list = program.run(&["list"]).code(0).json();
    assert_eq!(list["deployments"], Value::Array(records));
}

#[test]
fn a_package_travels_the_whole_way_by_way_of_swift() {
    check_whole_way("plain", "tempauth");
}

#[test]
fn tokens_of_keystone_end_on_the_way() {
    check_whole_way("harsh", "keystone");
}

#[test]
fn another_process_follows_by_way_of_swift() {
    let Some(program) = OnSwift::new("plain", "tempauth") else {
        return;
    };
    program.add_package();
    program.world.behave("push", Behaviour::Hang);
    let mut running = Running::start(program.deploy(&[]));
    running.until("  LIST");
    let record = program.run(&["status", &running.id]).code(0).json();
    assert!(statuses(&record).ends_with("REMOVED LIST"), "{record}");
    let mut watching = program.command(&["status", &running.id, "--watch"]);
    let watching = watching.stdout(Stdio::piped()).spawn().unwrap();
    running.signal(Signal::INT);
    let record = running.finish().code(1).json();
    assert_eq!(statuses(&record).rsplit(' ').next(), Some("CANCELLED"));
    let watched = watching.wait_with_output().unwrap();
    let watched: Value = serde_json::from_slice(&watched.stdout).unwrap();
    assert_eq!(watched, record);
    program.world.assert_nothing_left();
}

#[test]
fn a_store_that_does_not_let_one_in_is_said_by_the_exit_code() {
    let Some(mut program) = OnSwift::new("plain", "tempauth") else {
        return;
    };
    for (key, value) in &mut program.variables {
        if *key == "ST_KEY" {
            "another-key".clone_into(value);
        }
    }
    let finished = program.run(&["list"]).code(5);
    program.assert_secret(&finished);
}

/// The guide's first commands, with what is this server's in place of the example's.
#[test]
fn the_commands_of_the_guide_open_a_store() {
    let Some(program) = OnSwift::new("plain", "keystone") else {
        return;
    };
    let guide = include_str!("../../../../docs/guides/swift.md");
    let (_, block) = guide.split_once("```sh\n").unwrap();
    let (block, _) = block.split_once("\n```").unwrap();
    let (exports, command) = block.rsplit_once('\n').unwrap();
    let own: Vec<_> = program
        .variables
        .iter()
        .filter(|(key, _)| exports.contains(&format!("{key}=")))
        .map(|(key, value)| format!("export {key}='{value}'"))
        .collect();
    let own = own.join("\n");
    for key in [
        "OS_AUTH_URL",
        "OS_USERNAME",
        "OS_PASSWORD",
        "OS_REGION_NAME",
    ] {
        assert!(own.contains(key), "{own}");
    }
    let link = program.world.path("bin/helion-deploy");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_helion-deploy"), link).unwrap();
    let finished = finish(
        program
            .world
            .shell(&format!("{exports}\n{own}\n{command}\n")),
    )
    .code(0);
    assert_eq!(finished.stdout, "no packages\n");
}
