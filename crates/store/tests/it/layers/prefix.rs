//! `Prefix`: a folder of a store is a store.

use std::sync::Arc;

use futures_util::StreamExt;
use proptest::prelude::*;
use store::{
    ErrorKind, FaultScript, FileName, IStore, ListOptions, MemoryStore, Operation, Order, Prefix,
    ReadOptions, Result, SaveMode, StoreExt,
};

use super::faulty;
use crate::samples::{bytes_of, name, names_of, options, save};

#[tokio::test]
async fn what_lies_outside_is_neither_seen_nor_touched() {
    let whole: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let outside = ["a", "x", "x.y/a", "x/y-/a", "x/y.b", "x/y0", "x/z/a"];
    for text in outside.into_iter().filter(|text| *text != "x") {
        save(&*whole, text, text).await;
    }
    let inside = Prefix::new(Arc::clone(&whole), &name("x/y"));
    for order in [Order::Ascending, Order::Descending] {
        let page = ListOptions::default().with_order(order);
        assert!(names_of(&inside, &page).await.is_empty());
        for text in ["", "..", "../", "/", "a", "\u{10FFFF}"] {
            let page = page.clone().with_prefix(text);
            assert!(names_of(&inside, &page).await.is_empty(), "{page:?}");
            let page = ListOptions::default().with_order(order).with_after(text);
            assert!(names_of(&inside, &page).await.is_empty(), "{page:?}");
        }
    }
    let error = inside.delete_file(&name("a")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.name()),
        (ErrorKind::NotFound, Some("a"))
    );
    save(&inside, "a", "inside").await;
    assert_eq!(bytes_of(&*whole, "a").await, "a");
    assert_eq!(bytes_of(&*whole, "x/y/a").await, "inside");
}

#[tokio::test]
async fn errors_speak_of_the_names_inside() {
    let script = FaultScript::new();
    let store = Prefix::new(faulty(&script), &name("x/y"));
    save(&store, "a/b", "hello").await;
    for (refused, text) in [
        (
            "a",
            "failed to save file `a`: `a` is a folder of the file `a/b`",
        ),
        (
            "a/b/c",
            "failed to save file `a/b/c`: `a/b` is a file, so no name can lie below it",
        ),
    ] {
        let error = store
            .save_bytes(&name(refused), "y", &options())
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), text);
    }
    script
        .on(Operation::GetFileContents)
        .at_byte(2)
        .fail(ErrorKind::Unavailable);
    let file = store
        .get_file_contents(&name("a/b"), &ReadOptions::default())
        .await
        .unwrap();
    let pieces: Vec<_> = file.contents.into_stream().collect().await;
    let error = pieces.into_iter().find_map(Result::err).unwrap();
    assert_eq!(error.name(), Some("a/b"));
}

#[tokio::test]
async fn a_file_in_place_of_the_folder_leaves_no_room() {
    for taken in ["x", "x/y"] {
        let whole: Arc<dyn IStore> = Arc::new(MemoryStore::new());
        save(&*whole, taken, "x").await;
        let store = Prefix::new(whole, &name("x/y"));
        let error = store
            .save_bytes(&name("a"), "y", &options())
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.name()),
            (ErrorKind::NameOverlap, Some("a"))
        );
        assert!(names_of(&store, &ListOptions::default()).await.is_empty());
    }
}

#[tokio::test]
async fn a_name_that_is_too_long_with_the_folder_is_refused() {
    let store = Prefix::new(Arc::new(MemoryStore::new()), &name("x/y"));
    let most = store.capabilities().max_name_len;
    let long = name(
        &[
            "s".repeat(255),
            "t".repeat(255),
            "u".repeat(255),
            "v".repeat(most - 767),
        ]
        .join("/"),
    );
    assert_eq!(long.as_str().len(), most + 1);
    let errors = [
        store.save_bytes(&long, "x", &options()).await.unwrap_err(),
        store.get_file_info(&long).await.unwrap_err(),
        store
            .get_file_contents(&long, &ReadOptions::default())
            .await
            .unwrap_err(),
        store.delete_file(&long).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(
            (error.kind(), error.name()),
            (ErrorKind::InvalidName, Some(long.as_str()))
        );
    }
}

#[tokio::test]
async fn names_that_are_none_inside_leave_pages_full() {
    let whole: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    for text in ["x/.store/a", "x/.store/b", "x/.a", "x/a", "x/b"] {
        save(&*whole, text, "x").await;
    }
    let store = Prefix::new(whole, &name("x"));
    let mut page = ListOptions::default().with_limit(2);
    assert_eq!(names_of(&store, &page).await, [".a", "a"]);
    page = page.with_after("a");
    assert_eq!(names_of(&store, &page).await, ["b"]);
    page = ListOptions::default()
        .with_limit(3)
        .with_order(Order::Descending);
    assert_eq!(names_of(&store, &page).await, ["b", "a", ".a"]);
}

