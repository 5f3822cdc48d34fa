//! `MemoryStore`.

use std::time::{Duration, UNIX_EPOCH};

use store::{FileName, MemoryStore, SaveOptions, StoreExt};

#[cfg(feature = "conformance")]
mod conformance {
    use store::MemoryStore;

    async fn make_store() -> MemoryStore {
        MemoryStore::new()
    }

    store::store_conformance!(make_store);
}

#[tokio::test]
async fn files_are_marked_with_the_injected_time() {
    let time = UNIX_EPOCH + Duration::from_secs(7);
    let store = MemoryStore::with_clock(move || time);
    let name = FileName::new("a").unwrap();
    let info = store
        .save_bytes(&name, "x", &SaveOptions::default())
        .await
        .unwrap();
    assert_eq!(info.modified, time);
}
