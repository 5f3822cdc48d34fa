//! Names, contents and calls that the checks share.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::mpsc;

use super::violation::{Answer, Clause, Verdict};
use crate::{
    Error, FileContents, FileInfo, FileName, Freshness, IStore, ListOptions, ReadOptions, Result,
    SaveMode, SaveOptions, Snapshots, StoreExt,
};

/// More than two blocks of any store, and no multiple of one.
pub(super) const LONG: usize = 2 * 1024 * 1024 + 4321;

/// How long after each other a listing that is declared to lag is asked again: for a minute in all.
fn pauses() -> impl Iterator<Item = Duration> {
    let growing = (0..8).map(|power| Duration::from_millis(1 << power));
    growing.chain(std::iter::repeat_n(Duration::from_millis(256), 240))
}

/// Asks until the answer is what is expected, once alone where the store's listings do not lag.
pub(super) async fn settle<T>(
    store: &dyn IStore,
    ask: impl AsyncFn() -> Verdict<T>,
    is_expected: impl Fn(&T) -> bool,
) -> Verdict<T> {
    let may_lag = store.capabilities().listing == Freshness::Eventual;
    let mut pauses = pauses().filter(|_| may_lag);
    loop {
        let found = ask().await?;
        match pauses.next() {
            Some(pause) if !is_expected(&found) => tokio::time::sleep(pause).await,
            Some(_) | None => return Ok(found),
        }
    }
}

#[expect(clippy::expect_used, reason = "the suite's own names are legal")]
pub(super) fn name(text: &str) -> FileName {
    FileName::new(text).expect("a legal name")
}

pub(super) fn options() -> SaveOptions {
    SaveOptions::default()
}

pub(super) fn create() -> SaveOptions {
    options().with_mode(SaveMode::Create)
}

pub(super) fn update(of: &FileInfo) -> SaveOptions {
    options().with_mode(SaveMode::Update(of.etag.clone()))
}

