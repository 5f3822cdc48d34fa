//! Tests of manifests.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn problem(text: &str) -> ManifestProblem {
    match Manifest::parse(text.as_bytes()).unwrap_err() {
        Error::Manifest { entry, problem } => {
            assert_eq!(entry, "manifest.json");
            problem
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_known_keys_are_read() {
    let manifest = Manifest::parse(
        br#"{"name": "Hello", "icon": "i.png", "package": "hello.tar.gz",
            "tags": ["a b", "c"], "version": "1.1", "author": "me"}"#,
    )
    .unwrap();
    assert_eq!(manifest.name.as_deref(), Some("Hello"));
    assert_eq!(manifest.icon.as_deref(), Some("i.png"));
    assert_eq!(manifest.package.as_deref(), Some("hello.tar.gz"));
    assert_eq!(manifest.version.as_deref(), Some("1.1"));
    assert_eq!(manifest.author.as_deref(), Some("me"));
    assert_eq!(manifest.tags, ["a b", "c"]);
    assert!(manifest.other.is_empty());
}

#[test]
fn every_key_may_be_missing_or_null() {
    assert_eq!(Manifest::parse(b"{}").unwrap(), Manifest::default());
    let nulls = Manifest::parse(br#"{"name": null, "tags": null}"#).unwrap();
    assert_eq!(nulls, Manifest::default());
}

#[test]
fn unknown_keys_keep_their_order() {
    let text = r#"{"name":"x","zeta":1,"alpha":{"b":null,"a":[2]},"mid":"m"}"#;
    let manifest = Manifest::parse(text.as_bytes()).unwrap();
    assert_eq!(serde_json::to_string(&manifest).unwrap(), text);
    assert_eq!(serde_json::from_str::<Manifest>(text).unwrap(), manifest);
}

#[test]
fn a_byte_order_mark_is_refused() {
    assert_eq!(problem("\u{feff}{}"), ManifestProblem::ByteOrderMark);
}

#[test]
fn text_that_is_not_json_is_refused() {
    for text in ["", "{", "{}x", "name: x", "{'a': 1}", "{\"a\": 1,}"] {
        let problem = problem(text);
        assert!(
            matches!(problem, ManifestProblem::NotJson { .. }),
            "{problem}"
        );
    }
    let error = Manifest::parse(b"{\"name\": \"\xff\"}").unwrap_err();
    assert!(error.to_string().contains("not JSON"), "{error}");
}

#[test]
fn a_value_nested_too_deeply_is_refused() {
    let text = format!("{{\"a\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(problem(&text).to_string().contains("recursion limit"));
    let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let found = "an array";
    assert_eq!(problem(&text), ManifestProblem::NotAnObject { found });
}

#[test]
fn another_value_than_an_object_is_refused() {
    for (text, found) in [
        ("[1, {}]", "an array"),
        ("\"x\"", "a string"),
        ("1", "a number"),
        ("-1", "a number"),
        ("1.5", "a number"),
        ("true", "a boolean"),
        ("null", "null"),
    ] {
        assert_eq!(problem(text), ManifestProblem::NotAnObject { found });
    }
}

#[test]
fn a_key_that_comes_twice_is_refused() {
    for text in [
        r#"{"name": "a", "name": "b"}"#,
        r#"{"name": "a", "n\u0061me": "b"}"#,
    ] {
        let key = "name".to_owned();
        assert_eq!(problem(text), ManifestProblem::DuplicateKey { key });
    }
}

#[track_caller]
fn wrong_type(text: &str, key: &'static str, found: &'static str) {
    match problem(text) {
        ManifestProblem::WrongType {
            key: k, found: f, ..
        } => assert_eq!((k, f), (key, found)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_known_key_of_the_wrong_type_is_refused() {
    wrong_type(r#"{"version": 1.1}"#, "version", "a number");
    wrong_type(r#"{"name": ["a"]}"#, "name", "an array");
    wrong_type(r#"{"tags": "a"}"#, "tags", "a string");
    wrong_type(r#"{"tags": {}}"#, "tags", "an object");
    wrong_type(
        r#"{"tags": ["a", 1]}"#,
        "tags",
        "an array that holds a number",
    );
    wrong_type(r#"{"tags": [null]}"#, "tags", "an array that holds null");
}

#[test]
fn a_manifest_over_the_limit_is_refused() {
    let text = format!("{{\"name\": \"{}\"}}", "x".repeat(1 << 20));
    let (size, maximum) = (text.len() as u64, 1 << 20);
    assert_eq!(problem(&text), ManifestProblem::TooLarge { size, maximum });
}

fn manifests() -> impl Strategy<Value = Manifest> {
    let text = || proptest::option::of(".{0,20}");
    (
        (text(), text(), text(), text(), text()),
        proptest::collection::vec(".{0,8}", 0..4),
        proptest::collection::btree_map("x-[a-z]{1,8}", any::<i64>(), 0..4),
    )
        .prop_map(
            |((name, version, package, icon, author), tags, other)| Manifest {
                name,
                version,
                package,
                icon,
                author,
                tags,
                other: other
                    .into_iter()
                    .map(|(key, value)| (key, value.into()))
                    .collect(),
            },
        )
}

proptest! {
    #[test]
    fn a_manifest_survives_writing_and_reading(manifest in manifests()) {
        let text = serde_json::to_vec_pretty(&manifest).unwrap();
        prop_assert_eq!(Manifest::parse(&text).unwrap(), manifest);
    }

    #[test]
    fn no_text_panics(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Manifest::parse(&text);
    }
}
