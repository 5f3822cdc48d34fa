//! Requests whose `INIT` fails, or comes to nobody's knowledge, while others make the same request.

use std::time::Duration;

use deployment::{DeployRequest, DeploymentId, Error};
use store::{ErrorKind, FaultScript, FileName, Operation};

use crate::fixture::{SUCCESS, assert_busy, assert_history, request};
use crate::played_client::Play;
use crate::stopped::{World, saves};
use crate::wall_clock::PAST_THE_LEASE;

fn keyed() -> DeployRequest {
    request("foo").with_idempotency_key("order 66").unwrap()
}

/// Waits until a record is being saved, and returns its file.
async fn record_file(script: &FaultScript) -> FileName {
    saves(script, "deployment_").await;
    let names = script.calls().into_iter().filter_map(|call| call.name);
    let mut records = names.filter(|name| name.as_str().starts_with("deployment_"));
    records.next().unwrap()
}

/// The deployment of a record's file.
fn deployment_of(file: &FileName) -> DeploymentId {
    let name = file.as_str().strip_prefix("deployment_").unwrap();
    name.strip_suffix(".json").unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_init_whose_reply_is_lost_is_run() {
    // The saves before INIT are those of the lock and of the key.
    for (request, init) in [(request("foo"), 2), (keyed(), 3)] {
        let world = World::new().await;
        let script = &world.one_script;
        script.on(Operation::SaveFile).nth(init).lose_reply();
        let record = world.one.deploy(request).await;
        assert_history(&record, SUCCESS);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_fails_to_begin_takes_nothing_from_whoever_runs() {
    let world = World::new().await;
    // Both know the key's deployment before either has recorded it.
    let script = &world.one_script;
    let second = Duration::from_secs(1);
    script.on(Operation::SaveFile).nth(3).delay(second);
    world.one.client.on("push", Play::Wait);
    let first = world.one.deployer.deploy_package(keyed());
    let other = async {
        let record = record_file(script).await;
        let save = world.two_script.on(Operation::SaveFile);
        save.named(record.as_str())
            .fail(ErrorKind::PermissionDenied);
        world.two.deployer.deploy_package(keyed()).await
    };
    let (first, other) = tokio::join!(first, other);
    let (first, error) = (first.unwrap(), other.unwrap_err());
    assert!(matches!(error, Error::Store { .. }), "{error}");

    world.one.client.hanging.notified().await;
    let unkeyed = world.two.deployer.deploy_package(request("foo")).await;
    let error = unkeyed.unwrap_err();
    assert_busy(&error, first);
    let again = world.two.deployer.deploy_package(keyed()).await;
    assert_eq!(again.unwrap(), first);
    world.one.client.go_on.notify_one();
    assert_history(&world.one.deployer.wait(&first).await.unwrap(), SUCCESS);
}

#[tokio::test(start_paused = true)]
async fn whoever_made_the_claims_keeps_them_for_whoever_joined_in() {
    let world = World::new().await;
    let script = &world.one_script;
    let second = Duration::from_secs(1);
    script.on(Operation::SaveFile).nth(3).delay(second);
    script
        .on(Operation::SaveFile)
        .nth(3)
        .fail(ErrorKind::PermissionDenied);
    world.two.client.on("push", Play::Wait);
    let first = world.one.deployer.deploy_package(keyed());
    let other = async {
        let record = record_file(script).await;
        let save = world.two_script.on(Operation::SaveFile);
        save.named(record.as_str()).delay(2 * second);
        world.two.deployer.deploy_package(keyed()).await
    };
    let (first, other) = tokio::join!(first, other);
    let (error, other) = (first.unwrap_err(), other.unwrap());
    assert!(matches!(error, Error::Store { .. }), "{error}");

    world.two.client.hanging.notified().await;
    let unkeyed = world.one.deployer.deploy_package(request("foo")).await;
    let error = unkeyed.unwrap_err();
    assert_busy(&error, other);
    let again = world.one.deployer.deploy_package(keyed()).await;
    assert_eq!(again.unwrap(), other);
    world.two.client.go_on.notify_one();
    assert_history(&world.two.deployer.wait(&other).await.unwrap(), SUCCESS);
}

#[tokio::test(start_paused = true)]
async fn giving_a_key_up_takes_it_from_nobody_else() {
    let world = World::new().await;
    // It cannot record anything, and sleeps before it gives its key up.
    let script = &world.one_script;
    let fails = ErrorKind::PermissionDenied;
    script.on(Operation::SaveFile).nth(3).fail(fails);
    script.on(Operation::SaveFile).nth(5).delay(PAST_THE_LEASE);
    script.on(Operation::DeleteFile).delay(PAST_THE_LEASE);
    let first = world.one.deployer.deploy_package(keyed());
    let other = async {
        record_file(script).await;
        world.two.deploy(keyed()).await
    };
    let (first, other) = tokio::join!(first, other);
    let error = first.unwrap_err();
    assert!(matches!(error, Error::Store { .. }), "{error}");
    assert_history(&other, SUCCESS);
    let again = world.one.deployer.deploy_package(keyed()).await;
    assert_eq!(again.unwrap().to_string(), other.deploy_id);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_given_up_is_free() {
    let world = World::new().await;
    let script = &world.one_script;
    let fails = ErrorKind::PermissionDenied;
    script.on(Operation::SaveFile).nth(3).fail(fails);
    let error = world
        .one
        .deployer
        .deploy_package(keyed())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Store { .. }), "{error}");
    // Even for another request.
    let different = request("foo").with_application("baz").unwrap();
    let different = different.with_idempotency_key("order 66").unwrap();
    assert_history(&world.two.deploy(different).await, SUCCESS);
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_kept_while_its_record_may_still_appear() {
    for last in [ErrorKind::Timeout, ErrorKind::PermissionDenied] {
        let world = World::new().await;
        let script = &world.one_script;
        let save = || script.on(Operation::SaveFile);
        save().nth(2).fail(ErrorKind::Timeout);
        save().nth(3).times(2).fail(last);
        let first = world.one.deployer.deploy_package(request("foo"));
        let error = first.await.unwrap_err();
        assert!(matches!(error, Error::Store { .. }), "{error}");
        let id = deployment_of(&record_file(script).await);
        script.clear();

        // The slow write would be nobody's to find if the lock did not name it.
        let other = || world.two.deployer.deploy_package(request("foo"));
        let error = other().await.unwrap_err();
        assert_busy(&error, id);
        world.wall_clock.jump(PAST_THE_LEASE);
        assert_history(&world.two.deploy(request("foo")).await, SUCCESS);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_slept_behind_its_key_does_not_run_after_whoever_took_it_over() {
    let world = World::new().await;
    let script = &world.one_script;
    let save = script.on(Operation::SaveFile);
    save.after_effect().delay(PAST_THE_LEASE);
    let first = world.one.deployer.deploy_package(keyed());
    let other = async {
        saves(script, "lock_key_").await;
        world.wall_clock.jump(PAST_THE_LEASE);
        world.two.deploy(keyed()).await
    };
    let (first, other) = tokio::join!(first, other);
    assert_history(&other, SUCCESS);
    let other = other.deploy_id.parse().unwrap();
    let error = first.unwrap_err();
    assert_busy(&error, other);
    let again = world.one.deployer.deploy_package(keyed()).await;
    assert_eq!(again.unwrap(), other);
    assert_eq!(world.one.client.seen(), [""; 0]);
}
