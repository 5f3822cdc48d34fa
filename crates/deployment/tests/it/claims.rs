//! One deployment of an application at a time, and one deployment for one key.

use std::sync::Arc;

use deployment::{Error, ErrorKind, ListQuery, Phase};
use futures_util::future::join_all;

use store::ListOptions;

use crate::fixture::{Fixture, SUCCESS, add_package, assert_busy, assert_history, request, save};
use crate::played_client::Play;
use crate::wall_clock::{PAST_THE_LEASE, WallClock};

#[tokio::test]
async fn a_second_deployment_of_the_same_application_is_a_conflict() {
    let fixture = Fixture::new().await;
    let other = Fixture::on(Arc::clone(&fixture.store)).await;
    let id = fixture
        .deploy_up_to_push(Play::HangUntilStopped, request("foo"))
        .await;

    // In the same process, and in another one that shares only the store.
    for deployer in [&fixture.deployer, &other.deployer] {
        let error = deployer.deploy_package(request("foo")).await.unwrap_err();
        assert_busy(&error, id);
    }
    // Another application, and the same one elsewhere, are not in the way.
    add_package(&fixture.store, "bar").await;
    assert_history(&other.deploy(request("bar")).await, SUCCESS);

    fixture.deployer.cancel(&id).await.unwrap();
    fixture.deployer.wait(&id).await.unwrap();
    assert_history(&other.deploy(request("foo")).await, SUCCESS);
    assert_history(&other.deploy(request("foo")).await, SUCCESS);
}

#[tokio::test]
async fn requests_with_one_key_are_one_deployment() {
    let fixture = Fixture::new().await;
    let keyed = || request("foo").with_idempotency_key("order 66").unwrap();
    let ids = join_all((0..1_000).map(|_| fixture.deployer.deploy_package(keyed()))).await;
    let first = *ids[0].as_ref().unwrap();
    assert!(
        ids.iter().all(|id| *id.as_ref().unwrap() == first),
        "{ids:?}"
    );
    let record = fixture.deployer.wait(&first).await.unwrap();
    assert_history(&record, SUCCESS);
    assert_eq!(
        record.engine.unwrap().idempotency_key.as_deref(),
        Some("order 66")
    );

    // Later, and from another process.
    let other = Fixture::on(Arc::clone(&fixture.store)).await;
    assert_eq!(other.deployer.deploy_package(keyed()).await.unwrap(), first);
    let page = other.deployer.list(&ListQuery::default()).await.unwrap();
    assert_eq!(page.records.len(), 1);
    assert_eq!(other.client.seen(), [""; 0]);

    let different = request("foo").with_application("baz").unwrap();
    let different = different.with_idempotency_key("order 66").unwrap();
    let error = other.refuse(different).await;
    assert!(matches!(error, Error::KeyReused { by, .. } if by == first));
}

#[tokio::test]
async fn two_engines_racing_with_one_key_run_it_once() {
    let fixture = Fixture::new().await;
    let other = Fixture::on(Arc::clone(&fixture.store)).await;
    for round in 0..20 {
        let keyed = || {
            request("foo")
                .with_idempotency_key(format!("round {round}"))
                .unwrap()
        };
        let (one, two) = tokio::join!(
            fixture.deployer.deploy_package(keyed()),
            other.deployer.deploy_package(keyed())
        );
        let id = one.unwrap();
        assert_eq!(two.unwrap(), id);
        assert_history(&fixture.deployer.wait(&id).await.unwrap(), SUCCESS);
        assert_history(&other.deployer.wait(&id).await.unwrap(), SUCCESS);
        fixture.deployer.wait(&id).await.unwrap();
        other.deployer.wait(&id).await.unwrap();
    }
    let pushes = [fixture.client.seen(), other.client.seen()].concat();
    assert_eq!(pushes.iter().filter(|name| *name == "push").count(), 20);
}

