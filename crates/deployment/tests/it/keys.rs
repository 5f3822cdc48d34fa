//! What becomes of idempotency keys when records are removed.

use std::time::Duration;

use deployment::{DeployRequest, DeploymentId, DeploymentRecord, PrunePolicy};
use store::{ErrorKind, FileName, ListOptions, Operation};
use tokio::time::Instant;

use crate::fixture::{Fixture, SUCCESS, assert_history, request, save};
use crate::stopped::{World, saves};
use crate::wall_clock::PAST_THE_LEASE;

pub(crate) fn keyed(key: &str) -> DeployRequest {
    request("foo").with_idempotency_key(key).unwrap()
}

fn id_of(record: &DeploymentRecord) -> DeploymentId {
    record.deploy_id.parse().unwrap()
}

/// The claims of keys that are in the store.
async fn claims(engine: &Fixture) -> Vec<FileName> {
    let options = ListOptions::default().with_prefix("lock_key_");
    let files = engine.store.get_files_list(&options).await.unwrap();
    files.into_iter().map(|file| file.name).collect()
}

/// How many claims go when all records go that ended more than a minute ago.
async fn prune(engine: &Fixture) -> usize {
    let policy = PrunePolicy::default().with_max_age(Duration::from_mins(1));
    let report = engine.deployer.prune(&policy).await.unwrap();
    report.keys
}

/// A world in which a deployment with the key was pruned, but not yet its claim.
pub(crate) async fn forgotten() -> World {
    let world = World::new().await;
    let record = world.one.deploy(keyed("order 66")).await;
    let file = id_of(&record).file_name();
    world.one.store.delete_file(&file).await.unwrap();
    world.wall_clock.jump(PAST_THE_LEASE);
    world
}

#[tokio::test]
async fn those_of_records_that_are_gone_go_and_the_others_stay() {
    let world = World::new().await;
    let old = world.one.deploy(keyed("old")).await;
    world.wall_clock.jump(PAST_THE_LEASE);
    let kept = world.one.deploy(keyed("kept")).await;
    assert_eq!(claims(&world.one).await.len(), 2);
    assert_eq!(prune(&world.two).await, 1);
    assert_eq!(claims(&world.one).await.len(), 1);

    let again = world.two.deployer.deploy_package(keyed("kept")).await;
    assert_eq!(again.unwrap(), id_of(&kept));
    let anew = world.two.deploy(keyed("old")).await;
    assert_ne!(anew.deploy_id, old.deploy_id);
    assert_eq!(prune(&world.two).await, 0);
    assert_eq!(claims(&world.one).await.len(), 2);
}

#[tokio::test]
async fn one_whose_deployment_may_be_about_to_begin_stays() {
    let world = World::new().await;
    let record = world.one.deploy(keyed("order 66")).await;
    let file = id_of(&record).file_name();
    world.one.store.delete_file(&file).await.unwrap();
    // The lease and the margin behind it.
    world.wall_clock.jump(Duration::from_secs(69));
    assert_eq!(prune(&world.two).await, 0);
    world.wall_clock.jump(Duration::from_secs(2));
    assert_eq!(prune(&world.two).await, 1);
    assert!(claims(&world.one).await.is_empty());
}

#[tokio::test]
async fn one_whose_record_nobody_can_read_stays() {
    let world = World::new().await;
    let record = world.one.deploy(keyed("order 66")).await;
    save(world.one.store.as_ref(), &id_of(&record).file_name(), "{").await;
    world.wall_clock.jump(PAST_THE_LEASE);
    assert_eq!(prune(&world.two).await, 0);
    assert_eq!(claims(&world.one).await.len(), 1);
}

#[tokio::test]
async fn what_was_given_up_goes() {
    let world = World::new().await;
    let save = world.one_script.on(Operation::SaveFile);
    save.nth(3).fail(ErrorKind::PermissionDenied);
    let begun = world.one.deployer.deploy_package(keyed("order 66")).await;
    begun.unwrap_err();
    assert_eq!(claims(&world.one).await.len(), 1);
    assert_eq!(prune(&world.two).await, 1);
    assert!(claims(&world.one).await.is_empty());
}

#[tokio::test]
async fn one_that_nobody_can_read_stays() {
    let world = World::new().await;
    let too_long = format!("{{}}{}", " ".repeat(64 * 1024));
    let texts = [
        "",
        "{",
        "null",
        r#"{"removed":false}"#,
        r#"{"removed":true,"by":"a newer engine"}"#,
        r#"{"deploy_id":"it has another form","claimed":"2015-07-08 14:35:52.951490"}"#,
        r#"{"deploy_id":"6eeca9c0-257e-11e5-9760-985aeb8b7458","claimed":"yesterday"}"#,
        &too_long,
    ];
    for (number, text) in texts.iter().enumerate() {
        let name = FileName::new(format!("lock_key_{number:064}.json")).unwrap();
        save(world.one.store.as_ref(), &name, *text).await;
    }
    let report = world.two.deployer.prune(&PrunePolicy::default()).await;
    let report = report.unwrap();
    assert_eq!((report.keys, report.unreadable_keys), (0, texts.len()));
    assert!(report.unreadable.is_empty());
    assert_eq!(claims(&world.one).await.len(), texts.len());
}

/// Waits until the second engine, which prunes, is about to remove the claim.
async fn deletes(world: &World) {
    let is_deleting = || {
        let calls = world.two_script.calls();
        calls
            .iter()
            .any(|call| call.operation == Operation::DeleteFile)
    };
    while !is_deleting() {
        tokio::task::yield_now().await;
    }
}

