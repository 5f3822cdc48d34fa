use std::time::{Duration, SystemTime};

use store::{ErrorKind, FaultRule, FaultScript, MemoryStore, Operation};

use super::*;
use crate::phase::Phase;
use crate::status::Subject;

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(second)
}

fn begin() -> StatusChange {
    StatusChange::begin(Subject::new("foo", "https://foo.x.io"), at(1))
}

fn reach(word: &str, second: u64) -> StatusChange {
    StatusChange::reach(Phase::parse(word).unwrap(), at(second))
}

async fn history(status: &DeploymentStatus, id: &DeploymentId) -> String {
    let record = status.get_status(id).await.unwrap().unwrap();
    record.statuses().collect::<Vec<_>>().join(" ")
}

/// One on a store whose saves have a fault.
fn faulty(fault: impl FnOnce(FaultRule<'_>)) -> DeploymentStatus {
    let script = FaultScript::new();
    fault(script.on(Operation::SaveFile));
    DeploymentStatus::new(Arc::new(MemoryStore::new().with_faults(&script)))
}

/// Hands in a change whose save fails, and may be tried again.
async fn fail(status: &DeploymentStatus, id: &DeploymentId, change: &StatusChange) {
    let error = status.set_status(id, change).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_write_that_got_through_without_its_reply_is_not_repeated() {
    let status = faulty(|save| save.nth(2).after_effect().fail(ErrorKind::Unavailable));
    let id = DeploymentId::generate();
    status.set_status(&id, &begin()).await.unwrap();
    let change = reach("DOWNLOADING", 2);
    fail(&status, &id, &change).await;
    status.set_status(&id, &change).await.unwrap();
    let mut more = reach("STARTED", 3);
    more.append(reach("UNPACK", 4));
    status.set_status(&id, &more).await.unwrap();
    assert_eq!(
        history(&status, &id).await,
        "INIT DOWNLOADING STARTED UNPACK"
    );
}

/// A step that reached `word`, handed in at `second`.
fn step(word: &str, second: u64) -> StatusChange {
    let status = batch::Status::new(word).unwrap();
    let report = batch::StepReport::new(status, "helion", batch::StepOutcome::Done)
        .with_time(at(1), Duration::ZERO);
    reach(word, second).with_step((&report).into())
}

#[tokio::test]
async fn a_status_that_is_handed_in_again_later_is_the_same_one() {
    let status = faulty(|save| save.nth(2).after_effect().fail(ErrorKind::Unavailable));
    let id = DeploymentId::generate();
    status.set_status(&id, &begin()).await.unwrap();
    fail(&status, &id, &step("TARGET", 2)).await;
    // A renewal of the lease comes between.
    let renewal = StatusChange::default().with_lease(at(99));
    status.set_status(&id, &renewal).await.unwrap();
    status.set_status(&id, &step("TARGET", 3)).await.unwrap();
    let record = status.set_status(&id, &step("LOGIN", 4)).await.unwrap();
    assert_eq!(history(&status, &id).await, "INIT TARGET LOGIN");
    assert_eq!(record.engine.as_ref().unwrap().steps.len(), 2);
}

#[tokio::test]
async fn a_write_that_did_not_get_through_is_repeated_with_what_came_after_it() {
    let status = faulty(|save| save.nth(2).fail(ErrorKind::Unavailable));
    let id = DeploymentId::generate();
    status.set_status(&id, &begin()).await.unwrap();
    let mut change = reach("DOWNLOADING", 2);
    fail(&status, &id, &change).await;
    change.append(reach("STARTED", 3));
    status.set_status(&id, &change).await.unwrap();
    assert_eq!(history(&status, &id).await, "INIT DOWNLOADING STARTED");
}

#[tokio::test]
async fn a_lost_reply_to_the_first_write_is_no_conflict() {
    let status = faulty(|save| save.after_effect().fail(ErrorKind::Unavailable));
    let id = DeploymentId::generate();
    fail(&status, &id, &begin()).await;
    status.set_status(&id, &begin()).await.unwrap();
    assert_eq!(history(&status, &id).await, "INIT");
}

#[tokio::test]
async fn whoever_lost_the_record_cannot_write_it() {
    let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let (owner, thief) = (
        DeploymentStatus::new(Arc::clone(&store)),
        DeploymentStatus::new(Arc::clone(&store)),
    );
    let id = DeploymentId::generate();
    owner.set_status(&id, &begin()).await.unwrap();
    thief
        .set_status(&id, &reach("INTERRUPTED", 9))
        .await
        .unwrap();
    let error = owner
        .set_status(&id, &reach("DOWNLOADING", 10))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::LostOwnership { .. }), "{error}");
    // Even with its memory gone, it reads that the deployment is over.
    let error = owner
        .set_status(&id, &reach("DOWNLOADING", 11))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::IllegalMove { .. }), "{error}");
    assert_eq!(history(&owner, &id).await, "INIT INTERRUPTED");
}

