//! What is read is what was saved.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use futures_util::{StreamExt, TryStreamExt};

use super::samples::{
    LONG, check_all_names, check_file, create, may_break, name, options, pattern, read, save,
    streamed,
};
use super::violation::{Answer, Clause, Verdict, does_not_apply};
use crate::{ErrorKind, FileContents, IStore, ReadOptions, Result, StoreExt, Support};

pub(super) async fn a_saved_file_is_read_back_with_its_info(store: Arc<dyn IStore>) -> Verdict {
    let clause = Clause::Faithful;
    let text = "packages/foo.tar.gz";
    let saved = save(&*store, text, "hello").await?;
    clause.same("the name in a save's answer", saved.name.as_str(), text)?;
    clause.same("the size in a save's answer", &saved.size, &5)?;
    let guessed = name(text).guess_content_type();
    clause.same(
        "the guessed content type",
        saved.content_type.as_str(),
        guessed,
    )?;
    let info = store.get_file_info(&name(text)).await;
    clause.same("the info", &info.succeeds(clause, "an info")?, &saved)?;
    let read = check_file(&*store, text, b"hello", clause).await?;
    clause.same("the info of a read", &read, &saved)?;
    let listed = store.get_files_list(&crate::ListOptions::default()).await;
    let listed = listed.succeeds(clause, "a listing")?;
    if let Some(listed) = listed.first() {
        clause.same("the listed info", listed, &saved)?;
    }
    check_all_names(&*store, &[text], Clause::Fresh).await
}

pub(super) async fn empty_and_one_byte_files_are_files(store: Arc<dyn IStore>) -> Verdict {
    for (text, bytes) in [("none", ""), ("other", ""), ("one", "x")] {
        save(&*store, text, bytes).await?;
        check_file(&*store, text, bytes.as_bytes(), Clause::Faithful).await?;
        let nothing = FileContents::from_stream(stream::empty().boxed(), None);
        let streamed = store
            .save_file(&name("streamed"), nothing, &options())
            .await;
        let streamed = streamed.succeeds(Clause::Faithful, "a save of a stream of nothing")?;
        Clause::Faithful.same("the size of nothing", &streamed.size, &0)?;
        check_file(&*store, "streamed", b"", Clause::Faithful).await?;
    }
    store
        .delete_file(&name("none"))
        .await
        .succeeds(Clause::Faithful, "a delete")?;
    check_file(&*store, "other", b"", Clause::Faithful).await?;
    check_all_names(&*store, &["one", "other", "streamed"], Clause::Faithful).await
}

pub(super) async fn files_of_every_length_around_a_block_survive(
    store: Arc<dyn IStore>,
) -> Verdict {
    const KIB: usize = 1024;
    for block in [4 * KIB, 64 * KIB, 256 * KIB, KIB * KIB, 2 * KIB * KIB] {
        for length in [block - 1, block, block + 1] {
            let bytes = pattern(length as u64, length);
            let contents = streamed(&bytes);
            let saved = store
                .save_file(&name("streamed"), contents, &options())
                .await;
            saved.succeeds(Clause::Faithful, "a streamed save")?;
            check_file(&*store, "streamed", &bytes, Clause::Faithful).await?;
            let saved = store
                .save_bytes(&name("whole"), bytes.clone(), &options())
                .await;
            saved.succeeds(Clause::Faithful, "a save")?;
            check_file(&*store, "whole", &bytes, Clause::Faithful).await?;
        }
    }
    Ok(())
}

pub(super) async fn pieces_of_any_size_make_the_same_file(store: Arc<dyn IStore>) -> Verdict {
    let bytes = pattern(1, LONG);
    let cuts: [(&str, usize); 3] = [("a big piece", LONG), ("pieces", 70_001), ("crumbs", 997)];
    for (what, length) in cuts {
        // Empty pieces between the others mean nothing.
        let pieces = bytes.chunks(length).flat_map(|piece| [piece, &[]]);
        let pieces: Vec<Result<Bytes>> = pieces
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        let size = Some(bytes.len() as u64);
        let contents = FileContents::from_stream(stream::iter(pieces).boxed(), size);
        let saved = store.save_file(&name("a"), contents, &options()).await;
        let saved = saved.succeeds(Clause::Faithful, &format!("a save in {what}"))?;
        let read = check_file(&*store, "a", &bytes, Clause::Faithful).await?;
        Clause::Faithful.same("the info of a read", &read, &saved)?;
    }
    Ok(())
}

pub(super) async fn a_missing_file_is_not_found(store: Arc<dyn IStore>) -> Verdict {
    save(&*store, "a/b", "x").await?;
    for text in ["b", "a", "a/c", "a/b/c", "a/b.txt", "A/b", "x/y/z"] {
        let missing = name(text);
        let what = |call| format!("{call} of `{text}`, where `a/b` alone is stored,");
        let clause = Clause::Refusals;
        let info = store.get_file_info(&missing).await.map(drop);
        let read = store
            .get_file_contents(&missing, &ReadOptions::default())
            .await
            .map(drop);
        let delete = store.delete_file(&missing).await;
        for (call, answer) in [("an info", info), ("a read", read), ("a delete", delete)] {
            let error = answer.fails(clause, ErrorKind::NotFound, &what(call))?;
            clause.same("the name in the error", &error.name(), &Some(text))?;
            clause.holds(!error.is_retryable(), "a missing file is worth a retry")?;
        }
    }
    check_file(&*store, "a/b", b"x", Clause::Refusals)
        .await
        .map(drop)
}

