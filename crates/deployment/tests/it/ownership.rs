//! Owners that cannot reach their store, or wake up when it is too late.

use std::sync::Arc;
use std::time::Duration;

use batch::MockIProcess;
use deployment::{
    DeployRequest, Deployment, DeploymentId, DeploymentRecord, DeploymentStatus, Error, EventKind,
    Events, PackageSource, Phase,
};
use package::Package;
use store::{FileName, IStore, MemoryStore, SqliteOptions, SqliteStore};
use tokio_util::sync::CancellationToken;

use crate::fixture::{Fixture, SUCCESS, assert_history, request};
use crate::gate::{Gate, Traffic};
use crate::played_client::Play;
use crate::wall_clock::{PAST_THE_LEASE, WallClock};

/// An owner behind a gate whose push has begun.
struct Owner {
    fixture: Fixture,
    gate: Arc<Gate>,
    id: DeploymentId,
    events: Events,
}

impl Owner {
    async fn at_push(gate: Arc<Gate>, wall_clock: &WallClock, push: Play) -> Self {
        Self::at_push_of(request("foo"), gate, wall_clock, push).await
    }

    async fn at_push_of(
        request: DeployRequest,
        gate: Arc<Gate>,
        wall_clock: &WallClock,
        push: Play,
    ) -> Self {
        let fixture = Fixture::at(gate.clone(), wall_clock).await;
        let events = fixture.deployer.subscribe();
        let id = fixture.deploy_up_to_push(push, request).await;
        Self {
            fixture,
            gate,
            id,
            events,
        }
    }

    /// Waits until it says that it lost its deployment, and why.
    async fn lost(&mut self) -> String {
        loop {
            if let EventKind::OwnershipLost { reason, .. } = self.events.next().await.unwrap().kind
            {
                return reason;
            }
        }
    }
}

/// The record of the deployment `id`, which another engine has interrupted since its lease ended.
async fn interrupted(
    other: &Fixture,
    wall_clock: &WallClock,
    id: DeploymentId,
) -> DeploymentRecord {
    wall_clock.jump(PAST_THE_LEASE);
    let report = other.deployer.recover().await.unwrap();
    assert_eq!(report.interrupted, [id]);
    other.deployer.get_status(&id).await.unwrap().unwrap()
}

async fn a_zombie_is_cancelled(gate: Arc<Gate>, store: Arc<dyn IStore>) {
    let wall_clock = WallClock::new();
    let mut owner = Owner::at_push(gate, &wall_clock, Play::HangUntilStopped).await;
    owner.gate.set(Traffic::Stalled);
    let other = Fixture::at(store, &wall_clock).await;
    let interrupted = interrupted(&other, &wall_clock, owner.id).await;

    owner.gate.set(Traffic::Flowing);
    owner.fixture.deployer.cancel(&owner.id).await.unwrap();
    assert!(owner.lost().await.contains("somebody else"));
    let record = owner.fixture.deployer.wait(&owner.id).await.unwrap();
    assert_eq!(record, interrupted);
    assert_eq!(record.phase(), Some(Phase::Interrupted));
    owner.fixture.assert_nothing_left();
}

#[tokio::test]
async fn a_zombie_that_is_cancelled_writes_nothing() {
    let memory = Arc::new(MemoryStore::new());
    a_zombie_is_cancelled(Gate::new(memory.clone()), memory).await;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let open = || async {
        Arc::new(
            SqliteStore::open(&path, SqliteOptions::default())
                .await
                .unwrap(),
        )
    };
    a_zombie_is_cancelled(Gate::new(open().await), open().await).await;
}

async fn a_zombie_wakes_up(gate: Arc<Gate>, store: Arc<dyn IStore>, traffic: Traffic) {
    let wall_clock = WallClock::new();
    let mut owner = Owner::at_push(gate, &wall_clock, Play::HangUntilStopped).await;
    owner.gate.set(traffic);
    assert!(owner.lost().await.contains("lease"));
    let other = Fixture::at(store, &wall_clock).await;
    let interrupted = interrupted(&other, &wall_clock, owner.id).await;

    owner.gate.set(Traffic::Flowing);
    let record = owner.fixture.deployer.wait(&owner.id).await.unwrap();
    assert_eq!(record, interrupted);
    owner.fixture.assert_nothing_left();
}

#[tokio::test(start_paused = true)]
async fn a_zombie_whose_write_was_under_way_writes_nothing() {
    let store = Arc::new(MemoryStore::new());
    a_zombie_wakes_up(Gate::new(store.clone()), store, Traffic::Stalled).await;
}

#[tokio::test(start_paused = true)]
async fn a_zombie_whose_store_excludes_nobody_writes_nothing() {
    let store = Arc::new(MemoryStore::new());
    let gate = Gate::without_guarantees(store.clone());
    let other = Gate::without_guarantees(store);
    a_zombie_wakes_up(gate, other, Traffic::Refused).await;
}

