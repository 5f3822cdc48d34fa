//! Calls at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;

use super::samples::{
    LONG, check_all_names, check_file, joined, name, options, pattern, read, read_unless_broken,
    save, streamed,
};
use super::violation::{Answer, Clause, Verdict, does_not_apply};
use crate::{
    ErrorKind, FileContents, FileInfo, Folders, Guarantee, IStore, ListOptions, Result, SaveMode,
    StoreExt,
};

const RACERS: usize = 8;

async fn race(
    store: &Arc<dyn IStore>,
    mode: &SaveMode,
    text: &str,
    contents: &[Vec<u8>],
) -> Vec<Result<FileInfo>> {
    let barrier = Arc::new(tokio::sync::Barrier::new(contents.len()));
    let racers = contents.iter().map(|bytes| {
        let (store, name, contents) = (Arc::clone(store), name(text), streamed(bytes));
        let options = options().with_mode(mode.clone());
        let barrier = Arc::clone(&barrier);
        tokio::spawn(async move {
            barrier.wait().await;
            store.save_file(&name, contents, &options).await
        })
    });
    join_all(racers.map(joined)).await
}

/// Checks that exactly one won, where that is promised, and that what a winner saved is there.
async fn check_winner(
    store: &dyn IStore,
    (text, contents): (&str, &[Vec<u8>]),
    results: Vec<Result<FileInfo>>,
    (guarantee, lost): (Guarantee, ErrorKind),
) -> Verdict<FileInfo> {
    let clause = Clause::Exclusive;
    let mut won = Vec::new();
    for (racer, result) in results.into_iter().enumerate() {
        match result {
            Ok(info) => won.push((racer, info)),
            lost_by => drop(lost_by.fails(clause, lost, "a save that lost a race")?),
        }
    }
    let (info, found) = read(store, text, clause).await?;
    let is_one = won.len() == 1 || (won.len() > 1 && guarantee == Guarantee::BestEffort);
    clause.holds(
        is_one,
        format!("{} of {} racing saves won", won.len(), contents.len()),
    )?;
    let stays = |(racer, saved): &&(usize, FileInfo)| *saved == info && contents[*racer] == found;
    let seen = "what is stored after a race is not what the winner saved";
    won.iter()
        .find(stays)
        .map(|(_, info)| info.clone())
        .ok_or_else(|| clause.broken(seen))
}

fn contents(length: usize) -> Vec<Vec<u8>> {
    (0..RACERS)
        .map(|racer| pattern(racer as u64, length + racer))
        .collect()
}

async fn race_creators(store: &Arc<dyn IStore>, rounds: usize, length: usize) -> Verdict {
    let guarantee = store.capabilities().exclusive_create;
    if guarantee == Guarantee::Unsupported {
        return does_not_apply("the store declares no create");
    }
    let contents = contents(length);
    for round in 0..rounds {
        let text = format!("round/{round}");
        let results = race(store, &SaveMode::Create, &text, &contents).await;
        let told = (guarantee, ErrorKind::AlreadyExists);
        check_winner(&**store, (&text, &contents), results, told).await?;
    }
    Ok(())
}

pub(super) async fn one_of_many_creators_wins(store: Arc<dyn IStore>) -> Verdict {
    race_creators(&store, 20, 3).await
}

pub(super) async fn one_of_many_streaming_creators_wins(store: Arc<dyn IStore>) -> Verdict {
    race_creators(&store, 3, LONG).await
}

pub(super) async fn one_of_many_updaters_wins(store: Arc<dyn IStore>) -> Verdict {
    let guarantee = store.capabilities().exclusive_update;
    if guarantee == Guarantee::Unsupported {
        return does_not_apply("the store declares no update");
    }
    let mut current = save(&*store, "a", "x").await?;
    for round in 0..12 {
        // Every fourth round streams more than a block.
        let contents = contents(if round % 4 == 0 { LONG } else { 3 });
        let mode = SaveMode::Update(current.etag);
        let results = race(&store, &mode, "a", &contents).await;
        let told = (guarantee, ErrorKind::Conflict);
        current = check_winner(&*store, ("a", &contents), results, told).await?;
    }
    Ok(())
}

pub(super) async fn no_increment_is_lost(store: Arc<dyn IStore>) -> Verdict {
    let capabilities = store.capabilities();
    if [capabilities.exclusive_create, capabilities.exclusive_update] != [Guarantee::Exclusive; 2] {
        return does_not_apply("the store declares no exclusive create and update");
    }
    let workers = (0..5).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { increment(&*store, 10).await })
    });
    for counted in join_all(workers.map(joined)).await {
        counted?;
    }
    check_count(&*store, 50).await
}

/// Adds one to the number in a file, so many times, each over the version that was read.
pub(super) async fn increment(store: &dyn IStore, times: u32) -> Verdict {
    for _ in 0..times {
        let add = |count: Option<u32>| Some(count.unwrap_or(0) + 1);
        let added = store.update_json(&name("count.json"), 100, add).await;
        added.succeeds(Clause::Exclusive, "an increment among others")?;
    }
    Ok(())
}

pub(super) async fn check_count(store: &dyn IStore, expected: u32) -> Verdict {
    let count = store.get_json::<u32>(&name("count.json"), 100).await;
    let (count, _) = count.succeeds(Clause::Exclusive, "a read of the count")?;
    Clause::Exclusive.same("the count after as many increments", &count, &expected)
}

/// One of the versions that readers may see: each has its own bytes and length.
fn version(number: usize) -> Vec<u8> {
    let length = if number.is_multiple_of(2) { LONG } else { 70 };
    pattern(number as u64, length + number)
}

