//! A save is all or nothing.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use sha2::{Digest, Sha256};
use store::{Error, ErrorKind, FileContents, IStore, ListOptions, SaveMode, StoreExt};
use tokio::sync::mpsc;

use super::{LONG, bytes_of, name, names_of, options, pattern, save, streamed};

pub(crate) async fn create_refuses_what_exists(store: Arc<dyn IStore>) {
    let create = options().with_mode(SaveMode::Create);
    store.save_bytes(&name("a"), "old", &create).await.unwrap();
    for contents in [FileContents::from_bytes("new"), streamed(&pattern(LONG))] {
        let error = store
            .save_file(&name("a"), contents, &create)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(error.name(), Some("a"));
    }
    assert_eq!(bytes_of(&*store, "a").await, "old");
    store.delete_file(&name("a")).await.unwrap();
    store.save_bytes(&name("a"), "new", &create).await.unwrap();
    assert_eq!(bytes_of(&*store, "a").await, "new");
}

pub(crate) async fn update_replaces_only_the_version_it_names(store: Arc<dyn IStore>) {
    let first = store
        .save_bytes(&name("a"), "1", &options())
        .await
        .unwrap()
        .etag;
    let update = |etag: &store::Etag| options().with_mode(SaveMode::Update(etag.clone()));
    let second = store
        .save_bytes(&name("a"), "2", &update(&first))
        .await
        .unwrap()
        .etag;
    for contents in [FileContents::from_bytes("3"), streamed(&pattern(LONG))] {
        let error = store
            .save_file(&name("a"), contents, &update(&first))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
    }
    assert_eq!(bytes_of(&*store, "a").await, "2");
    store.delete_file(&name("a")).await.unwrap();
    save(&*store, "a", "2").await;
    let error = store
        .save_bytes(&name("a"), "3", &update(&second))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "an etag came back");
    let error = store
        .save_bytes(&name("b"), "3", &update(&second))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let error = store.get_file_info(&name("b")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

pub(crate) async fn every_save_gives_another_etag(store: Arc<dyn IStore>) {
    let mut etags = HashSet::new();
    for _ in 0..100 {
        let info = store
            .save_bytes(&name("a"), "same", &options())
            .await
            .unwrap();
        assert!(etags.insert(info.etag));
    }
}

pub(crate) async fn content_type_and_metadata_go_with_the_version(store: Arc<dyn IStore>) {
    let told = options()
        .with_content_type("text/x-notes")
        .with_metadata("made-by", "Zoë & co");
    let info = store.save_bytes(&name("a.json"), "1", &told).await.unwrap();
    assert_eq!(info.content_type, "text/x-notes");
    assert_eq!(info.metadata["made-by"], "Zoë & co");
    let (read, _) = store.get_file_bytes(&name("a.json"), 9).await.unwrap();
    assert_eq!(read, info);
    let info = store
        .save_bytes(&name("a.json"), "2", &options())
        .await
        .unwrap();
    assert_eq!(
        (info.content_type.as_str(), info.metadata.len()),
        ("application/json", 0)
    );
    assert_eq!(store.get_file_info(&name("a.json")).await.unwrap(), info);
    let info = store
        .save_file(&name("a.json"), streamed(&pattern(LONG)), &told)
        .await
        .unwrap();
    assert_eq!(store.get_file_info(&name("a.json")).await.unwrap(), info);
    assert_eq!(info.metadata["made-by"], "Zoë & co");
}

pub(crate) async fn a_dropped_save_leaves_nothing(store: Arc<dyn IStore>) {
    save(&*store, "old", "x").await;
    for text in ["new", "old"] {
        // The stream hands out three blocks and then waits for ever; that it waits means that two
        // were taken in.
        let (asked, mut waits) = mpsc::unbounded_channel();
        let pieces = stream::iter((0..3).map(|_| Ok(Bytes::from(vec![7; 1024 * 1024]))));
        let waiting = stream::once(async move {
            asked.send(()).unwrap();
            std::future::pending().await
        });
        let contents = FileContents::from_stream(pieces.chain(waiting).boxed(), None);
        let saver = Arc::clone(&store);
        let save =
            tokio::spawn(async move { saver.save_file(&name(text), contents, &options()).await });
        waits.recv().await.unwrap();
        assert_eq!(names_of(&*store, &ListOptions::default()).await, ["old"]);
        save.abort();
        assert!(save.await.unwrap_err().is_cancelled());
    }
    assert_eq!(names_of(&*store, &ListOptions::default()).await, ["old"]);
    assert_eq!(bytes_of(&*store, "old").await, "x");
}

pub(crate) async fn a_broken_stream_leaves_nothing(store: Arc<dyn IStore>) {
    save(&*store, "old", "x").await;
    for text in ["new", "old"] {
        for blocks in [0, 1, 3] {
            let pieces = (0..blocks).map(|_| Ok(Bytes::from(vec![7; 1024 * 1024])));
            let broken = Err(Error::new(ErrorKind::NotFound, "read file").with_message("gone"));
            let pieces: Vec<_> = pieces.chain([broken]).collect();
            let contents = FileContents::from_stream(stream::iter(pieces).boxed(), None);
            let error = store
                .save_file(&name(text), contents, &options())
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Interrupted);
            assert!(
                std::error::Error::source(&error)
                    .unwrap()
                    .to_string()
                    .contains("gone")
            );
        }
    }
    assert_eq!(names_of(&*store, &ListOptions::default()).await, ["old"]);
    assert_eq!(bytes_of(&*store, "old").await, "x");
}

pub(crate) async fn a_wrong_size_leaves_nothing(store: Arc<dyn IStore>) {
    for length in [5, LONG] {
        for declared in [0, length as u64 - 1, length as u64 + 1] {
            let stream = streamed(&pattern(length)).into_stream();
            let contents = FileContents::from_stream(stream, Some(declared));
            let error = store
                .save_file(&name("a"), contents, &options())
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
        }
        let stream = streamed(&pattern(length)).into_stream();
        let contents = FileContents::from_stream(stream, Some(length as u64));
        store
            .save_file(&name("right"), contents, &options())
            .await
            .unwrap();
    }
    assert_eq!(names_of(&*store, &ListOptions::default()).await, ["right"]);
}

pub(crate) async fn a_wrong_sha256_leaves_nothing(store: Arc<dyn IStore>) {
    for length in [5, LONG] {
        let bytes = pattern(length);
        let wrong = options().with_expected_sha256([1; 32]);
        let error = store
            .save_file(&name("a"), streamed(&bytes), &wrong)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ChecksumMismatch);
        let right = options().with_expected_sha256(Sha256::digest(&bytes).into());
        store
            .save_file(&name("right"), streamed(&bytes), &right)
            .await
            .unwrap();
    }
    assert_eq!(names_of(&*store, &ListOptions::default()).await, ["right"]);
}

pub(crate) async fn refused_options_are_refused_before_the_contents_are_read(
    store: Arc<dyn IStore>,
) {
    for refused in [
        options().with_content_type("a\nb"),
        options().with_metadata("A B", "x"),
    ] {
        let untouched = stream::once(async { panic!("the contents were read") }).boxed();
        let contents = FileContents::from_stream(untouched, None);
        let error = store
            .save_file(&name("a"), contents, &refused)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    assert!(names_of(&*store, &ListOptions::default()).await.is_empty());
}