#[tokio::test]
async fn whoever_finds_another_record_in_its_place_has_lost_it() {
    let id = DeploymentId::generate();
    let foreign = r#"{"deploy_id": "x", "deploy_status": "INIT"}"#;
    for text in [foreign, "half a rec"] {
        let script = FaultScript::new();
        let store: Arc<dyn IStore> = Arc::new(MemoryStore::new().with_faults(&script));
        let owner = DeploymentStatus::new(Arc::clone(&store));
        owner.set_status(&id, &begin()).await.unwrap();
        script
            .on(Operation::SaveFile)
            .named(id.file_name().as_str())
            .nth(1)
            .fail(ErrorKind::Unavailable);
        fail(&owner, &id, &reach("DOWNLOADING", 2)).await;
        // Its next write looks first, that of an owner who knows its version is refused.
        let sure = DeploymentStatus::new(Arc::clone(&store));
        sure.set_status(&id, &reach("STARTED", 3)).await.unwrap();
        let options = SaveOptions::default();
        let saved = store.save_bytes(&id.file_name(), text, &options).await;
        saved.unwrap();
        for status in [owner, sure] {
            let error = status.set_status(&id, &reach("LIST", 4)).await.unwrap_err();
            assert!(matches!(error, Error::LostOwnership { .. }), "{error}");
        }
    }
}

#[tokio::test]
async fn an_owner_that_renews_its_lease_is_not_interrupted() {
    let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let (owner, other) = (
        DeploymentStatus::new(Arc::clone(&store)),
        DeploymentStatus::new(Arc::clone(&store)),
    );
    let id = DeploymentId::generate();
    let begun = owner.set_status(&id, &begin().with_lease(at(60))).await;
    let decision = StatusChange::interrupt(&begun.unwrap(), at(71));
    // The owner wakes up between the decision and the write.
    let renewal = StatusChange::default().with_lease(at(131));
    owner.set_status(&id, &renewal).await.unwrap();
    let error = other.set_status(&id, &decision).await.unwrap_err();
    assert!(matches!(error, Error::LostOwnership { .. }), "{error}");
    owner.set_status(&id, &reach("LIST", 72)).await.unwrap();

    let record = owner.get_status(&id).await.unwrap().unwrap();
    let decision = StatusChange::interrupt(&record, at(150));
    other.set_status(&id, &decision).await.unwrap();
    assert_eq!(history(&owner, &id).await, "INIT LIST INTERRUPTED");
}

#[tokio::test]
async fn a_second_beginning_is_refused() {
    let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let id = DeploymentId::generate();
    DeploymentStatus::new(Arc::clone(&store))
        .set_status(&id, &begin())
        .await
        .unwrap();
    let other = StatusChange::begin(Subject::new("bar", ""), at(5));
    let error = DeploymentStatus::new(store)
        .set_status(&id, &other)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::LostOwnership { .. }), "{error}");
}
