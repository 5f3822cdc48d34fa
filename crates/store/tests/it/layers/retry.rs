//! `Retry`: what is repeated, and when.

mod deleting;
mod reading;
mod saving;
mod streams;

use std::time::Duration;

use store::{
    ErrorKind, FaultScript, IStore, ListOptions, Operation, Retry, SaveMode, SaveOptions, StoreExt,
};
use tokio::time::Instant;

use super::{exact, faulty};
use crate::samples::{bytes_of, name, names_of, options, save};

fn retried(script: &FaultScript) -> Retry {
    Retry::new(faulty(script), exact())
}

fn create() -> SaveOptions {
    options().with_mode(SaveMode::Create)
}

/// How often the operation was called.
fn count(script: &FaultScript, operation: Operation) -> usize {
    let calls = script.calls();
    calls
        .iter()
        .filter(|call| call.operation == operation)
        .count()
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_now_is_repeated_with_growing_delays() {
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::RateLimited,
        ErrorKind::Timeout,
        ErrorKind::Interrupted,
    ] {
        let script = FaultScript::new();
        let store = retried(&script);
        script.on_any().times(3).fail(kind);
        let began = Instant::now();
        save(&store, "a", "hello").await;
        assert_eq!(began.elapsed(), Duration::from_millis(100 + 200 + 400));
        script.on_any().times(3).fail(kind);
        assert_eq!(bytes_of(&store, "a").await, "hello");
        script.on_any().times(3).fail(kind);
        assert_eq!(names_of(&store, &ListOptions::default()).await, ["a"]);
        script.on_any().times(3).fail(kind);
        store.get_file_info(&name("a")).await.unwrap();
        script.on(Operation::DeleteFile).times(3).fail(kind);
        store.delete_file(&name("a")).await.unwrap();
        assert!(names_of(&store, &ListOptions::default()).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_good_is_not_repeated() {
    let script = FaultScript::new();
    let store = retried(&script);
    let began = Instant::now();
    for kind in [
        ErrorKind::NotFound,
        ErrorKind::AlreadyExists,
        ErrorKind::Conflict,
        ErrorKind::PermissionDenied,
        ErrorKind::StorageFull,
        ErrorKind::Corrupt,
        ErrorKind::Other,
    ] {
        script.on(Operation::SaveFile).fail(kind);
        let error = store
            .save_bytes(&name("a"), "x", &create())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind);
        script.on(Operation::GetFilesList).fail(kind);
        let error = store
            .get_files_list(&ListOptions::default())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind);
    }
    assert_eq!(script.calls().len(), 14);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn tries_and_time_are_bounded() {
    let script = FaultScript::new();
    script.on_any().always().fail(ErrorKind::Unavailable);
    let store = retried(&script);
    let began = Instant::now();
    let error = store.get_file_info(&name("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(script.calls().len(), 8);
    assert_eq!(began.elapsed(), Duration::from_millis(100 * 127));

    let most = Duration::from_secs(1);
    let store = Retry::new(faulty(&script), exact().with_max_time(most));
    let began = Instant::now();
    store.get_file_info(&name("a")).await.unwrap_err();
    // The delay of 800 ms would end after the time.
    assert_eq!(began.elapsed(), Duration::from_millis(700));
    assert_eq!(script.calls().len(), 8 + 4);
}

#[tokio::test(start_paused = true)]
async fn the_stores_own_pause_is_kept_or_ends_the_call() {
    let script = FaultScript::new();
    let store = retried(&script);
    let pause = Duration::from_secs(20);
    script
        .on_any()
        .with_retry_after(pause)
        .fail(ErrorKind::RateLimited);
    let began = Instant::now();
    names_of(&store, &ListOptions::default()).await;
    assert_eq!(began.elapsed(), pause + Duration::from_millis(100));
    for pause in [Duration::from_secs(181), Duration::MAX] {
        script
            .on_any()
            .with_retry_after(pause)
            .fail(ErrorKind::RateLimited);
        let began = Instant::now();
        let error = store
            .get_files_list(&ListOptions::default())
            .await
            .unwrap_err();
        assert_eq!(error.retry_after(), Some(pause));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
