//! Whatever an archive or a manifest is, it does no harm.
//!
//! Each target runs 10,000 cases, or as many as the environment variable `FUZZ_CASES` says;
//! `cargo xtask fuzz` runs many more.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::LazyLock;

use package::{
    Error, Manifest, PackageArchive, PackageName, Result, UnpackLimits, inspect_package,
    read_manifest, unpack_application,
};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::archive::{Place, Tar, application, package, stored};
use crate::attack::{Sign, changes, damaged, hostile};
use crate::mutation::mutated;

fn cases() -> ProptestConfig {
    let cases = std::env::var("FUZZ_CASES").map_or(10_000, |cases| cases.parse().unwrap());
    ProptestConfig::with_cases(cases)
}

const TOTAL_BYTES: u64 = 24 << 10;
const ENTRIES: u64 = 16;

/// Small limits, so that archives of a few entries come over them.
fn limits() -> UnpackLimits {
    UnpackLimits::default()
        .with_total_bytes(TOTAL_BYTES)
        .with_entries(ENTRIES)
        .with_depth(6)
        .with_path_length(200)
        .with_ratio(20)
        .with_ratio_floor(8 << 10)
        .with_manifest_bytes(300)
}

/// A package that is compressed as usual.
static PACKAGE: LazyLock<Vec<u8>> = LazyLock::new(|| package().gz());

/// Archives of all kinds: real ones that were changed, made to attack, or damaged; and any bytes.
fn archives() -> impl Strategy<Value = Vec<u8>> {
    let stream = || prop_oneof![Just(package()), Just(application()), hostile()];
    let sign = prop_oneof![3 => Just(Sign::Again), 1 => Just(Sign::Never)];
    prop_oneof![
        6 => mutated(),
        2 => hostile().prop_map(|tar| stored(&tar.ended())),
        2 => hostile().prop_map(|tar| application_then(&tar)),
        2 => (stream(), changes(), sign)
            .prop_map(|(tar, changes, sign)| stored(&damaged(tar.ended(), &changes, sign))),
        1 => changes().prop_map(|changes| damaged(PACKAGE.clone(), &changes, Sign::Never)),
        1 => prop::collection::vec(any::<u8>(), 0..2_000),
        1 => prop::collection::vec(any::<u8>(), 0..2_000).prop_map(|bytes| stored(&bytes)),
    ]
}

/// Hostile entries after good ones, which some of them then meet.
fn application_then(tar: &Tar) -> Vec<u8> {
    let good = application().folder("foo/a").link("foo/m", "a");
    stored(&[good.bytes(), tar.bytes(), &[0; 1024]].concat())
}

/// What a directory that was unpacked to holds.
#[derive(Default)]
struct Usage {
    entries: u64,
    bytes: u64,
}

/// Counts what is there; fails for what is never unpacked.
fn usage(folder: &Path, usage: &mut Usage) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        let kind = metadata.file_type();
        assert!(kind.is_dir() || kind.is_file() || kind.is_symlink());
        if !kind.is_symlink() {
            let mode = metadata.permissions().mode();
            assert_eq!(mode & 0o7000, 0, "{}", entry.path().display());
        }
        usage.entries += 1;
        if kind.is_dir() {
            self::usage(&entry.path(), usage);
        } else if kind.is_file() {
            usage.bytes += metadata.len();
        }
    }
}

/// Unpacks to the place, checks what that did, and empties the place again.
fn harmless<T>(place: &Place, unpack: impl FnOnce(&Path) -> Result<T>) -> Option<Error> {
    let inside = place.inside();
    let error = unpack(&inside).err();
    place.check_outside();
    let mut found = Usage::default();
    usage(&inside, &mut found);
    // Hard links are counted as files of their own.
    assert!(found.entries <= ENTRIES && found.bytes <= TOTAL_BYTES * ENTRIES);
    let names: Vec<_> = fs::read_dir(&inside)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(names.is_empty() || names == ["foo"], "{names:?}");
    if !names.is_empty() {
        fs::remove_dir_all(inside.join("foo")).unwrap();
    }
    if let Some(error) = &error {
        check(error);
    }
    error
}