pub(super) async fn a_deleted_file_is_gone_and_can_be_saved_again(
    store: Arc<dyn IStore>,
) -> Verdict {
    for bytes in ["first", "second"] {
        save(&*store, "a", bytes).await?;
        save(&*store, "b", bytes).await?;
        store
            .delete_file(&name("a"))
            .await
            .succeeds(Clause::Fresh, "a delete")?;
        let read = store
            .get_file_contents(&name("a"), &ReadOptions::default())
            .await;
        read.fails(Clause::Fresh, ErrorKind::NotFound, "a read after a delete")?;
        let info = store.get_file_info(&name("a")).await;
        info.fails(Clause::Fresh, ErrorKind::NotFound, "an info after a delete")?;
        let again = store.delete_file(&name("a")).await;
        again.fails(Clause::Refusals, ErrorKind::NotFound, "a second delete")?;
        check_all_names(&*store, &["b"], Clause::Fresh).await?;
        check_file(&*store, "b", bytes.as_bytes(), Clause::Faithful).await?;
    }
    if store.capabilities().exclusive_create != crate::Guarantee::Unsupported {
        let saved = store.save_bytes(&name("a"), "third", &create()).await;
        saved.succeeds(Clause::Fresh, "a create after a delete")?;
        check_file(&*store, "a", b"third", Clause::Faithful).await?;
    }
    Ok(())
}

pub(super) async fn a_read_that_has_begun_keeps_its_version(store: Arc<dyn IStore>) -> Verdict {
    let old = pattern(1, LONG);
    for ending in ["replaced", "deleted"] {
        let saved = store.save_bytes(&name("a"), old.clone(), &options()).await;
        saved.succeeds(Clause::Snapshot, "a save")?;
        let mut pieces = Vec::new();
        let mut found = Vec::new();
        // One read has given a piece, the other none yet.
        for has_begun in [true, false] {
            let file = store
                .get_file_contents(&name("a"), &ReadOptions::default())
                .await;
            let file = file.succeeds(Clause::Snapshot, "a read")?;
            let mut stream = file.contents.into_stream();
            let first = if has_begun {
                stream.try_next().await
            } else {
                Ok(None)
            };
            let first = first.succeeds(Clause::Snapshot, "the first piece of a read")?;
            found.push(first.map(|piece| piece.to_vec()).unwrap_or_default());
            pieces.push(stream);
        }
        if ending == "replaced" {
            let new = pattern(2, LONG + 1);
            let saved = store.save_bytes(&name("a"), new, &options()).await;
            saved.succeeds(Clause::Snapshot, "a save over a file that is read")?;
        } else {
            let deleted = store.delete_file(&name("a")).await;
            deleted.succeeds(Clause::Snapshot, "a delete of a file that is read")?;
        }
        save(&*store, "b", "other").await?;
        for (mut stream, mut found) in pieces.into_iter().zip(found) {
            let what = format!("the rest of a read of a file that was {ending} meanwhile");
            let broken = loop {
                match stream.next().await {
                    Some(Ok(piece)) => found.extend_from_slice(&piece),
                    Some(Err(error)) if may_break(&*store, &error) => break true,
                    Some(broken) => drop(broken.succeeds(Clause::Snapshot, &what)?),
                    None => break false,
                }
            };
            // What was given before a break is of that version, too.
            let end = if broken {
                found.len().min(old.len())
            } else {
                old.len()
            };
            Clause::Snapshot.same_bytes(&what, &found, &old[..end])?;
        }
    }
    Ok(())
}

pub(super) async fn content_type_and_metadata_go_with_the_version(
    store: Arc<dyn IStore>,
) -> Verdict {
    if store.capabilities().metadata == Support::Unsupported {
        return does_not_apply("the store declares no metadata");
    }
    let clause = Clause::Faithful;
    let longest = store.capabilities().max_metadata_value_len.min(1900);
    let told = options()
        .with_content_type("text/x-notes; charset=utf-8")
        .with_metadata("made-by", "Zoë & co, \"quoted\" = 100%")
        .with_metadata("empty", "")
        .with_metadata("encoded", "a%2Fb+c%20d&amp;\\n")
        .with_metadata("1", "x".repeat(longest));
    let long = pattern(3, LONG);
    let versions: [(_, &[u8]); 4] = [
        (&told, b"1"),
        (&options(), b"2"),
        (&told, &long),
        (&options(), &long),
    ];
    for (options, bytes) in versions {
        let saved = store
            .save_file(&name("a.json"), streamed(bytes), options)
            .await;
        let saved = saved.succeeds(clause, "a save with a content type and metadata")?;
        let content_type = options.content_type_of(&name("a.json"));
        clause.same(
            "the content type",
            saved.content_type.as_str(),
            content_type,
        )?;
        clause.same("the metadata", &saved.metadata, &options.metadata)?;
        let info = store.get_file_info(&name("a.json")).await;
        clause.same("the info", &info.succeeds(clause, "an info")?, &saved)?;
        clause.same(
            "the info of a read",
            &read(&*store, "a.json", clause).await?.0,
            &saved,
        )?;
        super::listing::check_infos(&*store, &[saved], clause).await?;
    }
    Ok(())
}
