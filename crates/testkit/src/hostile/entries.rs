//! Entries that collide, or are of a kind that is never unpacked.

use super::{Hostile, application, refused};

const DUPLICATE: &str = "the same path came before";
const CASE: &str = "a path that differs in upper and lower case only came before";
const DEVICE: &str = "it is a device or a pipe";
const SPARSE: &str = "it is a sparse file";

pub(super) fn rows() -> Vec<Hostile> {
    [collisions(), kinds()].concat()
}

fn collisions() -> Vec<Hostile> {
    let twice = application().file("foo/index.php", "2");
    let same = application().file("./foo//index.php", "2");
    let folder = application().folder("foo/index.php");
    let inside = application().file("foo/index.php/x", "x");
    let folders = application()
        .file("foo/\u{e4}/x", "1")
        .file("foo/\u{c4}/y", "2");
    vec![
        refused("file twice", twice, "foo/index.php", DUPLICATE),
        refused(
            "file twice, written otherwise",
            same,
            "./foo//index.php",
            DUPLICATE,
        ),
        refused(
            "folder twice",
            application().folder("foo/"),
            "foo/",
            DUPLICATE,
        ),
        refused("folder over a file", folder, "foo/index.php", DUPLICATE),
        refused(
            "case",
            application().file("foo/INDEX.php", "2"),
            "foo/INDEX.php",
            CASE,
        ),
        refused("case of a folder", folders, "foo/\u{c4}/y", CASE),
        refused(
            "file as a folder",
            inside,
            "foo/index.php/x",
            "a part of its path is a file",
        ),
    ]
}

fn kinds() -> Vec<Hostile> {
    let kind = |flag: u8| application().raw(flag, b"foo/d", 0o6666, b"foo/index.php", b"");
    let filled = |flag: u8| application().raw(flag, b"foo/d", 0o644, b"foo/index.php", b"x");
    let contents = "it is no file but has contents";
    vec![
        refused("character device", kind(b'3'), "foo/d", DEVICE),
        refused("block device", kind(b'4'), "foo/d", DEVICE),
        refused("FIFO", kind(b'6'), "foo/d", DEVICE),
        refused(
            "volume label",
            kind(b'V'),
            "foo/d",
            "its kind 0x56 is not known",
        ),
        refused(
            "continued volume",
            kind(b'M'),
            "foo/d",
            "its kind 0x4d is not known",
        ),
        refused("folder with contents", filled(b'5'), "foo/d", contents),
        refused("link with contents", filled(b'2'), "foo/d", contents),
        refused("hard link with contents", filled(b'1'), "foo/d", contents),
        refused("sparse file of GNU", kind(b'S'), "foo/d", SPARSE),
    ]
}