#[tokio::test]
async fn the_rest_is_queued_in_order_and_visibly() {
    let store = Arc::new(store::MemoryStore::new());
    let fixture = Fixture::with_options(store, |options| options.with_max_running(1)).await;
    let first = fixture
        .deploy_up_to_push(Play::HangUntilStopped, request("foo"))
        .await;

    let mut events = fixture.deployer.subscribe();
    let mut queued = Vec::new();
    for name in ["bar", "baz"] {
        add_package(&fixture.store, name).await;
        let id = fixture
            .deployer
            .deploy_package(request(name))
            .await
            .unwrap();
        loop {
            let event = events.next().await.unwrap();
            if matches!(event.kind, deployment::EventKind::Status(Phase::Queued)) {
                assert_eq!(event.id, id);
                break;
            }
        }
        queued.push(id);
    }
    let record = fixture
        .deployer
        .get_status(&queued[1])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(record.phase(), Some(Phase::Queued));

    // One that waits can be cancelled; the next one gets its turn.
    fixture.deployer.cancel(&queued[0]).await.unwrap();
    let record = fixture.deployer.wait(&queued[0]).await.unwrap();
    assert_history(&record, "INIT QUEUED CANCELLED");
    fixture.client.on("push", Play::Exit(0, ""));
    fixture.deployer.cancel(&first).await.unwrap();
    let record = fixture.deployer.wait(&queued[1]).await.unwrap();
    assert_history(&record, &SUCCESS.replace("INIT", "INIT QUEUED"));
    fixture.assert_nothing_left();
}

#[tokio::test]
async fn after_a_shutdown_nothing_runs_and_nothing_starts() {
    let fixture = Fixture::new().await;
    let id = fixture
        .deploy_up_to_push(Play::HangUntilStopped, request("foo"))
        .await;
    fixture.deployer.shutdown().await;
    let record = fixture.deployer.get_status(&id).await.unwrap().unwrap();
    assert_eq!(record.phase(), Some(Phase::Cancelled));
    let error = fixture.refuse(request("foo")).await;
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    fixture.assert_nothing_left();
}

#[tokio::test(start_paused = true)]
async fn a_dead_owner_is_in_the_way_no_longer_than_its_lease() {
    let store = Arc::new(store::MemoryStore::new());
    let wall_clock = WallClock::new();
    let dead = Fixture::at(store.clone(), &wall_clock).await;
    let id = dead
        .deploy_up_to_push(Play::HangUntilStopped, request("foo"))
        .await;

    let next = Fixture::at(store, &wall_clock).await;
    let error = next.refuse(request("foo")).await;
    assert_busy(&error, id);
    wall_clock.jump(PAST_THE_LEASE);
    assert_history(&next.deploy(request("foo")).await, SUCCESS);
    // Whoever waits for the dead one is told so instead of waiting for ever.
    let record = next.deployer.wait(&id).await.unwrap();
    assert_eq!(record.phase(), Some(Phase::Interrupted));
}

#[tokio::test]
async fn a_refused_request_does_not_use_up_its_key() {
    let fixture = Fixture::new().await;
    let keyed = |package: &str| request(package).with_idempotency_key("k").unwrap();
    for _ in 0..2 {
        let error = fixture.refuse(keyed("typo")).await;
        assert!(matches!(error, Error::PackageNotFound { .. }), "{error}");
    }
    assert_history(&fixture.deploy(keyed("foo")).await, SUCCESS);
}

#[tokio::test]
async fn a_record_that_nobody_can_read_blocks_nobody_for_ever() {
    let store = Arc::new(store::MemoryStore::new());
    let wall_clock = WallClock::new();
    let fixture = Fixture::at(store, &wall_clock).await;
    let record = fixture.deploy(request("foo")).await;
    let id: deployment::DeploymentId = record.deploy_id.parse().unwrap();
    let store = fixture.store.as_ref();
    save(store, &id.file_name(), "half a rec").await;
    let error = fixture.refuse(request("foo")).await;
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    wall_clock.jump(PAST_THE_LEASE);
    assert_history(&fixture.deploy(request("foo")).await, SUCCESS);

    let locks = ListOptions::default().with_prefix("lock_");
    let found = store.get_files_list(&locks).await.unwrap();
    save(store, &found[0].name, "no claim at all").await;
    assert_history(&fixture.deploy(request("foo")).await, SUCCESS);
}

#[tokio::test]
async fn a_claim_of_a_time_to_come_ends() {
    let (store, wall_clock) = (Arc::new(store::MemoryStore::new()), WallClock::new());
    let fixture = Fixture::at(store, &wall_clock).await;
    let record = fixture.deploy(request("foo")).await;
    let locks = ListOptions::default().with_prefix("lock_");
    let found = fixture.store.get_files_list(&locks).await.unwrap();
    // Its maker's clock was wrong by years, and the maker is gone.
    let claim = format!(
        r#"{{"deploy_id": "{}", "claimed": "2099-01-01 00:00:00.000000"}}"#,
        deployment::DeploymentId::generate()
    );
    save(fixture.store.as_ref(), &found[0].name, claim).await;
    let again = fixture.deploy(request("foo")).await;
    assert_ne!(again.deploy_id, record.deploy_id);
    assert_history(&again, SUCCESS);
}
