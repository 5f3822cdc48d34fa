//! What savers that were killed leave on the disk is gone after the next opening.
//!
//! `cargo xtask crash-store` kills 200 of them for each store, this short form fewer.

#![cfg(any(all(feature = "fs", unix), feature = "sqlite"))]

use std::path::Path;
#[cfg(feature = "sqlite")]
use std::time::Duration;

use store::conformance::{Fresh, Subject, run};
use store::{FileInfo, ListOptions};

const CHECK: &str = "a_killed_saver_leaves_what_it_was_told_is_saved_and_nothing_else";

/// Far longer than any machine takes.
#[cfg(feature = "sqlite")]
const PATIENCE: Duration = Duration::from_mins(1);

/// Kills savers at the address, and lists what they left in the store that is opened afterwards.
async fn kill_savers<O, F, S>(test: &'static str, address: &Path, open: O) -> (Fresh, Vec<FileInfo>)
where
    O: Fn(String) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = S> + Send + 'static,
    S: Into<Fresh> + 'static,
{
    let address = address.to_str().unwrap().to_owned();
    let make = {
        let address = address.clone();
        move || std::future::ready(((), address.clone()))
    };
    let subject = Subject::of_places(test, make, open.clone());
    if let Err(violation) = run(CHECK, &subject).await {
        panic!("{violation}");
    }
    let store: Fresh = open(address).await.into();
    let files = store.get_files_list(&ListOptions::default()).await.unwrap();
    (store, files)
}

/// Waits for what a store does by itself: one that never does it fails the test, and hangs nothing.
#[cfg(feature = "sqlite")]
async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, wait).await;
    assert!(
        in_time.is_ok(),
        "after {PATIENCE:?} it is not so that {what}"
    );
}

#[cfg(all(feature = "fs", unix))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_savers_leave_nothing_in_the_directory() {
    use store::{FsOptions, FsStore};

    let test = concat!(
        module_path!(),
        "::killed_savers_leave_nothing_in_the_directory"
    );
    let directory = tempfile::tempdir().unwrap();
    let open = async |address: String| FsStore::open(address, FsOptions::default()).await.unwrap();
    let (_store, files) = kill_savers(test, directory.path(), open).await;
    let count = |folder: &str| {
        let folder = directory.path().join(".store").join(folder);
        std::fs::read_dir(folder).unwrap().count()
    };
    assert_eq!(count("temporary"), 0);
    let told = files.iter().filter(|info| !info.metadata.is_empty());
    assert_eq!(count("facts"), told.count());
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_savers_leave_nothing_in_the_database() {
    use store::{SqliteOptions, SqliteStore};

    let test = concat!(
        module_path!(),
        "::killed_savers_leave_nothing_in_the_database"
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("files.db");
    let open = async |address: String| {
        SqliteStore::open(address, SqliteOptions::default())
            .await
            .unwrap()
    };
    let (_store, files) = kill_savers(test, &path, open).await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    let number = |query: &str| {
        connection
            .query_row(query, (), |row| row.get::<_, i64>(0))
            .unwrap()
    };
    // The store removes contents that nobody needs when it has nothing else to do.
    wait_until("the contents that nobody needs are removed", || {
        number("SELECT count(*) FROM discarded") == 0
    })
    .await;
    assert_eq!(number("SELECT count(*) FROM upload"), 0);
    let size: u64 = files.iter().map(|info| info.size).sum();
    let size = i64::try_from(size).unwrap();
    assert_eq!(
        number("SELECT coalesce(sum(length(bytes)), 0) FROM block"),
        size
    );
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", (), |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
    // What stays is the lock of whoever opens, and that of the store that is open: the one before
    // it removes its own once its thread has ended.
    let locks = directory.path().join("files.db-locks");
    wait_until("the locks of stores that are closed are removed", || {
        std::fs::read_dir(&locks).unwrap().count() <= 2
    })
    .await;
}
