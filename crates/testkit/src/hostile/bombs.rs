//! Archives that hold more than they may.

use crate::tar_stream::{gzip, stored_gzip};

use super::{Hostile, HostileLimits, application, around, over, row};

pub(super) fn rows() -> Vec<Hostile> {
    [bombs(), long_paths()].concat()
}

fn bombs() -> Vec<Hostile> {
    let zeros = gzip(&application().file("foo/zeros", vec![0; 4 << 20]).ended());
    let mut padding = application().ended();
    padding.resize(4 << 20, 0);
    let entries = HostileLimits::ENTRIES;
    let many = (0..entries).fold(application(), |tar, n| tar.file(&format!("foo/{n}"), ""));
    // Folders that are only implied count as well: 500 of them in ten entries.
    let implied = (0..10).fold(application(), |tar, n| {
        let path = format!("foo/{n}/{}x", "a/".repeat(50));
        tar.pax("path", path.as_bytes()).file("foo/x", "")
    });
    let implied_last = format!("foo/9/{}x", "a/".repeat(50));
    // Never unpacked, since the package alone would hold too much.
    let total = vec![b'x'; 9 << 20];
    // Three headers come before, and a block of contents.
    let found = total.len() + 4 * 512;
    // How far reading has come when it stops is the decoder's business.
    let ratio = "compression ratio is #, at most 100";
    let number = |found: u64| format!("number of entries is {found}, at most {entries}");
    vec![
        over("ratio", &zeros, "foo/zeros", ratio),
        over("ratio of padding", &gzip(&padding), "foo/index.php", ratio),
        over(
            "count",
            &stored_gzip(&many.ended()),
            "foo/498",
            &number(entries + 1),
        ),
        over(
            "count of implied folders",
            &stored_gzip(&implied.ended()),
            &implied_last,
            &number(entries + 1),
        ),
        row(
            "total",
            around(&total),
            "LimitExceeded",
            &format!(
                "entry `foo/manifest.json` of `foo.tar.gz` goes over the limit: \
                 unpacked size in bytes is {found}, at most {}",
                HostileLimits::TOTAL_BYTES
            ),
        ),
    ]
}

fn long_paths() -> Vec<Hostile> {
    let deep = format!("foo/{}x", "a/".repeat(63));
    let named = |path: &str| {
        stored_gzip(
            &application()
                .pax("path", path.as_bytes())
                .file("foo/x", "")
                .ended(),
        )
    };
    let long = format!("foo/{}", ["x".repeat(200).as_str(); 6].join("/"));
    let name = format!("foo/{}", "x".repeat(256));
    let shown = |path: &str| format!("{}\u{2026}", &path[..200]);
    vec![
        over(
            "depth",
            &named(&deep),
            &deep,
            "depth of folders is 65, at most 64",
        ),
        over(
            "path length",
            &named(&long),
            &shown(&long),
            &format!("path length in bytes is {}, at most 1024", long.len()),
        ),
        over(
            "name length",
            &named(&name),
            &shown(&name),
            "name length in bytes is 256, at most 255",
        ),
    ]
}
