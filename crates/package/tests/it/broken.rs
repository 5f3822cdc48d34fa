//! Archives that are not whole.

use std::io::{self, Read};

use package::{Error, UnpackLimits, inspect_package, unpack_application};

use testkit::sign_header;

use crate::archive::{
    Place, Tar, application, application_error, extract, gzip, header, inspect, package, unpack,
};

#[track_caller]
fn error(archive: &[u8]) -> Error {
    application_error(archive, &UnpackLimits::default())
}

#[test]
fn nothing_at_all() {
    assert!(matches!(error(b""), Error::Empty { .. }));
    assert!(matches!(error(&gzip(b"")), Error::Empty { .. }));
    assert!(matches!(error(&Tar::new().gz()), Error::Empty { .. }));
    assert!(matches!(
        error(&Tar::new().folder("./").gz()),
        Error::Empty { .. }
    ));
}

#[test]
fn another_format() {
    for bytes in [
        &b"P"[..],
        b"PK\x03\x04 is a zip file",
        &application().ended(),
    ] {
        assert!(matches!(error(bytes), Error::NotGzip { .. }));
    }
    let text = "text that is no tar stream ".repeat(40);
    let error = error(&gzip(text.as_bytes()));
    assert!(matches!(error, Error::BadHeader { .. }), "{error:?}");
}

#[test]
fn an_archive_cut_anywhere_is_never_taken() {
    let archive = package().gz();
    for end in 0..archive.len() {
        let place = Place::new();
        let cut = &archive[..end];
        let error = unpack(cut, &place.inside()).unwrap_err();
        match (end, &error) {
            (0, Error::Empty { .. })
            | (1, Error::NotGzip { .. })
            | (2.., Error::Truncated { .. }) => {}
            _ => panic!("cut at {end}: {error:?}"),
        }
        assert_eq!(inspect(cut).unwrap_err().to_string(), error.to_string());
    }
}

#[test]
fn a_stream_without_its_end_mark() {
    let stream = application().file("foo/last", [b'x'; 600]).bytes().to_vec();
    for end in [0, 512, 600, 1024] {
        let error = error(&gzip(&stream[..stream.len() - end]));
        assert!(matches!(&error, Error::Truncated { .. }), "{error:?}");
        assert!(error.to_string().contains("`foo/last`"), "{error}");
    }
}

#[test]
fn data_after_the_end() {
    let whole = application().gz();
    for extra in [&b"x"[..], b"\0", b"\x1f", &[0; 1024]] {
        let error = error(&[&whole[..], extra].concat());
        assert!(matches!(error, Error::TrailingData { .. }), "{error:?}");
    }
    let second = [
        application().ended(),
        Tar::new().file("foo/hidden", "x").ended(),
    ]
    .concat();
    assert!(matches!(error(&gzip(&second)), Error::TrailingData { .. }));
    let member = [application().gz(), Tar::new().file("foo/hidden", "x").gz()].concat();
    assert!(matches!(error(&member), Error::TrailingData { .. }));
}

#[test]
fn a_wrong_checksum() {
    let mut archive = application().gz();
    let length = archive.len();
    archive[length - 8] ^= 1;
    assert!(matches!(error(&archive), Error::Corrupt { .. }));
    let mut archive = application().gz();
    archive[length - 4] ^= 1;
    assert!(matches!(error(&archive), Error::Corrupt { .. }));
}

#[test]
fn headers_that_cannot_be_understood() {
    let bad = |change: fn(&mut [u8]), reason: &str| {
        let mut block = header(b'0', b"foo/x", 0o644, b"", 0);
        change(&mut block);
        let archive = application().contents(&block).gz();
        let error = error(&archive);
        assert!(matches!(error, Error::BadHeader { .. }), "{error:?}");
        assert!(error.to_string().ends_with(reason), "{error}");
    };
    bad(|block| block[0] ^= 1, "checksum is wrong");
    bad(
        |block| {
            block[124..136].copy_from_slice(b"zzzzzzzzzzz\0");
            sign_header(block);
        },
        "size is no number",
    );
    bad(
        |block| {
            block[100..108].copy_from_slice(b"99999999");
            sign_header(block);
        },
        "mode is no number",
    );
}

/// Fails after some bytes.
struct Breaks<'a>(&'a [u8]);

impl Read for Breaks<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "cancelled")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_reader_that_fails_is_told_from_an_archive_that_is_cut() {
    let archive = application().gz();
    for end in 0..archive.len() {
        let place = Place::new();
        let reader = Breaks(&archive[..end]);
        let limits = UnpackLimits::default();
        match unpack_application(reader, "foo", &place.inside(), &limits).unwrap_err() {
            Error::Read { source, .. } => assert_eq!(source.to_string(), "cancelled"),
            other => panic!("{other:?}"),
        }
    }
    let archive = package().gz();
    let reader = Breaks(&archive[..archive.len() - 9]);
    let error = inspect_package(reader, "foo", &UnpackLimits::default()).unwrap_err();
    assert!(matches!(error, Error::Read { .. }) && !error.is_invalid_package());
}

#[test]
fn a_missing_directory_is_named() {
    let place = Place::new();
    let missing = place.inside().join("missing");
    let error = extract(&application().gz(), &missing).unwrap_err();
    assert!(
        matches!(&error, Error::Io { path, .. } if *path == missing),
        "{error:?}"
    );
}
