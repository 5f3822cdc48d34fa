//! Names are kept as they are.

use std::sync::Arc;

use super::samples::{check_all_names, check_file, name, options, save};
use super::violation::{Answer, Clause, Verdict, does_not_apply};
use crate::{ErrorKind, FileName, IStore, ListOptions, ReadOptions, StoreExt};

/// Saves each name with itself as contents, and finds, lists and deletes it.
async fn check_kept(store: &dyn IStore, names: &[&str]) -> Verdict {
    for text in names {
        let saved = store
            .save_bytes(&name(text), (*text).to_owned(), &options())
            .await;
        let saved = saved.succeeds(Clause::Names, &format!("a save of {text:?}"))?;
        Clause::Names.same("the name in a save's answer", saved.name.as_str(), *text)?;
    }
    let mut expected = names.to_vec();
    expected.sort_unstable();
    check_all_names(store, &expected, Clause::Names).await?;
    while let Some(text) = expected.pop() {
        check_file(store, text, text.as_bytes(), Clause::Names).await?;
        let info = store.get_file_info(&name(text)).await;
        let info = info.succeeds(Clause::Names, &format!("an info of {text:?}"))?;
        Clause::Names.same("the name in an info", info.name.as_str(), text)?;
        let deleted = store.delete_file(&name(text)).await;
        deleted.succeeds(Clause::Names, &format!("a delete of {text:?}"))?;
    }
    check_all_names(store, &expected, Clause::Names).await
}

pub(super) async fn awkward_names_are_kept_byte_for_byte(store: Arc<dyn IStore>) -> Verdict {
    check_kept(
        &*store,
        &[
            " ",
            "  x ",
            "a b/ c",
            "#1",
            "a#1",
            "%",
            "%2F",
            "a%2Fb",
            "%2e%2e",
            "%Q",
            "100%",
            "*",
            "?",
            "-rf",
            "...",
            ".hidden",
            "a/.hidden",
            "trailing.",
            "trailing ",
            "a\\b",
            "a:b",
            "a'b\"c",
            "I'm a < & weird > path",
            "$shenanigans@@~",
            "!@$^&()_+-=;',.txt",
            "[x]{y}",
            "a|b",
            "a,b",
            "a=b&c=d",
            "a+b",
            "CON",
            "nul.txt",
            "\u{1F980}",
            "\u{1F1E9}\u{1F1EA}",
            "\u{200B}",
            "\u{FEFF}x",
            "\u{202E}x",
            "\u{FFFD}",
            "\u{10FFFF}",
            "~",
            "~x/y",
            "日本語/文",
            "`x`",
            "'; DROP TABLE file; --",
        ],
    )
    .await
}

pub(super) async fn names_that_differ_a_little_stay_apart(store: Arc<dyn IStore>) -> Verdict {
    check_kept(
        &*store,
        &[
            // One letter, composed and decomposed (Unicode's NFC and NFD), and a ligature.
            "\u{e9}",
            "e\u{301}",
            "e",
            "fi",
            "\u{FB01}",
            // As it is and percent-encoded.
            "HELLO/x",
            "%48%45%4C%4C%4F/x",
            "a/b",
            "a%2Fb",
            "a%2fb",
            "x y",
            "x%20y",
            "x+y",
            // Upper case and lower, and letters that fold to others.
            "CASE",
            "case",
            "Case",
            "stra\u{DF}e",
            "strasse",
            // White space and dots at the ends.
            "end",
            "end ",
            "end.",
            " end",
            "1",
            "01",
            "1.0",
        ],
    )
    .await
}

/// Names of as many bytes, in segments as long and as short as they can be.
fn names_of_length(length: usize) -> [String; 2] {
    let wide = format!("{}/", "w".repeat(FileName::MAX_SEGMENT_LEN)).repeat(5);
    let mut names = [wide, "d/".repeat(600)];
    for name in &mut names {
        name.truncate(length);
        // No name ends with a `/`.
        if name.ends_with('/') {
            name.truncate(length - 1);
            name.push('e');
        }
        if name
            .rsplit('/')
            .next()
            .is_some_and(|last| last.len() > FileName::MAX_SEGMENT_LEN)
        {
            name.replace_range(length - 2..length - 1, "/");
        }
    }
    names
}

pub(super) async fn the_longest_names_are_kept(store: Arc<dyn IStore>) -> Verdict {
    let most = store.capabilities().max_name_len;
    let [wide, deep] = names_of_length(most);
    let letters = "s".repeat(FileName::MAX_SEGMENT_LEN.min(most));
    // As many bytes in letters of four and three.
    let signs = format!("{}\u{20AC}", "\u{1F980}".repeat((letters.len() - 3) / 4));
    check_kept(&*store, &[&letters, &signs, &wide, &deep]).await
}

pub(super) async fn names_that_are_too_long_for_the_store_are_refused(
    store: Arc<dyn IStore>,
) -> Verdict {
    let most = store.capabilities().max_name_len;
    if most >= FileName::MAX_LEN {
        return does_not_apply("the store takes every name");
    }
    let clause = Clause::Capabilities;
    for text in names_of_length(most + 1) {
        let long = name(&text);
        let saved = store.save_bytes(&long, "x", &options()).await.map(drop);
        let info = store.get_file_info(&long).await.map(drop);
        let read = store
            .get_file_contents(&long, &ReadOptions::default())
            .await
            .map(drop);
        let deleted = store.delete_file(&long).await;
        let calls = ["a save", "an info", "a read", "a delete"];
        for (call, answer) in calls.into_iter().zip([saved, info, read, deleted]) {
            let what = format!(
                "{call} of a name of {} bytes, of at most {most},",
                text.len()
            );
            answer.fails(clause, ErrorKind::InvalidName, &what)?;
        }
    }
    let none: [&str; 0] = [];
    check_all_names(&*store, &none, clause).await
}

pub(super) async fn names_like_a_stores_own_are_kept(store: Arc<dyn IStore>) -> Verdict {
    check_kept(
        &*store,
        &[
            "temporary/x",
            "tmp/x",
            ".tmp",
            "x.tmp",
            "x.tmp.1",
            "x~",
            ".x.swp",
            "x#1",
            "x.part",
            "x.lock",
            "lock",
            "locks/x",
            "facts/x",
            "y/.store",
            "x/.store/y",
            ".storehouse",
            ".stor",
            "store",
            "files.db",
            "files.db-wal",
            "files.db-shm",
            "files.db-journal",
            "files.db-locks/x",
            "sqlite_master",
            ".git/x",
            "lost+found/x",
            ".nfs0001",
            ".fuse_hidden1",
            ".segments/x/00000001",
            "index.json",
            "0",
            "0-0-0",
            "null",
        ],
    )
    .await
}

pub(super) async fn texts_that_are_no_names_list_nothing(store: Arc<dyn IStore>) -> Verdict {
    save(&*store, "a/b", "x").await?;
    let texts = [
        "..", "../", "/", "/a", "a//", "a/./", "./a", "a/../a", "\0", "a\0", ".store/", "a/b/",
    ];
    for text in texts {
        let none: [&str; 0] = [];
        let options = ListOptions::default().with_prefix(text);
        super::samples::check_names(&*store, &options, &none, Clause::Names).await?;
        let refused = FileName::new(text).map(drop);
        refused.fails(
            Clause::Names,
            ErrorKind::InvalidName,
            &format!("the name {text:?}"),
        )?;
    }
    Ok(())
}
