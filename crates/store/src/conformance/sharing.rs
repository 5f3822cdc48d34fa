//! Several stores on the same files, in this process and in others.

use std::sync::Arc;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::child::{Child, Task, answer, hear};
use super::races::{check_count, check_version, overwrite};
use super::samples::{
    LONG, begin_save, check_all_names, check_file, joined, name, options, pattern, read, save,
    streamed, update,
};
use super::subject::Place;
use super::violation::{Answer, Clause, Verdict, does_not_apply};
use crate::{ErrorKind, Etag, Guarantee, IStore, SaveMode, StoreExt, Support, Versions};

/// How many other processes take part.
const PROCESSES: usize = 3;

pub(super) async fn files_survive_a_reopening(place: &Place) -> Verdict {
    let clause = Clause::Durable;
    let long = pattern(1, LONG);
    let store = place.open().await;
    let mut told = options();
    if store.capabilities().metadata == Support::Supported {
        told = told
            .with_metadata("made-by", "Zoë")
            .with_content_type("x/y");
    }
    let short = save(&*store, "a/short", "x").await?;
    let saved = store.save_file(&name("long"), streamed(&long), &told).await;
    let saved = saved.succeeds(clause, "a save")?;
    save(&*store, "deleted", "x").await?;
    store
        .delete_file(&name("deleted"))
        .await
        .succeeds(clause, "a delete")?;
    drop(store);
    let store = place.open().await;
    check_all_names(&*store, &["a/short", "long"], clause).await?;
    let found = check_file(&*store, "a/short", b"x", clause).await?;
    clause.same("the info after a reopening", &found, &short)?;
    let found = check_file(&*store, "long", &long, clause).await?;
    clause.same("the info after a reopening", &found, &saved)?;
    let again = save(&*store, "a/short", "x").await?;
    let is_new = again.etag != short.etag || store.capabilities().versions == Versions::Contents;
    Clause::Versions.holds(
        is_new,
        "a save after a reopening has the etag of one before",
    )?;
    if store.capabilities().exclusive_update != Guarantee::Unsupported {
        let updated = store
            .save_bytes(&name("long"), "new", &update(&saved))
            .await;
        updated.succeeds(clause, "an update of a version from before a reopening")?;
    }
    Ok(())
}

pub(super) async fn every_opener_sees_every_change(place: &Place) -> Verdict {
    let (first, second) = (place.open().await, place.open().await);
    for (writer, reader) in [(&first, &second), (&second, &first)] {
        for bytes in ["x", "longer"] {
            let saved = save(&**writer, "a", bytes).await?;
            let found = check_file(&**reader, "a", bytes.as_bytes(), Clause::Fresh).await?;
            Clause::Fresh.same("the info that another store tells", &found, &saved)?;
            check_all_names(&**reader, &["a"], Clause::Fresh).await?;
        }
        writer
            .delete_file(&name("a"))
            .await
            .succeeds(Clause::Fresh, "a delete")?;
        let info = reader.get_file_info(&name("a")).await;
        info.fails(
            Clause::Fresh,
            ErrorKind::NotFound,
            "an info after another store's delete",
        )?;
        let none: [&str; 0] = [];
        check_all_names(&**reader, &none, Clause::Fresh).await?;
    }
    Ok(())
}

/// The contents of a save that another process holds open.
fn held() -> Vec<u8> {
    pattern(5, 3 * LONG)
}

/// In another process: begins a save, and ends it when told.
pub(super) async fn hold(store: &Arc<dyn IStore>) {
    let (sender, saving) = begin_save(store, "a/held", &held()).await;
    answer(&());
    hear::<()>();
    drop(sender);
    let saved = joined(saving)
        .await
        .succeeds(Clause::Cancellation, "a save beside an opening");
    answer(&saved.map(drop));
}

pub(super) async fn an_opening_leaves_living_savers_alone(place: &Place) -> Verdict {
    let clause = Clause::Cancellation;
    // The place is made before both openers meet there.
    drop(place.open().await);
    let mut child = Child::start(place.test(), &Task::Hold(place.address().to_owned()));
    child.answer::<()>().await;
    let here = place.open().await.shared();
    let (sender, saving) = begin_save(&here, "a/mine", &held()).await;
    let other = place.open().await;
    let none: [&str; 0] = [];
    check_all_names(&*other, &none, Clause::Atomic).await?;
    child.tell(&());
    child.answer::<Verdict>().await?;
    drop(sender);
    joined(saving)
        .await
        .succeeds(clause, "a save beside an opening in the same process")?;
    for text in ["a/held", "a/mine"] {
        check_file(&*other, text, &held(), clause).await?;
    }
    check_all_names(&*other, &["a/held", "a/mine"], clause).await
}

/// A round of a race that processes are told to begin.
#[derive(Serialize, Deserialize)]
struct Round {
    text: String,
    /// The version to replace; where absent the file is created.
    etag: Option<String>,
    seed: u64,
    length: usize,
}

/// How a process fared in a round: its etag, or else whether it lost as it should, or how not.
#[derive(Serialize, Deserialize)]
enum Fared {
    Won(String),
    Lost(Verdict),
}

