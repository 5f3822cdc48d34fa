//! What is made of the lost reply to a delete.

use std::sync::Arc;

use store::{FaultStore, MemoryStore};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_delete_whose_reply_was_lost_has_succeeded() {
    let script = FaultScript::new();
    let store = retried(&script);
    save(&store, "a", "x").await;
    script.on(Operation::DeleteFile).lose_reply();
    store.delete_file(&name("a")).await.unwrap();
    assert_eq!(count(&script, Operation::DeleteFile), 1);
    assert!(names_of(&store, &ListOptions::default()).await.is_empty());
    // Without a lost reply, what is not there cannot be deleted.
    script
        .on(Operation::DeleteFile)
        .fail(ErrorKind::RateLimited);
    let error = store.delete_file(&name("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_delete_leaves_what_another_saved_meanwhile() {
    let script = FaultScript::new();
    let below = faulty(&script);
    let store = Retry::new(Arc::clone(&below), exact());
    save(&store, "lock", "mine").await;
    script.on(Operation::DeleteFile).lose_reply();
    let lock = name("lock");
    let (deleted, saved) = tokio::join!(store.delete_file(&lock), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        below.save_bytes(&name("lock"), "theirs", &create()).await
    });
    deleted.unwrap();
    saved.unwrap();
    assert_eq!(bytes_of(&*below, "lock").await, "theirs");
}

#[tokio::test(start_paused = true)]
async fn a_delete_whose_effect_comes_after_the_look_has_succeeded() {
    let below: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let script = FaultScript::new();
    let faulty = FaultStore::new(Arc::clone(&below), &script);
    let store = Retry::new(Arc::new(faulty), exact());
    save(&store, "a", "x").await;
    script.on(Operation::DeleteFile).fail(ErrorKind::Timeout);
    script
        .on(Operation::DeleteFile)
        .nth(2)
        .delay(Duration::from_secs(2));
    let a = name("a");
    let (told, late) = tokio::join!(store.delete_file(&a), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        below.delete_file(&a).await
    });
    late.unwrap();
    told.unwrap();
    assert_eq!(count(&script, Operation::DeleteFile), 2);
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_did_not_happen_is_repeated_while_its_version_can_be_told() {
    let script = FaultScript::new();
    let store = retried(&script);
    save(&store, "a", "x").await;
    script
        .on(Operation::DeleteFile)
        .times(2)
        .fail(ErrorKind::Unavailable);
    store.delete_file(&name("a")).await.unwrap();
    assert!(names_of(&store, &ListOptions::default()).await.is_empty());

    save(&store, "a", "x").await;
    script
        .on(Operation::GetFileInfo)
        .fail(ErrorKind::PermissionDenied);
    script
        .on(Operation::DeleteFile)
        .fail(ErrorKind::Unavailable);
    let error = store.delete_file(&name("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(bytes_of(&store, "a").await, "x");
}
