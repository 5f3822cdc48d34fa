//! Two processes that deploy one application at the same time.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use batch::{CapturedOutput, ICommandRunner, LiveOutput, RunOptions, RunReport, StepOutcome};
use deployment::{CliPlatform, Deployer, DeployerOptions, DeploymentRecord, Error, ListQuery};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use store::IStore;
use tokio_util::sync::CancellationToken;

use crate::fixture::{SUCCESS, add_package, assert_history, request};

/// How many deployments each process makes.
const DEPLOYMENTS: usize = 50;

/// How many requests with one key each process makes at once.
const REQUESTS: usize = 500;

/// The variable that tells a process its task.
const VARIABLE: &str = "DEPLOYMENT_TASK";

/// The folder of the world, its store's address, and what is to be done.
#[derive(Debug, Serialize, Deserialize)]
struct Task {
    folder: PathBuf,
    store_url: String,
    work: Work,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Work {
    /// Deployments one after the other, each tried until the application is free.
    OneByOne,
    /// Requests with one key, all at once.
    WithOneKey,
}

/// Plays a client that occupies the application from its first command to its last: a file that
/// only one can make.
#[derive(Debug)]
struct OccupyingClient {
    folder: PathBuf,
}

impl OccupyingClient {
    fn note(&self, what: &str) {
        let name = format!("{what}-{}", uuid());
        File::create(self.folder.join(name)).unwrap();
    }
}

/// A name that nobody else has.
fn uuid() -> String {
    deployment::DeploymentId::generate().to_string()
}

#[async_trait]
impl ICommandRunner for OccupyingClient {
    async fn run(
        &self,
        command: &batch::Command,
        _options: &RunOptions,
        _live: &LiveOutput,
        _cancel: &CancellationToken,
    ) -> RunReport {
        let occupied = self.folder.join("occupied");
        match &*command.exposed_argv()[1] {
            "target" => {
                let made = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .open(occupied);
                self.note(if made.is_ok() { "began" } else { "overlap" });
            }
            "logout" => std::fs::remove_file(occupied).unwrap(),
            _ => {}
        }
        RunReport::new(StepOutcome::Exited { code: 0 })
            .with_time(SystemTime::UNIX_EPOCH, Duration::from_millis(1))
            .with_output(CapturedOutput::from_text(String::new()))
    }
}

impl Task {
    fn of_this_process() -> Option<Self> {
        let task = std::env::var(VARIABLE).ok()?;
        Some(serde_json::from_str(&task).unwrap())
    }

    /// Starts the program of `test` again, with this task; it waits for others at each
    /// [meeting](meet).
    #[expect(
        clippy::disallowed_methods,
        reason = "the test needs a process that is no child of a deployment"
    )]
    fn start(&self, test: &str) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(VARIABLE, serde_json::to_string(self).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    async fn act(self) {
        let store = open(&self.store_url).await;
        let client = Arc::new(OccupyingClient {
            folder: self.folder.clone(),
        });
        let platform = Arc::new(CliPlatform::helion(client));
        let options = DeployerOptions::default().with_temp_root(self.folder.join("temp"));
        let deployer = Deployer::new(store, platform, options);
        match self.work {
            Work::OneByOne => {
                for _ in 0..DEPLOYMENTS {
                    meet();
                    deploy_when_free(&deployer).await;
                }
            }
            Work::WithOneKey => {
                meet();
                let keyed = || request("foo").with_idempotency_key("order 66").unwrap();
                let ids = join_all((0..REQUESTS).map(|_| deployer.deploy_package(keyed()))).await;
                let mut ids: Vec<_> = ids.into_iter().map(Result::unwrap).collect();
                ids.dedup();
                assert_eq!(ids.len(), 1);
                deployer.wait(&ids[0]).await.unwrap();
            }
        }
        deployer.shutdown().await;
    }
}

/// What a process says when it waits for the other one.
const HERE: &str = "here";

