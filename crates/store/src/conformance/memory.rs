//! A file need not fit in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::stream;
use futures_util::{StreamExt, TryStreamExt};

use super::child::{Child, Task};
use super::samples::{LONG, name, options, pattern, save};
use super::subject::Subject;
use super::violation::{Answer, Clause, Verdict, does_not_apply};
use crate::{Buffering, Capabilities, FileContents, IStore, ReadOptions, StoreExt};

const MIB: u64 = 1024 * 1024;

/// The bytes of the file.
const SIZE: u64 = 100 * MIB;

/// The bytes that a save or a read of it may take, with what the allocator keeps back.
const LIMIT: u64 = 32 * MIB;

/// The least bytes in a file by which one that is held whole can be told from what the allocator
/// keeps back.
const LEAST: u64 = 2 * LIMIT;

/// The bytes in a piece of the stream.
const PIECE: usize = 256 * 1024;

pub(super) async fn a_large_file_passes_in_bounded_memory(subject: &Subject) -> Verdict {
    // In a process of its own, whose memory is nobody else's.
    Child::start(subject.test(), &Task::Measure).answer().await
}

/// Saves and reads the file, and watches how this process grows.
pub(super) async fn measure(store: &dyn IStore) -> Verdict {
    // What a store sets up once is not counted.
    save(store, "first", "x").await?;
    let warm = store
        .save_bytes(&name("first"), pattern(1, LONG), &options())
        .await;
    warm.succeeds(Clause::Bounded, "a save")?;
    let read = store.get_file_bytes(&name("first"), MIB * 4).await;
    drop(read.succeeds(Clause::Bounded, "a read")?);
    let Capabilities {
        max_file_size,
        buffering,
        ..
    } = store.capabilities();
    let size = max_file_size.unwrap_or(SIZE).min(SIZE);

    let base = anonymous();
    let peak = Arc::new(AtomicU64::new(0));
    let contents = generated(size, Arc::clone(&peak));
    let saved = store.save_file(&name("large"), contents, &options()).await;
    let saved = saved.succeeds(Clause::Bounded, "a save of a large file")?;
    note(&peak);
    Clause::Bounded.same("the size of a large file", &saved.size, &size)?;
    let grown = growth(base, peak.swap(0, Ordering::Relaxed));
    check_growth(buffering, "a save", size, grown)?;

    let base = anonymous();
    let file = store
        .get_file_contents(&name("large"), &ReadOptions::default())
        .await;
    let mut stream = file
        .succeeds(Clause::Bounded, "a read of a large file")?
        .contents
        .into_stream();
    let (common, mut place, mut expected) = (pattern(1, PIECE), 0, Bytes::new());
    let what = "the contents of a large file";
    while let Some(mut piece) = stream.try_next().await.succeeds(Clause::Bounded, what)? {
        note(&peak);
        while !piece.is_empty() {
            if expected.is_empty() {
                expected = generate(&common, place);
            }
            let length = piece.len().min(expected.len());
            let (found, expected) = (piece.split_to(length), expected.split_to(length));
            Clause::Faithful.same_bytes(what, &found, &expected)?;
            place += length as u64;
        }
    }
    Clause::Faithful.same("the bytes read of a large file", &place, &size)?;
    let grown = growth(base, peak.load(Ordering::Relaxed));
    check_growth(buffering, "a read", size, grown)
}

/// The piece that begins at this place: it begins with the place, and goes on as they all do.
fn generate(common: &[u8], place: u64) -> Bytes {
    let mut piece = common.to_vec();
    let start = place.to_le_bytes();
    piece[..start.len()].copy_from_slice(&start);
    Bytes::from(piece)
}

fn generated(size: u64, peak: Arc<AtomicU64>) -> FileContents {
    let common = pattern(1, PIECE);
    let pieces = stream::iter((0..size).step_by(PIECE)).map(move |place| {
        note(&peak);
        let mut piece = generate(&common, place);
        piece.truncate(usize::try_from(size - place).unwrap_or(PIECE));
        Ok(piece)
    });
    FileContents::from_stream(pieces.boxed(), None)
}

fn note(peak: &AtomicU64) {
    peak.fetch_max(anonymous().unwrap_or_default(), Ordering::Relaxed);
}

/// The bytes by which the memory grew, where the system tells them.
fn growth(base: Option<u64>, peak: u64) -> Option<u64> {
    base.map(|base| peak.saturating_sub(base))
}

/// Why the memory that a file of this size takes says nothing of the store.
fn exclusion(buffering: Buffering, size: u64) -> Option<&'static str> {
    match buffering {
        Buffering::Whole => Some("the store declares that it holds whole files in memory"),
        Buffering::Bounded if size < LEAST => {
            Some("the store takes no file that is long enough to be told from other memory")
        }
        Buffering::Bounded => None,
    }
}

fn check_growth(buffering: Buffering, what: &str, size: u64, grown: Option<u64>) -> Verdict {
    if let Some(why) = exclusion(buffering, size) {
        return does_not_apply(why);
    }
    let Some(grown) = grown else {
        return does_not_apply("the memory of a process cannot be told on this system");
    };
    let seen = format!(
        "{what} of {} MiB took {} MiB of memory",
        size / MIB,
        grown / MIB
    );
    Clause::Bounded.holds(grown <= LIMIT, seen)
}

/// The bytes of this process's memory that are no file's, where the system tells them.
fn anonymous() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_held_whole_is_told_wherever_the_check_applies() {
        assert_eq!(exclusion(Buffering::Bounded, SIZE), None);
        for size in (0..=SIZE).step_by(1024 * 1024) {
            let verdict = check_growth(Buffering::Bounded, "a save", size, Some(size));
            let is_excluded = exclusion(Buffering::Bounded, size).is_some();
            assert_eq!(verdict.is_err(), !is_excluded, "{size}");
            if let Err(violation) = verdict {
                assert_eq!(violation.clause(), Clause::Bounded);
                let text = format!("a save of {} MiB", size / MIB);
                assert!(violation.to_string().contains(&text), "{violation}");
            }
        }
    }
}
