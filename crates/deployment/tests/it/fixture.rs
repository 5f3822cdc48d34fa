//! A deployer over a store with one package, and a runner that plays the client.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use batch::{
    CapturedOutput, Command, ICommandRunner, LiveOutput, RunOptions, RunReport, Secret, StepOutcome,
};
use deployment::{
    CliPlatform, Credentials, DeployRequest, Deployer, DeployerOptions, DeploymentRecord,
    PackageCatalog,
};
use store::{FileContents, IStore, MemoryStore};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) const PASSWORD: &str = "correct-horse-battery";
pub(crate) const ENDPOINT: &str = "https://api.example.com";

/// The history that every successful deployment has.
pub(crate) const SUCCESS: &str = "INIT DOWNLOADING STARTED PREVIEW UNPACK EXTRACT DIR TARGET LOGIN \
                                  REMOVED LIST DEPLOYED NEWLIST DIR SUCCESS";

/// What the played client does with one command.
#[derive(Clone, Debug)]
pub(crate) enum Play {
    Exit(i32, &'static str),
    HangUntilStopped,
    /// Exits with 0 when it is told to go on.
    Wait,
    Panic,
}

/// Plays a client: every command exits with 0 unless told otherwise.
#[derive(Debug, Default)]
pub(crate) struct PlayedClient {
    plays: Mutex<HashMap<&'static str, Play>>,
    seen: Mutex<Vec<String>>,
    /// The application's files at the time of the push.
    pub(crate) pushed: Mutex<Vec<PathBuf>>,
    /// What each command was told that it works for.
    pub(crate) works_for: Mutex<Vec<String>>,
    /// Told when a command hangs or waits.
    pub(crate) hanging: tokio::sync::Notify,
    /// Tells a command that waits to go on.
    pub(crate) go_on: tokio::sync::Notify,
    /// Told when a command that hung or waited is no more.
    pub(crate) gone: tokio::sync::Notify,
}

/// A command that hangs, until it ends or is killed.
struct Hanging<'a>(&'a PlayedClient);

impl<'a> Hanging<'a> {
    fn begin(client: &'a PlayedClient) -> Self {
        client.hanging.notify_one();
        Self(client)
    }
}

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        self.0.gone.notify_one();
    }
}

impl PlayedClient {
    /// Has the command `name` (`push`, `login` …) play `play`.
    pub(crate) fn on(&self, name: &'static str, play: Play) {
        self.plays.lock().unwrap().insert(name, play);
    }

    /// The names of the commands so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

#[async_trait]
impl ICommandRunner for PlayedClient {
    async fn run(
        &self,
        command: &Command,
        options: &RunOptions,
        _live: &LiveOutput,
        cancel: &CancellationToken,
    ) -> RunReport {
        let argv = command.exposed_argv();
        let name = argv[1].clone();
        self.seen.lock().unwrap().push(name.clone());
        if name == "push" {
            let at = argv
                .iter()
                .position(|argument| argument == "--path")
                .unwrap();
            let tree = std::fs::read_dir(&argv[at + 1]).unwrap();
            *self.pushed.lock().unwrap() = tree.map(|entry| entry.unwrap().path()).collect();
        }
        let environment = command.environment().iter();
        let works_for = environment.filter(|(name, _)| name == deployment::DEPLOYMENT_VARIABLE);
        let works_for = works_for.map(|(_, value)| value.expose().to_owned());
        self.works_for.lock().unwrap().extend(works_for);
        let play = self.plays.lock().unwrap().get(name.as_str()).cloned();
        let (outcome, output) = match play {
            None => (StepOutcome::Exited { code: 0 }, format!("{name} done\n")),
            Some(Play::Exit(code, text)) => (StepOutcome::Exited { code }, text.to_owned()),
            Some(Play::Panic) => panic!("the runner is broken"),
            Some(Play::Wait) => {
                let _hanging = Hanging::begin(self);
                self.go_on.notified().await;
                (StepOutcome::Exited { code: 0 }, String::new())
            }
            Some(Play::HangUntilStopped) => {
                let _hanging = Hanging::begin(self);
                let limit = options.timeout.unwrap_or(Duration::from_hours(24));
                tokio::select! {
                    () = cancel.cancelled() => (StepOutcome::Cancelled, String::new()),
                    () = tokio::time::sleep(limit) => {
                        (StepOutcome::TimedOut { after: limit }, String::new())
                    }
                }
            }
        };
        RunReport::new(outcome)
            .with_time(SystemTime::UNIX_EPOCH, Duration::from_millis(1))
            .with_output(CapturedOutput::from_text(output))
    }
}

/// A wall clock that a test sets, and on which no two moments are the same.
#[derive(Clone, Debug)]
pub(crate) struct WallClock(Arc<Mutex<SystemTime>>);

impl WallClock {
    pub(crate) fn new() -> Self {
        // Late enough for leases and margins to lie before it.
        Self::at(SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365))
    }

    pub(crate) fn at(start: SystemTime) -> Self {
        Self(Arc::new(Mutex::new(start)))
    }

    pub(crate) fn clock(&self) -> deployment::Clock {
        let now = Arc::clone(&self.0);
        deployment::Clock::new(move || {
            let mut now = now.lock().unwrap();
            *now += Duration::from_micros(1);
            *now
        })
    }

    pub(crate) fn jump(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }
}

/// Longer than an owner lives that does not renew its lease.
pub(crate) const PAST_THE_LEASE: Duration = Duration::from_secs(71);

pub(crate) struct Fixture {
    pub(crate) store: Arc<dyn IStore>,
    pub(crate) client: Arc<PlayedClient>,
    pub(crate) deployer: Deployer,
    pub(crate) temp: TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::on(Arc::new(MemoryStore::new())).await
    }

    pub(crate) async fn on(store: Arc<dyn IStore>) -> Self {
        Self::with_options(store, |options| options).await
    }

    pub(crate) async fn with_options(
        store: Arc<dyn IStore>,
        change: impl FnOnce(DeployerOptions) -> DeployerOptions,
    ) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let client = Arc::new(PlayedClient::default());
        let platform = Arc::new(CliPlatform::helion(client.clone()));
        let options = change(DeployerOptions::default().with_temp_root(temp.path()));
        let deployer = Deployer::new(Arc::clone(&store), platform, options);
        add_package(&store, "foo").await;
        Self {
            store,
            client,
            deployer,
            temp,
        }
    }

    pub(crate) async fn deploy(&self, request: DeployRequest) -> DeploymentRecord {
        let id = self.deployer.deploy_package(request).await.unwrap();
        self.deployer.wait(&id).await.unwrap()
    }

    /// Whether the engine left anything in its temporary folder.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let left: Vec<_> = std::fs::read_dir(self.temp.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

pub(crate) async fn add_package(store: &Arc<dyn IStore>, name: &str) {
    let archive = testkit::package(
        name,
        &[("index.html", b"<h1>hello</h1>"), ("a/b.txt", b"b")],
    );
    PackageCatalog::new(Arc::clone(store))
        .save_package(name, FileContents::from_bytes(archive))
        .await
        .unwrap();
}

pub(crate) fn request(package: &str) -> DeployRequest {
    let credentials = Credentials::new("admin", Secret::new(PASSWORD)).unwrap();
    DeployRequest::new(package, ENDPOINT, credentials).unwrap()
}

#[track_caller]
pub(crate) fn assert_history(record: &DeploymentRecord, expected: &str) {
    let statuses: Vec<_> = record.statuses().collect();
    assert_eq!(statuses.join(" "), expected, "{:?}", record.engine);
}
