//! What is made of the lost reply to a save.

use std::sync::Arc;

use store::{FaultStore, MemoryStore};

use super::*;

/// A counter's contents, however often they were incremented by whomever.
async fn count_below(store: &dyn IStore) -> u32 {
    store.get_json::<u32>(&name("count"), 99).await.unwrap().0
}

#[tokio::test(start_paused = true)]
async fn two_updates_of_one_version_with_the_same_bytes_never_both_succeed() {
    let below: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let script = FaultScript::new();
    let faulty = FaultStore::new(Arc::clone(&below), &script);
    let store = Retry::new(Arc::new(faulty), exact());
    let count = name("count");
    below.save_json(&count, &5, &options()).await.unwrap();
    // The first try has no effect, and another increments before the second.
    script.on(Operation::SaveFile).fail(ErrorKind::Unavailable);
    let increment = |value: Option<u32>| value.map(|value| value + 1);
    let (own, theirs) = tokio::join!(store.update_json(&count, 99, increment), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        below.update_json(&count, 99, increment).await
    });
    theirs.unwrap();
    assert_eq!(own.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(count_below(&*below).await, 6);
}

#[tokio::test(start_paused = true)]
async fn a_conditional_save_whose_reply_was_lost_is_told_as_unknown() {
    for kind in [
        ErrorKind::Timeout,
        ErrorKind::Unavailable,
        ErrorKind::Interrupted,
    ] {
        let script = FaultScript::new();
        let store = retried(&script);
        script
            .on(Operation::SaveFile)
            .times(2)
            .after_effect()
            .fail(kind);
        let told = store.save_bytes(&name("a"), "hello", &create()).await;
        assert_eq!(told.unwrap_err().kind(), kind);
        let info = store.get_file_info(&name("a")).await.unwrap();
        script.on(Operation::SaveFile).after_effect().fail(kind);
        let update = options().with_mode(SaveMode::Update(info.etag));
        let told = store.save_bytes(&name("a"), "world", &update).await;
        let error = told.unwrap_err();
        assert_eq!((error.kind(), error.name()), (kind, Some("a")));
        let source = std::error::Error::source(&error).unwrap();
        assert!(source.to_string().contains("not the version"), "{source}");
        assert_eq!(bytes_of(&store, "a").await, "world");
        // One that had no effect is made up for by the repeat.
        script.on(Operation::SaveFile).fail(kind);
        let info = store.save_bytes(&name("b"), "x", &create()).await.unwrap();
        assert_eq!(store.get_file_info(&name("b")).await.unwrap(), info);
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_may_have_saved_is_told_as_unknown_never_as_lost() {
    let others = [
        ("other", options()),
        ("hello", options()),
        ("hello", options().with_content_type("x/y")),
        ("hello", options().with_metadata("made-by", "other")),
    ];
    for (contents, other) in others {
        let script = FaultScript::new();
        let below = faulty(&script);
        let store = Retry::new(Arc::clone(&below), exact());
        script.on(Operation::SaveFile).fail(ErrorKind::Unavailable);
        let (own, theirs) = tokio::join!(
            async { store.save_bytes(&name("a"), "hello", &create()).await },
            // Comes between the two tries.
            async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                below.save_bytes(&name("a"), contents, &other).await
            },
        );
        theirs.unwrap();
        let error = own.unwrap_err();
        assert_eq!(
            (error.kind(), error.name()),
            (ErrorKind::Unavailable, Some("a"))
        );
        assert!(error.to_string().contains("cannot be told"), "{error}");
        let source = std::error::Error::source(&error).unwrap();
        assert!(source.to_string().contains("exists"), "{source}");
        assert_eq!(bytes_of(&*below, "a").await, contents);
    }
}

#[tokio::test(start_paused = true)]
async fn a_clear_refusal_stays_one() {
    let script = FaultScript::new();
    let store = retried(&script);
    save(&store, "a", "hello").await;
    // The store refused to look at all: nothing can have happened.
    script.on(Operation::SaveFile).fail(ErrorKind::RateLimited);
    let error = store
        .save_bytes(&name("a"), "hello", &create())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_was_once_unknown_stays_so_when_the_tries_fail_otherwise() {
    let script = FaultScript::new();
    let store = retried(&script);
    script.on(Operation::SaveFile).lose_reply();
    script
        .on(Operation::SaveFile)
        .nth(2)
        .fail(ErrorKind::PermissionDenied);
    let error = store
        .save_bytes(&name("a"), "x", &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("cannot be told"), "{error}");
    // A look that fails leaves it unknown, too.
    script.on(Operation::DeleteFile).lose_reply();
    script
        .on(Operation::GetFileInfo)
        .nth(2)
        .fail(ErrorKind::Corrupt);
    let error = store.delete_file(&name("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}
