//! Reads that are taken up where they broke.

use std::sync::Arc;

use futures_util::StreamExt as _;
use store::{
    CallOutcome, Capabilities, FileContents, MemoryStore, ReadOptions, ReadRange, Result, Support,
};

use super::*;
use crate::samples::pattern;

/// Breaks one read behind so many bytes.
fn break_at(script: &FaultScript, bytes: u64, kind: ErrorKind) {
    let read = script.on(Operation::GetFileContents);
    read.at_byte(bytes).fail(kind);
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
        break_at(&script, place, ErrorKind::Interrupted);
        assert!(bytes_of(&store, "a").await == bytes, "at {place}");
    }
    // A part of a file too, through many breaks, and through failures to open it again.
    for _ in 0..30 {
        break_at(&script, 10_000, ErrorKind::Timeout);
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
        break_at(&script, place, ErrorKind::Interrupted);
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
    break_at(&script, 2, ErrorKind::Interrupted);
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
        break_at(&script, 2, ErrorKind::Interrupted);
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
    break_at(&script, 2, ErrorKind::Corrupt);
    let error = store.get_file_bytes(&name("a"), 9).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    break_at(&script, 2, ErrorKind::Interrupted);
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
