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
