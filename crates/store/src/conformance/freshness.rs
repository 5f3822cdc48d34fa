//! What is asked for beside a change is not remembered after it.

use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{join, join3, maybe_done};

use super::listing::check_infos;
use super::samples::{check_file, may_break, name, save, try_read};
use super::violation::{Answer, Clause, Verdict};
use crate::{ErrorKind, IStore, ListOptions, ReadOptions};

/// In how many ways what is asked for stands to the change.
const ROUNDS: usize = 24;

pub(super) async fn what_is_asked_for_beside_a_change_is_forgotten(
    store: Arc<dyn IStore>,
) -> Verdict {
    let clause = Clause::Fresh;
    for round in 0..ROUNDS {
        let text = format!("{round}");
        let first = save(&*store, "a", "first");
        beside(&*store, round / 3, first).await?;
        let saved = beside(&*store, round / 3, save(&*store, "a", &text)).await?;
        let info = store.get_file_info(&name("a")).await;
        let info = info.succeeds(clause, "an info after a save")?;
        clause.same("the info after a save", &info, &saved)?;
        let read = check_file(&*store, "a", text.as_bytes(), clause).await?;
        clause.same("the info of a read after a save", &read, &saved)?;
        check_infos(&*store, &[saved], clause).await?;
        // A file that is not there can be remembered, too.
        if round % 3 == 2 {
            beside(&*store, round / 3, delete(&*store)).await?;
            check_deleted(&*store).await?;
        }
    }
    Ok(())
}

async fn delete(store: &dyn IStore) -> Verdict {
    let deleted = store.delete_file(&name("a")).await;
    deleted.succeeds(Clause::Concurrent, "a delete beside reads")
}

async fn check_deleted(store: &dyn IStore) -> Verdict {
    let (clause, file, whole) = (Clause::Fresh, name("a"), ReadOptions::default());
    let info = store.get_file_info(&file).await;
    info.fails(clause, ErrorKind::NotFound, "an info after a delete")?;
    let read = store.get_file_contents(&file, &whole).await;
    read.fails(clause, ErrorKind::NotFound, "a read after a delete")?;
    check_infos(store, &[], clause).await
}

/// Does the change while answers are under way that have been looked at so often.
async fn beside<T>(
    store: &dyn IStore,
    looks: usize,
    change: impl Future<Output = Verdict<T>>,
) -> Verdict<T> {
    let mut asking = Box::pin(maybe_done(ask(store)));
    for _ in 0..looks {
        if (&mut asking).now_or_never().is_some() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let ((), changed) = join(&mut asking, change).await;
    asking.as_mut().take_output().unwrap_or(Ok(()))?;
    changed
}

/// Asks for the file in every way at once, whatever there is of it.
async fn ask(store: &dyn IStore) -> Verdict {
    let clause = Clause::Concurrent;
    let (file, all) = (name("a"), ListOptions::default());
    let info = store.get_file_info(&file);
    let read = try_read(store, "a", clause);
    let (info, read, list) = join3(info, read, store.get_files_list(&all)).await;
    list.succeeds(clause, "a listing beside a change")?;
    for (what, answer) in [("an info", info.map(drop)), ("a read", read?.map(drop))] {
        match answer {
            Err(error) if error.kind() == ErrorKind::NotFound || may_break(store, &error) => {}
            answer => answer.succeeds(clause, &format!("{what} beside a change"))?,
        }
    }
    Ok(())
}
