//! Removing old records.

use std::sync::Arc;
use std::time::Duration;

use deployment::{DeploymentId, PrunePolicy, Space};
use store::{IStore, MemoryStore, StoreExt as _};

use crate::fixture::{Fixture, SUCCESS, add_package, assert_busy, assert_history, request, save};
use crate::played_client::Play;
use crate::wall_clock::WallClock;

async fn save_record(store: &Arc<dyn IStore>, text: &str) -> DeploymentId {
    let id = DeploymentId::generate();
    let text = text.replace("ID", &id.to_string());
    save(store.as_ref(), &id.file_name(), text).await;
    id
}

struct World {
    wall_clock: WallClock,
    fixture: Fixture,
}

impl World {
    async fn new() -> Self {
        Self::on(Arc::new(MemoryStore::new())).await
    }

    async fn on(store: Arc<dyn IStore>) -> Self {
        // Ids tell the real time.
        let wall_clock = WallClock::at(deployment::Clock::system().now());
        let fixture = Fixture::at(store, &wall_clock).await;
        Self {
            wall_clock,
            fixture,
        }
    }

    /// So many deployments, an hour from one to the next; the oldest comes first.
    async fn deploy(&self, count: usize) -> Vec<DeploymentId> {
        let mut ids = Vec::new();
        for _ in 0..count {
            self.wall_clock.jump(Duration::from_hours(1));
            let record = self.fixture.deploy(request("foo")).await;
            ids.push(record.deploy_id.parse().unwrap());
        }
        ids
    }

    async fn left_of(&self, ids: &[DeploymentId]) -> Vec<DeploymentId> {
        let mut left = Vec::new();
        for id in ids {
            if self
                .fixture
                .deployer
                .get_status(id)
                .await
                .unwrap()
                .is_some()
            {
                left.push(*id);
            }
        }
        left
    }
}

