//! A save replaces what it may, all at once.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;

use super::samples::{
    LONG, begin_save, check_all_names, check_file, create, joined, name, options, pattern, save,
    streamed, update,
};
use super::violation::{Answer, Clause, Verdict, does_not_apply};
use crate::{
    ErrorKind, FileContents, Guarantee, IStore, ReadOptions, SaveOptions, StoreExt, Versions,
};

/// Contents of one block and of several: stores save them in different ways.
fn short_and_long() -> [Vec<u8>; 2] {
    [b"new".to_vec(), pattern(9, LONG)]
}

pub(super) async fn create_refuses_what_exists(store: Arc<dyn IStore>) -> Verdict {
    if store.capabilities().exclusive_create == Guarantee::Unsupported {
        return does_not_apply("the store declares no create");
    }
    let clause = Clause::Refusals;
    let saved = store.save_bytes(&name("a"), "old", &create()).await;
    let saved = saved.succeeds(clause, "a create of a file that is not there")?;
    for bytes in short_and_long() {
        let again = store
            .save_file(&name("a"), streamed(&bytes), &create())
            .await;
        let what = format!("a create of {} bytes over a file", bytes.len());
        let error = again.fails(clause, ErrorKind::AlreadyExists, &what)?;
        clause.same("the name in the error", &error.name(), &Some("a"))?;
        let kept = check_file(&*store, "a", b"old", clause).await?;
        clause.same("the info after a refused create", &kept, &saved)?;
    }
    for (number, bytes) in short_and_long().into_iter().enumerate() {
        let text = format!("new/{number}");
        let saved = store
            .save_file(&name(&text), streamed(&bytes), &create())
            .await;
        saved.succeeds(clause, "a create of a file that is not there")?;
        check_file(&*store, &text, &bytes, clause).await?;
    }
    Ok(())
}

pub(super) async fn update_replaces_only_the_version_it_names(store: Arc<dyn IStore>) -> Verdict {
    if store.capabilities().exclusive_update == Guarantee::Unsupported {
        return does_not_apply("the store declares no update");
    }
    let clause = Clause::Refusals;
    let mut old = save(&*store, "a", "1").await?;
    for bytes in short_and_long() {
        let new = store
            .save_file(&name("a"), streamed(&bytes), &update(&old))
            .await;
        let new = new.succeeds(clause, "an update of the version that is there")?;
        for refused in [b"refused".to_vec(), pattern(8, LONG)] {
            let stale = store
                .save_file(&name("a"), streamed(&refused), &update(&old))
                .await;
            let error = stale.fails(clause, ErrorKind::Conflict, "an update of an old version")?;
            clause.same("the name in the error", &error.name(), &Some("a"))?;
        }
        let kept = check_file(&*store, "a", &bytes, clause).await?;
        clause.same("the info after a refused update", &kept, &new)?;
        old = new;
    }
    let other = save(&*store, "other", "1").await?;
    let foreign = store.save_bytes(&name("a"), "x", &update(&other)).await;
    foreign.fails(
        clause,
        ErrorKind::Conflict,
        "an update of another file's version",
    )?;
    for text in ["", "invalid", "\"*\"", "*"] {
        let mode = crate::SaveMode::Update(crate::Etag::new(text));
        let unknown = store
            .save_bytes(&name("a"), "x", &options().with_mode(mode))
            .await;
        unknown.fails(
            clause,
            ErrorKind::Conflict,
            "an update of a version that never was",
        )?;
    }
    let missing = store.save_bytes(&name("missing"), "x", &update(&old)).await;
    missing.fails(
        clause,
        ErrorKind::Conflict,
        "an update of a file that is not there",
    )?;
    check_all_names(&*store, &["a", "other"], clause).await
}

pub(super) async fn every_save_gives_another_etag(store: Arc<dyn IStore>) -> Verdict {
    let mut etags = HashSet::new();
    let versions = store.capabilities().versions;
    for number in 0..100 {
        let contents = match versions {
            Versions::Saves => "same".to_owned(),
            // As long, and other bytes.
            Versions::Contents => format!("{number:04}"),
        };
        let saved = save(&*store, "a", &contents).await?;
        let what = format!("save {number} of `{contents}` has the etag of an earlier one");
        Clause::Versions.holds(etags.insert(saved.etag.clone()), what)?;
        let info = store.get_file_info(&name("a")).await;
        let info = info.succeeds(Clause::Versions, "an info")?;
        Clause::Versions.same("the etag of an info", &info.etag, &saved.etag)?;
        if number % 10 == 0 {
            let deleted = store.delete_file(&name("a")).await;
            deleted.succeeds(Clause::Versions, "a delete")?;
        }
    }
    Ok(())
}

pub(super) async fn an_etag_never_comes_back(store: Arc<dyn IStore>) -> Verdict {
    if store.capabilities().exclusive_update == Guarantee::Unsupported {
        return does_not_apply("the store declares no update");
    }
    if store.capabilities().versions == Versions::Contents {
        return does_not_apply("the store declares etags that tell contents apart, not saves");
    }
    let old = save(&*store, "a", "same").await?;
    store
        .delete_file(&name("a"))
        .await
        .succeeds(Clause::Versions, "a delete")?;
    save(&*store, "a", "same").await?;
    let stale = store.save_bytes(&name("a"), "x", &update(&old)).await;
    let what = "an update of a version that was deleted, over one with the same contents";
    stale
        .fails(Clause::Versions, ErrorKind::Conflict, what)
        .map(drop)
}

