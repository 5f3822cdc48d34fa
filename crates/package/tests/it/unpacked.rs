//! What is unpacked, and how it looks then.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use package::{Error, PackageArchive, UnpackLimits};

use crate::archive::{
    Place, Tar, application, extract, gzip, inspect, package, read, record, stored, stream, unpack,
};

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_package_and_its_application() {
    let place = Place::new();
    let unpacked = unpack(&package().gz(), &place.inside()).unwrap();
    assert_eq!(unpacked.manifest.unwrap().name.as_deref(), Some("Foo"));
    assert_eq!(unpacked.entries, 3);
    assert_eq!(unpacked.application, place.inside().join("foo/foo.tar.gz"));
    assert_eq!(unpacked.listing.lines()[0], "drwxr-xr-x            0 foo");
    assert_eq!(
        unpacked.listing.lines()[1],
        "-rw-r--r--           15 foo/manifest.json"
    );

    let tree = place.inside().join("tree");
    fs::create_dir(&tree).unwrap();
    let application = extract(&read(&unpacked.application), &tree).unwrap();
    assert_eq!(application.directory, tree.join("foo"));
    assert_eq!((application.entries, application.bytes), (2, 5));
    assert_eq!(read(tree.join("foo/index.php")), b"<?php");

    let inspection = inspect(&package().gz()).unwrap();
    assert_eq!(inspection.entries, 5);
    assert_eq!(inspection.bytes, unpacked.bytes + 5);
    assert_eq!(inspection.manifest.unwrap().name.as_deref(), Some("Foo"));
    place.check_outside();
}

#[test]
fn the_application_alone_is_unpacked_as_it_streams_by() {
    let place = Place::new();
    let (files, streamed) = (
        place.inside().join("files"),
        place.inside().join("streamed"),
    );
    for folder in [&files, &streamed] {
        fs::create_dir(folder).unwrap();
    }
    let expected = extract(&application().gz(), &files).unwrap();
    let found = stream(&package().gz(), &streamed).unwrap();
    assert_eq!(found.directory, streamed.join("foo"));
    assert_eq!(found.manifest.unwrap().name.as_deref(), Some("Foo"));
    assert_eq!(found.listing, expected.listing);
    assert_eq!(
        (found.entries, found.bytes),
        (expected.entries, expected.bytes)
    );
    assert_eq!(read(streamed.join("foo/index.php")), b"<?php");
    // Nothing of the package itself is written.
    let names: Vec<_> = fs::read_dir(streamed.join("foo")).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    place.check_outside();
}

#[test]
fn a_package_without_an_application_has_nothing_to_stream() {
    let place = Place::new();
    let bare = Tar::new()
        .folder("foo")
        .file("foo/manifest.json", "{}")
        .gz();
    assert!(matches!(
        stream(&bare, &place.inside()),
        Err(Error::MissingApplication { .. })
    ));
    // What follows the application is read and checked as well.
    let package = package().gz();
    let cut = &package[..package.len() - 4];
    assert!(matches!(
        stream(cut, &place.inside()),
        Err(Error::Truncated { .. })
    ));
}

#[test]
fn a_package_needs_no_manifest_but_the_application() {
    let place = Place::new();
    let bare = Tar::new()
        .folder("foo")
        .file("foo/foo.tar.gz", application().gz())
        .gz();
    assert_eq!(unpack(&bare, &place.inside()).unwrap().manifest, None);
    assert_eq!(inspect(&bare).unwrap().manifest, None);

    for empty in [
        Tar::new().folder("foo"),
        Tar::new().folder("foo").file("foo/bar.tar.gz", "x"),
        Tar::new().folder("foo").folder("foo/foo.tar.gz"),
        Tar::new()
            .file("foo/x", "x")
            .hard_link("foo/foo.tar.gz", "foo/x"),
    ] {
        let archive = empty.gz();
        for error in [
            unpack(&archive, &Place::new().inside()).unwrap_err(),
            inspect(&archive).unwrap_err(),
        ] {
            assert_eq!(
                error.to_string(),
                "`foo.tar.gz` does not hold the application `foo/foo.tar.gz`"
            );
            assert!(matches!(error, Error::MissingApplication { .. }));
        }
    }
}