fn sorted(mut ids: Vec<DeploymentId>) -> Vec<DeploymentId> {
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn either_limit_removes_and_the_newest_stay() {
    for (policy, kept) in [
        (PrunePolicy::default(), 5),
        (PrunePolicy::default().with_keep(3), 3),
        (PrunePolicy::default().with_keep(9), 5),
        (PrunePolicy::default().with_keep(0), 0),
        // The newest is half an hour old.
        (
            PrunePolicy::default().with_max_age(Duration::from_hours(2)),
            2,
        ),
        (
            PrunePolicy::default()
                .with_keep(3)
                .with_max_age(Duration::from_hours(1)),
            1,
        ),
        (
            PrunePolicy::default()
                .with_keep(1)
                .with_max_age(Duration::from_hours(9)),
            1,
        ),
    ] {
        let world = World::new().await;
        let ids = world.deploy(5).await;
        world.wall_clock.jump(Duration::from_mins(30));
        let report = world.fixture.deployer.prune(&policy).await.unwrap();
        assert_eq!(
            (report.removed.len(), report.kept),
            (5 - kept, kept),
            "{policy:?}"
        );
        assert_eq!(sorted(report.removed), ids[..5 - kept], "{policy:?}");
        assert_eq!(world.left_of(&ids).await, ids[5 - kept..], "{policy:?}");
    }
}

#[tokio::test]
async fn an_age_looks_at_none_of_those_that_are_younger() {
    let script = store::FaultScript::new();
    let world = World::on(Arc::new(MemoryStore::new().with_faults(&script))).await;
    let store = &world.fixture.store;
    let now = deployment::Clock::system().now();
    let text = r#"{"deploy_id": "ID", "deploy_status": "SUCCESS", "datetime": "2015-07-08 14:35:52.951490"}"#;
    // Of this engine, each a minute younger than the one before; and one of the original.
    let mut ids = Vec::new();
    for minute in 0..1_000 {
        // None is as old as the policy says, whenever its clock was read.
        let age = Duration::from_secs((1_000 - minute) * 60 - 30);
        let since = (now - age).duration_since(std::time::SystemTime::UNIX_EPOCH);
        let uuid = (since.unwrap().as_millis() << 80) | (7 << 76) | u128::from(minute);
        let id = DeploymentId::from_uuid(uuid::Uuid::from_u128(uuid));
        save(
            store.as_ref(),
            &id.file_name(),
            text.replace("ID", &id.to_string()),
        )
        .await;
        ids.push(id);
    }
    let original: DeploymentId = "6eeca9c0-257e-11e5-9760-985aeb8b7458".parse().unwrap();
    let text = text.replace("ID", &original.to_string());
    save(store.as_ref(), &original.file_name(), text).await;

    let before = script.calls().len();
    let policy = PrunePolicy::default().with_max_age(Duration::from_hours(15));
    let report = world.fixture.deployer.prune(&policy).await.unwrap();
    // A page of the newest is looked at, whose endings are as old as the original's.
    assert_eq!(report.removed.len(), 1 + 99 + 100, "{report:?}");
    let reads = script.calls().into_iter().skip(before);
    let reads = reads.filter(|call| call.operation == store::Operation::GetFileContents);
    assert_eq!(reads.count(), 2 * (1 + 99 + 100));
    assert_eq!(world.left_of(&[original]).await, []);
    assert_eq!(world.left_of(&ids).await, ids[100..901]);
}

#[tokio::test]
async fn the_records_of_keys_are_looked_at_only_where_they_may_have_gone() {
    let script = store::FaultScript::new();
    let world = World::on(Arc::new(MemoryStore::new().with_faults(&script))).await;
    let keyed = |key: u32| {
        request("foo")
            .with_idempotency_key(key.to_string())
            .unwrap()
    };
    for key in 0..5 {
        world.fixture.deploy(keyed(key)).await;
    }
    // Behind what the ids tell.
    world.wall_clock.jump(Duration::from_mins(10));
    let records_read = || {
        let calls = script.calls().into_iter();
        let reads = calls.filter(|call| call.operation == store::Operation::GetFileContents);
        let names = reads.filter_map(|call| call.name);
        names
            .filter(|name| name.as_str().starts_with("deployment_"))
            .count()
    };
    let reads_of = async |policy: PrunePolicy| {
        let before = records_read();
        let report = world.fixture.deployer.prune(&policy).await.unwrap();
        assert_eq!((report.removed.len(), report.keys, report.kept), (0, 0, 5));
        records_read() - before
    };
    // One page is listed all the same.
    let age = PrunePolicy::default().with_max_age(Duration::from_hours(1));
    assert_eq!(reads_of(age.clone()).await, 5);
    assert_eq!(reads_of(age.with_keep(5)).await, 5 + 5);
}

#[tokio::test]
async fn what_runs_or_cannot_be_read_stays() {
    let world = World::new().await;
    let store = &world.fixture.store;
    let ended = world.deploy(1).await;
    // An unfinished one of the original, one that is cut short, and one of a newer engine.
    let unfinished =
        r#"{"deploy_id": "ID", "deploy_status": "LIST", "datetime": "2015-07-08 14:35:52.951490"}"#;
    let newer = r#"{"deploy_id": "ID", "deploy_status": "SUCCESS", "datetime": "2015-07-08 14:35:52.951490",
        "engine": {"schema": 99}}"#;
    let undated = r#"{"deploy_id": "ID", "deploy_status": "FAILED", "datetime": "yesterday"}"#;
    let mut kept = Vec::new();
    for text in [unfinished, newer, undated] {
        kept.push(save_record(store, text).await);
    }
    let broken = save_record(store, r#"{"deploy_id": "ID", "deploy_sta"#).await;
    // One whose text is no id, and a copy that speaks of another's record.
    let nameless = save_record(store, r#"{"deploy_id": "x", "deploy_status": "SUCCESS"}"#).await;
    let unfinished_id = unfinished.replace("ID", &kept[0].to_string());
    let copied = save_record(store, &unfinished_id).await;
    add_package(store, "bar").await;
    let running = world
        .fixture
        .deploy_up_to_push(Play::HangUntilStopped, request("bar"))
        .await;
    kept.push(running);
    for id in [ended[0], running, DeploymentId::generate()] {
        save(store.as_ref(), &id.cancel_file_name(), "{}").await;
    }

    let everything = PrunePolicy::default().with_keep(0);
    let report = world.fixture.deployer.prune(&everything).await.unwrap();
    assert_eq!((&report.removed, report.kept), (&vec![ended[0]], 0));
    assert_eq!((report.unfinished, report.unreadable_keys), (2, 0));
    let reason = |id: &DeploymentId| {
        let mut unreadable = report.unreadable.iter();
        let found = unreadable.find(|record| record.id == *id).unwrap();
        found.reason.clone()
    };
    assert_eq!(report.unreadable.len(), 5);
    assert_eq!(reason(&kept[1]), "a newer version wrote it");
    assert!(reason(&kept[2]).contains("`yesterday`"));
    assert!(reason(&broken).contains("EOF"), "{report:?}");
    for id in [nameless, copied] {
        assert!(reason(&id).contains("deploy_id"), "{report:?}");
        assert!(store.check_file_exists(&id.file_name()).await.unwrap());
    }
    assert_eq!(world.left_of(&ended).await, []);
    assert_eq!(world.left_of(&kept).await, kept);
    assert!(store.check_file_exists(&broken.file_name()).await.unwrap());
    // Only the running one may still heed its cancel file.
    let options = store::ListOptions::default().with_prefix("cancel_");
    let cancels = store.get_files_list(&options).await.unwrap();
    assert_eq!(cancels.len(), 1);
    assert_eq!(cancels[0].name, running.cancel_file_name());
}

#[tokio::test]
async fn claims_of_removed_deployments_are_in_nobodys_way() {
    let world = World::new().await;
    let keyed = || request("foo").with_idempotency_key("k").unwrap();
    world.fixture.deploy(keyed()).await;
    let everything = PrunePolicy::default().with_keep(0);
    let report = world.fixture.deployer.prune(&everything).await.unwrap();
    assert_eq!(report.removed.len(), 1);
    world.wall_clock.jump(crate::wall_clock::PAST_THE_LEASE);
    for request in [request("foo"), keyed()] {
        assert_history(&world.fixture.deploy(request).await, SUCCESS);
    }
    let report = world.fixture.deployer.recover().await.unwrap();
    assert!(report.failed.is_empty(), "{report:?}");
}

#[tokio::test]
async fn an_application_is_free_when_its_record_has_just_been_removed() {
    let world = World::new().await;
    let other = Fixture::at(Arc::clone(&world.fixture.store), &world.wall_clock).await;
    let elsewhere = || {
        request("foo")
            .with_space(Space {
                organization: "acme".to_owned(),
                space: "live".to_owned(),
            })
            .with_application("shop")
            .unwrap()
    };
    let everything = PrunePolicy::default().with_keep(0);
    for make in [|| request("foo"), elsewhere] {
        world.fixture.deploy(make()).await;
        let report = other.deployer.prune(&everything).await.unwrap();
        assert_eq!(report.removed.len(), 1);
        assert_eq!(other.deployer.busy_with(&make()).await.unwrap(), None);
        assert_history(&other.deploy(make()).await, SUCCESS);
        other.deployer.prune(&everything).await.unwrap();
    }
}

#[tokio::test]
async fn a_removed_record_leaves_the_lock_that_somebody_else_has_by_now() {
    let world = World::new().await;
    let other = Fixture::at(Arc::clone(&world.fixture.store), &world.wall_clock).await;
    let removed: DeploymentId = {
        let record = world.fixture.deploy(request("foo")).await;
        record.deploy_id.parse().unwrap()
    };
    let running = world
        .fixture
        .deploy_up_to_push(Play::HangUntilStopped, request("foo"))
        .await;
    let everything = PrunePolicy::default().with_keep(0);
    let report = other.deployer.prune(&everything).await.unwrap();
    assert_eq!(report.removed, [removed]);
    assert_busy(&other.refuse(request("foo")).await, running);
}

#[tokio::test]
async fn a_lock_that_cannot_be_freed_keeps_no_record() {
    let script = store::FaultScript::new();
    let world = World::on(Arc::new(MemoryStore::new().with_faults(&script))).await;
    for operation in [
        store::Operation::GetFileContents,
        store::Operation::SaveFile,
    ] {
        let ids = world.deploy(1).await;
        let lock = lock_of(&world.fixture.store).await;
        let fault = script.on(operation).named(lock.as_str());
        fault.fail(store::ErrorKind::Corrupt);
        let everything = PrunePolicy::default().with_keep(0);
        let report = world.fixture.deployer.prune(&everything).await.unwrap();
        assert_eq!(report.removed, ids);
        // Its claim ends with its lease.
        assert_busy(&world.fixture.refuse(request("foo")).await, ids[0]);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_a_lock_that_is_about_to_be_freed_keeps_it() {
    for operation in [
        store::Operation::GetFileContents,
        store::Operation::SaveFile,
    ] {
        let script = store::FaultScript::new();
        let world = World::on(Arc::new(MemoryStore::new().with_faults(&script))).await;
        let store = Arc::clone(&world.fixture.store);
        let id = world.deploy(1).await[0];
        let lock = lock_of(&store).await;
        let (_, claim) = store.get_file_bytes(&lock, 1 << 10).await.unwrap();
        // Another version, which says the same.
        let claim = [&claim[..], b" "].concat();
        let before = script.calls().len();
        let fault = script.on(operation).named(lock.as_str());
        fault.delay(Duration::from_secs(1));
        let everything = PrunePolicy::default().with_keep(0);
        let taking = async {
            while !script.calls()[before..]
                .iter()
                .any(|call| call.operation == operation && call.name.as_ref() == Some(&lock))
            {
                tokio::task::yield_now().await;
            }
            // A repeated request begins the removed deployment anew, under the same id.
            let begun = format!(r#"{{"deploy_id": "{id}", "deploy_status": "INIT"}}"#);
            save(store.as_ref(), &id.file_name(), begun).await;
            save(store.as_ref(), &lock, claim.clone()).await;
        };
        let (pruned, ()) = tokio::join!(world.fixture.deployer.prune(&everything), taking);
        assert!(pruned.unwrap().removed.is_empty(), "{operation:?}");
        let (_, kept) = store.get_file_bytes(&lock, 1 << 10).await.unwrap();
        assert_eq!(kept, claim, "{operation:?}");
        let begun = world.fixture.deployer.get_status(&id).await.unwrap();
        assert_eq!(begun.unwrap().deploy_status, "INIT", "{operation:?}");
    }
}

/// The file of the only lock.
async fn lock_of(store: &Arc<dyn IStore>) -> store::FileName {
    let locks = store::ListOptions::default().with_prefix("lock_");
    let mut found = store.get_files_list(&locks).await.unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0).name
}

#[tokio::test]
async fn a_key_whose_record_was_removed_stands_for_a_new_deployment() {
    let world = World::new().await;
    let keyed = || request("foo").with_idempotency_key("k").unwrap();
    let removed = world.fixture.deploy(keyed()).await;
    world.wall_clock.jump(crate::wall_clock::PAST_THE_LEASE);
    let everything = PrunePolicy::default().with_keep(0);
    world.fixture.deployer.prune(&everything).await.unwrap();
    // Another process that prunes may be about to remove the old id's record once more.
    let again = world.fixture.deploy(keyed()).await;
    assert_ne!(again.deploy_id, removed.deploy_id);
    assert_history(&again, SUCCESS);
    let repeated = world.fixture.deployer.deploy_package(keyed()).await;
    assert_eq!(repeated.unwrap().to_string(), again.deploy_id);
}