#[tokio::test(start_paused = true)]
async fn a_zombie_that_slept_looks_before_it_writes() {
    let store = Arc::new(MemoryStore::new());
    for (gate, store) in [
        (Gate::new(store.clone()), store.clone() as Arc<dyn IStore>),
        // Here nothing but the look keeps it from undoing the ending.
        (
            Gate::without_guarantees(store.clone()),
            Gate::without_guarantees(store) as Arc<dyn IStore>,
        ),
    ] {
        let wall_clock = WallClock::new();
        let mut owner = Owner::at_push(gate, &wall_clock, Play::HangUntilStopped).await;
        let other = Fixture::at(store, &wall_clock).await;
        let interrupted = interrupted(&other, &wall_clock, owner.id).await;

        tokio::time::advance(PAST_THE_LEASE).await;
        owner.lost().await;
        let record = owner.fixture.deployer.wait(&owner.id).await.unwrap();
        assert_eq!(record, interrupted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_zombie_whose_machine_slept_looks_before_it_writes() {
    let store = Arc::new(MemoryStore::new());
    let gate = Gate::without_guarantees(store.clone());
    let wall_clock = WallClock::new();
    let owner = Owner::at_push(gate, &wall_clock, Play::Wait).await;
    // The clock that is never set stands still while a machine sleeps.
    let other = Fixture::at(Gate::without_guarantees(store), &wall_clock).await;
    let interrupted = interrupted(&other, &wall_clock, owner.id).await;

    owner.fixture.client.go_on.notify_one();
    let record = owner.fixture.deployer.wait(&owner.id).await.unwrap();
    assert_eq!(record, interrupted);
    let stored = other.deployer.get_status(&owner.id).await.unwrap();
    assert_eq!(stored, Some(interrupted));
}

#[tokio::test(start_paused = true)]
async fn an_owner_past_its_deadline_still_watches_its_lease() {
    let wall_clock = WallClock::new();
    let gate = Gate::new(Arc::new(MemoryStore::new()));
    // A client that does not mind being told to stop.
    let request = request("foo").with_timeout(Duration::from_secs(1));
    let mut owner = Owner::at_push_of(request, gate, &wall_clock, Play::Wait).await;
    owner.gate.set(Traffic::Refused);
    let reason = tokio::time::timeout(Duration::from_hours(1), owner.lost()).await;
    let reason = reason.expect("it is told");
    assert!(reason.contains("lease of 60s"), "{reason}");
    owner.fixture.client.gone.notified().await;
    let seen = owner.fixture.client.seen();
    assert_eq!(seen.last().map(String::as_str), Some("push"), "{seen:?}");

    owner.gate.set(Traffic::Flowing);
    let record = owner.fixture.deployer.wait(&owner.id).await.unwrap();
    assert_eq!(record.phase(), Some(Phase::TimedOut), "{record:?}");
    owner.fixture.assert_nothing_left();
}

#[tokio::test(start_paused = true)]
async fn an_owner_without_its_store_stops_its_command_and_says_so() {
    for traffic in [Traffic::Refused, Traffic::Stalled] {
        let wall_clock = WallClock::new();
        let gate = Gate::new(Arc::new(MemoryStore::new()));
        let mut owner = Owner::at_push(gate, &wall_clock, Play::HangUntilStopped).await;
        owner.gate.set(traffic);
        // The wall clock stands still all the while.
        let reason = owner.lost().await;
        assert!(reason.contains("lease of 60s"), "{reason}");
        owner.fixture.client.gone.notified().await;
        // It was killed at once: no logout came after it.
        let seen = owner.fixture.client.seen();
        assert_eq!(seen.last().map(String::as_str), Some("push"), "{seen:?}");

        // The store returns, and the last state is written.
        owner.gate.set(Traffic::Flowing);
        let record = owner.fixture.deployer.wait(&owner.id).await.unwrap();
        assert_eq!(record.phase(), Some(Phase::Failed), "{record:?}");
        let error = record.engine.unwrap().error.unwrap();
        assert!(error.message.contains("lease of 60s"), "{error:?}");
        owner.fixture.assert_nothing_left();
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_is_no_reason_to_stop() {
    let wall_clock = WallClock::new();
    let gate = Gate::new(Arc::new(MemoryStore::new()));
    let owner = Owner::at_push(gate, &wall_clock, Play::Wait).await;
    wall_clock.jump(Duration::from_hours(24));
    // Renewals fail meanwhile, but not for as long as the lease lasts.
    owner.gate.set(Traffic::Refused);
    tokio::time::sleep(Duration::from_secs(39)).await;
    owner.gate.set(Traffic::Flowing);
    let report = owner.fixture.deployer.recover().await.unwrap();
    assert_eq!(report.interrupted, []);
    owner.fixture.client.go_on.notify_one();
    let record = owner.fixture.deployer.wait(&owner.id).await.unwrap();
    assert_history(&record, SUCCESS);
}

#[tokio::test(start_paused = true)]
async fn an_owner_whose_machine_slept_before_its_work_looks_before_it_writes() {
    let store = Arc::new(MemoryStore::new());
    let gate: Arc<dyn IStore> = Gate::without_guarantees(store);
    let wall_clock = WallClock::new();
    let fixture = Fixture::at(gate.clone(), &wall_clock).await;
    let package = Package::new("foo", fixture.temp.path().join("foo/foo.tar.gz"), None).unwrap();
    let source = PackageSource::Stored {
        store: gate.clone(),
        file: FileName::new("foo.tar.gz").unwrap(),
    };
    let status = Arc::new(DeploymentStatus::new(gate));
    let deployment = Deployment::new(package, source, Box::new(MockIProcess::new()), status)
        .with_clock(wall_clock.clock());
    deployment.record_init().await.unwrap();
    // The clock that is never set stands still all the while.
    let id = *deployment.id();
    let interrupted = interrupted(&fixture, &wall_clock, id).await;

    let error = deployment
        .deploy(&CancellationToken::new())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::LostOwnership { .. }), "{error}");
    let stored = fixture.deployer.get_status(&id).await.unwrap();
    assert_eq!(stored, Some(interrupted));
}
