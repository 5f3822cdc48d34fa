//! Names are kept as they are.

use std::sync::Arc;

use store::{ErrorKind, IStore, ListOptions, SaveMode, StoreExt};

use super::{bytes_of, name, names_of, options, save};

pub(crate) async fn awkward_names_are_kept_byte_for_byte(store: Arc<dyn IStore>) {
    let long_segment = "s".repeat(255);
    let longest = format!("{}/{}", ["d"; 384].join("/"), "e".repeat(255));
    assert_eq!(longest.len(), 1023);
    let names = [
        " ",
        "  x ",
        "#1",
        "%",
        "%2F",
        "%2e%2e",
        "*",
        "-rf",
        "...",
        ".hidden",
        "CASE",
        "case",
        "a\\b",
        "a:b",
        "a'b\"c",
        "e\u{301}",
        "\u{e9}",
        "\u{1F980}",
        "\u{200B}",
        "~",
        "temporary/x",
        "x.tmp",
        "x/.store",
        &long_segment,
        &longest,
    ];
    for text in names {
        save(&*store, text, text).await;
    }
    for text in names {
        assert_eq!(bytes_of(&*store, text).await, text.as_bytes());
    }
    let mut expected = names.to_vec();
    expected.sort_unstable();
    assert_eq!(names_of(&*store, &ListOptions::default()).await, expected);
    for text in names {
        store.delete_file(&name(text)).await.unwrap();
    }
    assert!(names_of(&*store, &ListOptions::default()).await.is_empty());
}

pub(crate) async fn a_file_and_a_folder_of_one_name_exclude_each_other(store: Arc<dyn IStore>) {
    save(&*store, "a/b/c", "x").await;
    save(&*store, "f", "x").await;
    for (refused, found) in [
        ("a", "a/b/c"),
        ("a/b", "a/b/c"),
        ("f/x", "f"),
        ("f/x/y", "f"),
    ] {
        for mode in [SaveMode::Overwrite, SaveMode::Create] {
            let options = options().with_mode(mode);
            let error = store
                .save_bytes(&name(refused), "y", &options)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NameOverlap, "{error:?}");
            assert!(error.to_string().contains(&format!("`{found}`")), "{error}");
        }
    }
    // A mere beginning of a name is no folder of it.
    save(&*store, "a/b.c", "x").await;
    save(&*store, "a/b/c0", "x").await;
    assert_eq!(
        names_of(&*store, &ListOptions::default()).await,
        ["a/b.c", "a/b/c", "a/b/c0", "f"]
    );
}

pub(crate) async fn a_folder_goes_with_its_last_file(store: Arc<dyn IStore>) {
    save(&*store, "a/b/c", "x").await;
    save(&*store, "a/b/d", "x").await;
    store.delete_file(&name("a/b/c")).await.unwrap();
    assert_eq!(bytes_of(&*store, "a/b/d").await, "x");
    store.delete_file(&name("a/b/d")).await.unwrap();
    save(&*store, "a", "y").await;
    assert_eq!(bytes_of(&*store, "a").await, "y");
    store.delete_file(&name("a")).await.unwrap();
    save(&*store, "a/b", "z").await;
    assert_eq!(bytes_of(&*store, "a/b").await, "z");
}