#[test]
fn every_notation_of_a_path() {
    let place = Place::new();
    let archive = Tar::new()
        .folder("./")
        .folder("./foo/")
        .file("./foo//a", "a")
        .file("foo/./b", "b")
        .raw(0, b"foo/old/", 0o755, b"", b"")
        .raw(0, b"foo/old/c", 0o644, b"", b"c")
        .raw(b'7', b"foo/d", 0o644, b"", b"d");
    extract(&archive.gz(), &place.inside()).unwrap();
    for (path, text) in [("a", "a"), ("b", "b"), ("old/c", "c"), ("d", "d")] {
        assert_eq!(read(place.inside().join("foo").join(path)), text.as_bytes());
    }
}

#[test]
fn folders_without_entries_are_made() {
    let place = Place::new();
    let archive = Tar::new()
        .file("foo/a/b/c", "c")
        .raw(b'5', b"foo/a", 0o700, b"", b"");
    let unpacked = extract(&archive.gz(), &place.inside()).unwrap();
    assert_eq!(unpacked.entries, 5);
    assert_eq!(mode(place.inside().join("foo/a")), 0o700);
    assert_eq!(mode(place.inside().join("foo/a/b")), 0o755);
}

#[test]
fn permission_bits_are_kept_and_special_ones_dropped() {
    let place = Place::new();
    let mut archive = Tar::new().raw(b'5', b"foo", 0o1555, b"", b"");
    let modes = [
        0o644, 0o755, 0o777, 0o666, 0o000, 0o400, 0o4755, 0o2755, 0o6777,
    ];
    for mode in modes {
        archive = archive.raw(b'0', format!("foo/{mode:o}").as_bytes(), mode, b"", b"x");
    }
    extract(&archive.gz(), &place.inside()).unwrap();
    assert_eq!(mode(place.inside().join("foo")), 0o755);
    for expected in modes {
        let path = place.inside().join(format!("foo/{expected:o}"));
        assert_eq!(mode(path), expected & 0o777 | 0o600);
    }
}

#[test]
fn links_that_stay_are_kept() {
    let place = Place::new();
    let archive = Tar::new()
        .link("foo/bin/tool", "../lib/tool.js")
        .link("foo/first", "chain")
        .link("foo/chain", "lib")
        .link("foo/dangling", "nowhere/yet")
        .link("foo/lib/up", "..")
        .link("foo/down", "lib/deep/../tool.js")
        .file("foo/lib/tool.js", "tool")
        .folder("foo/lib/deep")
        .hard_link("foo/same", "./foo/lib/tool.js");
    extract(&archive.gz(), &place.inside()).unwrap();
    let foo = place.inside().join("foo");
    for path in [
        "bin/tool",
        "first/tool.js",
        "lib/up/chain/tool.js",
        "down",
        "same",
    ] {
        assert_eq!(read(foo.join(path)), b"tool", "{path}");
    }
    assert_eq!(
        fs::read_link(foo.join("dangling")).unwrap(),
        Path::new("nowhere/yet")
    );
    let inode = |path: &str| fs::metadata(foo.join(path)).unwrap().ino();
    assert_eq!(inode("same"), inode("lib/tool.js"));
    place.check_outside();
}

#[test]
fn long_names_in_every_notation() {
    let long = format!("foo/{}", ["x".repeat(100).as_str(); 5].join("/"));
    let nul = format!("{long}/gnu\0");
    let pax = format!("{long}/pax");
    let archive = Tar::new()
        .raw(b'L', b"././@LongLink", 0, b"", nul.as_bytes())
        .file("foo/cut", "gnu")
        .pax("path", pax.as_bytes())
        .file("foo/cut", "pax")
        .raw(
            b'K',
            b"././@LongLink",
            0,
            b"",
            format!("{}\0", &long[4..]).as_bytes(),
        )
        .link("foo/gnu", "cut")
        .pax("linkpath", &long.as_bytes()[4..])
        .link("foo/pax", "cut");
    let place = Place::new();
    extract(&archive.gz(), &place.inside()).unwrap();
    assert_eq!(read(place.inside().join(&long).join("gnu")), b"gnu");
    assert_eq!(read(place.inside().join("foo/gnu/pax")), b"pax");
    assert_eq!(read(place.inside().join("foo/pax/gnu")), b"gnu");

    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    header.set_size(5);
    let prefixed = format!("foo/{}/{}", "p".repeat(90), "n".repeat(90));
    builder
        .append_data(&mut header, &prefixed, &b"ustar"[..])
        .unwrap();
    let place = Place::new();
    extract(&gzip(&builder.into_inner().unwrap()), &place.inside()).unwrap();
    assert_eq!(read(place.inside().join(prefixed)), b"ustar");
}

