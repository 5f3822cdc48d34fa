//! What becomes of deployments whose owner died.

use std::sync::Arc;
use std::time::Duration;

use batch::{
    Command, ICommandRunner as _, LiveOutput, LocalRunner, LocalRunnerOptions, RunOptions,
    StepOutcome,
};
use deployment::{
    DEPLOYMENT_VARIABLE, DeploymentId, DeploymentRecord, Error, ErrorKind, Phase, RecoveryReport,
};
use store::{IStore, MemoryStore, StoreExt as _};
use tokio_util::sync::CancellationToken;

use crate::fixture::{Fixture, SUCCESS, add_package, assert_history, request, save};
use crate::gate::Gate;
use crate::played_client::Play;
use crate::wall_clock::{PAST_THE_LEASE, WallClock};

/// A store that several engines share, and their wall clock.
pub(crate) struct World {
    pub(crate) store: Arc<dyn IStore>,
    pub(crate) wall_clock: WallClock,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::on(Arc::new(MemoryStore::new()))
    }

    fn on(store: Arc<dyn IStore>) -> Self {
        let wall_clock = WallClock::new();
        Self { store, wall_clock }
    }

    pub(crate) async fn engine(&self) -> Fixture {
        Fixture::at(Arc::clone(&self.store), &self.wall_clock).await
    }

    /// The deployment of an engine that died in the middle of its push.
    pub(crate) fn died(&self, package: &'static str) -> DeploymentId {
        let world = Self {
            store: Arc::clone(&self.store),
            wall_clock: self.wall_clock.clone(),
        };
        let life = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            // All tasks of the engine are dropped with its runtime.
            runtime.block_on(async {
                let engine = world.engine().await;
                add_package(&world.store, package).await;
                engine
                    .deploy_up_to_push(Play::HangUntilStopped, request(package))
                    .await
            })
        });
        life.join().unwrap()
    }

    async fn save(&self, name: store::FileName, text: &str) {
        save(self.store.as_ref(), &name, text).await;
    }
}

/// Recovers while a process runs that carries `id`, and which is killed.
pub(crate) async fn recover_and_kill(engine: &Fixture, id: DeploymentId) -> RecoveryReport {
    let runner = LocalRunner::new(LocalRunnerOptions::default());
    let command = Command::new("sh")
        .args(["-c", "echo up; sleep 1000; :"])
        .env(DEPLOYMENT_VARIABLE, id.to_string());
    let (live, mut output) = LiveOutput::channel(8);
    let options = RunOptions::new("/").with_timeout(Some(Duration::from_secs(30)));
    let cancel = CancellationToken::new();
    let run = runner.run(&command, &options, &live, &cancel);
    let recover = async {
        output.recv().await.unwrap();
        engine.deployer.recover().await.unwrap()
    };
    let (run, report) = tokio::join!(run, recover);
    assert_eq!(run.outcome, StepOutcome::Signaled { signal: 9 });
    report
}

