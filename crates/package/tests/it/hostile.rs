//! The fixed list of hostile packages.

use std::fs;
use std::io::{self, Read};

use package::{
    Error, PackageArchive, UnpackLimits, UnpackedApplication, inspect_package, unpack_application,
};
use testkit::{HostileLimits, hostile_packages};

use crate::archive::{Place, Tar, application, gzip};

fn limits() -> UnpackLimits {
    UnpackLimits::default()
        .with_total_bytes(HostileLimits::TOTAL_BYTES)
        .with_entries(HostileLimits::ENTRIES)
        .with_ratio(HostileLimits::RATIO)
        .with_ratio_floor(HostileLimits::RATIO_FLOOR)
}

/// The name of the error's variant.
fn kind(error: &Error) -> String {
    let debug = format!("{error:?}");
    debug
        .split([' ', '{'])
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn stream(archive: &[u8], place: &Place) -> package::Result<UnpackedApplication> {
    PackageArchive::open(archive, "foo", limits())?.unpack_application(&place.inside())
}

#[test]
fn each_is_refused_with_its_own_error_and_touches_nothing_outside() {
    let mut wrong = Vec::new();
    for hostile in hostile_packages() {
        let place = Place::new();
        let streamed = stream(&hostile.archive, &place).map(drop);
        place.check_outside();
        let inspected = inspect_package(&hostile.archive[..], "foo", &limits()).map(drop);
        for (way, result) in [("unpacked", streamed), ("inspected", inspected)] {
            match result {
                Err(error)
                    if kind(&error) == hostile.kind
                        && hostile.says("", &error.to_string())
                        && error.is_invalid_package() => {}
                other => wrong.push(format!("{} {way}: {other:?}", hostile.what)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Counts what is read.
struct Counting<'a> {
    rest: &'a [u8],
    read: &'a mut usize,
}

impl Read for Counting<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.rest.read(into)?;
        *self.read += count;
        Ok(count)
    }
}

#[test]
fn a_bomb_is_not_read_to_its_end_and_leaves_little() {
    // Compressed zeros again and again: a thousand members of 4 MiB each.
    let mut first = application().file("foo/zeros", "").bytes().to_vec();
    let length = first.len();
    first[length - 512..].copy_from_slice(&crate::archive::header(
        b'0',
        b"foo/zeros",
        0o644,
        b"",
        1 << 32,
    ));
    let zeros = gzip(&vec![0; 4 << 20]);
    let bomb = [gzip(&first), zeros.repeat(1_000)].concat();
    let limits = limits().with_total_bytes(1 << 40);
    let mut read = 0;
    let place = Place::new();
    let reader = Counting {
        rest: &bomb,
        read: &mut read,
    };
    let error = unpack_application(reader, "foo", &place.inside(), &limits).unwrap_err();
    assert_eq!(kind(&error), "LimitExceeded", "{error}");
    // One buffer of each layer beyond the floor, and no more.
    assert!(read <= 256 << 10, "{read} bytes were read");
    let written = fs::metadata(place.inside().join("foo/zeros"))
        .unwrap()
        .len();
    assert!(
        written <= (1 << 20) + (128 << 10),
        "{written} bytes were written"
    );
}

#[test]
fn what_is_left_of_the_list_by_dropping_bits_is_harmless() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let archive = Tar::new()
        .raw(b'5', b"foo", 0o7777, b"", b"")
        .raw(b'0', b"foo/setuid", 0o4755, b"", b"x")
        .raw(b'0', b"foo/setgid", 0o2755, b"", b"x")
        .raw(b'0', b"foo/sticky", 0o1777, b"", b"x")
        .gz();
    unpack_application(&archive[..], "foo", &place.inside(), &limits()).unwrap();
    for name in ["", "setuid", "setgid", "sticky"] {
        let path = place.inside().join("foo").join(name);
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7000, 0, "{name}: {mode:o}");
    }
}

#[test]
fn names_that_are_no_package_names_are_refused_with_the_rule() {
    let alphabet = "only ASCII letters, digits, `.`, `_` and `-` are allowed";
    let first = "it must start with a letter or a digit";
    let reserved = "names that start with `deployment_`, `cancel_` or `lock_` are reserved";
    let long = "x".repeat(201);
    for (name, rule) in [
        ("", "it is empty"),
        (long.as_str(), "it is longer than 200 bytes"),
        ("-rf", first),
        ("--version", first),
        (".hidden", first),
        ("..", first),
        ("a..b", "it has `..` in it"),
        ("a/b", alphabet),
        ("/etc/passwd", alphabet),
        ("../foo", alphabet),
        ("a b", alphabet),
        ("a\0", alphabet),
        ("a\nb", alphabet),
        ("a\u{202e}b", alphabet),
        ("f\u{f6}\u{f6}", alphabet),
        ("$(id)", alphabet),
        ("a;b", alphabet),
        ("a%2fb", alphabet),
        ("a\\b", alphabet),
        ("deployment_1", reserved),
        ("Cancel_1", reserved),
        ("LOCK_1", reserved),
    ] {
        match PackageArchive::open(&[][..], name, limits()).unwrap_err() {
            Error::InvalidName { reason, .. } => assert_eq!(reason, rule, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}
