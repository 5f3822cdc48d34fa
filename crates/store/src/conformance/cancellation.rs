//! What does not come to its end leaves nothing.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use futures_util::{FutureExt, StreamExt};
use sha2::{Digest, Sha256};

use super::samples::{
    LONG, begin_save, check_all_names, check_file, name, options, pattern, read, save, streamed,
};
use super::violation::{Answer, Clause, Verdict};
use crate::{Error, ErrorKind, FileContents, IStore, StoreExt};

/// Checks that there is the one file that was there before, and that saves work.
async fn check_nothing_left(store: &dyn IStore, text: &str, after: &str) -> Verdict {
    let clause = Clause::Cancellation;
    if text != "old" {
        let info = store.get_file_info(&name(text)).await;
        info.fails(
            clause,
            ErrorKind::NotFound,
            &format!("an info after {after}"),
        )?;
        let deleted = store.delete_file(&name(text)).await;
        deleted.fails(
            clause,
            ErrorKind::NotFound,
            &format!("a delete after {after}"),
        )?;
    }
    check_all_names(store, &["old"], clause).await?;
    check_file(store, "old", b"x", clause).await?;
    let saved = store
        .save_bytes(&name("next"), after.to_owned(), &options())
        .await;
    saved.succeeds(clause, &format!("a save after {after}"))?;
    check_file(store, "next", after.as_bytes(), clause).await?;
    store
        .delete_file(&name("next"))
        .await
        .succeeds(clause, "a delete")
        .map(drop)
}

pub(super) async fn a_dropped_save_leaves_nothing(store: Arc<dyn IStore>) -> Verdict {
    save(&*store, "old", "x").await?;
    for text in ["new", "a/b/new", "old"] {
        for length in [0, 1, LONG] {
            let (sender, saving) = begin_save(&store, text, &pattern(1, length)).await;
            saving.abort();
            let ended = saving.await;
            Clause::Cancellation.holds(ended.is_err(), "a save ended before its contents")?;
            drop(sender);
            let after = format!("a save of `{text}` that was dropped after {length} bytes");
            check_nothing_left(&*store, text, &after).await?;
        }
        // Dropped when it has just been looked at, or not even that.
        let bytes = FileContents::from_bytes(pattern(1, LONG));
        let (file, options) = (name(text), options());
        drop(store.save_file(&file, bytes, &options));
        let (_sender, waiting) = super::samples::sent();
        let looked_at = store.save_file(&file, waiting, &options).now_or_never();
        Clause::Cancellation.holds(
            looked_at.is_none_or(|ended| ended.is_err()),
            "a save ended before its contents",
        )?;
        check_nothing_left(&*store, text, "a save that was dropped at once").await?;
    }
    Ok(())
}

pub(super) async fn a_save_dropped_at_any_moment_happens_whole_or_not_at_all(
    store: Arc<dyn IStore>,
) -> Verdict {
    let clause = Clause::Cancellation;
    let (file, options) = (name("a/b"), options());
    for length in [70, LONG] {
        let mut versions = vec![pattern(0, length)];
        let first = store.save_bytes(&file, versions[0].clone(), &options).await;
        first.succeeds(clause, "a save")?;
        for moment in 1..16 {
            let new = pattern(moment, length + usize::try_from(moment).unwrap_or(0));
            // The pieces let others run, so that a save can be dropped between them.
            let pieces = streamed(&new).into_stream().then(async |piece| {
                tokio::task::yield_now().await;
                piece
            });
            versions.push(new);
            let contents = FileContents::from_stream(pieces.boxed(), None);
            let mut saving = Box::pin(store.save_file(&file, contents, &options));
            for _ in 0..moment * moment {
                if (&mut saving).now_or_never().is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(saving);
            // A last step that was under way may end while this looks, or later.
            let (_, found) = read(&*store, "a/b", clause).await?;
            let seen = format!(
                "a dropped save left {} bytes that were never saved",
                found.len()
            );
            clause.holds(versions.contains(&found), seen)?;
        }
        check_all_names(&*store, &["a/b"], clause).await?;
    }
    Ok(())
}

pub(super) async fn a_broken_stream_leaves_nothing(store: Arc<dyn IStore>) -> Verdict {
    let clause = Clause::Cancellation;
    save(&*store, "old", "x").await?;
    for text in ["new", "a/b/new", "old"] {
        for blocks in [0, 1, 3] {
            let pieces = (0..blocks).map(|_| Ok(Bytes::from(vec![7; 1024 * 1024])));
            let broken = Err(Error::new(ErrorKind::NotFound, "read file").with_message("gone"));
            let pieces: Vec<_> = pieces.chain([broken]).collect();
            let contents = FileContents::from_stream(stream::iter(pieces).boxed(), None);
            let saved = store.save_file(&name(text), contents, &options()).await;
            let after = format!("a save of `{text}` whose stream broke after {blocks} MiB");
            let error = saved.fails(clause, ErrorKind::Interrupted, &after)?;
            let source = std::error::Error::source(&error).map(ToString::to_string);
            let is_told = source.is_some_and(|source| source.contains("gone"));
            clause.holds(
                is_told,
                format!("{after} does not tell the stream's error as source"),
            )?;
            check_nothing_left(&*store, text, &after).await?;
        }
    }
    Ok(())
}

pub(super) async fn a_wrong_size_leaves_nothing(store: Arc<dyn IStore>) -> Verdict {
    let clause = Clause::Cancellation;
    save(&*store, "old", "x").await?;
    for length in [5, LONG] {
        let bytes = pattern(1, length);
        let length = length as u64;
        for text in ["new", "old"] {
            for declared in [0, 1, length - 1, length + 1, length * 2] {
                let stream = streamed(&bytes).into_stream();
                let contents = FileContents::from_stream(stream, Some(declared));
                let saved = store.save_file(&name(text), contents, &options()).await;
                let after = format!("a save of {length} bytes that were declared as {declared}");
                saved.fails(clause, ErrorKind::InvalidInput, &after)?;
                check_nothing_left(&*store, text, &after).await?;
            }
        }
        let contents = FileContents::from_stream(streamed(&bytes).into_stream(), Some(length));
        let saved = store.save_file(&name("right"), contents, &options()).await;
        saved.succeeds(clause, "a save of as many bytes as were declared")?;
        check_file(&*store, "right", &bytes, clause).await?;
        store
            .delete_file(&name("right"))
            .await
            .succeeds(clause, "a delete")?;
    }
    Ok(())
}

pub(super) async fn a_wrong_sha256_leaves_nothing(store: Arc<dyn IStore>) -> Verdict {
    let clause = Clause::Cancellation;
    save(&*store, "old", "x").await?;
    for length in [0, 5, LONG] {
        let bytes = pattern(1, length);
        for text in ["new", "old"] {
            let wrong = options().with_expected_sha256([1; 32]);
            let saved = store.save_file(&name(text), streamed(&bytes), &wrong).await;
            let after = format!("a save of {length} bytes with another sha256");
            saved.fails(clause, ErrorKind::ChecksumMismatch, &after)?;
            check_nothing_left(&*store, text, &after).await?;
        }
        let right = options().with_expected_sha256(Sha256::digest(&bytes).into());
        let saved = store
            .save_file(&name("right"), streamed(&bytes), &right)
            .await;
        saved.succeeds(clause, "a save with the right sha256")?;
        check_file(&*store, "right", &bytes, clause).await?;
        store
            .delete_file(&name("right"))
            .await
            .succeeds(clause, "a delete")?;
    }
    Ok(())
}