/// One call, as it is made on the folder and on a store of its own.
#[derive(Clone, Debug)]
enum Step {
    Save(FileName, u8, SaveMode),
    Delete(FileName),
    Read(FileName),
    List(Option<String>, Option<String>, usize, Order),
}

fn any_step() -> impl Strategy<Value = Step> {
    let any_name =
        || "[ab](/[ab.x]{1,2}){0,2}".prop_filter_map("no name", |text| FileName::new(text).ok());
    let mode = prop_oneof![Just(SaveMode::Overwrite), Just(SaveMode::Create)];
    let order = prop_oneof![Just(Order::Ascending), Just(Order::Descending)];
    let text = || prop::option::of("[ab./x]{0,3}");
    prop_oneof![
        4 => (any_name(), any::<u8>(), mode).prop_map(|(name, byte, mode)| Step::Save(name, byte, mode)),
        2 => any_name().prop_map(Step::Delete),
        1 => any_name().prop_map(Step::Read),
        2 => (text(), text(), 1..5_usize, order)
            .prop_map(|(prefix, after, limit, order)| Step::List(prefix, after, limit, order)),
    ]
}

/// What a caller sees of a step.
async fn seen(store: &dyn IStore, step: &Step) -> std::result::Result<String, String> {
    let seen = match step {
        Step::Save(name, byte, mode) => {
            let options = options().with_mode(mode.clone());
            let saved = store.save_bytes(name, vec![*byte], &options).await;
            saved.map(|info| format!("{} {} {}", info.name, info.size, info.content_type))
        }
        Step::Delete(name) => store.delete_file(name).await.map(|()| String::new()),
        Step::Read(name) => {
            let read = store.get_file_bytes(name, 9).await;
            read.map(|(info, bytes)| format!("{} {bytes:?}", info.name))
        }
        Step::List(prefix, after, limit, order) => {
            let mut page = ListOptions::default().with_limit(*limit).with_order(*order);
            (page.prefix, page.after) = (prefix.clone(), after.clone());
            let listed = store.get_files_list(&page).await;
            listed.map(|infos| {
                format!(
                    "{:?}",
                    infos.iter().map(|info| &info.name).collect::<Vec<_>>()
                )
            })
        }
    };
    seen.map_err(|error| format!("{:?} {:?} {error}", error.kind(), error.name()))
}

proptest! {
    #[test]
    fn a_folder_behaves_as_a_store_of_its_own(
        steps in prop::collection::vec(any_step(), 0..40),
        folder in prop::sample::select(vec!["a", "a/a", "x.x", "b/.x"]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let whole: Arc<dyn IStore> = Arc::new(MemoryStore::new());
            save(&*whole, "zz", "outside").await;
            let inside = Prefix::new(Arc::clone(&whole), &name(folder));
            let model = MemoryStore::new();
            for step in &steps {
                assert_eq!(seen(&inside, step).await, seen(&model, step).await, "{step:?}");
            }
            let mut all = names_of(&*whole, &ListOptions::default()).await;
            assert_eq!(all.pop().as_deref(), Some("zz"));
            let own = names_of(&model, &ListOptions::default()).await;
            let own: Vec<_> = own.into_iter().map(|text| format!("{folder}/{text}")).collect();
            assert_eq!(all, own);
        });
    }
}

#[tokio::test]
async fn awkward_names_of_all_lengths_that_fit_are_kept_below_a_folder() {
    let store = Prefix::new(Arc::new(MemoryStore::new()), &name("folder/x"));
    let most = store.capabilities().max_name_len;
    assert_eq!(most, 1024 - "folder/x/".len());
    let longest = format!("{}/{}", ["d"; 380].join("/"), "e".repeat(most - 380 * 2));
    assert_eq!(longest.len(), most);
    let mut names = vec![
        " ",
        "%2F",
        "...",
        ".hidden",
        "e\u{301}",
        "\u{e9}",
        "\u{1F980}",
        &longest,
    ];
    for text in &names {
        save(&store, text, text).await;
    }
    for text in &names {
        assert_eq!(bytes_of(&store, text).await, text.as_bytes());
    }
    names.sort_unstable();
    assert_eq!(names_of(&store, &ListOptions::default()).await, names);
}
