//! Very many deployments at once on one deployer.
//!
//! `CROWD` sets how many, 1,000 unless set; the limit on memory goes by it.
//! `cargo xtask crowd` runs them with 10,000.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use batch::{
    Command, ICommandRunner, LiveOutput, LocalRunner, LocalRunnerOptions, RunOptions, RunReport,
};
use batch::{IProcess, IProgress, Milestone, ProcessOutcome, Status, StepOutcome, StepReport};
use deployment::{
    CliPlatform, Deployer, DeployerOptions, DeploymentId, IPlatform, Phase, PlatformRequest, Result,
};
use store::{IStore, MemoryStore, SqliteOptions, SqliteStore};
use tokio_util::sync::CancellationToken;

use crate::alone::is_alone;
use crate::fixture::{add_package, request};

/// How many deployments run at once.
const RUNNING: usize = 32;

/// The memory over base that the engine may take for anything but waiting deployments, such as
/// those that unpack at once, in bytes.
const MOST_OF_ALL: usize = 40 * 1024 * 1024;

/// The memory that each deployment may take besides, with what the store in memory holds of it, in
/// bytes: 10,000 of them stay under 200 MB.
const MOST_OF_EACH: usize = 14 * 1024;

/// Counts who is inside, and the most that ever were.
#[derive(Debug, Default)]
struct Room {
    inside: AtomicUsize,
    most: AtomicUsize,
}

impl Room {
    fn enter(&self) {
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(inside, Ordering::SeqCst);
    }

    fn leave(&self) {
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A platform that has deployed at once.
#[derive(Clone, Debug, Default)]
struct Instant(Arc<Room>);

impl IPlatform for Instant {
    fn process(&self, _request: &PlatformRequest) -> Result<Box<dyn IProcess>> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl IProcess for Instant {
    async fn execute(
        &self,
        progress: &dyn IProgress,
        _cancel: &CancellationToken,
    ) -> batch::Result<ProcessOutcome> {
        self.0.enter();
        let report = StepReport::new(Status::new("DEPLOYED")?, "deploy", StepOutcome::Done);
        let reported = progress.report(&Milestone::Step(report)).await;
        self.0.leave();
        reported?;
        Ok(ProcessOutcome::Success)
    }
}

/// A client whose commands are done at once.
#[async_trait]
impl ICommandRunner for Instant {
    async fn run(
        &self,
        _command: &Command,
        _options: &RunOptions,
        _live: &LiveOutput,
        _cancel: &CancellationToken,
    ) -> RunReport {
        self.0.enter();
        tokio::task::yield_now().await;
        self.0.leave();
        RunReport::new(StepOutcome::Exited { code: 0 })
    }
}

/// A runner that counts its children.
#[derive(Debug)]
struct CountingRunner {
    inner: LocalRunner,
    room: Arc<Room>,
}

#[async_trait]
impl ICommandRunner for CountingRunner {
    async fn run(
        &self,
        _command: &Command,
        options: &RunOptions,
        live: &LiveOutput,
        cancel: &CancellationToken,
    ) -> RunReport {
        self.room.enter();
        let report = self
            .inner
            .run(&Command::new("true"), options, live, cancel)
            .await;
        self.room.leave();
        report
    }
}

/// Deploys one package under so many names at once, and waits for all.
async fn deploy_at_once(store: Arc<dyn IStore>, platform: Arc<dyn IPlatform>, count: usize) {
    let temp = tempfile::tempdir().unwrap();
    add_package(&store, "foo").await;
    // A machine that stalls for a minute is nothing that is looked for here.
    let options = DeployerOptions::default()
        .with_temp_root(temp.path())
        .with_lease(Duration::from_hours(1))
        .with_max_running(RUNNING);
    let deployer = Deployer::new(store, platform, options);
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..count {
        let deployer = deployer.clone();
        let request = request("foo")
            .with_application(format!("a{index}"))
            .unwrap();
        tasks.spawn(async move { deployer.deploy_package(request).await.unwrap() });
    }
    let ids: Vec<DeploymentId> = tasks.join_all().await;
    for id in &ids {
        let record = deployer.wait(id).await.unwrap();
        assert_eq!(record.phase(), Some(Phase::Success), "{record:?}");
    }
    assert_eq!(ids.len(), count);
    let left: Vec<_> = std::fs::read_dir(temp.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// What the test program has in memory, and the most that it ever had, in bytes.
fn memory() -> (usize, usize) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        let kibibytes: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kibibytes * 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// Deploys thousands at once, and looks at the memory that it takes.
async fn takes_little(store: Arc<dyn IStore>, platform: Arc<dyn IPlatform>, room: &Room) {
    let count = std::env::var("CROWD").map_or(1_000, |count| count.parse().unwrap());
    // Fresh memory: what earlier work has used and given back would hide what this one takes.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let (base, _) = memory();
    deploy_at_once(store, platform, count).await;
    let (_, peak) = memory();
    let taken = peak.saturating_sub(base);
    let report = format!("{count} deployments: {} KiB over base\n", taken / 1024);
    std::io::stderr().write_all(report.as_bytes()).unwrap();
    let most = MOST_OF_ALL + count * MOST_OF_EACH;
    assert!(taken < most, "{taken} bytes over base, and not {most}");
    let inside = room.most.load(Ordering::SeqCst);
    assert!((1..=RUNNING).contains(&inside), "{inside}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_at_once_all_end_and_few_run() {
    if !is_alone("crowd::thousands_at_once_all_end_and_few_run") {
        return;
    }
    let instant = Instant::default();
    let platform = Arc::new(instant.clone());
    takes_little(Arc::new(MemoryStore::new()), platform, &instant.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_by_a_client_keep_no_commands_before_their_turn() {
    if !is_alone("crowd::thousands_by_a_client_keep_no_commands_before_their_turn") {
        return;
    }
    let instant = Instant::default();
    let platform = Arc::new(CliPlatform::helion(Arc::new(instant.clone())));
    takes_little(Arc::new(MemoryStore::new()), platform, &instant.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_in_a_database_all_end() {
    if !is_alone("crowd::thousands_in_a_database_all_end") {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(temp.path().join("store"), SqliteOptions::default());
    let instant = Instant::default();
    let platform = Arc::new(instant.clone());
    takes_little(Arc::new(store.await.unwrap()), platform, &instant.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_children_run_than_deployments() {
    let room = Arc::new(Room::default());
    let runner = CountingRunner {
        inner: LocalRunner::new(LocalRunnerOptions::default()),
        room: Arc::clone(&room),
    };
    let platform = CliPlatform::helion(Arc::new(runner));
    deploy_at_once(Arc::new(MemoryStore::new()), Arc::new(platform), 100).await;
    let most = room.most.load(Ordering::SeqCst);
    assert!((1..=RUNNING).contains(&most), "{most}");
}
