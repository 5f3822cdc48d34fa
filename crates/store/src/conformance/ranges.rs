//! Parts of a file are exactly those that were asked for.

use std::sync::Arc;

use futures_util::future::try_join_all;

use super::samples::{LONG, name, options, pattern, streamed};
use super::violation::{Answer, Clause, Verdict, does_not_apply};
use crate::{ErrorKind, IStore, ReadOptions, ReadRange, Support};

/// Places past what 32 bits hold: a store that cuts them short reads something else.
const FOUR_GIB: u64 = 1 << 32;

async fn fill(store: &dyn IStore, length: usize) -> Verdict<Vec<u8>> {
    let bytes = pattern(length as u64, length);
    let saved = store
        .save_file(&name("a"), streamed(&bytes), &options())
        .await;
    saved.succeeds(Clause::Ranges, "a save")?;
    Ok(bytes)
}

async fn check(store: &dyn IStore, bytes: &[u8], range: ReadRange) -> Verdict {
    let clause = Clause::Ranges;
    let size = bytes.len() as u64;
    let what = format!("a read of {range:?} of {size} bytes");
    let options = ReadOptions::default().with_range(range);
    let found = store.get_file_contents(&name("a"), &options).await;
    let expected = match options.resolve(&name("a"), size) {
        Ok(expected) => expected,
        Err(error) => return found.map(drop).fails(clause, error.kind(), &what).map(drop),
    };
    let file = found.succeeds(clause, &what)?;
    clause.same(&format!("the range told by {what}"), &file.range, &expected)?;
    clause.same(&format!("the size told by {what}"), &file.info.size, &size)?;
    if let Some(declared) = file.contents.size() {
        let length = expected.end - expected.start;
        clause.same(&format!("the declared size of {what}"), &declared, &length)?;
    }
    let found = file
        .contents
        .collect(u64::MAX)
        .await
        .succeeds(clause, &what)?;
    let place = |place| usize::try_from(place).unwrap_or(usize::MAX);
    clause.same_bytes(
        &what,
        &found,
        &bytes[place(expected.start)..place(expected.end)],
    )
}

fn ranges(size: u64) -> Vec<ReadRange> {
    let half = size / 2;
    vec![
        ReadRange::Bounded(0..1),
        ReadRange::Bounded(3..7),
        ReadRange::Bounded(0..size),
        ReadRange::Bounded(size.saturating_sub(1)..size + 9),
        ReadRange::Bounded(half..half + 2),
        ReadRange::Bounded(0..u64::MAX),
        ReadRange::From(0),
        ReadRange::From(4),
        ReadRange::From(size),
        ReadRange::Last(0),
        ReadRange::Last(3),
        ReadRange::Last(size),
        ReadRange::Last(size * 2),
        ReadRange::Last(u64::MAX),
    ]
}

pub(super) async fn ranges_are_those_of_the_bytes(store: Arc<dyn IStore>) -> Verdict {
    if store.capabilities().range_reads == Support::Unsupported {
        return does_not_apply("the store declares no range reads");
    }
    for length in [10, LONG] {
        let bytes = fill(&*store, length).await?;
        for range in ranges(length as u64) {
            check(&*store, &bytes, range).await?;
        }
    }
    // Around the seams of blocks of any usual length.
    let bytes = fill(&*store, LONG).await?;
    for seam in [4096, 65_536, 262_144, 1_048_576, 2_097_152] {
        for range in [
            seam - 1..seam,
            seam - 1..seam + 1,
            seam..seam + 1,
            0..seam,
            1..seam + 5,
        ] {
            check(&*store, &bytes, ReadRange::Bounded(range)).await?;
        }
        check(&*store, &bytes, ReadRange::From(seam)).await?;
    }
    Ok(())
}

pub(super) async fn ranges_past_the_end_are_refused(store: Arc<dyn IStore>) -> Verdict {
    if store.capabilities().range_reads == Support::Unsupported {
        return does_not_apply("the store declares no range reads");
    }
    for length in [0, 1, 10, LONG] {
        let bytes = fill(&*store, length).await?;
        let size = length as u64;
        for range in [size..size + 1, size + 5..size + 9, FOUR_GIB..FOUR_GIB + 1] {
            check(&*store, &bytes, ReadRange::Bounded(range)).await?;
        }
        for start in [size, size + 1, FOUR_GIB, u64::MAX] {
            check(&*store, &bytes, ReadRange::From(start)).await?;
        }
        for (start, end) in [(5, 5), (0, 0), (7, 3), (FOUR_GIB + 7, 3)] {
            check(&*store, &bytes, ReadRange::Bounded(start..end)).await?;
        }
        check(&*store, &bytes, ReadRange::Last(0)).await?;
    }
    let options = ReadOptions::default().with_range(ReadRange::From(0));
    let missing = store
        .get_file_contents(&name("missing"), &options)
        .await
        .map(drop);
    missing
        .fails(
            Clause::Ranges,
            ErrorKind::NotFound,
            "a range of a missing file",
        )
        .map(drop)
}

pub(super) async fn many_ranges_are_read_at_once(store: Arc<dyn IStore>) -> Verdict {
    if store.capabilities().range_reads == Support::Unsupported {
        return does_not_apply("the store declares no range reads");
    }
    let bytes = fill(&*store, LONG).await?;
    let reads = (0..32_u64).map(|reader| {
        let start = reader * 65_000;
        check(&*store, &bytes, ReadRange::Bounded(start..start + 130_001))
    });
    try_join_all(reads).await.map(drop)
}
