//! `Timeout`: what gets no answer ends, what moves goes on.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use store::{
    CallOutcome, ErrorKind, FaultScript, FileContents, IStore, ListOptions, Operation, ReadOptions,
    StoreExt, Timeout, TimeoutOptions,
};
use tokio::time::Instant;

use super::faulty;
use crate::samples::{bytes_of, name, names_of, options, pattern, save};

const CALL: Duration = Duration::from_secs(5);
const ALMOST_CALL: Duration = Duration::from_millis(4998);
const STALL: Duration = Duration::from_secs(9);
const ALMOST_STALL: Duration = Duration::from_millis(8998);
const MIB: usize = 1024 * 1024;

fn timed(script: &FaultScript) -> Timeout {
    let options = TimeoutOptions::default().with_call(CALL).with_stall(STALL);
    Timeout::new(faulty(script), options)
}

#[tokio::test(start_paused = true)]
async fn calls_without_contents_end_after_their_time() {
    let script = FaultScript::new();
    let store = timed(&script);
    script.on_any().always().hang();
    let (name, began) = (name("a"), Instant::now());
    let errors = [
        store
            .get_files_list(&ListOptions::default())
            .await
            .unwrap_err(),
        store.get_file_info(&name).await.unwrap_err(),
        store
            .get_file_contents(&name, &ReadOptions::default())
            .await
            .unwrap_err(),
        store.delete_file(&name).await.unwrap_err(),
    ];
    let operations = ["list files", "get file info", "read file", "delete file"];
    for (error, operation) in errors.iter().zip(operations) {
        assert_eq!(
            (error.kind(), error.operation()),
            (ErrorKind::Timeout, operation)
        );
        assert!(
            error.is_retryable() && error.to_string().contains("within 5s"),
            "{error}"
        );
    }
    assert_eq!(errors[0].name(), None);
    assert!(errors[1..].iter().all(|error| error.name() == Some("a")));
    assert_eq!(began.elapsed(), 4 * CALL);
    // The hanging calls were dropped, and what is slow but answers in time is let be.
    assert!(
        script
            .calls()
            .iter()
            .all(|call| call.outcome == CallOutcome::Unfinished)
    );
    script.clear();
    script.on_any().always().delay(ALMOST_CALL);
    save(&store, "a", "x").await;
    assert_eq!(store.get_file_info(&name).await.unwrap().size, 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_ends_when_it_stands_still() {
    let script = FaultScript::new();
    let store = timed(&script);
    save(&store, "a", "hello").await;
    script.on(Operation::GetFileContents).at_byte(2).hang();
    let file = store
        .get_file_contents(&name("a"), &ReadOptions::default())
        .await
        .unwrap();
    let mut stream = file.contents.into_stream();
    assert_eq!(stream.next().await.unwrap().unwrap(), "he");
    let began = Instant::now();
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(
        (error.kind(), error.name()),
        (ErrorKind::Timeout, Some("a"))
    );
    assert_eq!(began.elapsed(), STALL);
    assert!(stream.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_read_that_moves_and_a_reader_that_pauses_may_take_any_time() {
    let script = FaultScript::new();
    let store = timed(&script);
    save(&store, "a", "hello").await;
    for place in 0..5 {
        let slow = ALMOST_STALL;
        script
            .on(Operation::GetFileContents)
            .at_byte(place)
            .delay(slow);
    }
    let file = store
        .get_file_contents(&name("a"), &ReadOptions::default())
        .await
        .unwrap();
    let mut stream = file.contents.into_stream();
    let mut found = Vec::new();
    while let Some(piece) = stream.next().await {
        found.extend_from_slice(&piece.unwrap());
        tokio::time::sleep(10 * STALL).await;
    }
    assert_eq!(found, b"hello");
}

#[tokio::test(start_paused = true)]
async fn a_save_ends_when_the_store_stands_still() {
    for place in ["before", "midway", "at the end", "after"] {
        let script = FaultScript::new();
        let store = timed(&script);
        let rule = script.on(Operation::SaveFile);
        match place {
            "before" => rule.hang(),
            "midway" => rule.at_byte(2).hang(),
            "at the end" => rule.at_byte(5).hang(),
            _ => rule.after_effect().hang(),
        }
        let began = Instant::now();
        let error = store
            .save_bytes(&name("a"), "hello", &options())
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.name()),
            (ErrorKind::Timeout, Some("a")),
            "{place}"
        );
        assert_eq!(error.operation(), "save file");
        assert_eq!(began.elapsed(), STALL, "{place}");
        let is_there = store.check_file_exists(&name("a")).await.unwrap();
        assert_eq!(is_there, place == "after");
    }
}

/// Pieces that each take their time to come.
fn slow(pieces: u32, pause: Duration) -> FileContents {
    let pieces = stream::iter(0..pieces).then(move |_| async move {
        tokio::time::sleep(pause).await;
        Ok(Bytes::from_static(b"x"))
    });
    FileContents::from_stream(pieces.boxed(), None)
}

#[tokio::test(start_paused = true)]
async fn a_saver_whose_own_stream_is_slow_has_all_the_time() {
    let script = FaultScript::new();
    let store = timed(&script);
    store
        .save_file(&name("a"), slow(3, 10 * STALL), &options())
        .await
        .unwrap();
    assert_eq!(bytes_of(&store, "a").await, "xxx");
    // But the time of the store is its own again when the piece has come.
    script.on(Operation::SaveFile).at_byte(1).hang();
    let began = Instant::now();
    let error = store
        .save_file(&name("b"), slow(3, 10 * STALL), &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(began.elapsed(), 11 * STALL);
    assert_eq!(names_of(&store, &ListOptions::default()).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_save_that_moves_may_take_any_time_though_all_is_in_memory() {
    let script = FaultScript::new();
    let store = timed(&script);
    for place in 0..4 {
        let almost = ALMOST_STALL;
        script
            .on(Operation::SaveFile)
            .at_byte(place * MIB as u64)
            .delay(almost);
    }
    let bytes = pattern(3 * MIB + 5);
    store
        .save_bytes(&name("a"), bytes.clone(), &options())
        .await
        .unwrap();
    assert!(bytes_of(&store, "a").await == bytes);
}

/// More than a stall, so that both limits are seen apart.
const TOTAL: Duration = Duration::from_secs(20);

fn timed_in_all(script: &FaultScript) -> Timeout {
    let options = TimeoutOptions::default()
        .with_call(CALL)
        .with_stall(STALL)
        .with_total(TOTAL);
    Timeout::new(faulty(script), options)
}

#[tokio::test(start_paused = true)]
async fn a_save_that_moves_ends_with_the_total() {
    let script = FaultScript::new();
    let store = timed_in_all(&script);
    let (a, plain) = (name("a"), options());
    // Whether the store is slow or the saver.
    for place in 0..4 {
        script
            .on(Operation::SaveFile)
            .at_byte(place * MIB as u64)
            .delay(ALMOST_STALL);
    }
    let slow_saver = slow(100, Duration::from_secs(1));
    for contents in [FileContents::from_bytes(pattern(3 * MIB)), slow_saver] {
        let began = Instant::now();
        let error = store.save_file(&a, contents, &plain).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.operation(), error.name()),
            (ErrorKind::Timeout, "save file", Some("a"))
        );
        assert!(error.to_string().contains("within 20s"), "{error}");
        assert_eq!(began.elapsed(), TOTAL);
        assert!(names_of(&store, &ListOptions::default()).await.is_empty());
    }
    store
        .save_file(&a, slow(19, Duration::from_secs(1)), &plain)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_read_that_moves_ends_with_the_total_and_so_does_a_pause() {
    for store_is_slow in [true, false] {
        let script = FaultScript::new();
        let store = timed_in_all(&script);
        save(&store, "a", "hello").await;
        let pause = Duration::from_secs(4);
        // The opening counts, too.
        script.on(Operation::GetFileContents).delay(pause);
        for place in 0..5 {
            let pause = if store_is_slow { pause } else { Duration::ZERO };
            script
                .on(Operation::GetFileContents)
                .at_byte(place)
                .delay(pause);
        }
        let began = Instant::now();
        let file = store
            .get_file_contents(&name("a"), &ReadOptions::default())
            .await
            .unwrap();
        let mut stream = file.contents.into_stream();
        let mut found = Vec::new();
        let error = loop {
            if !store_is_slow {
                tokio::time::sleep(pause).await;
            }
            match stream.next().await.unwrap() {
                Ok(piece) => found.extend_from_slice(&piece),
                Err(error) => break error,
            }
        };
        assert_eq!(
            (error.kind(), error.operation(), error.name()),
            (ErrorKind::Timeout, "read file", Some("a"))
        );
        assert_eq!(found, b"hel");
        assert_eq!(began.elapsed(), TOTAL);
        assert!(stream.next().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn an_opening_that_hangs_ends_with_a_shorter_total() {
    let script = FaultScript::new();
    let total = CALL / 2;
    let timeouts = TimeoutOptions::default().with_call(CALL).with_total(total);
    let store = Timeout::new(faulty(&script), timeouts);
    script.on(Operation::GetFileContents).hang();
    let began = Instant::now();
    let error = store.get_file_bytes(&name("a"), 9).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(began.elapsed(), total);
}

/// A store that forgets about the contents once it found that they are not there yet.
#[derive(Debug)]
struct Forgetful(Arc<dyn IStore>);

#[async_trait::async_trait]
impl IStore for Forgetful {
    fn capabilities(&self) -> store::Capabilities {
        self.0.capabilities()
    }
    async fn get_files_list(&self, options: &ListOptions) -> store::Result<Vec<store::FileInfo>> {
        self.0.get_files_list(options).await
    }
    async fn get_file_info(&self, name: &store::FileName) -> store::Result<store::FileInfo> {
        self.0.get_file_info(name).await
    }
    async fn get_file_contents(
        &self,
        name: &store::FileName,
        options: &ReadOptions,
    ) -> store::Result<store::StoredFile> {
        self.0.get_file_contents(name, options).await
    }
    async fn save_file(
        &self,
        _: &store::FileName,
        contents: FileContents,
        _: &store::SaveOptions,
    ) -> store::Result<store::FileInfo> {
        let mut stream = contents.into_stream();
        assert!(stream.next().now_or_never().is_none());
        std::future::pending().await
    }
    async fn delete_file(&self, name: &store::FileName) -> store::Result<()> {
        self.0.delete_file(name).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_come_back_for_the_contents_stands_still() {
    let timeouts = TimeoutOptions::default().with_stall(STALL);
    let store = Timeout::new(Arc::new(Forgetful(faulty(&FaultScript::new()))), timeouts);
    let began = Instant::now();
    let (name, options) = (name("a"), options());
    let save = store.save_file(&name, slow(1, 10 * STALL), &options);
    assert_eq!(save.await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(began.elapsed(), 11 * STALL);
}
