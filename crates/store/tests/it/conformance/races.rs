//! Calls at the same time.

use std::sync::Arc;

use futures_util::future::join_all;
use store::{
    ErrorKind, FileContents, FileInfo, IStore, ListOptions, ReadOptions, Result, SaveMode, StoreExt,
};

use super::{LONG, bytes_of, name, names_of, options, save, streamed};

const RACERS: usize = 8;

async fn race(
    store: &Arc<dyn IStore>,
    mode: &SaveMode,
    text: &str,
    contents: impl Fn(usize) -> FileContents,
) -> Vec<Result<FileInfo>> {
    let racers = (0..RACERS).map(|racer| {
        let (store, name, contents) = (Arc::clone(store), name(text), contents(racer));
        let options = options().with_mode(mode.clone());
        tokio::spawn(async move { store.save_file(&name, contents, &options).await })
    });
    join_all(racers)
        .await
        .into_iter()
        .map(|joined| joined.unwrap())
        .collect()
}

/// Checks that exactly one won and that what it saved is there; returns who.
async fn check_winner(
    store: &dyn IStore,
    text: &str,
    results: Vec<Result<FileInfo>>,
    lost: ErrorKind,
) -> usize {
    let mut winner = None;
    for (racer, result) in results.into_iter().enumerate() {
        match result {
            Ok(info) => {
                assert_eq!(winner, None, "two won");
                assert_eq!(store.get_file_info(&name(text)).await.unwrap(), info);
                winner = Some(racer);
            }
            Err(error) => assert_eq!(error.kind(), lost, "{error:?}"),
        }
    }
    winner.expect("nobody won")
}

pub(crate) async fn one_of_many_creators_wins(store: Arc<dyn IStore>) {
    for round in 0..20 {
        let text = format!("round/{round}");
        let contents = |racer: usize| FileContents::from_bytes(racer.to_string());
        let results = race(&store, &SaveMode::Create, &text, contents).await;
        let winner = check_winner(&*store, &text, results, ErrorKind::AlreadyExists).await;
        assert_eq!(bytes_of(&*store, &text).await, winner.to_string());
    }
}

pub(crate) async fn one_of_many_streaming_creators_wins(store: Arc<dyn IStore>) {
    for round in 0..3 {
        let text = format!("round/{round}");
        let contents = |racer: usize| streamed(&vec![racer as u8; LONG]);
        let results = race(&store, &SaveMode::Create, &text, contents).await;
        let winner = check_winner(&*store, &text, results, ErrorKind::AlreadyExists).await;
        assert!(bytes_of(&*store, &text).await == vec![winner as u8; LONG]);
    }
}

pub(crate) async fn one_of_many_updaters_wins(store: Arc<dyn IStore>) {
    let mut etag = store
        .save_bytes(&name("a"), "x", &options())
        .await
        .unwrap()
        .etag;
    for round in 0..10 {
        let mode = SaveMode::Update(etag);
        // Every other round streams more than a block.
        let length = if round % 2 == 0 { 3 } else { LONG };
        let contents = |racer: usize| streamed(&vec![racer as u8; length]);
        let results = race(&store, &mode, "a", contents).await;
        let winner = check_winner(&*store, "a", results, ErrorKind::Conflict).await;
        assert!(bytes_of(&*store, "a").await == vec![winner as u8; length]);
        etag = store.get_file_info(&name("a")).await.unwrap().etag;
    }
}

pub(crate) async fn no_increment_is_lost(store: Arc<dyn IStore>) {
    let workers = (0..5).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for _ in 0..10 {
                let increment = |count: Option<u32>| Some(count.unwrap_or(0) + 1);
                store
                    .update_json(&name("count.json"), 100, increment)
                    .await
                    .unwrap();
            }
        })
    });
    for joined in join_all(workers).await {
        joined.unwrap();
    }
    assert_eq!(
        store
            .get_json::<u32>(&name("count.json"), 100)
            .await
            .unwrap()
            .0,
        50
    );
}

pub(crate) async fn readers_see_the_old_or_the_new_version(store: Arc<dyn IStore>) {
    let version = |number: usize| {
        // Each version has its own letter, length and metadata.
        let bytes =
            vec![b'a' + (number % 7) as u8; if number.is_multiple_of(2) { LONG } else { 70 }];
        (
            bytes,
            options().with_metadata("letter", ((b'a' + (number % 7) as u8) as char).to_string()),
        )
    };
    let (bytes, first) = version(0);
    store.save_bytes(&name("a"), bytes, &first).await.unwrap();
    let writer = Arc::clone(&store);
    let writing = tokio::spawn(async move {
        for number in 1..30 {
            let (bytes, options) = version(number);
            writer
                .save_file(&name("a"), streamed(&bytes), &options)
                .await
                .unwrap();
        }
    });
    let mut reads = 0;
    while !writing.is_finished() || reads == 0 {
        let file = store
            .get_file_contents(&name("a"), &ReadOptions::default())
            .await
            .unwrap();
        let letter = file.info.metadata["letter"].clone();
        let bytes = file.contents.collect(u64::MAX).await.unwrap();
        assert_eq!(bytes.len() as u64, file.info.size);
        assert!(bytes.iter().all(|byte| *byte == letter.as_bytes()[0]));
        let listed = store.get_files_list(&ListOptions::default()).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert!(listed[0].metadata.contains_key("letter"));
        reads += 1;
    }
    writing.await.unwrap();
}

pub(crate) async fn many_savers_at_once_all_succeed(store: Arc<dyn IStore>) {
    let savers = (0..64).map(|saver| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in 0..4 {
                save(
                    &*store,
                    &format!("{saver:02}/{number}"),
                    &format!("{saver}{number}"),
                )
                .await;
            }
        })
    });
    for joined in join_all(savers).await {
        joined.unwrap();
    }
    assert_eq!(names_of(&*store, &ListOptions::default()).await.len(), 256);
    assert_eq!(bytes_of(&*store, "63/3").await, "633");
}

pub(crate) async fn a_file_and_its_folder_raced_leave_one_of_them(store: Arc<dyn IStore>) {
    for round in 0..40 {
        let (file, below) = (name(&format!("{round}")), name(&format!("{round}/x/y")));
        let racers = [&file, &below].map(|name| {
            let (store, name) = (Arc::clone(&store), name.clone());
            tokio::spawn(async move { store.save_bytes(&name, "x", &options()).await })
        });
        let results = join_all(racers)
            .await
            .into_iter()
            .map(|joined| joined.unwrap());
        let (won, lost): (Vec<_>, Vec<_>) = results.partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 1));
        let error = lost.into_iter().next().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NameOverlap, "{error:?}");
    }
    assert_eq!(names_of(&*store, &ListOptions::default()).await.len(), 40);
}
