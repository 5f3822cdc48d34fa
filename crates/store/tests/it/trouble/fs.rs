//! `FsStore` in trouble.

use std::fs;

use store::{FsOptions, FsStore};

use super::*;

async fn open(root: &Path) -> Result<Arc<dyn IStore>> {
    FsStore::open(root, FsOptions::default()).await.map(boxed)
}

#[tokio::test]
async fn a_full_disk_is_told_and_survived() {
    let Some(disk) = Disk::mount(24) else { return };
    let root = disk.path().join("store");
    let store = open(&root).await.unwrap();
    check_full_disk(&disk, store.as_ref()).await;
    let left = fs::read_dir(root.join(".store/temporary")).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn a_disk_that_turns_read_only_is_read() {
    let Some(disk) = Disk::mount(8) else { return };
    let root = disk.path().join("store");
    let store = open(&root).await.unwrap();
    save(store.as_ref(), "old", "x").await.unwrap();
    assert!(disk.turn_read_only());
    let denied = ErrorKind::PermissionDenied;
    check_kind(save(store.as_ref(), "old", "y").await, denied);
    check_kind(save_long(store.as_ref(), "new", 2).await, denied);
    check_kind(store.delete_file(&name("old")).await, denied);
    check_kind(open(&root).await, denied);
    assert_eq!(read(store.as_ref(), "old").await.unwrap(), "x");
    assert_eq!(names(store.as_ref()).await.unwrap(), ["old"]);
    disk.turn_writable();
    save(store.as_ref(), "old", "y").await.unwrap();
    assert_eq!(read(store.as_ref(), "old").await.unwrap(), "y");
}

#[test]
fn refused_access_is_told() {
    where_permissions_count(async || {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let store = open(root).await.unwrap();
        let store = store.as_ref();
        save(store, "old", "x").await.unwrap();
        save(store, "sub/old", "x").await.unwrap();
        let denied = ErrorKind::PermissionDenied;
        // In the folder, on the file itself, on the way to it, and in the store's own folder.
        set_mode(root, 0o555);
        check_kind(save(store, "old", "y").await, denied);
        check_kind(store.delete_file(&name("old")).await, denied);
        set_mode(root, 0o755);
        set_mode(&root.join("old"), 0);
        check_kind(read(store, "old").await, denied);
        assert_eq!(store.get_file_info(&name("old")).await.unwrap().size, 1);
        set_mode(&root.join("old"), 0o644);
        set_mode(&root.join("sub"), 0);
        check_kind(read(store, "sub/old").await, denied);
        check_kind(names(store).await, denied);
        set_mode(&root.join("sub"), 0o755);
        set_mode(&root.join(".store/temporary"), 0o555);
        check_kind(save(store, "old", "y").await, denied);
        check_kind(open(&root.join(".store/temporary/below")).await, denied);
        set_mode(&root.join(".store/temporary"), 0o755);

        assert_eq!(names(store).await.unwrap(), ["old", "sub/old"]);
        assert_eq!(read(store, "old").await.unwrap(), "x");
        save(store, "old", "y").await.unwrap();
        assert_eq!(read(store, "old").await.unwrap(), "y");
        let left = fs::read_dir(root.join(".store/temporary")).unwrap();
        assert_eq!(left.count(), 0);
    });
}

#[tokio::test]
async fn a_root_that_was_removed_is_unavailable_until_it_is_back() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    let store = open(&root).await.unwrap();
    save(store.as_ref(), "old", "x").await.unwrap();
    fs::remove_dir_all(&root).unwrap();
    check_all(store.as_ref(), ErrorKind::Unavailable).await;
    assert!(!root.exists());
    // Somebody brings it back from a backup.
    fs::create_dir(&root).unwrap();
    fs::write(root.join("old"), "backup").unwrap();
    assert_eq!(read(store.as_ref(), "old").await.unwrap(), "backup");
    save_long(store.as_ref(), "new", 2).await.unwrap();
    assert_eq!(names(store.as_ref()).await.unwrap(), ["new", "old"]);
}

#[tokio::test]
async fn the_stores_own_directory_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let store = open(root).await.unwrap();
    save(store.as_ref(), "old", "x").await.unwrap();
    fs::remove_dir_all(root.join(".store")).unwrap();
    save(store.as_ref(), "new", "y").await.unwrap();
    fs::remove_dir_all(root.join(".store")).unwrap();
    save_long(store.as_ref(), "long", 2).await.unwrap();
    assert_eq!(names(store.as_ref()).await.unwrap(), ["long", "new", "old"]);
}

#[tokio::test]
async fn a_root_that_was_moved_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    let (root, other) = (directory.path().join("a"), directory.path().join("b"));
    let store = open(&root).await.unwrap();
    fs::rename(&root, &other).unwrap();
    save(store.as_ref(), "new", "x").await.unwrap();
    assert_eq!(fs::read(other.join("new")).unwrap(), b"x");
}
