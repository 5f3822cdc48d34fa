//! Whatever text is taken as a name, every store keeps it as it is; whatever is refused, is refused
//! by the rules that are written down.
//!
//! It runs 10,000 cases, or as many as the environment variable `FUZZ_CASES` says;
//! `cargo xtask fuzz` runs many more.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use store::{
    Durability, ErrorKind, FileName, FsOptions, FsStore, IStore, ListOptions, MemoryStore,
    SaveOptions, StoreExt as _,
};
use tokio::runtime::Runtime;

fn cases() -> ProptestConfig {
    let cases = std::env::var("FUZZ_CASES").map_or(10_000, |cases| cases.parse().unwrap());
    ProptestConfig::with_cases(cases)
}

/// The rules of `docs/reference/file-names.md`, byte by byte.
fn is_legal(text: &str) -> bool {
    let segments: Vec<_> = text.as_bytes().split(|byte| *byte == b'/').collect();
    let is_control = |c: char| matches!(c as u32, 0..=0x1f | 0x7f..=0x9f);
    matches!(text.len(), 1..=1024)
        && segments
            .iter()
            .all(|segment| matches!(segment.len(), 1..=255) && !matches!(*segment, b"." | b".."))
        && !text.chars().any(is_control)
        && !segments[0].eq_ignore_ascii_case(b".store")
}

/// Parts of names that have been trouble somewhere.
const PARTS: [&str; 44] = [
    ".",
    "..",
    "...",
    ".store",
    ".STORE",
    ".Store",
    ".ſtore",
    ".store ",
    "store",
    "",
    " ",
    "  a",
    "a ",
    "a.",
    "~",
    "~root",
    "-rf",
    "*",
    "?",
    "a\\b",
    "C:",
    "con",
    "nul.txt",
    "a%2Fb",
    "%00",
    "%2e%2e",
    "a\0b",
    "\n",
    "\r\n",
    "\t",
    "\u{7f}",
    "\u{85}",
    "\u{9f}",
    "\u{a0}",
    "\u{2028}",
    "\u{202e}gpj",
    "\u{feff}",
    "é",
    "e\u{301}",
    "Å",
    "A\u{30a}",
    "ﬁ",
    "fi",
    "😀",
];

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(PARTS.as_slice()).prop_map(str::to_owned),
        3 => prop::collection::vec(prop::sample::select(PARTS.as_slice()), 1..4)
            .prop_map(|parts| parts.concat()),
        2 => "[a-c.]{1,4}",
        2 => any::<String>(),
        1 => "\\PC{0,12}",
        // Around the limit, in letters of one to four bytes.
        2 => (prop::sample::select(vec!["x", "é", "中", "😀"]), 250_usize..260, "[a-c]{0,3}")
            .prop_map(|(letter, bytes, rest)| letter.repeat(bytes / letter.len()) + &rest),
    ]
}

fn texts() -> impl Strategy<Value = String> {
    let joined = |separator: &'static str, count| {
        prop::collection::vec(segment(), count).prop_map(move |parts| parts.join(separator))
    };
    prop_oneof![
        6 => joined("/", 1..4),
        1 => joined("//", 1..3),
        1 => joined("/", 3..12),
        1 => (joined("/", 1..3), prop::sample::select(vec!["/", ""]))
            .prop_map(|(text, end)| format!("/{text}{end}")),
        1 => joined("/", 1..3).prop_map(|text| text + "/"),
        1 => any::<String>(),
        // Around the limit of all.
        1 => (1020_usize..1028).prop_map(|bytes| {
            let text = ["x".repeat(254).as_str(); 5].join("/");
            text[..bytes].to_owned()
        }),
    ]
}

/// The name that `text` is, if it is one.
fn verdict(text: &str) -> Result<Option<FileName>, TestCaseError> {
    match FileName::new(text) {
        Ok(name) => {
            prop_assert!(is_legal(text), "taken: {text:?}");
            prop_assert_eq!(name.as_str(), text);
            Ok(Some(name))
        }
        Err(error) => {
            prop_assert!(!is_legal(text), "refused: {text:?}: {error}");
            prop_assert_eq!(error.kind(), ErrorKind::InvalidName);
            // What is printed is one line, whatever the text is.
            prop_assert!(!error.to_string().contains(char::is_control));
            Ok(None)
        }
    }
}

/// The normal forms of a name, which another system would take for the same one.
fn normal_forms(text: &str) -> [String; 2] {
    let composed = text.replace("e\u{301}", "é").replace("A\u{30a}", "Å");
    let decomposed = text.replace('é', "e\u{301}").replace('Å', "A\u{30a}");
    [composed, decomposed]
}

fn is_folder_of(folder: &FileName, name: &FileName) -> bool {
    name.folders().any(|other| other == folder.as_str())
}

/// Saves every name, each with contents of its own, and finds exactly these again.
async fn keeps(store: &dyn IStore, names: &BTreeSet<FileName>) -> Result<(), TestCaseError> {
    for name in names {
        let options = SaveOptions::default();
        let saved = store.save_bytes(name, name.to_string(), &options).await;
        prop_assert_eq!(&saved.unwrap().name, name);
    }
    let listed = store.get_files_list(&ListOptions::default()).await.unwrap();
    let listed: Vec<_> = listed.into_iter().map(|file| file.name).collect();
    prop_assert_eq!(listed, names.iter().cloned().collect::<Vec<_>>());
    for name in names {
        let (info, bytes) = store.get_file_bytes(name, 2_000).await.unwrap();
        prop_assert_eq!(&info.name, name);
        prop_assert_eq!(bytes, name.as_str().as_bytes());
        store.delete_file(name).await.unwrap();
    }
    let left = store.get_files_list(&ListOptions::default()).await.unwrap();
    prop_assert!(left.is_empty(), "{left:?}");
    Ok(())
}

#[test]
fn fuzz_file_name() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    // Nothing here ends before the process does.
    let options = FsOptions::default().with_durability(Durability::Process);
    let fs = FsStore::open(directory.path(), options);
    let (fs, memory) = (runtime.block_on(fs).unwrap(), MemoryStore::new());
    let check = |text: String| {
        let mut names = BTreeSet::new();
        for text in normal_forms(&text).into_iter().chain([text]) {
            names.extend(verdict(&text)?);
        }
        let all: Vec<_> = names.iter().cloned().collect();
        // A file is no folder of another one.
        names.retain(|name| !all.iter().any(|other| is_folder_of(name, other)));
        runtime.block_on(keeps(&memory, &names))?;
        runtime.block_on(keeps(&fs, &names))
    };
    TestRunner::new(cases()).run(&texts(), check).unwrap();
    // No name has led out of the store's folder or into its own.
    let left = std::fs::read_dir(directory.path()).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".store"]);
}
