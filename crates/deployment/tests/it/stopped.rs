//! Engines that are stopped while they begin a deployment, as by SIGSTOP.

use std::sync::Arc;
use std::time::Duration;

use deployment::{DeploymentId, DeploymentRecord, Error, EventKind, ListQuery, Phase};
use futures_util::FutureExt as _;
use store::{FaultScript, FaultStore, IStore, MemoryStore, Operation};

use crate::fixture::{Fixture, SUCCESS, assert_busy, assert_history, request};
use crate::played_client::Play;
use crate::wall_clock::{PAST_THE_LEASE, WallClock};

/// Two engines on one store, of which each has faults of its own.
pub(crate) struct World {
    pub(crate) wall_clock: WallClock,
    pub(crate) one: Fixture,
    pub(crate) one_script: FaultScript,
    pub(crate) two: Fixture,
    pub(crate) two_script: FaultScript,
}

impl World {
    pub(crate) async fn new() -> Self {
        let (store, wall_clock) = (Arc::new(MemoryStore::new()), WallClock::new());
        let (one, one_script) = Self::engine(store.clone(), &wall_clock).await;
        let (two, two_script) = Self::engine(store, &wall_clock).await;
        Self {
            wall_clock,
            one,
            one_script,
            two,
            two_script,
        }
    }

    async fn engine(store: Arc<dyn IStore>, wall_clock: &WallClock) -> (Fixture, FaultScript) {
        let script = FaultScript::new();
        let store = Arc::new(FaultStore::new(store, &script));
        (Fixture::at(store, wall_clock).await, script)
    }

    /// The second engine's deployment, which has begun its push while the first engine was stopped.
    async fn overtake(&self) -> DeploymentId {
        self.wall_clock.jump(PAST_THE_LEASE);
        self.two.deploy_up_to_push(Play::Wait, request("foo")).await
    }

    /// The record of the one deployment that is not `id`.
    async fn other_than(&self, id: &DeploymentId) -> DeploymentRecord {
        let page = self.one.deployer.list(&ListQuery::default()).await.unwrap();
        assert_eq!(page.records.len(), 2);
        let id = id.to_string();
        let mut records = page.records.into_iter();
        records.find(|record| record.deploy_id != id).unwrap()
    }
}

/// Waits until a call of `script` has begun to save a file whose name begins with `prefix`.
pub(crate) async fn saves(script: &FaultScript, prefix: &str) {
    let is_there = || {
        script.calls().iter().any(|call| {
            let name = call.name.as_ref();
            call.operation == Operation::SaveFile
                && name.is_some_and(|name| name.as_str().starts_with(prefix))
        })
    };
    while !is_there() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_slept_behind_its_lock_does_not_run_beside_whoever_took_it_over() {
    let world = World::new().await;
    // Its lock is there, and it does not know yet.
    let script = &world.one_script;
    script
        .on(Operation::SaveFile)
        .after_effect()
        .delay(PAST_THE_LEASE);
    let mut events = world.one.deployer.subscribe();
    let first = world.one.deployer.deploy_package(request("foo"));
    let second = async {
        saves(script, "lock_").await;
        world.overtake().await
    };
    let (first, second) = tokio::join!(first, second);
    let error = first.unwrap_err();
    assert_busy(&error, second);
    // What it had recorded by then has an ending, and nothing came of it.
    let record = world.other_than(&second).await;
    assert_history(&record, "INIT FAILED");
    let reason = record.engine.unwrap().error.unwrap().message;
    assert!(reason.contains(&second.to_string()), "{reason}");
    assert_eq!(world.one.client.seen(), [""; 0]);
    // Nor does it end behind its subscribers' backs.
    let mut told = Vec::new();
    for _ in 0..3 {
        let event = events.next().now_or_never().flatten().unwrap();
        assert_eq!(event.id.to_string(), record.deploy_id);
        told.push(event.kind);
    }
    assert!(
        matches!(
            told[..],
            [
                EventKind::Status(Phase::Init),
                EventKind::Status(Phase::Failed),
                EventKind::Ended(Phase::Failed)
            ]
        ),
        "{told:?}"
    );

    world.two.client.go_on.notify_one();
    let record = world.two.deployer.wait(&second).await.unwrap();
    assert_history(&record, SUCCESS);
}

#[tokio::test(start_paused = true)]
async fn one_that_wakes_up_in_time_keeps_its_lock() {
    let world = World::new().await;
    world
        .one_script
        .on(Operation::SaveFile)
        .after_effect()
        .delay(PAST_THE_LEASE);
    world.one.client.on("push", Play::Wait);
    // The other one has seen an old lock without a record, and sleeps before it takes it over.
    let longer = PAST_THE_LEASE + Duration::from_secs(1);
    world
        .two_script
        .on(Operation::SaveFile)
        .nth(2)
        .delay(longer);
    let first = world.one.deployer.deploy_package(request("foo"));
    let second = async {
        saves(&world.one_script, "lock_").await;
        world.wall_clock.jump(PAST_THE_LEASE);
        world.two.deployer.deploy_package(request("foo")).await
    };
    let (first, second) = tokio::join!(first, second);
    let (first, error) = (first.unwrap(), second.unwrap_err());
    assert_busy(&error, first);
    world.one.client.go_on.notify_one();
    let record = world.one.deployer.wait(&first).await.unwrap();
    assert_history(&record, SUCCESS);
}

#[tokio::test]
async fn a_lock_without_a_record_holds_for_the_lease_and_the_margin() {
    let world = World::new().await;
    world.one_script.on(Operation::SaveFile).nth(2).hang();
    let first = world.one.deployer.deploy_package(request("foo"));
    tokio::select! {
        _ = first => panic!("it hangs"),
        () = world.one_script.wait_for_hang() => {}
    }
    // The lease of 60 seconds and a margin of 10.
    world.wall_clock.jump(Duration::from_secs(69));
    let deploy = || world.two.deployer.deploy_package(request("foo"));
    let error = deploy().await.unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    world.wall_clock.jump(Duration::from_secs(2));
    let id = deploy().await.unwrap();
    let record = world.two.deployer.wait(&id).await.unwrap();
    assert_eq!(record.phase(), Some(Phase::Success));
}

#[tokio::test(start_paused = true)]
async fn giving_a_lock_up_takes_it_from_nobody_else() {
    let world = World::new().await;
    // It cannot record anything, and sleeps before it gives its lock up.
    let script = &world.one_script;
    let fails = store::ErrorKind::PermissionDenied;
    script.on(Operation::SaveFile).nth(2).fail(fails);
    script.on(Operation::SaveFile).nth(3).delay(PAST_THE_LEASE);
    script.on(Operation::DeleteFile).delay(PAST_THE_LEASE);
    let first = world.one.deployer.deploy_package(request("foo"));
    let second = async {
        saves(script, "deployment_").await;
        world.overtake().await
    };
    let (first, second) = tokio::join!(first, second);
    let error = first.unwrap_err();
    assert!(matches!(error, Error::Store { .. }), "{error}");
    let again = world.one.deployer.deploy_package(request("foo"));
    let error = again.await.unwrap_err();
    assert_busy(&error, second);
}
