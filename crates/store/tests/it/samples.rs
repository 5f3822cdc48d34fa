//! Contents, and calls on a store, that several tests make.

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use store::{FileContents, FileName, IStore, ListOptions, Result, SaveOptions, StoreExt};

/// More than two blocks of any store, and no multiple of one.
pub(crate) const LONG: usize = 2 * 1024 * 1024 + 4321;

pub(crate) fn name(text: &str) -> FileName {
    FileName::new(text).unwrap()
}

pub(crate) fn options() -> SaveOptions {
    SaveOptions::default()
}

/// Bytes in which every place can be told from its neighbours.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|place| (place ^ (place >> 8) ^ (place >> 16)) as u8)
        .collect()
}

/// The bytes as a stream of pieces of a length that divides no block.
pub(crate) fn streamed(bytes: &[u8]) -> FileContents {
    let pieces: Vec<Result<Bytes>> = bytes
        .chunks(65_521)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    FileContents::from_stream(stream::iter(pieces).boxed(), None)
}

pub(crate) async fn save(store: &dyn IStore, text: &str, bytes: &str) {
    store
        .save_bytes(&name(text), bytes.to_owned(), &options())
        .await
        .unwrap();
}

pub(crate) async fn bytes_of(store: &dyn IStore, text: &str) -> Bytes {
    store.get_file_bytes(&name(text), u64::MAX).await.unwrap().1
}

pub(crate) async fn names_of(store: &dyn IStore, options: &ListOptions) -> Vec<String> {
    let page = store.get_files_list(options).await.unwrap();
    page.into_iter().map(|info| info.name.to_string()).collect()
}

/// Increments a count by both stores at once, and checks that it was as often as they say.
#[cfg(any(feature = "fs", feature = "sqlite"))]
pub(crate) async fn lose_no_increment<S: IStore>(stores: [S; 2]) {
    let count = name("count");
    let increments = stores.map(|store| {
        let count = count.clone();
        tokio::spawn(async move {
            for _ in 0..25 {
                let increment = |count: Option<u32>| Some(count.unwrap_or(0) + 1);
                store.update_json(&count, 99, increment).await.unwrap();
            }
            store
        })
    });
    let mut counts = Vec::new();
    for increments in increments {
        let store = increments.await.unwrap();
        counts.push(store.get_json::<u32>(&count, 99).await.unwrap().0);
    }
    assert_eq!(counts.last(), Some(&50), "{counts:?}");
}

/// Waits for what a store does in the background; fails, rather than hangs, if it never does.
#[track_caller]
#[cfg(any(feature = "fs", feature = "sqlite"))]
pub(crate) fn wait_for(what: &str, mut is_done: impl FnMut() -> bool) {
    // Far longer than any machine takes.
    let end = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !is_done() {
        assert!(std::time::Instant::now() < end, "waited in vain: {what}");
        std::thread::yield_now();
    }
}
