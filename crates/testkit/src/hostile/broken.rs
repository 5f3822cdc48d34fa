//! Archives that are not whole, or hold something else than they must.

use crate::tar_stream::{Tar, stored_gzip};

use super::{Hostile, application, around, row};

pub(super) fn rows() -> Vec<Hostile> {
    [unreadable(), behind_the_end(), nested()].concat()
}

fn unreadable() -> Vec<Hostile> {
    let whole = around(&stored_gzip(&application().ended()));
    let cut = whole[..whole.len() - 9].to_vec();
    let inner = stored_gzip(&application().ended());
    let no_end = around(&stored_gzip(application().bytes()));
    let empty = "`foo.tar.gz` is empty";
    let not_gzip = "`foo.tar.gz` is not a gzip file";
    vec![
        row("no bytes", Vec::new(), "Empty", empty),
        row("no entries", Tar::new().gz(), "Empty", empty),
        row(
            "zip",
            b"PK\x03\x04 is a zip file".to_vec(),
            "NotGzip",
            not_gzip,
        ),
        row(
            "tar without gzip",
            application().ended(),
            "NotGzip",
            not_gzip,
        ),
        row(
            "truncated",
            cut,
            "Truncated",
            "`foo.tar.gz` is truncated after entry `foo/foo.tar.gz`",
        ),
        row(
            "application truncated",
            around(&inner[..inner.len() - 9]),
            "Truncated",
            "`foo/foo.tar.gz` is truncated after entry `foo/index.php`",
        ),
        row(
            "application without its end mark",
            no_end,
            "Truncated",
            "`foo/foo.tar.gz` is truncated after entry `foo/index.php`",
        ),
    ]
}

fn behind_the_end() -> Vec<Hostile> {
    let whole = around(&stored_gzip(&application().ended()));
    let hidden = Tar::new().file("foo/hidden", "x");
    let trailing = |extra: &[u8]| [&whole[..], extra].concat();
    let mut damaged = whole.clone();
    let length = damaged.len();
    damaged[length - 6] ^= 1;
    let data = "`foo.tar.gz` has data after its end";
    vec![
        row(
            "one byte behind the end",
            trailing(b"x"),
            "TrailingData",
            data,
        ),
        row(
            "zeros behind the end",
            trailing(&[0; 1024]),
            "TrailingData",
            data,
        ),
        row(
            "a second member behind the end",
            trailing(&hidden.gz()),
            "TrailingData",
            data,
        ),
        row(
            "wrong checksum of gzip",
            damaged,
            "Corrupt",
            "`foo.tar.gz` is damaged at entry `foo/foo.tar.gz`",
        ),
    ]
}

fn nested() -> Vec<Hostile> {
    let missing = "`foo.tar.gz` does not hold the application `foo/foo.tar.gz`";
    let package = || Tar::new().folder("foo/");
    let inner = stored_gzip(&application().ended());
    let other = package().file("foo/bar.tar.gz", &inner).gz();
    let folder = package().folder("foo/foo.tar.gz").gz();
    let link = package()
        .file("foo/x", &inner)
        .hard_link("foo/foo.tar.gz", "foo/x")
        .gz();
    vec![
        row(
            "no application",
            package().gz(),
            "MissingApplication",
            missing,
        ),
        row("another application", other, "MissingApplication", missing),
        row(
            "application that is a folder",
            folder,
            "MissingApplication",
            missing,
        ),
        row(
            "application that is a link",
            link,
            "MissingApplication",
            missing,
        ),
        row(
            "application of text",
            around(b"no archive at all"),
            "NotGzip",
            "`foo/foo.tar.gz` is not a gzip file",
        ),
        row(
            "empty application",
            around(b""),
            "Empty",
            "`foo/foo.tar.gz` is empty",
        ),
    ]
}
