//! Saves of contents that come but once.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::StreamExt as _;
use store::{Capabilities, Error, FileContents, MemoryStore, ReadOptions, Result};

use super::*;
use crate::samples::{pattern, streamed};

#[tokio::test(start_paused = true)]
async fn a_stream_is_repeated_until_its_first_piece_was_taken() {
    let script = FaultScript::new();
    let store = retried(&script);
    script
        .on(Operation::SaveFile)
        .times(3)
        .fail(ErrorKind::Unavailable);
    let bytes = pattern(300_000);
    store
        .save_file(&name("a"), streamed(&bytes), &create())
        .await
        .unwrap();
    assert!(bytes_of(&store, "a").await == bytes);
    assert_eq!(count(&script, Operation::SaveFile), 4);

    script
        .on(Operation::SaveFile)
        .at_byte(100)
        .fail(ErrorKind::Unavailable);
    let error = store
        .save_file(&name("b"), streamed(&bytes), &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(count(&script, Operation::SaveFile), 5);
    assert_eq!(names_of(&store, &ListOptions::default()).await, ["a"]);

    // What is in memory is repeated nevertheless.
    script
        .on(Operation::SaveFile)
        .times(2)
        .at_byte(100)
        .fail(ErrorKind::Unavailable);
    store
        .save_bytes(&name("b"), bytes.clone(), &options())
        .await
        .unwrap();
    assert!(bytes_of(&store, "b").await == bytes);
}

/// Fails its first save at once, and asks for its contents in the midst of the second.
#[derive(Debug)]
struct Late {
    inner: MemoryStore,
    first: Mutex<Option<FileContents>>,
    found_late: Mutex<Option<Result<Bytes>>>,
}

#[async_trait::async_trait]
impl IStore for Late {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<store::FileInfo>> {
        self.inner.get_files_list(options).await
    }
    async fn get_file_info(&self, name: &store::FileName) -> Result<store::FileInfo> {
        self.inner.get_file_info(name).await
    }
    async fn get_file_contents(
        &self,
        name: &store::FileName,
        options: &ReadOptions,
    ) -> Result<store::StoredFile> {
        self.inner.get_file_contents(name, options).await
    }
    async fn save_file(
        &self,
        name: &store::FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<store::FileInfo> {
        let first = self.first.lock().unwrap().take();
        let Some(first) = first else {
            *self.first.lock().unwrap() = Some(contents);
            return Err(Error::new(ErrorKind::Unavailable, "save file"));
        };
        let found = first.collect(u64::MAX).await;
        *self.found_late.lock().unwrap() = Some(found);
        self.inner.save_file(name, contents, options).await
    }
    async fn delete_file(&self, name: &store::FileName) -> Result<()> {
        self.inner.delete_file(name).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_try_that_is_over_gets_none_of_the_stream_any_more() {
    let late = Arc::new(Late {
        inner: MemoryStore::new(),
        first: Mutex::default(),
        found_late: Mutex::default(),
    });
    let store = Retry::new(Arc::<Late>::clone(&late), exact());
    let (a, plain) = (name("a"), options());
    let saved = store.save_file(&a, streamed(b"hello"), &plain);
    assert_eq!(saved.await.unwrap().size, 5);
    assert_eq!(bytes_of(&store, "a").await, "hello");
    let found = late.found_late.lock().unwrap().take().unwrap();
    assert_eq!(found.unwrap_err().kind(), ErrorKind::Interrupted);
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_save_was_refused_untouched_gets_the_refusal() {
    let script = FaultScript::new();
    let store = retried(&script);
    save(&store, "a", "x").await;
    script.on(Operation::SaveFile).fail(ErrorKind::Timeout);
    script
        .on(Operation::SaveFile)
        .nth(2)
        .fail(ErrorKind::AlreadyExists);
    let error = store
        .save_file(&name("a"), streamed(b"x"), &create())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_the_caller_that_breaks_is_the_callers_failure() {
    let script = FaultScript::new();
    let store = retried(&script);
    let broken = Err(Error::new(ErrorKind::Interrupted, "read upload"));
    let pieces: Vec<Result<Bytes>> = vec![Ok("x".into()), broken];
    let contents = FileContents::from_stream(futures_util::stream::iter(pieces).boxed(), None);
    let error = store
        .save_file(&name("a"), contents, &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(script.calls().len(), 1);
}
