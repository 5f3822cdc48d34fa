//! Pages are sorted, follow each other, and are complete.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::try_join_all;

use super::samples::{check_all_names, check_names, joined, name, names_of, options, save};
use super::violation::{Answer, Clause, Verdict};
use crate::{ErrorKind, IStore, ListOptions, Order, StoreExt};

/// Names whose order is easily got wrong: `/` sorts between `.` and `0`.
const NAMES: [&str; 16] = [
    "a",
    "a b",
    "a-/x",
    "a.b/c",
    "a.txt",
    "a0",
    "aa/b/c",
    "aa/b.c",
    "aa/b0",
    "b/é",
    "b/z",
    "B/z",
    "Ω",
    "10",
    "9",
    "\u{10FFFF}",
];

/// The directions.
pub(super) const BOTH: [Order; 2] = [Order::Ascending, Order::Descending];

async fn fill(store: &dyn IStore) -> Verdict<Vec<&'static str>> {
    for text in NAMES.iter().rev() {
        save(store, text, text).await?;
    }
    let names: Vec<_> = BTreeSet::from(NAMES).into_iter().collect();
    check_all_names(store, &names, Clause::Order).await?;
    Ok(names)
}

/// Follows the pages to the last.
async fn follow(store: &dyn IStore, first: &ListOptions) -> Verdict<Vec<String>> {
    let (mut all, mut page) = (Vec::<String>::new(), first.clone());
    loop {
        let names = names_of(store, &page).await?;
        let (found, limit) = (names.len(), page.limit);
        Clause::Order.holds(
            found <= limit,
            format!("a page of {limit} lists {found} files"),
        )?;
        all.extend(names);
        match all.last() {
            Some(last) if found == limit => page = page.with_after(last.as_str()),
            _ => return Ok(all),
        }
    }
}

pub(super) async fn pages_are_sorted_and_complete_in_both_orders(
    store: Arc<dyn IStore>,
) -> Verdict {
    let mut expected = fill(&*store).await?;
    for order in BOTH {
        let options = ListOptions::default().with_order(order);
        check_names(&*store, &options, &expected, Clause::Order).await?;
        for limit in 1..=expected.len() + 1 {
            let found = follow(&*store, &options.clone().with_limit(limit)).await?;
            let what = format!("the files of all pages of {limit}, {order:?}");
            Clause::Order.same(&what, &found, &expected)?;
        }
        expected.reverse();
    }
    Ok(())
}

pub(super) async fn a_page_of_no_files_is_refused(store: Arc<dyn IStore>) -> Verdict {
    save(&*store, "a", "x").await?;
    let page = store
        .get_files_list(&ListOptions::default().with_limit(0))
        .await;
    page.fails(
        Clause::Refusals,
        ErrorKind::InvalidInput,
        "a listing of no files",
    )?;
    check_names(
        &*store,
        &ListOptions::default().with_limit(usize::MAX),
        &["a"],
        Clause::Order,
    )
    .await
}

pub(super) async fn a_page_begins_past_any_text(store: Arc<dyn IStore>) -> Verdict {
    let names = fill(&*store).await?;
    let texts = names.iter().copied().chain([
        "",
        "\0",
        "/",
        "a/",
        "a.",
        "aa/b",
        "aa/b/",
        "aa/b/c/d",
        "b",
        "b/",
        "é",
        "zzz",
        "\u{10FFFF}x",
        "../a",
        "a//b",
        "%",
    ]);
    for after in texts {
        for prefix in [None, Some("a"), Some("aa/"), Some("b/z"), Some("../")] {
            for order in BOTH {
                let mut options = ListOptions::default().with_after(after).with_order(order);
                options.prefix = prefix.map(str::to_owned);
                let picked = names.iter().filter(|name| options.includes(name));
                let mut expected: Vec<_> = picked.collect();
                if order == Order::Descending {
                    expected.reverse();
                }
                check_names(&*store, &options, &expected, Clause::Order).await?;
            }
        }
    }
    Ok(())
}

pub(super) async fn a_page_holds_as_many_files_as_were_asked_for(
    store: Arc<dyn IStore>,
) -> Verdict {
    // More than the default, which is what many services give at most.
    let names: Vec<_> = (0..1040).map(|number| format!("f/{number:04}")).collect();
    for some in names.chunks(40) {
        try_join_all(some.iter().map(|text| save(&*store, text, "x"))).await?;
    }
    let all = ListOptions::default().with_limit(5000);
    check_names(&*store, &all, &names, Clause::Order).await?;
    check_names(
        &*store,
        &ListOptions::default(),
        &names[..1000],
        Clause::Order,
    )
    .await?;
    let rest = ListOptions::default().with_after(names[999].as_str());
    check_names(&*store, &rest, &names[1000..], Clause::Order).await
}

/// Twenty files that stay, listed in the direction.
fn kept(order: Order) -> Vec<String> {
    let mut kept: Vec<_> = (0..20).map(|number| format!("k/{number:02}")).collect();
    if order == Order::Descending {
        kept.reverse();
    }
    kept
}

/// Checks that pages that follow each other list what stays once, while the others `change`.
async fn check_kept(
    store: &dyn IStore,
    order: Order,
    mut change: impl AsyncFnMut(usize) -> Verdict,
) -> Verdict {
    let mut page = ListOptions::default().with_limit(3).with_order(order);
    let mut found = Vec::new();
    for number in 0.. {
        let names = names_of(store, &page).await?;
        let is_last = names.len() < page.limit;
        if let Some(last) = names.last() {
            page = page.with_after(last.as_str());
        }
        found.extend(names.into_iter().filter(|name| !name.ends_with('+')));
        if is_last {
            break;
        }
        change(number).await?;
    }
    Clause::Order.same(
        "the files that stay, listed under changes",
        &found,
        &kept(order),
    )
}

/// Files come and go beside those that stay, of which one gets another version.
async fn change(store: &dyn IStore, number: usize) -> Verdict {
    let (text, passing) = (
        format!("k/{:02}", number % 20),
        format!("k/{:02}+", number % 20),
    );
    let saved = store.save_bytes(&name(&passing), "x", &options()).await;
    saved.succeeds(Clause::Concurrent, "a save beside a listing")?;
    save(store, &text, "y").await?;
    if !number.is_multiple_of(3) {
        let deleted = store.delete_file(&name(&passing)).await;
        deleted.succeeds(Clause::Concurrent, "a delete beside a listing")?;
    }
    Ok(())
}

pub(super) async fn a_file_that_stays_is_listed_once_whatever_else_happens(
    store: Arc<dyn IStore>,
) -> Verdict {
    for text in kept(Order::Ascending) {
        save(&*store, &text, "x").await?;
    }
    check_all_names(&*store, &kept(Order::Ascending), Clause::Order).await?;
    // Between the pages, and then also while they are made.
    for order in BOTH {
        check_kept(&*store, order, async |number| change(&*store, number).await).await?;
    }
    let other = Arc::clone(&store);
    let changes = tokio::spawn(async move {
        for number in 0..60 {
            change(&*other, number).await?;
        }
        Ok(())
    });
    let mut rounds = 0;
    while !changes.is_finished() || rounds == 0 {
        for order in BOTH {
            check_kept(&*store, order, async |_| Ok(())).await?;
        }
        rounds += 1;
    }
    joined(changes).await
}