/// Waits in a process until the other one waits as well.
fn meet() {
    writeln!(std::io::stdout().lock(), "{HERE}").unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// Lets processes meet, as often as they wait for each other, until they end.
fn let_meet(children: &mut [Child; 2]) {
    let mut outputs = children.each_mut().map(|child| {
        let output = child.stdout.take().unwrap();
        BufReader::new(output).lines().map(Result::unwrap)
    });
    let mut is_here = || {
        let waiting = outputs
            .each_mut()
            .map(|lines| lines.any(|line| line.ends_with(HERE)));
        waiting.iter().any(|waits| *waits)
    };
    while is_here() {
        for child in children.iter_mut() {
            // One that has failed hears nothing.
            let _ = writeln!(child.stdin.as_mut().unwrap());
        }
    }
}

/// Nothing here is about the loss of power, so nothing waits for the disk.
async fn open(url: &str) -> Arc<dyn IStore> {
    let settings = [("store_url", url), ("store_durability", "process")];
    let settings = store::MapSettings::from(settings);
    store::open_store(&settings).await.unwrap()
}

async fn deploy_when_free(deployer: &Deployer) {
    loop {
        match deployer.deploy_package(request("foo")).await {
            Ok(id) => {
                deployer.wait(&id).await.unwrap();
                return;
            }
            Err(Error::Busy { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Has two processes do `work` at the same time; the records, the oldest first.
async fn both(test: &str, scheme: &str, work: Work) -> (tempfile::TempDir, Vec<DeploymentRecord>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("temp")).unwrap();
    let store_url = format!("{scheme}:{}", folder.path().join("store").display());
    let store = open(&store_url).await;
    add_package(&store, "foo").await;
    let task = Task {
        folder: folder.path().to_owned(),
        store_url,
        work,
    };
    let mut children = [task.start(test), task.start(test)];
    let_meet(&mut children);
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let platform = Arc::new(CliPlatform::helion(Arc::new(OccupyingClient {
        folder: folder.path().to_owned(),
    })));
    let deployer = Deployer::new(store, platform, DeployerOptions::default());
    let query = ListQuery::default().with_limit(1_000);
    let mut records = deployer.list(&query).await.unwrap().records;
    records.sort_by(|one, two| one.history.cmp(&two.history));
    let temp = std::fs::read_dir(folder.path().join("temp")).unwrap();
    assert_eq!(temp.count(), 0);
    (folder, records)
}

/// How often the client noted `what`.
fn noted(folder: &Path, what: &str) -> usize {
    let names = std::fs::read_dir(folder).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(what)).count()
}

async fn never_two_are_active(test: &str, scheme: &str) {
    let (folder, records) = both(test, scheme, Work::OneByOne).await;
    assert_eq!(records.len(), 2 * DEPLOYMENTS);
    for record in &records {
        assert_history(record, SUCCESS);
    }
    // As the platform saw it, and as the records tell it.
    assert_eq!(noted(folder.path(), "overlap"), 0);
    assert_eq!(noted(folder.path(), "began"), 2 * DEPLOYMENTS);
    for pair in records.windows(2) {
        let (ended, began) = (&pair[0].datetime, &pair[1].history[0]);
        assert!(**ended <= began[..ended.len()], "{pair:?}");
    }
    // They met before each deployment: each time one of them had it first, and then the other.
    let owner = |record: &DeploymentRecord| record.engine.as_ref().unwrap().owner.clone();
    let turns = records
        .windows(2)
        .filter(|pair| owner(&pair[0]) != owner(&pair[1]));
    assert!(turns.count() >= DEPLOYMENTS, "they did not meet");
}

async fn one_key_is_one_run(test: &str, scheme: &str) {
    let (folder, records) = both(test, scheme, Work::WithOneKey).await;
    assert_eq!(records.len(), 1);
    assert_history(&records[0], SUCCESS);
    assert_eq!(noted(folder.path(), "began"), 1);
    assert_eq!(noted(folder.path(), "overlap"), 0);
}

macro_rules! in_two_processes {
    ($name:ident, $check:ident, $scheme:literal) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            if let Some(task) = Task::of_this_process() {
                task.act().await;
                // The harness would go on with the test.
                std::process::exit(0);
            }
            let test = concat!("two_processes::", stringify!($name));
            $check(test, $scheme).await;
        }
    };
}

in_two_processes!(never_two_are_active_on_fs, never_two_are_active, "fs");
in_two_processes!(
    never_two_are_active_on_sqlite,
    never_two_are_active,
    "sqlite"
);
in_two_processes!(one_key_is_one_run_on_fs, one_key_is_one_run, "fs");
in_two_processes!(one_key_is_one_run_on_sqlite, one_key_is_one_run, "sqlite");
