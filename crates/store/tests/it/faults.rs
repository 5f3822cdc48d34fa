//! `FaultStore` and its script.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use store::{
    CallOutcome, ErrorKind, FaultScript, FileName, IStore, ListOptions, LoggedCall, MemoryStore,
    Operation, ReadOptions, SaveMode, StoreExt,
};
use tokio::time::Instant;

use crate::samples::{bytes_of, name, names_of, options, save, streamed};

#[cfg(feature = "conformance")]
mod conformance {
    use super::*;

    async fn make() -> Arc<dyn IStore> {
        faulty(&FaultScript::new())
    }

    store::store_conformance!(make);
}

fn faulty(script: &FaultScript) -> Arc<dyn IStore> {
    Arc::new(MemoryStore::new().with_faults(script))
}

/// What is logged, in short.
fn told(calls: &[LoggedCall]) -> Vec<(Operation, Option<&str>, CallOutcome, u64)> {
    calls
        .iter()
        .map(|call| {
            let name = call.name.as_ref().map(FileName::as_str);
            (call.operation, name, call.outcome, call.bytes)
        })
        .collect()
}

#[tokio::test]
async fn every_call_is_logged_with_its_outcome_and_bytes() {
    let script = FaultScript::new();
    let store = faulty(&script);
    save(&*store, "a", "hello").await;
    store.get_file_info(&name("a")).await.unwrap();
    let file = store
        .get_file_contents(&name("a"), &ReadOptions::default())
        .await
        .unwrap();
    drop(file);
    bytes_of(&*store, "a").await;
    names_of(&*store, &ListOptions::default()).await;
    store.delete_file(&name("a")).await.unwrap();
    store.delete_file(&name("a")).await.unwrap_err();
    let missing = CallOutcome::Failed(ErrorKind::NotFound);
    let expected = [
        (Operation::SaveFile, Some("a"), CallOutcome::Done, 5),
        (Operation::GetFileInfo, Some("a"), CallOutcome::Done, 0),
        (Operation::GetFileContents, Some("a"), CallOutcome::Done, 0),
        (Operation::GetFileContents, Some("a"), CallOutcome::Done, 5),
        (Operation::GetFilesList, None, CallOutcome::Done, 0),
        (Operation::DeleteFile, Some("a"), CallOutcome::Done, 0),
        (Operation::DeleteFile, Some("a"), missing, 0),
    ];
    assert_eq!(told(&script.calls()), expected);
    let text = format!("{script:?} {:?} {store:?}", script.calls());
    assert!(!text.contains("hello"), "{text}");
}

#[tokio::test]
async fn a_rule_meets_the_calls_that_it_counts() {
    let script = FaultScript::new();
    let store = faulty(&script);
    script
        .on(Operation::GetFileInfo)
        .named("b")
        .nth(2)
        .times(2)
        .fail(ErrorKind::PermissionDenied);
    for text in ["a", "b"] {
        save(&*store, text, "x").await;
    }
    let look = async |text: &str| match store.get_file_info(&name(text)).await {
        Ok(_) => None,
        Err(error) => {
            assert_eq!(
                (error.operation(), error.name()),
                ("get file info", Some(text))
            );
            Some(error.kind())
        }
    };
    let denied = Some(ErrorKind::PermissionDenied);
    for (text, expected) in [
        ("b", None),
        ("a", None),
        ("b", denied),
        ("a", None),
        ("b", denied),
        ("b", None),
    ] {
        assert_eq!(look(text).await, expected);
    }
    script.on_any().always().fail(ErrorKind::Unavailable);
    assert_eq!(look("a").await, Some(ErrorKind::Unavailable));
    assert_eq!(look("b").await, Some(ErrorKind::Unavailable));
    script.clear();
    assert_eq!(look("a").await, None);
}

#[tokio::test]
async fn an_error_before_the_call_has_no_effect_and_asks_for_its_pause() {
    let script = FaultScript::new();
    let store = faulty(&script);
    let pause = Duration::from_secs(3);
    script
        .on(Operation::SaveFile)
        .with_retry_after(pause)
        .fail(ErrorKind::RateLimited);
    let error = store
        .save_bytes(&name("a"), "x", &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(pause));
    assert!(names_of(&*store, &ListOptions::default()).await.is_empty());
    assert_eq!(script.calls()[0].bytes, 0);
}