async fn record(engine: &Fixture, id: &DeploymentId) -> DeploymentRecord {
    engine.deployer.get_status(id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_dead_owners_deployment_is_interrupted_once_and_its_leftovers_go() {
    let world = World::new();
    let id = world.died("foo");
    let engine = world.engine().await;
    let directory = engine.leave_directory(id);
    // Up to the lease's end and the margin behind it, its owner may be alive.
    let still = Duration::from_secs(69);
    for time in [Duration::ZERO, still] {
        world.wall_clock.jump(time);
        let report = engine.deployer.recover().await.unwrap();
        assert_eq!((report.interrupted.len(), report.cleaned.len()), (0, 0));
        assert!(directory.exists());
    }
    let before = record(&engine, &id).await;

    world.wall_clock.jump(Duration::from_secs(2));
    let report = engine.deployer.recover().await.unwrap();
    assert_eq!(report.interrupted, [id]);
    assert_eq!(report.cleaned, []);
    assert!(report.failed.is_empty(), "{report:?}");
    engine.assert_nothing_left();
    let after = record(&engine, &id).await;
    let statuses: Vec<_> = before.statuses().chain(["INTERRUPTED"]).collect();
    assert_history(&after, &statuses.join(" "));
    let error = after.engine.as_ref().unwrap().error.clone().unwrap();
    let lease = before.engine.unwrap().lease_until.unwrap();
    assert!(error.message.contains(&lease), "{error:?}");

    let report = engine.deployer.recover().await.unwrap();
    assert_eq!((report.interrupted.len(), report.cleaned.len()), (0, 0));
    assert_eq!(record(&engine, &id).await, after);
}

#[tokio::test]
async fn engines_that_recover_at_once_interrupt_once() {
    let world = World::new();
    let mut dead = vec![world.died("foo"), world.died("bar"), world.died("baz")];
    world.wall_clock.jump(PAST_THE_LEASE);
    let (one, two) = (world.engine().await, world.engine().await);
    let (one_report, two_report) = tokio::join!(one.deployer.recover(), two.deployer.recover());
    let (one_report, two_report) = (one_report.unwrap(), two_report.unwrap());
    assert!(one_report.failed.is_empty(), "{one_report:?}");
    assert!(two_report.failed.is_empty(), "{two_report:?}");
    let mut interrupted = [one_report.interrupted, two_report.interrupted].concat();
    interrupted.sort();
    dead.sort();
    assert_eq!(interrupted, dead);
    for id in dead {
        let record = record(&one, &id).await;
        let endings = record.statuses().filter(|status| *status == "INTERRUPTED");
        assert_eq!(endings.count(), 1);
    }
}

#[tokio::test]
async fn what_runs_here_is_alive_whatever_the_clock_says() {
    let world = World::new();
    let engine = world.engine().await;
    let id = engine.deploy_up_to_push(Play::Wait, request("foo")).await;
    for _ in 0..2 {
        world.wall_clock.jump(Duration::from_hours(24));
        let report = engine.deployer.recover().await.unwrap();
        assert_eq!((report.interrupted.len(), report.cleaned.len()), (0, 0));
    }
    engine.client.go_on.notify_one();
    assert_history(&engine.deployer.wait(&id).await.unwrap(), SUCCESS);
}

#[tokio::test]
async fn a_store_without_locks_is_searched_and_records_without_a_lease_are_let_be() {
    let world = World::on(Gate::without_guarantees(Arc::new(MemoryStore::new())));
    let original: DeploymentId = "6eeca9c0-257e-11e5-9760-985aeb8b7458".parse().unwrap();
    let text = format!(r#"{{"deploy_id": "{original}", "deploy_status": "LIST"}}"#);
    world.save(original.file_name(), &text).await;
    let broken = DeploymentId::generate();
    world.save(broken.file_name(), "half a rec").await;
    let id = world.died("foo");
    world.wall_clock.jump(PAST_THE_LEASE);

    let engine = world.engine().await;
    let report = engine.deployer.recover().await.unwrap();
    assert_eq!(report.interrupted, [id]);
    assert_eq!(record(&engine, &original).await.deploy_status, "LIST");
    // What nobody can read is said, and holds up nothing.
    assert_eq!(report.failed.len(), 1);
    assert_eq!(report.failed[0].id, broken);
    assert_eq!(report.failed[0].error.kind(), ErrorKind::Record);
}

#[tokio::test]
async fn one_whose_record_nobody_can_read_fails_once() {
    let memory = || Arc::new(MemoryStore::new());
    for store in [
        memory(),
        Gate::without_guarantees(memory()) as Arc<dyn IStore>,
    ] {
        let world = World::on(store);
        let id = world.died("foo");
        world.save(id.file_name(), "half a rec").await;
        world.wall_clock.jump(PAST_THE_LEASE);
        let engine = world.engine().await;
        let directory = engine.leave_directory(id);
        let report = engine.deployer.recover().await.unwrap();
        let failed: Vec<_> = report.failed.iter().map(|failure| failure.id).collect();
        assert_eq!(failed, [id]);
        assert_eq!(report.failed[0].error.kind(), ErrorKind::Record);
        assert!(directory.exists());
    }
}

#[tokio::test]
async fn whoever_takes_a_lock_over_ends_the_deployment_that_held_it() {
    let world = World::new();
    let id = world.died("foo");
    let engine = world.engine().await;
    engine.leave_directory(id);
    world.wall_clock.jump(PAST_THE_LEASE);
    assert_history(&engine.deploy(request("foo")).await, SUCCESS);
    assert_eq!(record(&engine, &id).await.phase(), Some(Phase::Interrupted));
    engine.assert_nothing_left();
    let report = engine.deployer.recover().await.unwrap();
    assert_eq!(report.interrupted, []);
}

#[tokio::test]
async fn a_record_that_only_a_newer_engine_understands_is_its_to_end() {
    let world = World::new();
    let id = world.died("foo");
    let newer =
        format!(r#"{{"deploy_id": "{id}", "deploy_status": "LIST", "engine": {{"schema": 99}}}}"#);
    world.save(id.file_name(), &newer).await;
    let dead = world.died("bar");
    world.wall_clock.jump(PAST_THE_LEASE);
    let engine = world.engine().await;
    let report = engine.deployer.recover().await.unwrap();
    assert_eq!(report.interrupted, [dead]);
    assert_eq!(report.failed.len(), 1);
    let error = &report.failed[0].error;
    assert!(
        matches!(error, Error::NewerRecord { schema: 99, .. }),
        "{error}"
    );
    // Nor is its application deployed beside it.
    let error = engine.refuse(request("foo")).await;
    assert!(matches!(error, Error::NewerRecord { .. }), "{error}");
}

#[tokio::test]
async fn only_what_is_left_of_ended_deployments_is_removed() {
    let world = World::new();
    let engine = world.engine().await;
    let ended: DeploymentId = engine
        .deploy(request("foo"))
        .await
        .deploy_id
        .parse()
        .unwrap();
    let alive = world.died("bar");
    // A deployment that is another store's, and what is no private directory at all.
    let foreign = engine.leave_directory(DeploymentId::generate());
    let other = engine.temp.path().join("helion-deploy-demo");
    std::fs::create_dir(&other).unwrap();
    let (of_ended, of_alive) = (engine.leave_directory(ended), engine.leave_directory(alive));
    let report = engine.deployer.recover().await.unwrap();
    assert_eq!(report.cleaned, [ended]);
    assert!(!of_ended.exists());
    assert!(of_alive.exists() && foreign.exists() && other.exists());
}

#[tokio::test]
async fn processes_that_carry_the_deployment_are_killed() {
    let world = World::new();
    let id = world.died("foo");
    world.wall_clock.jump(PAST_THE_LEASE);
    let engine = world.engine().await;
    let report = recover_and_kill(&engine, id).await;
    assert_eq!(report.interrupted, [id]);
}

#[tokio::test]
async fn every_command_carries_its_deployment() {
    let engine = World::new().engine().await;
    let record = engine.deploy(request("foo")).await;
    let carried = engine.client.works_for.lock().unwrap().clone();
    assert_eq!(carried, vec![record.deploy_id; engine.client.seen().len()]);
}

/// The file of the lock that names `id`.
async fn lock_of(store: &dyn IStore, id: DeploymentId) -> store::FileName {
    let options = store::ListOptions::default().with_prefix("lock_");
    for file in store.get_files_list(&options).await.unwrap() {
        let (_, bytes) = store.get_file_bytes(&file.name, 1024).await.unwrap();
        if String::from_utf8_lossy(&bytes).contains(&id.to_string()) {
            return file.name;
        }
    }
    panic!("no lock names {id}");
}

#[tokio::test]
async fn a_lock_that_cannot_be_read_holds_up_no_other() {
    let script = store::FaultScript::new();
    let world = World::on(Arc::new(MemoryStore::new().with_faults(&script)));
    let (foo, bar) = (world.died("foo"), world.died("bar"));
    let engine = world.engine().await;
    world.wall_clock.jump(PAST_THE_LEASE);
    let lock = lock_of(world.store.as_ref(), foo).await;
    script
        .on(store::Operation::GetFileContents)
        .named(lock.as_str())
        .fail(store::ErrorKind::Unavailable);
    let report = engine.deployer.recover().await.unwrap();
    assert_eq!(report.interrupted, [bar]);
    assert_eq!(report.unread_locks.len(), 1, "{report:?}");
    assert_eq!(report.unread_locks[0].kind(), ErrorKind::Store);
    // The next call finds it.
    let report = engine.deployer.recover().await.unwrap();
    assert_eq!(report.interrupted, [foo]);
    assert!(report.unread_locks.is_empty(), "{report:?}");
}

#[tokio::test]
async fn a_file_that_is_too_large_for_a_lock_is_none() {
    let world = World::new();
    let id = world.died("foo");
    let engine = world.engine().await;
    let lock = lock_of(world.store.as_ref(), id).await;
    world.save(lock, &"x".repeat(100_000)).await;
    let report = engine.deployer.recover().await.unwrap();
    assert!(report.failed.is_empty(), "{report:?}");
    assert!(report.unread_locks.is_empty(), "{report:?}");
    assert_history(&engine.deploy(request("foo")).await, SUCCESS);
}
