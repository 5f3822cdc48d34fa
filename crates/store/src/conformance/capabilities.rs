//! What a store claims is true.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;

use super::samples::{check_all_names, check_file, create, name, options, pattern, save, update};
use super::violation::{Answer, Clause, Verdict, does_not_apply};
use crate::{
    ErrorKind, FileContents, Guarantee, IStore, ReadOptions, ReadRange, SaveOptions, StoreExt,
    Support,
};

/// The most bytes that a check saves to reach a maximum.
const AFFORDABLE: u64 = 64 * 1024 * 1024;

pub(super) async fn claims_never_change(store: Arc<dyn IStore>) -> Verdict {
    let before = store.capabilities();
    save(&*store, "a", "x").await?;
    Clause::Capabilities.same(
        "what is claimed after a save",
        &store.capabilities(),
        &before,
    )
}

pub(super) async fn what_is_declared_unsupported_is_refused(store: Arc<dyn IStore>) -> Verdict {
    let old = save(&*store, "a", "old").await?;
    let capabilities = store.capabilities();
    let refuse = async |text: &str, options: SaveOptions| {
        let saved = store.save_bytes(&name(text), "new", &options).await;
        let what = format!("a save with {options:?}, which is declared unsupported,");
        saved.fails(Clause::Capabilities, ErrorKind::Unsupported, &what)
    };
    if capabilities.exclusive_create == Guarantee::Unsupported {
        refuse("b", create()).await?;
    }
    if capabilities.exclusive_update == Guarantee::Unsupported {
        refuse("a", update(&old)).await?;
    }
    if capabilities.metadata == Support::Unsupported {
        refuse("a", options().with_metadata("made-by", "me")).await?;
        refuse("a", options().with_content_type("x/y")).await?;
    } else {
        let most = capabilities.max_metadata_value_len;
        if most < SaveOptions::MAX_METADATA_LEN - 1 {
            refuse("a", options().with_metadata("a", "x".repeat(most + 1))).await?;
        }
        if let Some(too_many) = entries(capabilities.max_metadata_entries + 1) {
            refuse("a", too_many).await?;
        }
    }
    if capabilities.range_reads == Support::Unsupported {
        for range in [
            ReadRange::Bounded(0..1),
            ReadRange::From(0),
            ReadRange::Last(1),
        ] {
            let what = format!("a read of {range:?}, which is declared unsupported,");
            let options = ReadOptions::default().with_range(range);
            let read = store.get_file_contents(&name("a"), &options).await;
            read.fails(Clause::Capabilities, ErrorKind::Unsupported, &what)?;
        }
    }
    check_all_names(&*store, &["a"], Clause::Capabilities).await?;
    check_file(&*store, "a", b"old", Clause::Capabilities)
        .await
        .map(drop)
}

/// So many entries of metadata, where no store refuses them all alike.
fn entries(count: usize) -> Option<SaveOptions> {
    let options = (0..count).fold(options(), |options, number| {
        options.with_metadata(number.to_string(), "")
    });
    options.check(&name("a")).is_ok().then_some(options)
}

async fn check_metadata_kept(store: &dyn IStore, told: SaveOptions) -> Verdict {
    let clause = Clause::Capabilities;
    let saved = store.save_bytes(&name("a"), "new", &told).await;
    saved.succeeds(clause, "a save with as much metadata as declared")?;
    let info = store.get_file_info(&name("a")).await;
    let info = info.succeeds(clause, "an info")?;
    clause.same("the metadata", &info.metadata, &told.metadata)
}

pub(super) async fn what_is_declared_supported_is_done(store: Arc<dyn IStore>) -> Verdict {
    let clause = Clause::Capabilities;
    let capabilities = store.capabilities();
    if capabilities.exclusive_create != Guarantee::Unsupported {
        let saved = store.save_bytes(&name("a"), "old", &create()).await;
        saved.succeeds(clause, "a create, which is declared supported,")?;
    }
    let old = save(&*store, "a", "old").await?;
    if capabilities.exclusive_update != Guarantee::Unsupported {
        let saved = store.save_bytes(&name("a"), "new", &update(&old)).await;
        saved.succeeds(clause, "an update, which is declared supported,")?;
    }
    if capabilities.metadata == Support::Supported {
        let told = options()
            .with_metadata("made-by", "me")
            .with_content_type("x/y");
        let saved = store.save_bytes(&name("a"), "new", &told).await;
        saved.succeeds(clause, "a save with metadata, which is declared supported,")?;
        let info = store
            .get_file_info(&name("a"))
            .await
            .succeeds(clause, "an info")?;
        clause.same("the metadata", &info.metadata, &told.metadata)?;
        clause.same("the content type", info.content_type.as_str(), "x/y")?;
        let longest = (capabilities.max_metadata_value_len).min(SaveOptions::MAX_METADATA_LEN - 1);
        let longest = options().with_metadata("a", "x".repeat(longest));
        for told in [Some(longest), entries(capabilities.max_metadata_entries)] {
            check_metadata_kept(&*store, told.unwrap_or_default()).await?;
        }
    }
    if capabilities.range_reads == Support::Supported {
        let options = ReadOptions::default().with_range(ReadRange::Bounded(1..2));
        let read = store.get_file_contents(&name("a"), &options).await;
        let read = read.succeeds(clause, "a read of a range, which is declared supported,")?;
        clause.same("the range of a read", &read.range, &(1..2))?;
    }
    Ok(())
}

pub(super) async fn the_declared_maximum_size_is_kept(store: Arc<dyn IStore>) -> Verdict {
    let clause = Clause::Capabilities;
    let Some(max) = store.capabilities().max_file_size else {
        return does_not_apply("the store declares no maximum size");
    };
    // Contents that declare too much are refused unread, however much the maximum is.
    let unread = stream::once(async {
        Err(crate::Error::new(
            ErrorKind::Other,
            "hand over contents that are declared too long",
        ))
    });
    let contents = FileContents::from_stream(unread.boxed(), Some(max.saturating_add(1)));
    let declared = store.save_file(&name("a"), contents, &options()).await;
    let what = format!("a save of contents that declare more than the maximum of {max} bytes");
    declared.fails(clause, ErrorKind::TooLarge, &what)?;
    let Ok(affordable) = usize::try_from(max.min(AFFORDABLE)) else {
        return Ok(());
    };
    let bytes = pattern(1, affordable);
    let saved = store
        .save_bytes(&name("most"), bytes.clone(), &options())
        .await;
    saved.succeeds(
        clause,
        &format!("a save of {affordable} of at most {max} bytes"),
    )?;
    check_file(&*store, "most", &bytes, clause).await?;
    if max <= AFFORDABLE {
        let pieces = [Ok(Bytes::from(bytes)), Ok(Bytes::from_static(b"x"))];
        let contents = FileContents::from_stream(stream::iter(pieces).boxed(), None);
        let saved = store.save_file(&name("more"), contents, &options()).await;
        saved.fails(
            clause,
            ErrorKind::TooLarge,
            "a save of one byte more than the maximum",
        )?;
    }
    check_all_names(&*store, &["most"], clause).await
}
