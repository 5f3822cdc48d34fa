//! What is read is what was saved.

use std::sync::Arc;

use futures_util::StreamExt;
use store::{ErrorKind, IStore, ReadOptions, ReadRange, StoreExt};

use super::{LONG, bytes_of, name, options, pattern, save, streamed};

pub(crate) async fn a_saved_file_is_read_back_with_its_info(store: Arc<dyn IStore>) {
    let name = name("packages/foo.tar.gz");
    let saved = store.save_bytes(&name, "hello", &options()).await.unwrap();
    assert_eq!((saved.size, &saved.name), (5, &name));
    assert_eq!(saved.content_type, name.guess_content_type());
    assert_eq!(store.get_file_info(&name).await.unwrap(), saved);
    let file = store
        .get_file_contents(&name, &ReadOptions::default())
        .await
        .unwrap();
    assert_eq!(
        (&file.info, file.range.clone(), file.contents.size()),
        (&saved, 0..5, Some(5))
    );
    assert_eq!(file.contents.collect(5).await.unwrap(), "hello");
    store.delete_file(&name).await.unwrap();
    let error = store.get_file_info(&name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

pub(crate) async fn an_empty_file_is_a_file(store: Arc<dyn IStore>) {
    save(&*store, "a", "").await;
    save(&*store, "b", "").await;
    assert_eq!(store.get_file_info(&name("a")).await.unwrap().size, 0);
    assert_eq!(bytes_of(&*store, "a").await, "");
    store.delete_file(&name("a")).await.unwrap();
    assert_eq!(bytes_of(&*store, "b").await, "");
}

pub(crate) async fn a_missing_file_is_not_found(store: Arc<dyn IStore>) {
    save(&*store, "a/b", "x").await;
    for missing in ["b", "a", "a/c", "a/b/c", "x/y/z"] {
        let missing = name(missing);
        let info = store.get_file_info(&missing).await.unwrap_err();
        let read = store
            .get_file_contents(&missing, &ReadOptions::default())
            .await
            .unwrap_err();
        let delete = store.delete_file(&missing).await.unwrap_err();
        for error in [info, read, delete] {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
            assert_eq!(error.name(), Some(missing.as_str()));
            assert!(!error.is_retryable());
        }
    }
    assert_eq!(bytes_of(&*store, "a/b").await, "x");
}

pub(crate) async fn ranges_are_those_of_the_bytes(store: Arc<dyn IStore>) {
    for (text, length) in [("short", 10_usize), ("long", LONG)] {
        let (name, bytes) = (name(text), pattern(length));
        store
            .save_file(&name, streamed(&bytes), &options())
            .await
            .unwrap();
        let size = length as u64;
        let ranges = [
            ReadRange::Bounded(3..7),
            ReadRange::Bounded(0..size),
            ReadRange::Bounded(size - 1..size + 9),
            ReadRange::Bounded(size / 2 - 2..size / 2 + 2),
            ReadRange::From(0),
            ReadRange::From(4),
            ReadRange::From(size),
            ReadRange::Last(3),
            ReadRange::Last(size * 2),
            ReadRange::Last(0),
        ];
        for range in ranges {
            let read = ReadOptions::default().with_range(range.clone());
            let expected = read.resolve(&name, size).unwrap();
            let file = store.get_file_contents(&name, &read).await.unwrap();
            assert_eq!(
                (file.range, file.info.size),
                (expected.clone(), size),
                "{range:?}"
            );
            let found = file.contents.collect(size).await.unwrap();
            assert!(
                found == bytes[expected.start as usize..expected.end as usize],
                "{range:?}"
            );
        }
        for (range, kind) in [
            (ReadRange::Bounded(size..size + 1), ErrorKind::OutOfRange),
            (ReadRange::From(size + 1), ErrorKind::OutOfRange),
            (ReadRange::Bounded(5..5), ErrorKind::InvalidInput),
        ] {
            let read = ReadOptions::default().with_range(range);
            let error = store.get_file_contents(&name, &read).await.unwrap_err();
            assert_eq!(error.kind(), kind);
        }
    }
}

pub(crate) async fn files_of_every_length_around_a_block_survive(store: Arc<dyn IStore>) {
    const MIB: usize = 1024 * 1024;
    let name = name("a");
    for length in [1, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 1] {
        let bytes = pattern(length);
        let info = store
            .save_file(&name, streamed(&bytes), &options())
            .await
            .unwrap();
        assert_eq!(info.size, length as u64);
        assert_eq!(store.get_file_info(&name).await.unwrap(), info);
        assert!(
            bytes_of(&*store, "a").await == bytes,
            "streamed, {length} bytes"
        );
        store
            .save_bytes(&name, bytes.clone(), &options())
            .await
            .unwrap();
        assert!(bytes_of(&*store, "a").await == bytes, "{length} bytes");
    }
}

pub(crate) async fn a_read_that_has_begun_keeps_its_version(store: Arc<dyn IStore>) {
    let (name, bytes) = (name("a"), pattern(LONG));
    store
        .save_bytes(&name, bytes.clone(), &options())
        .await
        .unwrap();
    let file = store
        .get_file_contents(&name, &ReadOptions::default())
        .await
        .unwrap();
    let mut stream = file.contents.into_stream();
    let mut found = stream.next().await.unwrap().unwrap().to_vec();
    store.save_bytes(&name, "new", &options()).await.unwrap();
    store.delete_file(&name).await.unwrap();
    save(&*store, "b", "other").await;
    while let Some(piece) = stream.next().await {
        found.extend_from_slice(&piece.unwrap());
    }
    assert!(found == bytes);
}

pub(crate) async fn json_is_saved_read_and_updated(store: Arc<dyn IStore>) {
    let name = name("counts");
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

pub(crate) async fn a_local_file_is_saved(store: Arc<dyn IStore>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    let bytes = pattern(LONG);
    std::fs::write(&path, &bytes).unwrap();
    let info = store
        .save_path(&name("a"), &path, &options())
        .await
        .unwrap();
    assert_eq!(info.size, LONG as u64);
    assert!(bytes_of(&*store, "a").await == bytes);
    let missing = directory.path().join("y");
    let error = store
        .save_path(&name("b"), &missing, &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
