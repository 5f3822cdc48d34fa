//! Listings tell what there is.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::paging::BOTH;
use super::samples::{
    check_all_names, check_names, joined, name, names_of, options, pattern, save, settle, streamed,
};
use super::violation::{Answer, Clause, Verdict};
use crate::{FileInfo, IStore, ListOptions, Order, Support};

pub(super) async fn an_empty_store_lists_nothing(store: Arc<dyn IStore>) -> Verdict {
    let none: [&str; 0] = [];
    for order in BOTH {
        let options = ListOptions::default().with_order(order);
        check_names(&*store, &options, &none, Clause::Order).await?;
        check_names(
            &*store,
            &options.clone().with_prefix("x/"),
            &none,
            Clause::Order,
        )
        .await?;
        check_names(&*store, &options.with_after("x"), &none, Clause::Order).await?;
    }
    Ok(())
}

/// Names that begin alike, in order.
const ALIKE: [&str; 17] = [
    "foo",
    "foo.bar/x",
    "foo.json",
    "foo0/a/b",
    "foo0/a/c",
    "fop",
    "gap%2Fx",
    "s%x",
    "s*x",
    "s?x",
    "s[a]x",
    "s\\x",
    "s_x",
    "sax",
    "wb/x",
    "wbwbwb/x",
    "é",
];

pub(super) async fn a_prefix_is_of_bytes_and_not_of_segments(store: Arc<dyn IStore>) -> Verdict {
    for text in ALIKE {
        save(&*store, text, text).await?;
    }
    let cases: [(&str, &[&str]); 21] = [
        ("", &ALIKE),
        (
            "fo",
            &[
                "foo",
                "foo.bar/x",
                "foo.json",
                "foo0/a/b",
                "foo0/a/c",
                "fop",
            ],
        ),
        (
            "foo",
            &["foo", "foo.bar/x", "foo.json", "foo0/a/b", "foo0/a/c"],
        ),
        ("foo/", &[]),
        ("foo.bar/", &["foo.bar/x"]),
        ("foo.bar/x", &["foo.bar/x"]),
        ("foo.bar/x/", &[]),
        ("foo0/a", &["foo0/a/b", "foo0/a/c"]),
        ("wb", &["wb/x", "wbwbwb/x"]),
        ("wb/", &["wb/x"]),
        ("unknown/folder/", &[]),
        // Nothing stands for anything else.
        ("foo.", &["foo.bar/x", "foo.json"]),
        ("s%", &["s%x"]),
        ("s*", &["s*x"]),
        ("s?", &["s?x"]),
        ("s[a]", &["s[a]x"]),
        ("s\\", &["s\\x"]),
        ("s_", &["s_x"]),
        // An encoded `/` is none.
        ("gap/", &[]),
        ("gap%2F", &["gap%2Fx"]),
        // Half of the letter `é` in its other form.
        ("e", &[]),
    ];
    for (prefix, expected) in cases {
        let options = ListOptions::default().with_prefix(prefix);
        check_names(&*store, &options, expected, Clause::Order).await?;
        let backwards: Vec<_> = expected.iter().rev().collect();
        let options = options.with_order(Order::Descending);
        check_names(&*store, &options, &backwards, Clause::Order).await?;
    }
    Ok(())
}

/// Checks that the listing tells these infos; where it may lag, that it comes to tell them.
pub(super) async fn check_infos(
    store: &dyn IStore,
    expected: &[FileInfo],
    clause: Clause,
) -> Verdict {
    let ask = async || {
        let listed = store.get_files_list(&ListOptions::default()).await;
        listed.succeeds(clause, "a listing")
    };
    let mut expected = expected.to_vec();
    if store.capabilities().listed_metadata == Support::Unsupported {
        for info in &mut expected {
            info.metadata.clear();
        }
    }
    let listed = settle(store, ask, |listed| *listed == expected).await?;
    clause.same("the listed infos", &listed, &expected)
}

pub(super) async fn a_listed_info_is_the_files_own(store: Arc<dyn IStore>) -> Verdict {
    let mut saved = vec![
        save(&*store, "a", "x").await?,
        save(&*store, "b/c", "").await?,
    ];
    let mut told = options();
    if store.capabilities().metadata == Support::Supported {
        told = told
            .with_content_type("x/y")
            .with_metadata("made-by", "Zoë");
    }
    let long = store
        .save_file(&name("d"), streamed(&pattern(1, 3_000_000)), &told)
        .await;
    saved.push(long.succeeds(Clause::Faithful, "a save")?);
    check_infos(&*store, &saved, Clause::Faithful).await
}

pub(super) async fn a_listing_shows_every_change(store: Arc<dyn IStore>) -> Verdict {
    for round in 0..20 {
        let text = format!("x/{round}");
        let first = save(&*store, &text, "x").await?;
        check_infos(&*store, &[first], Clause::Fresh).await?;
        let second = save(&*store, &text, "longer").await?;
        check_infos(&*store, &[second], Clause::Fresh).await?;
        store
            .delete_file(&name(&text))
            .await
            .succeeds(Clause::Fresh, "a delete")?;
        check_infos(&*store, &[], Clause::Fresh).await?;
    }
    Ok(())
}

pub(super) async fn a_file_that_is_replaced_stays_listed(store: Arc<dyn IStore>) -> Verdict {
    const SAVERS: usize = 4;
    let clause = Clause::Atomic;
    let all: Vec<_> = (10..50).map(|number| format!("r/{number}")).collect();
    for text in &all {
        save(&*store, text, "first").await?;
    }
    check_all_names(&*store, &all, clause).await?;
    let savers = (0..SAVERS).map(|saver| {
        let store = Arc::clone(&store);
        let own: Vec<_> = all.iter().skip(saver).step_by(SAVERS).cloned().collect();
        tokio::spawn(async move {
            for round in 0..5 {
                for text in &own {
                    save(&*store, text, &format!("{round}")).await?;
                }
            }
            Ok(())
        })
    });
    let savers: Vec<_> = savers.collect();
    let mut rounds = 0;
    while rounds < 2 || !savers.iter().all(JoinHandle::is_finished) {
        for (order, limit) in [
            (Order::Ascending, 1000),
            (Order::Descending, 1000),
            (Order::Ascending, 7),
            (Order::Descending, 7),
        ] {
            let options = ListOptions::default().with_order(order).with_limit(limit);
            let ask = async || all_pages(&*store, options.clone(), order).await;
            let listed = settle(&*store, ask, |listed| *listed == all).await?;
            clause.same("the names listed beside saves of them", &listed, &all)?;
        }
        rounds += 1;
    }
    for saver in savers {
        joined(saver).await?;
    }
    Ok(())
}

/// The names of all pages, in ascending order.
async fn all_pages(
    store: &dyn IStore,
    mut options: ListOptions,
    order: Order,
) -> Verdict<Vec<String>> {
    let mut all = Vec::new();
    loop {
        let page = names_of(store, &options).await?;
        let Some(last) = page.last() else {
            if order == Order::Descending {
                all.reverse();
            }
            return Ok(all);
        };
        options = options.with_after(last.clone());
        all.extend(page);
    }
}
