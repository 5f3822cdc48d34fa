//! Listings are sorted, paged and complete.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use store::{ErrorKind, FileName, IStore, ListOptions, Order, StoreExt};

use super::{name, names_of, options, save};

/// Names whose order is easily got wrong: `/` sorts between `.` and `0`.
const NAMES: [&str; 12] = [
    "a", "a b", "a-/x", "a.b/c", "a.txt", "a0", "aa/b/c", "aa/b.c", "aa/b0", "b/é", "b/z", "Ω",
];

async fn fill(store: &dyn IStore) -> Vec<String> {
    for text in NAMES.iter().rev() {
        save(store, text, text).await;
    }
    BTreeSet::from(NAMES)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

pub(crate) async fn pages_are_sorted_and_complete_in_both_orders(store: Arc<dyn IStore>) {
    assert!(names_of(&*store, &ListOptions::default()).await.is_empty());
    let mut expected = fill(&*store).await;
    for order in [Order::Ascending, Order::Descending] {
        assert_eq!(
            names_of(&*store, &ListOptions::default().with_order(order)).await,
            expected
        );
        for limit in 1..=expected.len() + 1 {
            let mut all = Vec::new();
            let mut page = ListOptions::default().with_order(order).with_limit(limit);
            loop {
                let names = names_of(&*store, &page).await;
                let is_last = names.len() < limit;
                all.extend(names);
                if is_last {
                    break;
                }
                page = page.with_after(all.last().unwrap().as_str());
            }
            assert_eq!(all, expected, "{order:?}, {limit} a page");
        }
        expected.reverse();
    }
    let error = store
        .get_files_list(&ListOptions::default().with_limit(0))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

pub(crate) async fn pages_agree_with_a_model(store: Arc<dyn IStore>) {
    let mut model = BTreeSet::new();
    let mut runner = TestRunner::deterministic();
    let any_name = "[ab./0é]{1,6}".prop_filter_map("no name", |text| FileName::new(text).ok());
    for _ in 0..120 {
        let name = any_name.new_tree(&mut runner).unwrap().current();
        match store.save_bytes(&name, "x", &options()).await {
            Ok(_) => drop(model.insert(name)),
            Err(error) => assert_eq!(error.kind(), ErrorKind::NameOverlap, "{error:?}"),
        }
    }
    let any_options = (
        prop::option::of("[ab./0é]{0,3}"),
        prop::option::of("[ab./0é\\x00]{0,4}"),
        1..20_usize,
        any::<bool>(),
    );
    for _ in 0..300 {
        let (prefix, after, limit, descending) =
            any_options.new_tree(&mut runner).unwrap().current();
        let mut page = ListOptions::default().with_limit(limit);
        (page.prefix, page.after) = (prefix, after);
        let mut expected: Vec<&FileName> = model.iter().collect();
        if descending {
            page.order = Order::Descending;
            expected.reverse();
        }
        expected.retain(|name| page.includes(name.as_str()));
        expected.truncate(limit);
        let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(names_of(&*store, &page).await, expected, "{page:?}");
    }
}

pub(crate) async fn a_file_that_stays_is_listed_once_whatever_else_happens(store: Arc<dyn IStore>) {
    let kept: Vec<String> = (0..20).map(|number| format!("k/{number:02}")).collect();
    for text in &kept {
        save(&*store, text, "x").await;
    }
    let other = Arc::clone(&store);
    let changes = tokio::spawn(async move {
        for number in 0..60 {
            let text = format!("k/{:02}+", number % 20);
            save(&*other, &text, "x").await;
            save(&*other, &format!("k/{:02}", number % 20), "y").await;
            other.delete_file(&name(&text)).await.unwrap();
        }
    });
    while !changes.is_finished() {
        let mut found = Vec::new();
        let mut page = ListOptions::default().with_limit(3);
        loop {
            let names = names_of(&*store, &page).await;
            let is_last = names.len() < 3;
            found.extend(names);
            if is_last {
                break;
            }
            page = page.with_after(found.last().unwrap().as_str());
        }
        found.retain(|name| !name.ends_with('+'));
        assert_eq!(found, kept);
    }
    changes.await.unwrap();
}

pub(crate) async fn a_listed_info_is_the_files_own(store: Arc<dyn IStore>) {
    let plain = store.save_bytes(&name("a"), "x", &options()).await.unwrap();
    let told = options()
        .with_content_type("x/y")
        .with_metadata("made-by", "Zoë");
    let told = store.save_bytes(&name("b"), "xy", &told).await.unwrap();
    let listed = store.get_files_list(&ListOptions::default()).await.unwrap();
    assert_eq!(listed, [plain, told]);
}
