//! `Retry`: what is repeated, when, and what is made of a lost reply.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use store::{
    CallOutcome, Capabilities, Error, ErrorKind, FaultScript, FaultStore, FileContents, IStore,
    ListOptions, MemoryStore, Operation, ReadOptions, ReadRange, Result, Retry, SaveMode,
    SaveOptions, StoreExt, Support,
};
use tokio::time::Instant;

use super::{exact, faulty};
use crate::samples::{bytes_of, name, names_of, options, pattern, save, streamed};

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

#[tokio::test(start_paused = true)]
async fn a_stream_is_repeated_until_its_first_piece_was_taken() {
    let script = FaultScript::new();
    let store = retried(&script);
    script
        .on(Operation::SaveFile)
        .times(3)
        .fail(ErrorKind::Unavailable);
    let bytes = pattern(300_000);
    store
        .save_file(&name("a"), streamed(&bytes), &create())
        .await
        .unwrap();
    assert!(bytes_of(&store, "a").await == bytes);
    assert_eq!(count(&script, Operation::SaveFile), 4);

    script
        .on(Operation::SaveFile)
        .at_byte(100)
        .fail(ErrorKind::Unavailable);
    let error = store
        .save_file(&name("b"), streamed(&bytes), &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(count(&script, Operation::SaveFile), 5);
    assert_eq!(names_of(&store, &ListOptions::default()).await, ["a"]);

    // What is in memory is repeated nevertheless.
    script
        .on(Operation::SaveFile)
        .times(2)
        .at_byte(100)
        .fail(ErrorKind::Unavailable);
    store
        .save_bytes(&name("b"), bytes.clone(), &options())
        .await
        .unwrap();
    assert!(bytes_of(&store, "b").await == bytes);
}

/// Fails its first save at once, and asks for its contents in the midst of the second.
#[derive(Debug)]
struct Late {
    inner: MemoryStore,
    first: Mutex<Option<FileContents>>,
    found_late: Mutex<Option<Result<Bytes>>>,
}

#[async_trait::async_trait]
impl IStore for Late {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<store::FileInfo>> {
        self.inner.get_files_list(options).await
    }
    async fn get_file_info(&self, name: &store::FileName) -> Result<store::FileInfo> {
        self.inner.get_file_info(name).await
    }
    async fn get_file_contents(
        &self,
        name: &store::FileName,
        options: &ReadOptions,
    ) -> Result<store::StoredFile> {
        self.inner.get_file_contents(name, options).await
    }
    async fn save_file(
        &self,
        name: &store::FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<store::FileInfo> {
        let first = self.first.lock().unwrap().take();
        let Some(first) = first else {
            *self.first.lock().unwrap() = Some(contents);
            return Err(Error::new(ErrorKind::Unavailable, "save file"));
        };
        let found = first.collect(u64::MAX).await;
        *self.found_late.lock().unwrap() = Some(found);
        self.inner.save_file(name, contents, options).await
    }
    async fn delete_file(&self, name: &store::FileName) -> Result<()> {
        self.inner.delete_file(name).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_try_that_is_over_gets_none_of_the_stream_any_more() {
    let late = Arc::new(Late {
        inner: MemoryStore::new(),
        first: Mutex::default(),
        found_late: Mutex::default(),
    });
    let store = Retry::new(Arc::<Late>::clone(&late), exact());
    let (a, plain) = (name("a"), options());
    let saved = store.save_file(&a, streamed(b"hello"), &plain);
    assert_eq!(saved.await.unwrap().size, 5);
    assert_eq!(bytes_of(&store, "a").await, "hello");
    let found = late.found_late.lock().unwrap().take().unwrap();
    assert_eq!(found.unwrap_err().kind(), ErrorKind::Interrupted);
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_save_was_refused_untouched_gets_the_refusal() {
    let script = FaultScript::new();
    let store = retried(&script);
    save(&store, "a", "x").await;
    script.on(Operation::SaveFile).fail(ErrorKind::Timeout);
    script
        .on(Operation::SaveFile)
        .nth(2)
        .fail(ErrorKind::AlreadyExists);
    let error = store
        .save_file(&name("a"), streamed(b"x"), &create())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_the_caller_that_breaks_is_the_callers_failure() {
    let script = FaultScript::new();
    let store = retried(&script);
    let broken = Err(Error::new(ErrorKind::Interrupted, "read upload"));
    let pieces: Vec<Result<Bytes>> = vec![Ok("x".into()), broken];
    let contents = FileContents::from_stream(futures_util::stream::iter(pieces).boxed(), None);
    let error = store
        .save_file(&name("a"), contents, &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(script.calls().len(), 1);
}

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

#[tokio::test(start_paused = true)]
async fn a_read_that_breaks_is_taken_up_at_the_same_byte() {
    let script = FaultScript::new();
    let store = retried(&script);
    let bytes = pattern(300_000);
    store
        .save_bytes(&name("a"), bytes.clone(), &options())
        .await
        .unwrap();
    for place in [0, 1, 70_000, 299_999, 300_000] {
        script
            .on(Operation::GetFileContents)
            .at_byte(place)
            .fail(ErrorKind::Interrupted);
        assert!(bytes_of(&store, "a").await == bytes, "at {place}");
    }
    // A part of a file too, through many breaks, and through failures to open it again.
    for _ in 0..30 {
        script
            .on(Operation::GetFileContents)
            .at_byte(10_000)
            .fail(ErrorKind::Timeout);
    }
    script
        .on(Operation::GetFileContents)
        .nth(2)
        .times(5)
        .fail(ErrorKind::Unavailable);
    let part = ReadOptions::default().with_range(ReadRange::Bounded(5..299_000));
    let file = store.get_file_contents(&name("a"), &part).await.unwrap();
    assert_eq!((file.range, file.info.size), (5..299_000, 300_000));
    assert!(file.contents.collect(u64::MAX).await.unwrap() == bytes[5..299_000]);
}

#[tokio::test(start_paused = true)]
async fn the_pause_of_a_reader_is_no_time_of_the_tries() {
    let most = Duration::from_mins(1);
    let script = FaultScript::new();
    let below = faulty(&script);
    let store = Retry::new(Arc::clone(&below), exact().with_max_time(most));
    save(&store, "a", "hello").await;
    for place in [0, 2] {
        script
            .on(Operation::GetFileContents)
            .at_byte(place)
            .fail(ErrorKind::Interrupted);
    }
    let file = store
        .get_file_contents(&name("a"), &ReadOptions::default())
        .await
        .unwrap();
    let mut stream = file.contents.into_stream();
    let mut found = Vec::new();
    loop {
        tokio::time::sleep(2 * most).await;
        match stream.next().await {
            Some(piece) => found.extend_from_slice(&piece.unwrap()),
            None => break,
        }
    }
    assert_eq!(found, b"hello");

    // From the first failure on, the time is that of the tries.
    script
        .on(Operation::GetFileContents)
        .always()
        .at_byte(0)
        .fail(ErrorKind::Interrupted);
    let store = Retry::new(below, exact().with_max_time(most / 60));
    let began = Instant::now();
    let error = store.get_file_bytes(&name("a"), 9).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(began.elapsed(), Duration::from_millis(700));
}

#[tokio::test(start_paused = true)]
async fn the_stores_answers_to_reads_are_asked_for_in_pieces_that_are_missing() {
    let script = FaultScript::new();
    let store = retried(&script);
    save(&store, "a", "hello").await;
    script
        .on(Operation::GetFileContents)
        .at_byte(2)
        .fail(ErrorKind::Interrupted);
    assert_eq!(bytes_of(&store, "a").await, "hello");
    let calls = script.calls();
    let reads = calls
        .iter()
        .filter(|call| call.operation == Operation::GetFileContents);
    let reads: Vec<_> = reads.map(|call| (call.outcome, call.bytes)).collect();
    let broken = CallOutcome::Failed(ErrorKind::Interrupted);
    assert_eq!(reads, [(broken, 2), (CallOutcome::Done, 3)]);
}

#[tokio::test(start_paused = true)]
async fn a_read_is_not_taken_up_in_another_version() {
    let script = FaultScript::new();
    let below = faulty(&script);
    let store = Retry::new(Arc::clone(&below), exact());
    for change in ["replaced", "shortened", "deleted"] {
        save(&*below, "a", "hello").await;
        script
            .on(Operation::GetFileContents)
            .at_byte(2)
            .fail(ErrorKind::Interrupted);
        let file = store
            .get_file_contents(&name("a"), &ReadOptions::default())
            .await
            .unwrap();
        let mut stream = file.contents.into_stream();
        assert_eq!(stream.next().await.unwrap().unwrap(), "he");
        match change {
            "replaced" => save(&*below, "a", "hello").await,
            "shortened" => save(&*below, "a", "h").await,
            _ => below.delete_file(&name("a")).await.unwrap(),
        }
        let error = stream.next().await.unwrap().unwrap_err();
        assert_eq!(
            (error.kind(), error.name()),
            (ErrorKind::Interrupted, Some("a")),
            "{change}"
        );
        assert!(error.to_string().contains("no longer the same"), "{error}");
        assert!(stream.next().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_that_breaks_for_good_or_too_often_fails() {
    let script = FaultScript::new();
    let store = retried(&script);
    save(&store, "a", "hello").await;
    script
        .on(Operation::GetFileContents)
        .at_byte(2)
        .fail(ErrorKind::Corrupt);
    let error = store.get_file_bytes(&name("a"), 9).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    script
        .on(Operation::GetFileContents)
        .at_byte(2)
        .fail(ErrorKind::Interrupted);
    script
        .on(Operation::GetFileContents)
        .nth(2)
        .fail(ErrorKind::PermissionDenied);
    let error = store.get_file_bytes(&name("a"), 9).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let before = script.calls().len();
    script
        .on(Operation::GetFileContents)
        .always()
        .at_byte(0)
        .fail(ErrorKind::Unavailable);
    let error = store.get_file_bytes(&name("a"), 9).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(script.calls().len() - before, 8);
}

/// Answers reads with fewer bytes than it says, once; or tells that it has no ranges.
#[derive(Debug)]
struct Odd {
    inner: MemoryStore,
    range_reads: Support,
}

#[async_trait::async_trait]
impl IStore for Odd {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities().with_range_reads(self.range_reads)
    }
    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<store::FileInfo>> {
        self.inner.get_files_list(options).await
    }
    async fn get_file_info(&self, name: &store::FileName) -> Result<store::FileInfo> {
        self.inner.get_file_info(name).await
    }
    async fn get_file_contents(
        &self,
        name: &store::FileName,
        options: &ReadOptions,
    ) -> Result<store::StoredFile> {
        let mut file = self.inner.get_file_contents(name, options).await?;
        if options.range.is_none() {
            let pieces = futures_util::stream::iter([Ok("he".into())]);
            file.contents = FileContents::from_stream(pieces.boxed(), file.contents.size());
        }
        Ok(file)
    }
    async fn save_file(
        &self,
        name: &store::FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<store::FileInfo> {
        self.inner.save_file(name, contents, options).await
    }
    async fn delete_file(&self, name: &store::FileName) -> Result<()> {
        self.inner.delete_file(name).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_that_ends_too_early_is_taken_up_where_the_store_has_ranges() {
    for (range_reads, expected) in [
        (Support::Supported, Ok("hello".into())),
        (Support::Unsupported, Err(ErrorKind::Interrupted)),
    ] {
        let inner = MemoryStore::new();
        let store = Retry::new(Arc::new(Odd { inner, range_reads }), exact());
        save(&store, "a", "hello").await;
        let read = store.get_file_bytes(&name("a"), 9).await;
        let read = read.map(|(_, bytes)| bytes).map_err(|error| error.kind());
        assert_eq!(read, expected);
    }
}