/// Since `start`, by the paused clock, a mark was waited out, and once only.
#[track_caller]
fn assert_waited(start: Instant) {
    let waited = start.elapsed();
    let patience = Duration::from_secs(10)..Duration::from_secs(11);
    assert!(patience.contains(&waited), "{waited:?}");
}

/// The key stands for `record`'s deployment.
async fn assert_kept(world: &World, record: &DeploymentRecord) {
    assert_history(record, SUCCESS);
    let again = world.one.deployer.deploy_package(keyed("order 66")).await;
    assert_eq!(again.unwrap(), id_of(record));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_taken_over_before_it_is_removed_stays() {
    let world = forgotten().await;
    let save = world.two_script.on(Operation::SaveFile);
    save.delay(Duration::from_secs(1));
    let begun = async {
        saves(&world.two_script, "lock_key_").await;
        world.one.deploy(keyed("order 66")).await
    };
    let (removed, begun) = tokio::join!(prune(&world.two), begun);
    assert_eq!(removed, 0);
    assert_kept(&world, &begun).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_until_the_claim_before_it_is_removed() {
    let world = forgotten().await;
    let delete = world.two_script.on(Operation::DeleteFile);
    delete.delay(Duration::from_secs(3));
    let begun = async {
        deletes(&world).await;
        world.one.deploy(keyed("order 66")).await
    };
    let (removed, begun) = tokio::join!(prune(&world.two), begun);
    assert_eq!(removed, 1);
    assert_kept(&world, &begun).await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_failed_is_in_the_way_for_seconds_only() {
    let world = forgotten().await;
    let delete = world.two_script.on(Operation::DeleteFile);
    delete.fail(ErrorKind::PermissionDenied);
    let pruned = world.two.deployer.prune(&PrunePolicy::default()).await;
    pruned.unwrap_err();
    assert_eq!(claims(&world.one).await.len(), 1);
    let start = Instant::now();
    let begun = world.one.deploy(keyed("order 66")).await;
    assert_waited(start);
    assert_kept(&world, &begun).await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_was_stopped_is_left_to_the_next() {
    let world = forgotten().await;
    let save = world.two_script.on(Operation::SaveFile);
    save.after_effect().delay(Duration::from_secs(2));
    assert_eq!(prune(&world.two).await, 0);
    assert_eq!(claims(&world.one).await.len(), 1);
    // Whoever was stopped may be about to go on.
    let start = Instant::now();
    assert_eq!(prune(&world.two).await, 1);
    assert_waited(start);
    assert!(claims(&world.one).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_slept_with_its_machine_is_left_to_the_next() {
    let world = forgotten().await;
    let save = world.two_script.on(Operation::SaveFile);
    save.after_effect().delay(Duration::from_millis(1));
    let asleep = async {
        saves(&world.two_script, "lock_key_").await;
        // The other clock does not count meanwhile.
        world.wall_clock.jump(Duration::from_mins(1));
    };
    let (removed, ()) = tokio::join!(prune(&world.two), asleep);
    assert_eq!(removed, 0);
    assert_eq!(claims(&world.one).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_takes_long_is_given_up_before_a_request_goes_on() {
    let world = forgotten().await;
    let delete = world.two_script.on(Operation::DeleteFile);
    delete.delay(Duration::from_secs(12));
    let policy = PrunePolicy::default();
    let begun = async {
        deletes(&world).await;
        world.one.deploy(keyed("order 66")).await
    };
    let (pruned, begun) = tokio::join!(world.two.deployer.prune(&policy), begun);
    assert_eq!(pruned.unwrap_err().kind(), deployment::ErrorKind::Store);
    assert_kept(&world, &begun).await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_under_way_is_nobody_elses() {
    let world = forgotten().await;
    let delete = world.two_script.on(Operation::DeleteFile);
    delete.delay(Duration::from_secs(3));
    let begun = async {
        deletes(&world).await;
        let removed = prune(&world.one).await;
        (removed, world.one.deploy(keyed("order 66")).await)
    };
    let (by_two, (by_one, begun)) = tokio::join!(prune(&world.two), begun);
    assert_eq!((by_two, by_one), (1, 0));
    assert_kept(&world, &begun).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_one_removal_waits_for_the_next_as_long() {
    let world = forgotten().await;
    let delete = world.two_script.on(Operation::DeleteFile);
    delete.fail(ErrorKind::PermissionDenied);
    let pruned = world.two.deployer.prune(&PrunePolicy::default()).await;
    pruned.unwrap_err();
    // The next one sets its mark 5 seconds after the request came, and its file goes 6 later.
    let delete = world.two_script.on(Operation::DeleteFile);
    delete.delay(Duration::from_secs(6));
    let begun = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        world.one.deploy(keyed("order 66")).await
    };
    let (removed, begun) = tokio::join!(prune(&world.two), begun);
    assert_eq!(removed, 1);
    assert_kept(&world, &begun).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_slept_behind_its_key_has_it_once_more() {
    let world = World::new().await;
    let script = &world.one_script;
    let save = script.on(Operation::SaveFile);
    save.after_effect().delay(PAST_THE_LEASE);
    let removed = async {
        saves(script, "lock_key_").await;
        world.wall_clock.jump(PAST_THE_LEASE);
        prune(&world.two).await
    };
    let (begun, removed) = tokio::join!(world.one.deploy(keyed("order 66")), removed);
    assert_eq!(removed, 1);
    assert_kept(&world, &begun).await;
}
