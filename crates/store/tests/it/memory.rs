//! `MemoryStore`.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use store::{FileName, IStore, MemoryStore, SaveOptions, StoreExt};

fn make() -> Ready<((), Arc<dyn IStore>)> {
    ready(((), Arc::new(MemoryStore::new())))
}

store_conformance!(make);

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
