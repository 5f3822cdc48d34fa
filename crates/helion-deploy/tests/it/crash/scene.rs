//! The world of one run: what dies in it, and what has to be so afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;

use deployment::PackageCatalog;
use serde_json::{Value, json};
use store::{FileContents, FileName, IStore, ListOptions, SaveOptions, StoreExt as _};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::crash::plan::{Cancel, Death, Moment, Plan};
use crate::crash::told::{Told, Verdict, watch};
use crate::crash::victim::{AT_THE_CALL, Task, VARIABLE, Work};
use crate::processes::working_for;
use crate::world::{Backend, SUCCESS, World, finish, statuses};

/// The command at which a deployment dies whose recovery is to die.
const PUSH: u64 = 5;

/// The records of a store, by the names of their files.
type Records = BTreeMap<String, Value>;

pub(crate) struct Scene {
    world: World,
    /// Where the store is.
    _disk: TempDir,
    runtime: Runtime,
}

impl Scene {
    pub(crate) fn new(backend: Backend) -> Self {
        let disk = disk();
        let root = tempfile::tempdir().unwrap();
        let scene = Self {
            world: World::around(root, backend, &disk.path().join("store")),
            _disk: disk,
            runtime: Runtime::new().unwrap(),
        };
        let files: &[(&str, &[u8])] = &[("index.html", b"<h1>hello</h1>"), ("lib/a.txt", b"a")];
        let archive = FileContents::from_bytes(testkit::package("foo", files));
        scene.runtime.block_on(async {
            let catalog = PackageCatalog::new(scene.store().await);
            catalog.save_package("foo", archive).await.unwrap();
        });
        scene
    }

    async fn store(&self) -> Arc<dyn IStore> {
        store::open_store_url(&self.world.store_url).await.unwrap()
    }

    /// Has a program die as planned.
    pub(crate) fn kill(&self, plan: &Plan) -> Told {
        match plan.death {
            Death::Random { lines, later } => {
                let mut command = self.deploy(plan.key);
                watch(&mut command, |seen, _| {
                    if seen < lines {
                        return Verdict::GoOn;
                    }
                    // Not to wait for anything: the moment is a random one.
                    std::thread::sleep(later);
                    Verdict::Kill
                })
            }
            Death::Command(command, moment) => self.kill_at_command(command, moment, plan.key),
            Death::Call(work, call, moment) => {
                let told = match work {
                    Work::Deploy => Told::default(),
                    Work::Recover => {
                        let told = self.kill_at_command(PUSH, Moment::Before, plan.key);
                        self.pass_an_hour();
                        told
                    }
                };
                let task = Task::new(work, call, moment, plan.key);
                let of_victim = self.run_victim(&task);
                Told {
                    id: told.id.or(of_victim.id),
                    statuses: [told.statuses, of_victim.statuses].concat(),
                    ..of_victim
                }
            }
        }
    }

    /// How many calls of its store a program makes that nobody kills.
    pub(crate) fn count_calls(backend: Backend, work: Work) -> u64 {
        let never = Plan {
            backend,
            death: Death::Call(work, u64::MAX, Moment::Before),
            key: Some("order 66"),
            cancel: Cancel::NotAsked,
        };
        let told = Self::new(backend).kill(&never);
        if work == Work::Deploy {
            // All of it is heard: what is not would be missed by no check.
            assert_eq!(told.statuses.join(" "), SUCCESS);
        }
        assert!(told.calls > 0, "{told:?}");
        told.calls
    }

    fn deploy(&self, key: Option<&str>) -> Command {
        let more: Vec<_> = key
            .iter()
            .flat_map(|key| ["--idempotency-key", key])
            .collect();
        self.world.deploy(&more)
    }

