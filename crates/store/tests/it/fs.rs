//! `FsStore`.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::{ErrorKind, FsOptions, FsStore, IStore, ListOptions, ReadOptions, StoreExt};

use crate::samples::{
    LONG, bytes_of, lose_no_increment, name, names_of, options, pattern, save, streamed, wait_for,
};

mod locks;

async fn open(root: &Path) -> FsStore {
    FsStore::open(root, FsOptions::default()).await.unwrap()
}

#[cfg(feature = "conformance")]
mod conformance {
    use store::Durability;
    use tempfile::TempDir;

    use super::*;

    async fn make_place() -> (TempDir, String) {
        let directory = tempfile::tempdir().unwrap();
        let address = directory.path().to_str().unwrap().to_owned();
        (directory, address)
    }

    async fn open_durable(address: String) -> FsStore {
        open(Path::new(&address)).await
    }

    store::store_conformance!(make_place, open_durable);

    mod relaxed {
        use super::*;

        async fn make_store() -> (TempDir, FsStore) {
            let directory = tempfile::tempdir().unwrap();
            let options = FsOptions::default().with_durability(Durability::Process);
            let store = FsStore::open(directory.path(), options).await.unwrap();
            (directory, store)
        }

        store::store_conformance!(make_store);
    }
}

/// What lies in one of the store's own directories.
fn own_files(root: &Path, folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join(".store").join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn files_survive_a_reopening_and_lie_under_their_names() {
    let directory = tempfile::tempdir().unwrap();
    let told = options().with_metadata("made-by", "me");
    let store = open(directory.path()).await;
    let info = store
        .save_bytes(&name("p/foo.tar.gz"), "x", &told)
        .await
        .unwrap();
    drop(store);
    assert_eq!(
        fs::read(directory.path().join("p/foo.tar.gz")).unwrap(),
        b"x"
    );
    let store = open(directory.path()).await;
    assert_eq!(
        store.get_file_info(&name("p/foo.tar.gz")).await.unwrap(),
        info
    );
}

#[tokio::test]
async fn a_sweep_removes_what_the_dead_left_and_nothing_of_the_living() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let store = open(root).await;
    let told = options().with_metadata("made-by", "me");
    let kept = store.save_bytes(&name("a"), "x", &told).await.unwrap();
    let temporary = root.join(".store/temporary");
    fs::write(temporary.join("dead"), "half").unwrap();
    let living = File::create(temporary.join("living")).unwrap();
    living.try_lock().unwrap();
    // Facts whose version never became visible.
    let facts = own_files(root, "facts").pop().unwrap();
    let left = facts.with_file_name("0-1-2");
    fs::copy(&facts, &left).unwrap();
    open(root).await;
    assert_eq!(own_files(root, "temporary"), [temporary.join("living")]);
    assert_eq!(own_files(root, "facts"), [facts]);
    assert_eq!(store.get_file_info(&name("a")).await.unwrap(), kept);
}

#[tokio::test]
async fn a_save_that_waits_survives_another_stores_sweep() {
    use futures_util::StreamExt;
    use store::FileContents;

    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(open(directory.path()).await);
    let (sender, receiver) = tokio::sync::mpsc::channel::<bytes::Bytes>(1);
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (Ok(piece), receiver))
    });
    let contents = FileContents::from_stream(pieces.boxed(), None);
    let saver = Arc::clone(&store);
    let saving =
        tokio::spawn(async move { saver.save_file(&name("a"), contents, &options()).await });
    let bytes = bytes::Bytes::from(pattern(LONG));
    // Once the third is taken from the queue, the first block is being written.
    for _ in 0..4 {
        sender.send(bytes.clone()).await.unwrap();
    }
    open(directory.path()).await;
    drop(sender);
    assert_eq!(saving.await.unwrap().unwrap().size, 4 * LONG as u64);
    assert!(own_files(directory.path(), "temporary").is_empty());
}

#[tokio::test]
async fn failed_and_refused_saves_leave_no_file_behind() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let wrong = options()
        .with_expected_sha256([0; 32])
        .with_metadata("k", "v");
    for length in [3, LONG] {
        let contents = streamed(&pattern(length));
        store
            .save_file(&name("a/b"), contents, &wrong)
            .await
            .unwrap_err();
    }
    save(&store, "f", "x").await;
    let told = options().with_metadata("k", "v");
    let error = store
        .save_bytes(&name("f/x"), "y", &told)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NameOverlap);
    assert!(own_files(directory.path(), "temporary").is_empty());
    assert!(own_files(directory.path(), "facts").is_empty());
    assert!(!directory.path().join("a").exists());
}

