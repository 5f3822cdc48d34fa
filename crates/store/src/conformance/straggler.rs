//! The last step of a dropped save may still be done, but comes after no later save.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;

use futures_util::stream;
use futures_util::{FutureExt, StreamExt};
use tokio::task::JoinHandle;

use super::samples::{
    LONG, check_file, joined, name, options, pattern, read_unless_broken, save, streamed,
};
use super::violation::{Clause, Verdict};
use crate::{FileContents, IStore, StoreExt};

/// Contents, and whether they were read to the end.
fn watched(bytes: &[u8]) -> (FileContents, Arc<AtomicBool>) {
    let ended = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ended);
    let end = stream::poll_fn(move |_| {
        end.store(true, Ordering::Relaxed);
        Poll::Ready(None)
    });
    let pieces = streamed(bytes).into_stream().chain(end);
    (FileContents::from_stream(pieces.boxed(), None), ended)
}

pub(super) async fn a_dropped_save_replaces_no_later_one(store: Arc<dyn IStore>) -> Verdict {
    let clause = Clause::Cancellation;
    let (file, options) = (name("a"), options());
    // It is dropped from one to many looks after its contents have ended.
    for looks in 0..24 {
        let (contents, ended) = watched(&pattern(looks, LONG));
        let mut saving = Box::pin(store.save_file(&file, contents, &options));
        let mut left = looks;
        while (&mut saving).now_or_never().is_none() {
            if ended.load(Ordering::Relaxed) {
                if left == 0 {
                    break;
                }
                left -= 1;
            }
            tokio::task::yield_now().await;
        }
        drop(saving);
        let later = format!("after a save that was dropped {looks} looks past its contents");
        save(&*store, "a", &later).await?;
        // Meanwhile a last step that was under way comes to its end.
        for _ in 0..4 {
            check_file(&*store, "a", later.as_bytes(), clause).await?;
            save(&*store, "b", &later).await?;
        }
        check_file(&*store, "a", later.as_bytes(), clause).await?;
    }
    Ok(())
}

/// How many save one file at once, so that the last step of a save has to wait for those of others:
/// one that does not ask then whether its caller still waits may come after later saves.
const SAVERS: usize = 4;

/// The contents of the saves that are dropped begin so.
const DROPPED: &str = "dropped";

/// How many of its saves each saver has brought to their end; before each it dropped one.
type Ended = [AtomicUsize; SAVERS];

pub(super) async fn a_dropped_save_that_waits_replaces_no_later_one(
    store: Arc<dyn IStore>,
) -> Verdict {
    save(&*store, "a", "first").await?;
    let ended = Arc::new(Ended::default());
    let savers = (0..SAVERS).map(|saver| {
        let (store, ended) = (Arc::clone(&store), Arc::clone(&ended));
        tokio::spawn(async move { drop_and_save(&*store, saver, &ended).await })
    });
    let savers: Vec<_> = savers.collect();
    // What comes back is soon replaced again, so somebody has to look all the time.
    while !savers.iter().all(JoinHandle::is_finished) {
        check_none_came_back(&*store, &ended).await?;
        tokio::task::yield_now().await;
    }
    for saver in savers {
        joined(saver).await?;
    }
    // What still waits gets its turn beside these.
    for round in 0..8 {
        check_none_came_back(&*store, &ended).await?;
        save(&*store, "b", &format!("{round}")).await?;
    }
    Ok(())
}

async fn drop_and_save(store: &dyn IStore, saver: usize, ended: &Ended) -> Verdict {
    let (file, options) = (name("a"), options());
    for round in 0..24 {
        let dropped = format!("{DROPPED} {saver} {round}");
        let mut saving = Box::pin(store.save_bytes(&file, dropped, &options));
        for _ in 0..=round / 2 {
            if (&mut saving).now_or_never().is_some() {
                break;
            }
            // What a look has begun gets its turn before the save is dropped, or only after it.
            if round % 2 == 1 {
                tokio::task::yield_now().await;
            }
        }
        drop(saving);
        save(store, "a", &format!("{saver} {round}")).await?;
        ended[saver].store(round + 1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        check_none_came_back(store, ended).await?;
    }
    Ok(())
}

/// Checks that the file is not that of a dropped save after which another has ended.
async fn check_none_came_back(store: &dyn IStore, ended: &Ended) -> Verdict {
    let clause = Clause::Cancellation;
    let before = ended.each_ref().map(|ended| ended.load(Ordering::SeqCst));
    let Some((_, found)) = read_unless_broken(store, "a", clause).await? else {
        return Ok(());
    };
    let came_back = before.iter().enumerate().find_map(|(saver, ended)| {
        let dropped = |round| format!("{DROPPED} {saver} {round}");
        (0..*ended)
            .map(dropped)
            .find(|dropped| found == dropped.as_bytes())
    });
    match came_back {
        Some(dropped) => Err(clause.broken(format!("`{dropped}` came after a later save"))),
        None => Ok(()),
    }
}
