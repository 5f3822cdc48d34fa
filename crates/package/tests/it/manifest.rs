//! The manifest in an archive.

use std::io::{self, Read};

use package::{Error, ManifestProblem, Result, UnpackLimits, read_manifest};

use crate::archive::{Place, Tar, application, inspect, package, unpack};

fn named(name: &str) -> String {
    format!("{{\"name\": \"{name}\"}}")
}

/// The manifest's name as all three ways of finding it agree on it.
#[track_caller]
fn found(archive: Tar) -> Option<String> {
    let archive = archive.file("foo/foo.tar.gz", application().gz()).gz();
    let name = |manifest: Option<package::Manifest>| manifest.and_then(|m| m.name);
    let read = name(read_manifest(&archive[..], &UnpackLimits::default()).unwrap());
    let unpacked = unpack(&archive, &Place::new().inside()).unwrap();
    assert_eq!(name(unpacked.manifest), read);
    assert_eq!(name(inspect(&archive).unwrap().manifest), read);
    read
}

#[test]
fn it_is_found_in_any_case_and_folder() {
    let tar = Tar::new();
    assert_eq!(found(tar.clone()), None);
    for path in [
        "foo/manifest.json",
        "./foo/Manifest.JSON",
        "foo/a/b/MANIFEST.json",
    ] {
        assert_eq!(
            found(tar.clone().file(path, named("x"))).as_deref(),
            Some("x")
        );
    }
    assert_eq!(found(tar.clone().file("foo/my-manifest.json", "{")), None);
    assert_eq!(found(tar.folder("foo/manifest.json")), None);
}

#[test]
fn the_shallowest_counts_wherever_it_stands() {
    let deep = Tar::new().file("foo/a/manifest.json", named("deep"));
    let both = deep.file("foo/manifest.json", named("top"));
    assert_eq!(found(both).as_deref(), Some("top"));
    let top = Tar::new().file("foo/manifest.json", named("top"));
    let both = top.file("foo/a/manifest.json", "not looked at");
    assert_eq!(found(both).as_deref(), Some("top"));
}

#[test]
fn of_two_equally_shallow_the_first_counts() {
    let two = Tar::new()
        .file("foo/b/manifest.json", named("first"))
        .file("foo/a/manifest.json", named("second"));
    assert_eq!(found(two).as_deref(), Some("first"));
}

/// Fails when it is read beyond the archive's start.
struct Start<'a>(&'a [u8]);

impl Read for Start<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::Error::other("read too far"));
        }
        let count = self.0.len().min(into.len()).min(1_000);
        into[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn reading_stops_at_a_manifest_in_the_packages_folder() {
    let noise: Vec<u8> = (0u64..4 << 20)
        .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect();
    let archive = Tar::new()
        .file("foo/manifest.json", named("x"))
        .file("foo/noise", noise)
        .gz();
    let start = Start(&archive[..archive.len() / 2]);
    let manifest = read_manifest(start, &UnpackLimits::default())
        .unwrap()
        .unwrap();
    assert_eq!(manifest.name.as_deref(), Some("x"));
}

#[track_caller]
fn problem<T: std::fmt::Debug>(result: Result<T>) -> ManifestProblem {
    match result.unwrap_err() {
        Error::Manifest { entry, problem, .. } => {
            assert_eq!(entry, "foo/Manifest.json");
            problem
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_that_cannot_be_used_is_an_error_that_names_it() {
    for text in [
        "",
        "[]",
        "\u{feff}{}",
        "{\"name\": 1}",
        "{\"a\": 1, \"a\": 2}",
    ] {
        let archive = Tar::new()
            .file("foo/Manifest.json", text)
            .file("foo/foo.tar.gz", application().gz())
            .gz();
        let first = problem(unpack(&archive, &Place::new().inside()));
        assert_eq!(problem(inspect(&archive)), first);
        assert_eq!(
            problem(read_manifest(&archive[..], &UnpackLimits::default())),
            first
        );
    }
}

#[test]
fn one_over_the_limit_is_not_read() {
    let archive = Tar::new()
        .file("foo/Manifest.json", named("0123456789"))
        .gz();
    let limits = UnpackLimits::default().with_manifest_bytes(10);
    let problem = problem(read_manifest(&archive[..], &limits));
    assert!(
        matches!(
            problem,
            ManifestProblem::TooLarge {
                size: 22,
                maximum: 10,
                ..
            }
        ),
        "{problem:?}"
    );
}

#[test]
fn an_applications_own_manifest_means_nothing() {
    let application = application().file("foo/manifest.json", "[").gz();
    let archive = Tar::new()
        .folder("foo")
        .file("foo/foo.tar.gz", application)
        .gz();
    assert_eq!(inspect(&archive).unwrap().manifest, None);
}

#[test]
fn a_broken_archive_is_an_error_here_too() {
    let limits = UnpackLimits::default();
    let cut = package().gz();
    let error = read_manifest(&cut[..60], &limits).unwrap_err();
    assert!(matches!(error, Error::Truncated { .. }), "{error:?}");
    let outside = Tar::new().file("../manifest.json", "{}").gz();
    let error = read_manifest(&outside[..], &limits).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
}
