//! `StoreExt`, over a store that has all it needs.

use std::fs::File;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use store::{ErrorKind, IStore, MemoryStore, StoreExt};

use crate::samples::{LONG, bytes_of, name, options, pattern};

#[tokio::test]
async fn json_is_saved_read_and_updated() {
    let (store, name) = (MemoryStore::new(), name("counts"));
    store
        .save_json(&name, &vec![1, 2], &options())
        .await
        .unwrap();
    assert_eq!(
        store.get_file_info(&name).await.unwrap().content_type,
        "application/json"
    );
    let (value, etag) = store.get_json::<Vec<u8>>(&name, 100).await.unwrap();
    assert_eq!(value, [1, 2]);
    let push = |value: Option<Vec<u8>>| {
        let mut value = value.unwrap_or_default();
        value.push(3);
        Some(value)
    };
    let info = store.update_json(&name, 100, push).await.unwrap().unwrap();
    assert_ne!(info.etag, etag);
    assert_eq!(
        store.get_json::<Vec<u8>>(&name, 100).await.unwrap().0,
        [1, 2, 3]
    );
    let unchanged = store
        .update_json::<Vec<u8>, _>(&name, 100, |_| None)
        .await
        .unwrap();
    assert_eq!(unchanged, None);
    assert_eq!(store.get_file_info(&name).await.unwrap(), info);
    let error = store.get_json::<String>(&name, 100).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let error = store.get_json::<Vec<u8>>(&name, 3).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[tokio::test]
async fn a_local_file_is_saved() {
    let store = MemoryStore::new();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    let bytes = pattern(LONG);
    std::fs::write(&path, &bytes).unwrap();
    let info = store
        .save_path(&name("a"), &path, &options())
        .await
        .unwrap();
    assert_eq!(info.size, LONG as u64);
    assert!(bytes_of(&store, "a").await == bytes);
    let missing = directory.path().join("y");
    // One that somebody has open to write hangs nobody who opens it.
    let pipe = directory.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let writer = File::options().read(true).write(true).open(&pipe).unwrap();
    for path in [&missing, &pipe, directory.path()] {
        let error = store.save_path(&name("b"), path, &options()).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    drop(writer);
    // Nor one that nobody has open.
    let error = store.save_path(&name("b"), &pipe, &options()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_pipe_is_refused_without_being_opened() {
    use rustix::fs::inotify;
    use rustix::io::{Errno, read};

    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let opened = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
    inotify::add_watch(&opened, &pipe, inotify::WatchFlags::OPEN).unwrap();
    // Whoever waits to write to it would go on, and lose what is written.
    let store = MemoryStore::new();
    let error = store.save_path(&name("a"), &pipe, &options()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(read(&opened, &mut [0; 64]), Err(Errno::AGAIN));
    drop(File::options().read(true).write(true).open(&pipe).unwrap());
    assert!(read(&opened, &mut [0; 64]).unwrap() > 0);
}