/// In another process: saves whenever told.
pub(super) async fn race_when_told(store: &dyn IStore) {
    answer(&());
    while let Some(round) = hear::<Round>() {
        let (mode, kind) = match round.etag {
            Some(etag) => (SaveMode::Update(Etag::new(etag)), ErrorKind::Conflict),
            None => (SaveMode::Create, ErrorKind::AlreadyExists),
        };
        let contents = streamed(&pattern(round.seed, round.length));
        let options = options().with_mode(mode);
        answer(&());
        hear::<()>();
        answer(&match store
            .save_file(&name(&round.text), contents, &options)
            .await
        {
            Ok(info) => Fared::Won(info.etag.as_str().to_owned()),
            lost => {
                let lost = lost.fails(Clause::Exclusive, kind, "a save that lost to a process");
                Fared::Lost(lost.map(drop))
            }
        });
    }
}

async fn start(place: &Place, task: impl Fn(String) -> Task) -> Vec<Child> {
    // The place is made before all openers meet there.
    drop(place.open().await);
    let start = |_| Child::start(place.test(), &task(place.address().to_owned()));
    let mut children: Vec<_> = (0..PROCESSES).map(start).collect();
    for child in &mut children {
        child.answer::<()>().await;
    }
    children
}

/// Races the processes for one file; tells the etag that stays.
async fn race(
    store: &dyn IStore,
    children: &mut [Child],
    (text, etag): (&str, Option<&str>),
    length: usize,
) -> Verdict<String> {
    let clause = Clause::Exclusive;
    for (seed, child) in (1..).zip(children.iter_mut()) {
        let etag = etag.map(str::to_owned);
        child.tell(&Round {
            text: text.to_owned(),
            etag,
            seed,
            length,
        });
    }
    for child in children.iter_mut() {
        child.answer::<()>().await;
    }
    // All are ready: now they run.
    for child in children.iter_mut() {
        child.tell(&());
    }
    let mut won = Vec::new();
    for (seed, child) in (1..).zip(children) {
        match child.answer().await {
            Fared::Won(etag) => won.push((seed, etag)),
            Fared::Lost(lost) => lost?,
        }
    }
    let [(seed, etag)] = won.as_slice() else {
        return Err(clause.broken(format!("{} of {PROCESSES} racing processes won", won.len())));
    };
    let (info, found) = read(store, text, clause).await?;
    clause.same(
        "the etag after a race of processes",
        info.etag.as_str(),
        etag.as_str(),
    )?;
    clause.same_bytes(
        "what the winning process saved",
        &found,
        &pattern(*seed, length),
    )?;
    Ok(etag.clone())
}

fn end(children: Vec<Child>) {
    children.into_iter().for_each(Child::end);
}

pub(super) async fn one_of_many_creators_in_several_processes_wins(place: &Place) -> Verdict {
    let store = place.open().await;
    if store.capabilities().exclusive_create != Guarantee::Exclusive {
        return does_not_apply("the store declares no exclusive create");
    }
    let mut children = start(place, Task::Race).await;
    for round in 0..12 {
        let length = if round % 4 == 0 { LONG } else { 5 };
        race(
            &*store,
            &mut children,
            (&format!("round/{round}"), None),
            length,
        )
        .await?;
    }
    end(children);
    Ok(())
}

pub(super) async fn one_of_many_updaters_in_several_processes_wins(place: &Place) -> Verdict {
    let store = place.open().await;
    if store.capabilities().exclusive_update != Guarantee::Exclusive {
        return does_not_apply("the store declares no exclusive update");
    }
    let mut etag = save(&*store, "a", "x").await?.etag.as_str().to_owned();
    let mut children = start(place, Task::Race).await;
    for round in 0..12 {
        let length = if round % 4 == 0 { LONG } else { 5 };
        etag = race(&*store, &mut children, ("a", Some(&etag)), length).await?;
    }
    end(children);
    Ok(())
}

pub(super) async fn no_increment_of_several_processes_is_lost(place: &Place) -> Verdict {
    const TIMES: u32 = 20;
    let store = place.open().await;
    let capabilities = store.capabilities();
    if [capabilities.exclusive_create, capabilities.exclusive_update] != [Guarantee::Exclusive; 2] {
        return does_not_apply("the store declares no exclusive create and update");
    }
    let mut children = start(place, |address| Task::Count(address, TIMES)).await;
    for child in &mut children {
        child.tell(&());
    }
    for counted in join_all(children.iter_mut().map(Child::answer::<Verdict>)).await {
        counted?;
    }
    end(children);
    let processes = u32::try_from(PROCESSES).unwrap_or(u32::MAX);
    check_count(&*store, processes * TIMES).await
}

pub(super) async fn readers_in_another_process_see_the_old_or_the_new_version(
    place: &Place,
) -> Verdict {
    let store = place.open().await;
    overwrite(&*store, 1).await?;
    let task = Task::Overwrite(place.address().to_owned(), 20);
    let mut child = Child::start(place.test(), &task);
    let written = tokio::spawn(async move { child.answer::<Verdict>().await });
    let mut reads = 0;
    while !written.is_finished() || reads < 3 {
        check_version(&*store).await?;
        reads += 1;
    }
    joined(written).await
}
