//! A process that is killed takes nothing with it that was saved, and leaves nothing half.

use std::collections::BTreeMap;

use super::child::{Child, Task};
use super::samples::{check_all_names, name, pattern, read};
use super::saver::{Change, Told, Version, all_names};
use super::subject::Place;
use super::violation::{Clause, Verdict};
use crate::{Error, ErrorKind, FileInfo, IStore};

/// The variable that sets how often a saver is killed; not `STORE_…`, which are settings of a store.
const VARIABLE: &str = "CONFORMANCE_KILLS";

/// How often without it.
const KILLS: u64 = 10;

fn kills() -> u64 {
    let Ok(text) = std::env::var(VARIABLE) else {
        return KILLS;
    };
    match text.parse() {
        Ok(0) => panic!("`{VARIABLE}` is 0: nothing would be checked"),
        Ok(kills) => kills,
        Err(error) => panic!("`{VARIABLE}` holds no number: {error}"),
    }
}

/// What is known of a file: what it was told to be, and what it may have become since.
#[derive(Default)]
struct Known {
    done: Option<(Version, String)>,
    begun: Option<Change>,
}

pub(super) async fn a_killed_saver_leaves_what_it_was_told_is_saved_and_nothing_else(
    place: &Place,
) -> Verdict {
    let mut known: BTreeMap<String, Known> =
        all_names().map(|text| (text, Known::default())).collect();
    for round in 0..kills() {
        let mut child = Child::start(place.test(), &Task::Save(place.address().to_owned(), round));
        // At another moment each time: what it tells goes on while a call does.
        let moment = usize::from(pattern(round, 1)[0]) % 120 + 1;
        let mut heard = 0;
        while let Some(told) = child.next().await {
            heard += 1;
            if heard == moment {
                child.kill();
            }
            note(&mut known, told)?;
        }
        if heard < moment {
            child.answer::<()>().await;
        }
        let store = place.open().await;
        check(&*store, &mut known).await?;
    }
    Ok(())
}

fn note(known: &mut BTreeMap<String, Known>, told: Told) -> Verdict {
    match told {
        Told::Begins(text, change) => known.entry(text).or_default().begun = Some(change),
        Told::Goes => {}
        Told::Done(text, etag) => {
            let known = known.entry(text).or_default();
            known.done = match known.begun.take() {
                Some(Change::Save(version)) => etag.map(|etag| (version, etag)),
                Some(Change::Delete) | None => None,
            };
        }
        Told::Failed(violation) => return Err(violation),
    }
    Ok(())
}

/// Checks each file against what is known, which from now on is what was found.
async fn check(store: &dyn IStore, known: &mut BTreeMap<String, Known>) -> Verdict {
    let mut there = Vec::new();
    for (text, known) in known {
        let done = known.done.take();
        let begun = known.begun.take();
        known.done = find(store, text, done.as_ref(), begun).await?;
        if known.done.is_some() {
            there.push(text.as_str());
        }
    }
    check_all_names(store, &there, Clause::Atomic).await
}

async fn find(
    store: &dyn IStore,
    text: &str,
    done: Option<&(Version, String)>,
    begun: Option<Change>,
) -> Verdict<Option<(Version, String)>> {
    let missing = |error: &Error| error.kind() == ErrorKind::NotFound;
    if store
        .get_file_info(&name(text))
        .await
        .is_err_and(|error| missing(&error))
    {
        let may_miss = done.is_none() || begun == Some(Change::Delete);
        let seen = format!("`{text}` was saved before the kill, and is not there after it");
        return Clause::Durable.holds(may_miss, seen).map(|()| None);
    }
    let (info, found) = read(store, text, Clause::Atomic).await?;
    let etag = info.etag.as_str().to_owned();
    if let Some((version, saved)) = done
        && found == version.bytes()
    {
        Clause::Durable.same("the etag after a kill", &etag, saved)?;
        check_metadata(store, *version, &info)?;
        return Ok(Some((*version, etag)));
    }
    if let Some(Change::Save(version)) = begun
        && found == version.bytes()
    {
        check_metadata(store, version, &info)?;
        return Ok(Some((version, etag)));
    }
    Err(Clause::Atomic.broken(format!(
        "after a kill `{text}` holds {} bytes that are neither {done:?} nor {begun:?}",
        found.len()
    )))
}

fn check_metadata(store: &dyn IStore, version: Version, info: &FileInfo) -> Verdict {
    let expected = version.metadata(store);
    Clause::Atomic.same(
        "the metadata of a file after a kill",
        &info.metadata,
        &expected,
    )
}