#[test]
fn metadata_of_macos_is_left_out_and_look_alikes_are_kept() {
    let double = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ";
    let attribute = record("SCHILY.xattr.com.apple.provenance", b"\x01\n\x00=\xff\n");
    let archive = Tar::new()
        .file("./._foo", double)
        .raw(b'x', b"./PaxHeader/foo", 0o644, b"", &attribute)
        .folder("./foo/")
        .file("./foo/._index.php", double)
        .raw(b'x', b"./PaxHeader/index.php", 0o644, b"", &attribute)
        .file("./foo/index.php", "<?php")
        .file("./foo/._mine", "mine")
        .file("./foo/._m", "m")
        .raw(
            b'g',
            b"pax_global_header",
            0o644,
            b"",
            &record("comment", b"abc"),
        );
    let place = Place::new();
    let unpacked = extract(&archive.clone().gz(), &place.inside()).unwrap();
    assert_eq!(unpacked.bytes, 10);
    let names: Vec<_> = unpacked.listing.lines().iter().map(|l| &l[24..]).collect();
    assert_eq!(names, ["foo", "foo/index.php", "foo/._mine", "foo/._m"]);
}

#[test]
fn members_of_gzip_count_as_one_stream() {
    let stream = application().ended();
    let (start, end) = stream.split_at(700);
    let archive = [gzip(start), gzip(b""), gzip(end)].concat();
    let place = Place::new();
    extract(&archive, &place.inside()).unwrap();
    assert_eq!(read(place.inside().join("foo/index.php")), b"<?php");
}

#[test]
fn one_block_of_zeros_is_an_end_mark_and_more_are_padding() {
    for blocks in [1, 2, 20, 2_000] {
        let mut stream = application().bytes().to_vec();
        stream.resize(stream.len() + blocks * 512, 0);
        extract(&gzip(&stream), &Place::new().inside()).unwrap();
    }
}

#[test]
fn contents_of_every_size() {
    let sizes = [
        0, 1, 511, 512, 513, 1_024, 262_143, 262_144, 262_145, 1_000_000,
    ];
    let contents = |size: usize| -> Vec<u8> {
        let numbers = (0..u32::MAX).flat_map(|number| number.wrapping_mul(number).to_be_bytes());
        numbers.take(size).collect()
    };
    let archive = sizes.iter().fold(Tar::new(), |tar, size| {
        tar.file(&format!("foo/{size}"), contents(*size))
    });
    let place = Place::new();
    extract(&archive.gz(), &place.inside()).unwrap();
    for size in sizes {
        assert_eq!(
            read(place.inside().join(format!("foo/{size}"))),
            contents(size)
        );
    }
}

#[test]
fn the_listing_is_bounded() {
    let archive = (0..1_200).fold(Tar::new().folder("foo"), |tar, number| {
        tar.file(&format!("foo/{number}"), "")
    });
    let unpacked = extract(&archive.gz(), &Place::new().inside()).unwrap();
    assert_eq!(unpacked.listing.lines().len(), 1_000);
    assert_eq!(unpacked.listing.left_out(), 201);
}

/// Gives one byte at a time, and breaks in between as a reader may.
struct Drops<'a>(&'a [u8], bool);

impl Read for Drops<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = self.0.len().min(into.len()).min(1);
        into[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn a_reader_may_give_single_bytes() {
    let place = Place::new();
    let archive = package().gz();
    let archive = PackageArchive::open(Drops(&archive, false), "foo", UnpackLimits::default());
    let unpacked = archive.unwrap().unpack(&place.inside()).unwrap();
    assert_eq!(read(unpacked.application), stored(&application().ended()));
}
