//! What is never unpacked.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use package::{Error, PackageArchive, Refusal, UnpackLimits};

use crate::archive::{Place, Tar, application, application_error, extract, package, record};

#[track_caller]
fn refusal(archive: Tar) -> (String, Refusal) {
    match application_error(&archive.gz(), &UnpackLimits::default()) {
        Error::Refused {
            archive,
            entry,
            refusal,
            ..
        } => {
            assert_eq!(archive, "foo/foo.tar.gz");
            (entry, refusal)
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(archive: Tar, entry: &str, expected: &Refusal) {
    assert_eq!(refusal(archive), (entry.to_owned(), expected.clone()));
}

/// Refused for where a link leads.
#[track_caller]
fn leaves(archive: Tar, expected: &str) {
    let (entry, refusal) = refusal(archive);
    assert_eq!(entry, expected);
    assert!(matches!(refusal, Refusal::LinkLeaves { .. }), "{refusal:?}");
}

fn raw(path: &[u8]) -> Tar {
    application().raw(b'0', path, 0o644, b"", b"x")
}

#[test]
fn absolute_paths() {
    refused(raw(b"/foo/x"), "/foo/x", &Refusal::AbsolutePath);
    refused(
        application().pax("path", b"/tmp/x").file("foo/x", "x"),
        "/tmp/x",
        &Refusal::AbsolutePath,
    );
    refused(
        application()
            .raw(b'L', b"L", 0, b"", b"//x\0")
            .file("foo/x", "x"),
        "//x",
        &Refusal::AbsolutePath,
    );
}

#[test]
fn parent_folders() {
    for path in ["foo/../../secret", "../secret", "foo/../foo/x", "foo/.."] {
        refused(raw(path.as_bytes()), path, &Refusal::ParentFolder);
    }
    refused(
        application()
            .pax("path", b"foo/../../secret")
            .file("foo/x", "x"),
        "foo/../../secret",
        &Refusal::ParentFolder,
    );
}

#[test]
fn names_that_cannot_be_shown() {
    refused(raw(b"foo/a\nb"), "foo/a\\nb", &Refusal::ControlCharacter);
    refused(
        raw(b"foo/\x1b[2J"),
        "foo/\\u{1b}[2J",
        &Refusal::ControlCharacter,
    );
    refused(raw(b"foo/a\xff"), "foo/a\u{fffd}", &Refusal::NotUtf8);
    refused(raw(b""), "", &Refusal::EmptyPath);
    refused(
        application().pax("path", b"foo/a\0b").file("foo/x", "x"),
        "foo/a\\u{0}b",
        &Refusal::ControlCharacter,
    );
    refused(
        application().link("foo/l", "a\nb"),
        "foo/l",
        &Refusal::ControlCharacter,
    );
}

#[test]
fn links_that_leave() {
    for target in [
        "/etc/passwd",
        "..",
        "../../secret",
        "../foo/index.php",
        "./.././..",
    ] {
        leaves(application().link("foo/l", target), "foo/l");
    }
    leaves(
        application()
            .folder("foo/a")
            .link("foo/a/l", "../../secret"),
        "foo/a/l",
    );
}

#[test]
fn links_that_leave_by_way_of_others() {
    leaves(
        application()
            .folder("foo/a")
            .folder("foo/a/b")
            .link("foo/l", "a/b")
            .link("foo/m", "l/../../.."),
        "foo/m",
    );
    leaves(
        application().link("foo/m", "l/..").link("foo/l", "."),
        "foo/m",
    );
    leaves(application().link("foo/m", "later/../../secret"), "foo/m");
}

#[test]
fn nothing_is_written_through_a_link() {
    for archive in [
        application().link("foo/l", ".").file("foo/l/x", "x"),
        application().link("foo/l", "/tmp").file("foo/l/x", "x"),
        application().link("foo/l", "..").folder("foo/l/x"),
        application()
            .link("foo/l", ".")
            .hard_link("foo/l/x", "foo/index.php"),
    ] {
        assert_eq!(refusal(archive).1, Refusal::ThroughLink);
    }
    for archive in [
        application().link("foo/l", "../secret").file("foo/l", "x"),
        application().link("foo/l", "index.php").folder("foo/l"),
    ] {
        refused(archive, "foo/l", &Refusal::Duplicate);
    }
}

#[test]
fn hard_links_to_anything_but_earlier_files() {
    for target in [
        "foo/later",
        "../secret",
        "/etc/passwd",
        "foo/l",
        "foo",
        "foo/../../secret",
        "secret",
        "",
    ] {
        let (entry, refusal) = refusal(
            application()
                .link("foo/l", "index.php")
                .hard_link("foo/h", target)
                .file("foo/later", "x"),
        );
        assert_eq!(entry, "foo/h");
        assert!(
            matches!(refusal, Refusal::HardLinkTarget { .. }),
            "{refusal:?}"
        );
    }
}

#[test]
fn devices_and_unknown_kinds() {
    for kind in [b'3', b'4', b'6'] {
        refused(
            application().raw(kind, b"foo/d", 0o666, b"", b""),
            "foo/d",
            &Refusal::Device,
        );
    }
    for kind in [b'V', b'M', b'D', b'Z', b'\xff'] {
        let (_, refusal) = refusal(application().raw(kind, b"foo/d", 0o666, b"", b""));
        assert!(matches!(refusal, Refusal::UnknownKind { flag, .. } if flag == kind));
    }
}

#[test]
fn sparse_files() {
    refused(
        application().raw(b'S', b"foo/s", 0o644, b"", b""),
        "foo/s",
        &Refusal::Sparse,
    );
    let pax = application()
        .pax("GNU.sparse.major", b"1")
        .file("foo/GNUSparseFile.0/s", "x");
    assert_eq!(refusal(pax).1, Refusal::Sparse);
}

#[test]
fn headers_that_disagree_on_the_size() {
    let (entry, refusal) = refusal(application().pax("size", b"5").file("foo/s", "x"));
    assert_eq!(entry, "foo/s");
    assert_eq!(
        refusal.to_string(),
        "its headers disagree on its size: 1 and 5 bytes"
    );
    let agreed = application().pax("size", b"1").file("foo/s", "x").gz();
    extract(&agreed, &Place::new().inside()).unwrap();
    let global = application().raw(b'g', b"g", 0, b"", &record("size", b"5"));
    let error = application_error(&global.gz(), &UnpackLimits::default());
    assert!(matches!(error, Error::BadHeader { .. }), "{error:?}");
}

#[test]
fn contents_where_none_belong() {
    for kind in [b'5', b'2', b'1'] {
        let archive = application().raw(kind, b"foo/x", 0o755, b"foo/index.php", b"data");
        refused(archive, "foo/x", &Refusal::UnexpectedContents);
    }
}

#[test]
fn paths_that_come_twice() {
    refused(
        application().file("foo/index.php", "2"),
        "foo/index.php",
        &Refusal::Duplicate,
    );
    refused(
        application().file("./foo//index.php", "2"),
        "./foo//index.php",
        &Refusal::Duplicate,
    );
    refused(application().folder("foo/"), "foo/", &Refusal::Duplicate);
    refused(
        application().folder("foo/index.php"),
        "foo/index.php",
        &Refusal::Duplicate,
    );
    refused(
        application().hard_link("foo/index.php", "foo/index.php"),
        "foo/index.php",
        &Refusal::Duplicate,
    );
}

#[test]
fn paths_that_differ_in_case_only() {
    refused(
        application().file("foo/INDEX.php", "2"),
        "foo/INDEX.php",
        &Refusal::CaseCollision,
    );
    refused(
        application().file("foo/ä/x", "1").file("foo/Ä/y", "2"),
        "foo/Ä/y",
        &Refusal::CaseCollision,
    );
    refused(
        application().link("foo/l", "index.php").file("foo/L", "x"),
        "foo/L",
        &Refusal::CaseCollision,
    );
}

#[test]
fn files_used_as_folders() {
    refused(
        application().file("foo/index.php/x", "x"),
        "foo/index.php/x",
        &Refusal::NotAFolder,
    );
    refused(Tar::new().file("foo", "x"), "foo", &Refusal::NotAFolder);
    refused(Tar::new().link("foo", "bar"), "foo", &Refusal::NotAFolder);
}

#[test]
fn files_that_are_already_there() {
    let place = Place::new();
    let foo = place.inside().join("foo");
    let makers: [fn(&Path) -> io::Result<()>; 3] = [
        |path| fs::create_dir(path),
        |path| fs::write(path, "mine"),
        |path| symlink("../secret", path),
    ];
    for make in makers {
        make(&foo).unwrap();
        let error = extract(&application().gz(), &place.inside()).unwrap_err();
        assert!(
            matches!(
                &error,
                Error::Refused {
                    refusal: Refusal::AlreadyExists,
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(fs::read_dir(&foo).map_or(true, |mut folder| folder.next().is_none()));
        fs::remove_file(&foo)
            .or_else(|_| fs::remove_dir(&foo))
            .unwrap();
        place.check_outside();
    }
}

#[test]
fn other_folders_than_the_packages_own() {
    let wrong = |archive: Tar, entry: &str| {
        let error = application_error(&archive.gz(), &UnpackLimits::default());
        assert_eq!(
            error.to_string(),
            format!("entry `{entry}` of `foo/foo.tar.gz` is not in the folder `foo`")
        );
    };
    wrong(Tar::new().folder("bar/"), "bar");
    wrong(Tar::new().file("index.php", "x"), "index.php");
    wrong(application().file("foo2/x", "x"), "foo2/x");
    wrong(Tar::new().folder("Foo/"), "Foo");
    let other = Tar::new().folder("bar").gz();
    let opened = PackageArchive::open(&other[..], "foo", UnpackLimits::default());
    assert!(matches!(opened.unwrap_err(), Error::WrongFolder { .. }));
}

#[test]
fn names_that_are_no_package_names() {
    let archive = package().gz();
    for name in ["", "..", "a/b", "/etc", "-x", "lock_x"] {
        let opened = PackageArchive::open(&archive[..], name, UnpackLimits::default());
        assert!(matches!(opened.unwrap_err(), Error::InvalidName { .. }));
    }
}