/// Bytes in which every place can be told from its neighbours, and every seed from another.
pub(super) fn pattern(seed: u64, length: usize) -> Vec<u8> {
    // Knuth's multiplier of a linear congruential generator: it has a long period.
    let mut state = seed.wrapping_mul(6_364_136_223_846_793_005) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&state.rotate_left(20).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The bytes as a stream of pieces of a length that divides no block.
pub(super) fn streamed(bytes: &[u8]) -> FileContents {
    let pieces: Vec<Result<Bytes>> = bytes
        .chunks(65_521)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    FileContents::from_stream(stream::iter(pieces).boxed(), None)
}

/// Contents that arrive as they are sent; they end when the sender is dropped.
pub(super) fn sent() -> (mpsc::Sender<Result<Bytes>>, FileContents) {
    let (sender, receiver) = mpsc::channel(1);
    let pieces = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    (sender, FileContents::from_stream(pieces.boxed(), None))
}

pub(super) async fn save(store: &dyn IStore, text: &str, bytes: &str) -> Verdict<FileInfo> {
    let (name, options) = (name(text), options());
    let saved = store.save_bytes(&name, bytes.to_owned(), &options).await;
    saved.succeeds(Clause::Faithful, &format!("a plain save of `{text}`"))
}

/// Saves so slowly that the save can be watched: it has begun, and goes on as the sender is fed.
pub(super) async fn begin_save(
    store: &Arc<dyn IStore>,
    text: &str,
    bytes: &[u8],
) -> (
    mpsc::Sender<Result<Bytes>>,
    tokio::task::JoinHandle<Result<FileInfo>>,
) {
    let (sender, contents) = sent();
    let (store, name) = (Arc::clone(store), name(text));
    let saving = tokio::spawn(async move { store.save_file(&name, contents, &options()).await });
    for piece in bytes.chunks(512 * 1024) {
        // A save that has failed takes no more; its caller sees why.
        if sender
            .send(Ok(Bytes::copy_from_slice(piece)))
            .await
            .is_err()
        {
            break;
        }
    }
    (sender, saving)
}

/// Checks that the file holds these bytes, however its info is asked for, and nothing else.
pub(super) async fn check_file(
    store: &dyn IStore,
    text: &str,
    expected: &[u8],
    clause: Clause,
) -> Verdict<FileInfo> {
    let (info, found) = read(store, text, clause).await?;
    clause.same_bytes(&format!("the contents of `{text}`"), &found, expected)?;
    Ok(info)
}

/// The whole file, whose info must agree with its contents.
pub(super) async fn read(
    store: &dyn IStore,
    text: &str,
    clause: Clause,
) -> Verdict<(FileInfo, Vec<u8>)> {
    match try_read(store, text, clause).await? {
        Ok(file) => Ok(file),
        broken => broken.succeeds(clause, &format!("a read of `{text}`")),
    }
}

/// The same of a file that is replaced meanwhile: nothing where the read broke, and may.
pub(super) async fn read_unless_broken(
    store: &dyn IStore,
    text: &str,
    clause: Clause,
) -> Verdict<Option<(FileInfo, Vec<u8>)>> {
    match try_read(store, text, clause).await? {
        Err(error) if may_break(store, &error) => Ok(None),
        read => read
            .succeeds(clause, &format!("a read of `{text}`, which is replaced,"))
            .map(Some),
    }
}

/// Whether a read of a file that is replaced or deleted meanwhile may end so.
pub(super) fn may_break(store: &dyn IStore, error: &Error) -> bool {
    store.capabilities().snapshots == Snapshots::MayBreak && error.is_retryable()
}

/// The same, where the read itself may fail.
pub(super) async fn try_read(
    store: &dyn IStore,
    text: &str,
    clause: Clause,
) -> Verdict<Result<(FileInfo, Vec<u8>)>> {
    let file = store
        .get_file_contents(&name(text), &ReadOptions::default())
        .await;
    let file = match file {
        Ok(file) => file,
        Err(error) => return Ok(Err(error)),
    };
    let (info, range) = (file.info, file.range);
    clause.same(
        "the name of the file that was read",
        info.name.as_str(),
        text,
    )?;
    clause.same("the range of a whole file", &range, &(0..info.size))?;
    let declared = file.contents.size();
    let mut found = Vec::new();
    let mut pieces = file.contents.into_stream();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => found.extend_from_slice(&piece),
            Err(error) => return Ok(Err(error)),
        }
    }
    let size = found.len() as u64;
    clause.same(&format!("the size told of `{text}`"), &info.size, &size)?;
    if let Some(declared) = declared {
        clause.same(&format!("the declared size of `{text}`"), &declared, &size)?;
    }
    Ok(Ok((info, found)))
}

pub(super) async fn names_of(store: &dyn IStore, options: &ListOptions) -> Verdict<Vec<String>> {
    let page = store.get_files_list(options).await;
    let page = page.succeeds(Clause::Order, "a listing")?;
    Ok(page
        .into_iter()
        .map(|info| info.name.as_str().to_owned())
        .collect())
}

/// Checks that a listing shows these names; where it may lag, that it comes to show them.
pub(super) async fn check_names(
    store: &dyn IStore,
    options: &ListOptions,
    expected: &[impl AsRef<str>],
    clause: Clause,
) -> Verdict {
    let expected: Vec<_> = expected.iter().map(AsRef::as_ref).collect();
    let ask = async || names_of(store, options).await;
    let found = settle(store, ask, |found| *found == expected).await?;
    clause.same(
        &format!("the names listed with {options:?}"),
        &found,
        &expected,
    )
}

/// Checks that all the names there are, are these.
pub(super) async fn check_all_names(
    store: &dyn IStore,
    expected: &[impl AsRef<str>],
    clause: Clause,
) -> Verdict {
    check_names(store, &ListOptions::default(), expected, clause).await
}

/// What a task came to; that it panicked is the panic of the check.
pub(super) async fn joined<T>(task: tokio::task::JoinHandle<T>) -> T {
    match task.await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => unreachable!("no check cancels what it waits for: {error}"),
        },
    }
}
