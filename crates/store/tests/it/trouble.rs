//! What the machine does to the stores: full disks, refused access, directories that go.
//!
//! Each test shows a clear error, that what was saved before is whole, and that the store works
//! again once the trouble is over.

mod disk;
#[cfg(feature = "fs")]
mod fs;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use store::{
    ErrorKind, FileContents, FileName, IStore, ListOptions, Result, SaveOptions, StoreExt as _,
};

use self::disk::Disk;

const MIB: usize = 1 << 20;

fn name(text: &str) -> FileName {
    FileName::new(text).unwrap()
}

async fn save(store: &dyn IStore, text: &str, contents: &str) -> Result<()> {
    let options = SaveOptions::default();
    store
        .save_bytes(&name(text), contents.to_owned(), &options)
        .await
        .map(drop)
}

/// Saves a file of so many MiB that arrives bit by bit.
async fn save_long(store: &dyn IStore, text: &str, mib: usize) -> Result<()> {
    let pieces = stream::iter(0..mib).map(|index| Ok(Bytes::from(vec![index as u8; MIB])));
    let contents = FileContents::from_stream(pieces.boxed(), None);
    let options = SaveOptions::default();
    store
        .save_file(&name(text), contents, &options)
        .await
        .map(drop)
}

async fn read(store: &dyn IStore, text: &str) -> Result<Bytes> {
    let (_, bytes) = store.get_file_bytes(&name(text), u64::MAX).await?;
    Ok(bytes)
}

async fn names(store: &dyn IStore) -> Result<Vec<String>> {
    let page = store.get_files_list(&ListOptions::default()).await?;
    Ok(page.into_iter().map(|info| info.name.to_string()).collect())
}

#[track_caller]
fn check_kind<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
}

/// Checks that every call fails with the kind.
async fn check_all(store: &dyn IStore, kind: ErrorKind) {
    check_kind(store.get_file_info(&name("old")).await, kind);
    check_kind(read(store, "old").await, kind);
    check_kind(names(store).await, kind);
    check_kind(save(store, "new", "x").await, kind);
    check_kind(save_long(store, "new", 3).await, kind);
    check_kind(store.delete_file(&name("old")).await, kind);
}

/// Fills the disk while a store is used; the files saved before and after.
async fn check_full_disk(disk: &Disk, store: &dyn IStore) {
    save(store, "old", "x").await.unwrap();
    save_long(store, "long", 2).await.unwrap();
    let long = read(store, "long").await.unwrap();
    let filler = disk.fill();
    check_kind(save_long(store, "long", 9).await, ErrorKind::StorageFull);
    check_kind(save_long(store, "new", 9).await, ErrorKind::StorageFull);
    let mut full = Ok(());
    let mut saved = vec!["long".to_owned(), "old".to_owned()];
    for index in 0..2000 {
        let text = format!("small{index:04}");
        full = save(store, &text, &"y".repeat(MIB / 64)).await;
        if full.is_err() {
            break;
        }
        saved.push(text);
    }
    check_kind(full, ErrorKind::StorageFull);
    check_kind(save_long(store, "old", 9).await, ErrorKind::StorageFull);
    assert_eq!(names(store).await.unwrap(), saved);
    assert_eq!(read(store, "old").await.unwrap(), "x");
    assert!(read(store, "long").await.unwrap() == long);

    std::fs::remove_file(filler).unwrap();
    save_long(store, "long", 3).await.unwrap();
    assert_eq!(read(store, "long").await.unwrap().len(), 3 * MIB);
    save(store, "old", "z").await.unwrap();
    assert_eq!(read(store, "old").await.unwrap(), "z");
}

/// Runs the test where the permissions of files count, as they do not for root.
fn where_permissions_count<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let thread = std::thread::spawn(|| {
        use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

        let mut own = capabilities(None).unwrap();
        own.effective -= CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
        // Threads that the runtime starts inherit them.
        set_capabilities(None, own).unwrap();
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(test());
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;

    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, permissions).unwrap();
}

fn boxed(store: impl IStore) -> Arc<dyn IStore> {
    Arc::new(store)
}