/// Replaces a file, version after version.
pub(super) async fn overwrite(store: &dyn IStore, versions: usize) -> Verdict {
    for number in 0..versions {
        let saved = store
            .save_file(&name("a"), streamed(&version(number)), &options())
            .await;
        saved.succeeds(Clause::Atomic, "a save over a file that is read")?;
    }
    Ok(())
}

/// Reads the file once and checks that it is one of the versions, whole.
pub(super) async fn check_version(store: &dyn IStore) -> Verdict {
    let clause = Clause::Atomic;
    let Some((info, found)) = read_unless_broken(store, "a", clause).await? else {
        return Ok(());
    };
    let base = if found.len() >= LONG { LONG } else { 70 };
    let is_version = found.len() >= base && found == version(found.len() - base);
    let seen = format!(
        "a read during overwrites gave {} bytes that were never saved",
        found.len()
    );
    clause.holds(is_version, seen)?;
    clause.same(
        "the size told by a read during overwrites",
        &info.size,
        &(found.len() as u64),
    )?;
    let listed = store.get_files_list(&ListOptions::default()).await;
    let listed = listed.succeeds(clause, "a listing during overwrites")?;
    let names: Vec<_> = listed.iter().map(|info| info.name.as_str()).collect();
    clause.same("the names listed during overwrites", &names, &["a"])?;
    let size = listed.first().map_or(0, |info| info.size);
    let is_size = (70..170).contains(&size) || (LONG as u64..LONG as u64 + 100).contains(&size);
    clause.holds(
        is_size,
        format!("a listing during overwrites tells {size} bytes"),
    )
}

pub(super) async fn readers_see_the_old_or_the_new_version(store: Arc<dyn IStore>) -> Verdict {
    overwrite(&*store, 1).await?;
    check_all_names(&*store, &["a"], Clause::Atomic).await?;
    let writer = Arc::clone(&store);
    let writing = tokio::spawn(async move { overwrite(&*writer, 30).await });
    let mut reads = 0;
    while !writing.is_finished() || reads < 3 {
        check_version(&*store).await?;
        reads += 1;
    }
    joined(writing).await
}

pub(super) async fn many_savers_at_once_all_succeed(store: Arc<dyn IStore>) -> Verdict {
    let clause = Clause::Concurrent;
    let savers = (0..64).map(|saver| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in 0..4 {
                let (text, bytes) = (format!("{saver:02}/{number}"), format!("{saver}{number}"));
                let saved = store
                    .save_bytes(&name(&text), bytes.clone(), &options())
                    .await;
                saved.succeeds(clause, "a save among many")?;
                check_file(&*store, &text, bytes.as_bytes(), clause).await?;
            }
            Ok(())
        })
    });
    for saved in join_all(savers.map(joined)).await {
        saved?;
    }
    let names = (0..64).flat_map(|saver| (0..4).map(move |number| format!("{saver:02}/{number}")));
    check_all_names(&*store, &names.collect::<Vec<_>>(), Clause::Fresh).await
}

pub(super) async fn a_file_and_its_folder_raced_leave_one_of_them(
    store: Arc<dyn IStore>,
) -> Verdict {
    let clause = Clause::Folders;
    let winners = match store.capabilities().folders {
        Folders::Exclusive => 1,
        Folders::Overlapping => 2,
    };
    let mut all = Vec::new();
    for round in 10..50 {
        let names = [name(&format!("{round}")), name(&format!("{round}/x/y"))];
        let racers = names.clone().map(|name| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.save_bytes(&name, "x", &options()).await })
        });
        let mut won = Vec::new();
        for (name, result) in names.iter().zip(join_all(racers.map(joined)).await) {
            match result {
                Ok(_) => won.push(name.as_str().to_owned()),
                lost => {
                    let what = "a save that lost to its folder";
                    lost.fails(clause, ErrorKind::NameOverlap, what)?;
                }
            }
        }
        clause.same(
            "how many of a file and its folder were saved",
            &won.len(),
            &winners,
        )?;
        all.append(&mut won);
    }
    check_all_names(&*store, &all, clause).await
}

pub(super) async fn saves_and_deletes_raced_leave_a_whole_file_or_none(
    store: Arc<dyn IStore>,
) -> Verdict {
    let clause = Clause::Concurrent;
    let deleted = Arc::new(AtomicUsize::new(0));
    let workers = (0..4).map(|worker| {
        let (store, deleted) = (Arc::clone(&store), Arc::clone(&deleted));
        tokio::spawn(async move {
            for round in 0..15 {
                let bytes = version(worker * 2 + round % 2);
                let contents = FileContents::from_bytes(bytes);
                let saved = store.save_file(&name("a"), contents, &options()).await;
                saved.succeeds(clause, "a save among deletes")?;
                match store.delete_file(&name("a")).await {
                    Ok(()) => drop(deleted.fetch_add(1, Ordering::Relaxed)),
                    lost => {
                        drop(lost.fails(clause, ErrorKind::NotFound, "a delete among others")?);
                    }
                }
            }
            Ok(())
        })
    });
    for worked in join_all(workers.map(joined)).await {
        worked?;
    }
    let some = deleted.load(Ordering::Relaxed) > 0;
    clause.holds(some, "no delete among saves ever succeeded")?;
    // Each delete came after its own save, so nothing can be left.
    let none: [&str; 0] = [];
    check_all_names(&*store, &none, Clause::Fresh).await
}
