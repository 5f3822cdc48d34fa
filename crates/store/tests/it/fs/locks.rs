//! Calls that wait: for a lock, or for a thread.

use std::fs::{self, File};

use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use store::{Durability, ErrorKind, FsOptions, FsStore, IStore, StoreExt};
use tempfile::TempDir;

use super::{open, own_files};
use crate::samples::{bytes_of, name, options, save};

/// Runs the test where no more blocking steps than that are under way at once.
fn with_blocking_threads(most: usize, test: impl AsyncFnOnce()) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(most)
        .build()
        .unwrap()
        .block_on(test());
}

/// A store with one file, `a`, whose lock somebody else holds.
struct Locked {
    directory: TempDir,
    store: FsStore,
    lock: File,
}

impl Locked {
    /// Runs the test where no more blocking steps than that are under way at once.
    fn test(most: usize, test: impl AsyncFnOnce(&Locked)) {
        with_blocking_threads(most, async || {
            let directory = tempfile::tempdir().unwrap();
            let store = open(directory.path()).await;
            save(&store, "a", "old").await;
            let locks = own_files(directory.path(), "locks");
            let [lock] = &locks[..] else {
                panic!("one name has one lock: {locks:?}")
            };
            let lock = File::open(lock).unwrap();
            lock.lock().unwrap();
            let locked = Locked {
                directory,
                store,
                lock,
            };
            test(&locked).await;
        });
    }

    /// Lets the call, and all that was asked for before, come as far as it can without the lock.
    async fn let_wait<T>(&self, mut call: impl Future<Output = T> + Unpin) {
        for _ in 0..3 {
            assert!((&mut call).now_or_never().is_none());
            save(&self.store, "b", "other").await;
            assert_eq!(bytes_of(&self.store, "a").await, "old");
        }
    }

    fn written(&self) -> usize {
        own_files(self.directory.path(), "temporary").len()
    }
}

#[test]
fn a_save_or_delete_that_is_given_up_before_its_turn_does_not_happen() {
    Locked::test(
        1,
        async |Locked {
                   directory,
                   store,
                   lock,
               }| {
            let (a, told) = (name("a"), options().with_metadata("k", "v"));
            let mut saving = store.save_bytes(&a, "new", &told).boxed();
            assert!((&mut saving).now_or_never().is_none());
            drop(saving);
            let mut deleting = store.delete_file(&a);
            assert!((&mut deleting).now_or_never().is_none());
            drop(deleting);
            lock.unlock().unwrap();
            assert_eq!(bytes_of(store, "a").await, "old");
            for folder in ["temporary", "facts"] {
                assert!(own_files(directory.path(), folder).is_empty(), "{folder}");
            }
        },
    );
}

#[test]
fn a_read_waits_for_no_more_than_a_part_of_the_saves_before_it() {
    const SAVES: usize = 1_000;
    with_blocking_threads(1, async || {
        let directory = tempfile::tempdir().unwrap();
        let relaxed = FsOptions::default().with_durability(Durability::Process);
        let store = FsStore::open(directory.path(), relaxed).await.unwrap();
        save(&store, "a", "").await;
        let texts: Vec<_> = (0..SAVES).map(|number| number.to_string()).collect();
        let saves = join_all(texts.iter().map(|text| save(&store, "a", text)));
        let (_, read) = join(saves, bytes_of(&store, "a")).await;
        assert_ne!(&read, texts.last().unwrap(), "it came after all of them");
    });
}

#[test]
fn a_call_that_nobody_asks_any_more_holds_up_none_that_wait_for_its_lock() {
    Locked::test(2, async |locked| {
        let Locked { store, lock, .. } = locked;
        let (a, options) = (name("a"), options());
        let mut first = store.save_bytes(&a, "old", &options).boxed();
        locked.let_wait(&mut first).await;
        let mut second = store.save_bytes(&a, "old", &options).boxed();
        locked.let_wait(&mut second).await;
        lock.unlock().unwrap();
        first.await.unwrap();
        lock.lock().unwrap();
        let mut third = store.save_bytes(&a, "new", &options).boxed();
        locked.let_wait(&mut third).await;
        lock.unlock().unwrap();
        third.await.unwrap();
        second.await.unwrap();
    });
}

#[test]
fn saves_that_wait_for_a_lock_keep_no_files_open() {
    const SAVES: usize = 200;
    Locked::test(2, async |locked| {
        let (a, options) = (name("a"), options());
        let saves = (0..SAVES).map(|_| locked.store.save_bytes(&a, "new", &options));
        let mut waiting = join_all(saves).boxed();
        locked.let_wait(&mut waiting).await;
        let open = locked.written();
        assert!(open <= 25, "{open} files are written at once");
        locked.lock.unlock().unwrap();
        let results = waiting.await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    });
}

#[test]
fn a_save_that_waits_for_its_lock_goes_on_in_a_root_that_is_opened_anew() {
    Locked::test(2, async |locked| {
        let Locked {
            directory,
            store,
            lock,
        } = locked;
        let (a, options) = (name("a"), options());
        let mut waiting = store.save_bytes(&a, "new", &options).boxed();
        locked.let_wait(&mut waiting).await;
        fs::remove_dir_all(directory.path().join(".store")).unwrap();
        save(store, "b", "other").await;
        lock.unlock().unwrap();
        waiting.await.unwrap();
        assert_eq!(bytes_of(store, "a").await, "new");
    });
}

#[test]
fn a_lock_that_is_held_for_long_takes_one_thread_and_no_saves_of_other_names() {
    // More than are carried out at once.
    const CALLS: usize = 40;
    Locked::test(2, async |locked| {
        let Locked { store, lock, .. } = locked;
        let (a, options) = (name("a"), options());
        let saves = (0..CALLS).map(|_| store.save_bytes(&a, "new", &options));
        let mut saving = join_all(saves).boxed();
        locked.let_wait(&mut saving).await;
        let mut given_up = store.save_bytes(&a, "no", &options).boxed();
        locked.let_wait(&mut given_up).await;
        drop(given_up);
        lock.unlock().unwrap();
        for saved in saving.await {
            assert_eq!(saved.unwrap().size, 3);
        }
        assert_eq!(bytes_of(store, "a").await, "new");
        save(store, "a", "old").await;

        lock.lock().unwrap();
        let mut deleting = join_all((0..CALLS).map(|_| store.delete_file(&a))).boxed();
        locked.let_wait(&mut deleting).await;
        store.delete_file(&name("b")).await.unwrap();
        lock.unlock().unwrap();
        let (deleted, refused): (Vec<_>, Vec<_>) =
            deleting.await.into_iter().partition(Result::is_ok);
        assert_eq!(deleted.len(), 1);
        for error in refused {
            assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
        }
        assert_eq!(locked.written(), 0);
    });
}