#[tokio::test]
async fn facts_go_with_their_version() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let told = options().with_metadata("k", "v");
    for _ in 0..3 {
        store.save_bytes(&name("a"), "x", &told).await.unwrap();
        assert_eq!(own_files(directory.path(), "facts").len(), 1);
    }
    // A change by hand makes another version, of which nothing is known.
    let etag = store.get_file_info(&name("a")).await.unwrap().etag;
    fs::write(directory.path().join("a"), "by hand").unwrap();
    let info = store.get_file_info(&name("a")).await.unwrap();
    assert_ne!(info.etag, etag);
    assert!(info.metadata.is_empty());
    store.save_bytes(&name("a"), "x", &told).await.unwrap();
    store.delete_file(&name("a")).await.unwrap();
    open(directory.path()).await;
    assert!(own_files(directory.path(), "facts").is_empty());
}

#[tokio::test]
async fn links_are_never_followed() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "swordfish").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let store = open(root).await;
    symlink(outside.path(), root.join("out")).unwrap();
    symlink(outside.path().join("secret"), root.join("link")).unwrap();
    symlink(root, root.join("loop")).unwrap();
    save(&store, "real/x", "x").await;
    symlink(root.join("real"), root.join("inner")).unwrap();
    for text in ["out/secret", "link", "loop/real/x", "inner/x"] {
        let name = name(text);
        let read = store
            .get_file_contents(&name, &ReadOptions::default())
            .await
            .unwrap_err();
        let info = store.get_file_info(&name).await.unwrap_err();
        let delete = store.delete_file(&name).await.unwrap_err();
        for error in [read, info, delete] {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
        }
        let error = store
            .save_bytes(&name, "mine", &options())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    }
    let error = store
        .save_bytes(&name("out/new"), "mine", &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(names_of(&store, &ListOptions::default()).await, ["real/x"]);
    assert_eq!(
        fs::read(outside.path().join("secret")).unwrap(),
        b"swordfish"
    );
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn entries_that_are_no_files_of_a_store_are_not_seen() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let store = open(root).await;
    fs::write(root.join("line\nbreak"), "x").unwrap();
    fs::create_dir_all(root.join("empty/below")).unwrap();
    std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    fs::write(root.join("by hand"), "x").unwrap();
    assert_eq!(names_of(&store, &ListOptions::default()).await, ["by hand"]);
    let error = store.get_file_bytes(&name("socket"), 9).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = store
        .save_bytes(&name("socket"), "x", &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    // Empty directories are nothing, so a file may take their place.
    save(&store, "empty", "x").await;
    assert_eq!(bytes_of(&store, "empty").await, "x");
}

#[tokio::test]
async fn a_root_that_is_no_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "x").unwrap();
    for root in [file.clone(), file.join("below")] {
        let error = FsStore::open(root, FsOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    }
    symlink(directory.path(), directory.path().join(".store")).unwrap();
    let error = FsStore::open(directory.path(), FsOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_on_one_root_lose_no_increment() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    lose_no_increment([open(root).await, open(root).await]).await;
}

#[tokio::test]
async fn a_dropped_save_leaves_no_temporary_file() {
    use futures_util::StreamExt;
    use store::FileContents;

    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let (asked, waits) = tokio::sync::oneshot::channel();
    let pieces = futures_util::stream::iter([Ok(pattern(LONG).into())]);
    let waiting = futures_util::stream::once(async move {
        asked.send(()).unwrap();
        std::future::pending().await
    });
    let contents = FileContents::from_stream(pieces.chain(waiting).boxed(), None);
    let (name, options) = (name("a/b"), options());
    let save = store.save_file(&name, contents, &options);
    tokio::select! {
        _ = save => panic!("the stream does not end"),
        waits = waits => waits.unwrap(),
    }
    // A write that was under way removes the file when it is done.
    wait_for("no temporary file is left", || {
        own_files(directory.path(), "temporary").is_empty()
    });
    assert!(!directory.path().join("a").exists());
}

/// On tmpfs a file that is renamed gets another place in its directory, so that one reading of the
/// directory may pass between its old place and its new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_replaced_during_a_listing_is_in_it() {
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    };
    let store = Arc::new(open(directory.path()).await);
    let names: Vec<String> = (0..40).map(|number| format!("file-{number:02}")).collect();
    for file in &names {
        save(&*store, file, "old").await;
    }
    let (writer, files) = (Arc::clone(&store), names.clone());
    let saving = tokio::spawn(async move {
        for file in files.iter().cycle() {
            save(&*writer, file, "new").await;
        }
    });
    for _ in 0..1_000 {
        assert_eq!(names_of(&*store, &ListOptions::default()).await, names);
    }
    saving.abort();
}