/// The package is at fault, never this machine; the text is fit to be shown, and names a limit
/// that was really passed.
fn check(error: &Error) {
    assert!(error.is_invalid_package(), "{error:?}");
    let text = error.to_string();
    assert!(
        text.len() < 2_000 && !text.chars().any(char::is_control),
        "{text:?}"
    );
    match error {
        Error::LimitExceeded {
            archive,
            maximum,
            found,
            ..
        } => assert!(found > maximum && !archive.is_empty(), "{text}"),
        Error::Refused { archive, .. } => assert!(!archive.is_empty(), "{text}"),
        _ => {}
    }
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "name", "version", "package", "icon", "author", "tags", "x"
        ])
        .prop_map(str::to_owned),
        ".{0,6}",
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Documents that are nearly manifests: with keys twice, wrong types, depth, marks and damage.
fn documents() -> impl Strategy<Value = Vec<u8>> {
    let object = || {
        prop::collection::vec((keys(), values()), 0..6).prop_map(|pairs| {
            let pairs = pairs
                .iter()
                .map(|(key, value)| format!("{}: {value}", Value::from(key.as_str())));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", ")).into_bytes()
        })
    };
    let deep = (0..400usize, prop::sample::select(vec!["[", "{\"a\":"]))
        .prop_map(|(depth, open)| format!("{{\"x\": {}1", open.repeat(depth)).into_bytes());
    let marked = object().prop_map(|text| [b"\xef\xbb\xbf", &text[..]].concat());
    prop_oneof![
        6 => object(),
        2 => (object(), changes())
            .prop_map(|(text, changes)| damaged(text, &changes, Sign::Never)),
        1 => marked,
        1 => deep,
        1 => values().prop_map(|value| value.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn fuzz_archive(archive in archives(), way in 0..4u8) {
        thread_local!(static PLACE: Place = Place::new());
        let archive = &archive[..];
        let open = || PackageArchive::open(archive, "foo", limits());
        let inspected = inspect_package(archive, "foo", &limits()).err();
        let streamed = PLACE.with(|place| {
            // The other ways share the code; each is taken often enough.
            match way {
                0 => drop(harmless(place, |into| unpack_application(archive, "foo", into, &limits()))),
                1 => drop(harmless(place, |into| open()?.unpack(into))),
                _ => {}
            }
            harmless(place, |into| open()?.unpack_application(into))
        });
        // What passes the check can be unpacked; what does not fails for the same reason.
        let text = |error: Option<Error>| error.map(|error| error.to_string());
        prop_assert_eq!(text(inspected), text(streamed));
        if let Err(error) = read_manifest(archive, &limits()) {
            check(&error);
        }
    }

    #[test]
    fn fuzz_manifest(document in documents()) {
        match Manifest::parse(&document) {
            Ok(manifest) => {
                let text = serde_json::to_vec(&manifest).unwrap();
                prop_assert_eq!(&Manifest::parse(&text).unwrap(), &manifest);
                // No key was lost.
                let all: Map<String, Value> = serde_json::from_slice(&document).unwrap();
                let known = ["name", "version", "package", "icon", "author", "tags"];
                for (key, value) in all.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
                    prop_assert_eq!(manifest.other.get(key), Some(value));
                }
            }
            Err(error) => check(&error),
        }
    }

    #[test]
    fn fuzz_package_name(name in prop_oneof![
        "[a-zA-Z0-9._-]{0,12}", ".{0,12}",
        "(deployment|cancel|lock|Lock)[_-]?[a-z0-9./]{0,4}", "[a.]{195,205}",
    ]) {
        match PackageName::new(name.as_str()) {
            Ok(taken) => {
                prop_assert_eq!(taken.as_str(), name.as_str());
                prop_assert!(!name.is_empty() && name.len() <= 200 && name.is_ascii());
                prop_assert!(!name.starts_with(['-', '.', '_']) && !name.contains(".."));
                prop_assert!(!name.contains(['/', '\\', '\0', ' ', '\n']));
                prop_assert_eq!(Path::new(&name).components().count(), 1);
            }
            Err(error) => check(&error),
        }
    }
}
