//! Paths and links that lead elsewhere.

use crate::tar_stream::{Tar, stored_gzip};

use super::{Hostile, application, around, refused, row};

const ABSOLUTE: &str = "its path is absolute";
const PARENT: &str = "its path has `..` in it";
const CONTROL: &str = "its path or target holds a control character";
const THROUGH: &str = "a part of its path is a symbolic link";
const DUPLICATE: &str = "the same path came before";

pub(super) fn rows() -> Vec<Hostile> {
    [paths(), symbolic_links(), hard_links()].concat()
}

fn paths() -> Vec<Hostile> {
    let raw = |path: &[u8]| application().raw(b'0', path, 0o644, b"", b"x");
    let bare = Tar::new().file("index.php", "<?php").ended();
    let outside = Tar::new().folder("foo/").file("foo2/x", "x").ended();
    let is_file = Tar::new().file("foo", "x").ended();
    let wrong = "is not in the folder `foo`";
    vec![
        refused(
            "absolute path",
            raw(b"/etc/cron.d/x"),
            "/etc/cron.d/x",
            ABSOLUTE,
        ),
        refused("two slashes", raw(b"//foo/x"), "//foo/x", ABSOLUTE),
        refused(
            "parent folder",
            raw(b"foo/../../secret"),
            "foo/../../secret",
            PARENT,
        ),
        refused(
            "parent at the start",
            raw(b"../secret"),
            "../secret",
            PARENT,
        ),
        refused("line break", raw(b"foo/a\nb"), "foo/a\\nb", CONTROL),
        refused(
            "terminal codes",
            raw(b"foo/\x1b[2J"),
            "foo/\\u{1b}[2J",
            CONTROL,
        ),
        refused(
            "no UTF-8",
            raw(b"foo/a\xff"),
            "foo/a\u{fffd}",
            "its path is not UTF-8",
        ),
        refused("no path", raw(b""), "", "its path is empty"),
        row(
            "application without its folder",
            around(&stored_gzip(&bare)),
            "WrongFolder",
            &format!("entry `index.php` of `foo/foo.tar.gz` {wrong}"),
        ),
        row(
            "package with another folder",
            stored_gzip(&outside),
            "WrongFolder",
            &format!("entry `foo2/x` of `foo.tar.gz` {wrong}"),
        ),
        row(
            "package that is a file",
            stored_gzip(&is_file),
            "Refused",
            "entry `foo` of `foo.tar.gz` is refused: a part of its path is a file",
        ),
    ]
}

fn symbolic_links() -> Vec<Hostile> {
    let leaves = |target: &str| format!("its link target `{target}` may lead out of the package");
    let link = |target: &str| application().link("foo/l", target);
    let chain = application()
        .folder("foo/a")
        .folder("foo/a/b")
        .link("foo/l", "a/b")
        .link("foo/m", "l/../../..");
    vec![
        refused(
            "link to the root",
            link("/etc/passwd"),
            "foo/l",
            &leaves("/etc/passwd"),
        ),
        refused(
            "link up",
            link("../../secret"),
            "foo/l",
            &leaves("../../secret"),
        ),
        refused("link to the parent", link(".."), "foo/l", &leaves("..")),
        refused(
            "link by way of another",
            chain,
            "foo/m",
            &leaves("l/../../.."),
        ),
        refused(
            "link through what is not there",
            link("x/../../s"),
            "foo/l",
            &leaves("x/../../s"),
        ),
        refused("link with a line break", link("a\nb"), "foo/l", CONTROL),
    ]
}

fn hard_links() -> Vec<Hostile> {
    let no_file =
        |target: &str| format!("its link target `{target}` is no file that came before it");
    let link = |target: &str| application().link("foo/l", target);
    let hard = |target: &str| application().hard_link("foo/h", target);
    vec![
        refused(
            "hard link out",
            hard("../secret"),
            "foo/h",
            &no_file("../secret"),
        ),
        refused(
            "hard link to the root",
            hard("/etc/passwd"),
            "foo/h",
            &no_file("/etc/passwd"),
        ),
        refused(
            "hard link to a link",
            link("index.php").hard_link("foo/h", "foo/l"),
            "foo/h",
            &no_file("foo/l"),
        ),
        refused(
            "hard link to a folder",
            hard("foo"),
            "foo/h",
            &no_file("foo"),
        ),
        refused(
            "file through a link",
            link(".").file("foo/l/x", "x"),
            "foo/l/x",
            THROUGH,
        ),
        refused(
            "folder through a link",
            link("/tmp").folder("foo/l/x"),
            "foo/l/x",
            THROUGH,
        ),
        refused(
            "hard link through a link",
            link(".").hard_link("foo/l/x", "foo/index.php"),
            "foo/l/x",
            THROUGH,
        ),
        refused(
            "file over a link",
            link("../x").file("foo/l", "x"),
            "foo/l",
            DUPLICATE,
        ),
    ]
}