pub(super) async fn a_save_shows_nothing_before_it_ends(store: Arc<dyn IStore>) -> Verdict {
    let clause = Clause::Atomic;
    save(&*store, "old", "x").await?;
    check_all_names(&*store, &["old"], clause).await?;
    let bytes = pattern(1, 4 * LONG);
    for text in ["new", "old"] {
        let (sender, saving) = begin_save(&store, text, &bytes).await;
        let page = super::samples::names_of(&*store, &crate::ListOptions::default()).await?;
        clause.same("the names listed during a save", &page, &["old"])?;
        let infos = store.get_files_list(&crate::ListOptions::default()).await;
        let size = infos
            .succeeds(clause, "a listing during a save")?
            .first()
            .map(|info| info.size);
        clause.same("the size listed during a save", &size, &Some(1))?;
        check_file(&*store, "old", b"x", clause).await?;
        if text == "new" {
            let info = store.get_file_info(&name("new")).await;
            info.fails(
                clause,
                ErrorKind::NotFound,
                "an info during the file's first save",
            )?;
            let read = store
                .get_file_contents(&name("new"), &ReadOptions::default())
                .await;
            read.fails(
                clause,
                ErrorKind::NotFound,
                "a read during the file's first save",
            )?;
        }
        drop(sender);
        joined(saving).await.succeeds(clause, "a slow save")?;
        check_file(&*store, text, &bytes, clause).await?;
        store
            .delete_file(&name(text))
            .await
            .succeeds(clause, "a delete")?;
        save(&*store, "old", "x").await?;
        check_all_names(&*store, &["old"], clause).await?;
    }
    Ok(())
}

pub(super) async fn of_two_saves_the_last_to_end_stays(store: Arc<dyn IStore>) -> Verdict {
    let clause = Clause::Atomic;
    let (first, second) = (pattern(1, 3 * LONG), pattern(2, 2 * LONG));
    for first_ends_last in [true, false] {
        let (first_sender, first_saving) = begin_save(&store, "a", &first).await;
        let (second_sender, second_saving) = begin_save(&store, "a", &second).await;
        let first_end = async || {
            drop(first_sender);
            joined(first_saving)
                .await
                .succeeds(clause, "the first of two saves")
        };
        let second_end = async || {
            drop(second_sender);
            joined(second_saving)
                .await
                .succeeds(clause, "the second of two saves")
        };
        let (saved, expected) = if first_ends_last {
            second_end().await?;
            (first_end().await?, &first)
        } else {
            first_end().await?;
            (second_end().await?, &second)
        };
        let kept = check_file(&*store, "a", expected, clause).await?;
        clause.same("the info of the save that ended last", &kept, &saved)?;
    }
    Ok(())
}

/// Contents that no store may ask for.
fn untouched() -> FileContents {
    let touched = || crate::Error::new(ErrorKind::Other, "hand over contents that were to stay");
    FileContents::from_stream(stream::once(async move { Err(touched()) }).boxed(), None)
}

pub(super) async fn refused_options_are_refused_before_the_contents_are_read(
    store: Arc<dyn IStore>,
) -> Verdict {
    let refused: [SaveOptions; 6] = [
        options().with_content_type(""),
        options().with_content_type("a\nb"),
        options().with_metadata("A B", "x"),
        options().with_metadata("", "x"),
        options().with_metadata("a", "x\r\ny"),
        options().with_metadata("a", "x".repeat(SaveOptions::MAX_METADATA_LEN)),
    ];
    for options in refused {
        let saved = store.save_file(&name("a"), untouched(), &options).await;
        let what = format!("a save with {options:?}");
        saved.fails(Clause::Refusals, ErrorKind::InvalidInput, &what)?;
    }
    let none: [&str; 0] = [];
    check_all_names(&*store, &none, Clause::Refusals).await
}

pub(super) async fn what_is_saved_after_a_long_file_is_deleted_stays(
    store: Arc<dyn IStore>,
) -> Verdict {
    let clause = Clause::Faithful;
    let max = store.capabilities().max_file_size.unwrap_or(u64::MAX);
    // A store may delete a long file bit by bit, in bits of any number of blocks, and is met at one
    // point or another of that.
    let cases = [
        (15, 2),
        (16, 1),
        (16, 2),
        (16, 3),
        (16, 4),
        (17, 2),
        (32, 3),
    ];
    for (index, (mib, looks)) in cases.into_iter().enumerate() {
        let length = mib << 20;
        if length as u64 > max {
            continue;
        }
        let (long, bytes) = (name("long"), vec![7; length]);
        let saved = store.save_bytes(&long, bytes, &options()).await;
        saved.succeeds(clause, &format!("a save of {length} bytes"))?;
        let deleted = store.delete_file(&long).await;
        deleted.succeeds(clause, &format!("a delete of {length} bytes"))?;
        for _ in 0..looks {
            let info = store.get_file_info(&long).await;
            info.fails(clause, ErrorKind::NotFound, "an info of a deleted file")?;
        }
        let texts: Vec<_> = (0..4).map(|save| format!("{index}/{save}")).collect();
        for text in &texts {
            save(&*store, text, text).await?;
            // The reads give the store time to go on.
            for _ in 0..4 {
                check_file(&*store, text, text.as_bytes(), clause).await?;
            }
        }
        for text in &texts {
            check_file(&*store, text, text.as_bytes(), clause).await?;
        }
    }
    Ok(())
}