#[tokio::test]
async fn a_lost_reply_leaves_the_effect() {
    let script = FaultScript::new();
    let store = faulty(&script);
    script.on(Operation::SaveFile).lose_reply();
    let error = store
        .save_bytes(&name("a"), "x", &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(bytes_of(&*store, "a").await, "x");
    script
        .on(Operation::DeleteFile)
        .after_effect()
        .fail(ErrorKind::Unavailable);
    let error = store.delete_file(&name("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(names_of(&*store, &ListOptions::default()).await.is_empty());
}

#[tokio::test]
async fn a_torn_save_takes_so_many_bytes_and_has_no_effect() {
    for (contents, place, taken) in [
        ("hello", 0, 0),
        ("hello", 3, 3),
        ("hello", 9, 5),
        ("", 2, 0),
    ] {
        let script = FaultScript::new();
        let store = faulty(&script);
        script
            .on(Operation::SaveFile)
            .at_byte(place)
            .fail(ErrorKind::Unavailable);
        let error = store
            .save_bytes(&name("a"), contents, &options())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let failed = CallOutcome::Failed(ErrorKind::Unavailable);
        let expected = [(Operation::SaveFile, Some("a"), failed, taken)];
        assert_eq!(told(&script.calls()), expected);
        assert!(names_of(&*store, &ListOptions::default()).await.is_empty());
        save(&*store, "a", "again").await;
    }
}

#[tokio::test]
async fn a_torn_read_gives_so_many_bytes_and_then_the_error() {
    for (place, expected) in [(0, ""), (3, "hel"), (9, "hello")] {
        let script = FaultScript::new();
        let store = faulty(&script);
        save(&*store, "a", "hello").await;
        script
            .on(Operation::GetFileContents)
            .at_byte(place)
            .fail(ErrorKind::Interrupted);
        let file = store
            .get_file_contents(&name("a"), &ReadOptions::default())
            .await
            .unwrap();
        assert_eq!(file.contents.size(), Some(5));
        let mut stream = file.contents.into_stream();
        let mut found = Vec::new();
        let error = loop {
            match stream.next().await.unwrap() {
                Ok(piece) => found.extend_from_slice(&piece),
                Err(error) => break error,
            }
        };
        assert_eq!(found, expected.as_bytes());
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        let call = script.calls().pop().unwrap();
        assert_eq!(call.outcome, CallOutcome::Failed(ErrorKind::Interrupted));
        assert_eq!(call.bytes, expected.len() as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn a_delay_takes_tokios_time_and_goes_together_with_other_faults() {
    let script = FaultScript::new();
    let store = faulty(&script);
    let second = Duration::from_secs(1);
    script.on_any().always().delay(second);
    script.on(Operation::SaveFile).at_byte(2).delay(second);
    script.on(Operation::SaveFile).after_effect().delay(second);
    script.on(Operation::GetFileInfo).fail(ErrorKind::Other);
    let began = Instant::now();
    save(&*store, "a", "hello").await;
    assert_eq!(began.elapsed(), 3 * second);
    store.get_file_info(&name("a")).await.unwrap_err();
    assert_eq!(began.elapsed(), 4 * second);
}

#[tokio::test]
async fn a_hanging_call_tells_the_test_and_can_be_dropped() {
    let script = FaultScript::new();
    let store = faulty(&script);
    script.on(Operation::SaveFile).at_byte(2).hang();
    script.on(Operation::SaveFile).nth(2).after_effect().hang();
    for expected in [vec![], vec!["a"]] {
        let saver = Arc::clone(&store);
        let save = tokio::spawn(async move {
            let create = options().with_mode(SaveMode::Create);
            saver
                .save_file(&name("a"), streamed(b"hello"), &create)
                .await
        });
        script.wait_for_hang().await;
        save.abort();
        assert!(save.await.unwrap_err().is_cancelled());
        assert_eq!(names_of(&*store, &ListOptions::default()).await, expected);
    }
    let saves = script.calls();
    let saves = saves
        .iter()
        .filter(|call| call.operation == Operation::SaveFile);
    assert!(
        saves
            .clone()
            .all(|call| call.outcome == CallOutcome::Unfinished)
    );
    assert_eq!(saves.map(|call| call.bytes).collect::<Vec<_>>(), [2, 5]);
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn the_script_works_over_any_store() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let inner = store::SqliteStore::open(&path, store::SqliteOptions::default())
        .await
        .unwrap();
    let script = FaultScript::new();
    let store = store::FaultStore::new(Arc::new(inner), &script);
    script
        .on(Operation::SaveFile)
        .at_byte(1)
        .fail(ErrorKind::Unavailable);
    script.on(Operation::SaveFile).nth(2).lose_reply();
    let error = store
        .save_bytes(&name("a"), "x", &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!store.check_file_exists(&name("a")).await.unwrap());
    let error = store
        .save_bytes(&name("a"), "x", &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(bytes_of(&store, "a").await, "x");
}