    /// The client kills the program that runs it, and lives on with a child of its own.
    fn kill_at_command(&self, command: u64, moment: Moment, key: Option<&str>) -> Told {
        let client = self.world.path("client/helion");
        let run = match moment {
            Moment::Before => String::new(),
            Moment::After => format!("{} \"$@\"\n", client.display()),
        };
        let script = format!(
            "#!/bin/sh\nPATH=/usr/bin:/bin\n\
             echo >> {count}\n\
             if [ $(wc -l < {count}) = {command} ]; then\n\
             {run}kill -9 $PPID\n\
             setsid sleep 1000 2>/dev/null >/dev/null &\n\
             exec sleep 1000 2>/dev/null >/dev/null\n\
             fi\n\
             exec {client} \"$@\"\n",
            count = self.world.path("count").display(),
            client = client.display(),
        );
        self.world.replace_client(&script);
        let told = watch(&mut self.deploy(key), |_, _| Verdict::GoOn);
        self.world.restore_client();
        assert!(told.was_killed, "{told:?}");
        told
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a test against other processes needs one that nothing tidies up after"
    )]
    fn run_victim(&self, task: &Task) -> Told {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([super::TEST, "--exact", "--nocapture", "--test-threads=1"]);
        self.world.surround(&mut command);
        command.env(VARIABLE, serde_json::to_string(task).unwrap());
        watch(&mut command, |_, line| {
            if line == AT_THE_CALL {
                Verdict::Kill
            } else {
                Verdict::GoOn
            }
        })
    }

    /// All records; one that does not parse fails the test.
    fn records(&self) -> Records {
        self.runtime.block_on(async {
            let store = self.store().await;
            let mut records = Records::new();
            for name in names(&store).await {
                if name.starts_with("deployment_") {
                    let file = FileName::new(&*name).unwrap();
                    let (record, _) = store.get_json::<Value>(&file, 1 << 20).await.unwrap();
                    records.insert(name, record);
                }
            }
            records
        })
    }

    /// Lets the leases of records and claims end: an hour passes for them, so that no test waits.
    fn pass_an_hour(&self) {
        const LONG_AGO: &str = "2015-07-08 14:35:52.951490";
        self.runtime.block_on(async {
            let store = self.store().await;
            for name in names(&store).await {
                let file = FileName::new(&*name).unwrap();
                let place = match () {
                    () if name.starts_with("deployment_") => "/engine/lease_until",
                    () if name.starts_with("lock_") => "/claimed",
                    () => continue,
                };
                let (mut json, _) = store.get_json::<Value>(&file, 1 << 20).await.unwrap();
                if let Some(time) = json.pointer_mut(place) {
                    *time = json!(LONG_AGO);
                    let options = SaveOptions::default();
                    store.save_json(&file, &json, &options).await.unwrap();
                }
            }
        });
    }

    fn ask_to_cancel(&self, id: &str) {
        let file = FileName::new(format!("cancel_{id}.json")).unwrap();
        let options = SaveOptions::default();
        self.runtime.block_on(async {
            let store = self.store().await;
            store.save_bytes(&file, "{}", &options).await.unwrap();
        });
    }

    /// Recovers with the real program, and checks that nothing was lost and nothing is left.
    pub(crate) fn check_aftermath(&self, plan: &Plan, told: &Told) {
        let seen = self.records();
        assert!(seen.len() <= 1);
        if let Some(id) = &told.id {
            let history = statuses(&seen[&format!("deployment_{id}.json")]);
            let words: Vec<_> = history.split(' ').collect();
            assert!(words.starts_with(&told.words()), "{history} {told:?}");
            if !told.was_killed && !matches!(plan.death, Death::Call(Work::Recover, ..)) {
                assert_eq!(told.words().last(), Some(&"SUCCESS"), "{told:?}");
            }
            if plan.cancel == Cancel::Asked {
                self.ask_to_cancel(id);
            }
        }
        self.pass_an_hour();
        let report = self.recover();
        let unfinished = seen.values().filter(|record| !is_terminal(record));
        let expected: Vec<_> = unfinished
            .map(|record| record["deploy_id"].clone())
            .collect();
        assert_eq!(report["interrupted"], json!(expected));
        assert_eq!(report["failed"], json!([]));

        let after = self.records();
        assert!(seen.keys().eq(after.keys()));
        for (name, old) in &seen {
            check_extends(old, &after[name]);
        }
        self.check_nothing_left(&after);
        self.check_next_deployment(plan, &after);
    }

    fn recover(&self) -> Value {
        let arguments = ["--output", "json", "recover"];
        self.world.run(&arguments).code(0).json()
    }

    fn check_nothing_left(&self, records: &Records) {
        for record in records.values() {
            assert!(is_terminal(record), "{record}");
            assert_eq!(working_for(record["deploy_id"].as_str().unwrap()), 0);
        }
        self.world.assert_nothing_left();
        let files = self
            .runtime
            .block_on(async { names(&self.store().await).await });
        let known = |name: &String| {
            ["foo.json", "foo.tar.gz"].contains(&name.as_str())
                || name.starts_with("lock_")
                || records.contains_key(name)
        };
        assert!(files.iter().all(known), "{files:?}");
        let nothing = json!({ "interrupted": [], "cleaned": [], "failed": [], "unread_locks": [] });
        assert_eq!(self.recover(), nothing);
    }

    /// The application can be deployed as if nothing had been.
    fn check_next_deployment(&self, plan: &Plan, records: &Records) {
        // A key whose deployment was recorded stands for that one; another one is still unused.
        let key = plan.key.filter(|_| records.is_empty());
        let next = finish(self.deploy(key)).code(0).json();
        assert_eq!(statuses(&next), SUCCESS);
        assert_eq!(self.world.pushed("foo"), ["index.html", "lib/a.txt"]);
        let mut all = self.records();
        let name = format!("deployment_{}.json", next["deploy_id"].as_str().unwrap());
        assert_eq!(all.remove(&name), Some(next));
        assert_eq!(all, *records);
        self.world.assert_nothing_left();
    }
}

/// A folder in memory, where there is such a thing: no run is about the loss of power, and a
/// thousand that wait for a disk take their time.
fn disk() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

async fn names(store: &Arc<dyn IStore>) -> BTreeSet<String> {
    let files = store.get_files_list(&ListOptions::default()).await.unwrap();
    files.iter().map(|file| file.name.to_string()).collect()
}

fn is_terminal(record: &Value) -> bool {
    let endings = ["SUCCESS", "FAILED", "CANCELLED", "INTERRUPTED", "TIMED_OUT"];
    endings.contains(&record["deploy_status"].as_str().unwrap())
}

/// A record is as it was, or has one ending more.
#[track_caller]
fn check_extends(old: &Value, new: &Value) {
    let lines = |record: &Value| record["history"].as_array().unwrap().clone();
    let (old_lines, new_lines) = (lines(old), lines(new));
    assert!(new_lines.starts_with(&old_lines), "{old} {new}");
    let added = &new_lines[old_lines.len()..];
    if is_terminal(old) {
        assert_eq!(added, [""; 0]);
        return;
    }
    assert_eq!(added.len(), 1, "{new}");
    assert_eq!(new["deploy_status"], "INTERRUPTED");
}
