//! Headers that say one thing and mean another.

use crate::tar_stream::{Tar, pax_record, sign_header, stored_gzip, tar_header};

use super::{Hostile, HostileLimits, application, bad_header, over, refused};

const ABSOLUTE: &str = "its path is absolute";
const PARENT: &str = "its path has `..` in it";
const CONTROL: &str = "its path or target holds a control character";
const SPARSE: &str = "it is a sparse file";

pub(super) fn rows() -> Vec<Hostile> {
    [pax_headers(), other_headers(), sizes()].concat()
}

fn pax_headers() -> Vec<Hostile> {
    let pax = |key: &str, value: &[u8]| application().pax(key, value).file("foo/x", "x");
    let target = application()
        .pax("linkpath", b"/etc/passwd")
        .link("foo/l", "index.php");
    let leaves = |target: &str| format!("its link target `{target}` may lead out of the package");
    let at = "foo/index.php";
    vec![
        refused("pax path", pax("path", b"/tmp/x"), "/tmp/x", ABSOLUTE),
        refused(
            "pax path up",
            pax("path", b"foo/../../x"),
            "foo/../../x",
            PARENT,
        ),
        refused(
            "pax path with NUL",
            pax("path", b"foo/a\0b"),
            "foo/a\\u{0}b",
            CONTROL,
        ),
        refused("pax link target", target, "foo/l", &leaves("/etc/passwd")),
        refused(
            "pax size",
            pax("size", b"5"),
            "foo/x",
            "its headers disagree on its size: 1 and 5 bytes",
        ),
        bad_header(
            "pax size of no number",
            pax("size", b"-1"),
            at,
            "its extended size is no number",
        ),
        bad_header(
            "pax size past 64 bits",
            pax("size", b"99999999999999999999"),
            at,
            "its extended size is no number",
        ),
    ]
}

fn other_headers() -> Vec<Hostile> {
    let pax = |key: &str, value: &[u8]| application().pax(key, value).file("foo/x", "x");
    let global = |key: &str, value: &[u8]| {
        let record = pax_record(key, value);
        application()
            .raw(b'g', b"g", 0, b"", &record)
            .file("foo/x", "x")
    };
    let gnu = |flag: u8, value: &[u8]| application().raw(flag, b"././@LongLink", 0, b"", value);
    let long_target = gnu(b'K', b"../../secret\0").link("foo/l", "index.php");
    let leaves = |target: &str| format!("its link target `{target}` may lead out of the package");
    let sets = "a global header sets a path or a size";
    let at = "foo/index.php";
    let huge = application().raw(b'x', b"x", 0, b"", &vec![b'x'; (1 << 20) + 1]);
    let long = application().raw(b'L', b"L", 0, b"", &vec![b'x'; (1 << 20) + 1]);
    let most = "extended header size in bytes is 1048577, at most 1048576";
    vec![
        // It is met before the entry that it belongs to.
        refused("pax sparse file", pax("GNU.sparse.major", b"1"), at, SPARSE),
        refused(
            "global sparse file",
            global("GNU.sparse.major", b"1"),
            at,
            SPARSE,
        ),
        bad_header("global path", global("path", b"foo/y"), at, sets),
        bad_header("global link target", global("linkpath", b"y"), at, sets),
        bad_header("global size", global("size", b"9"), at, sets),
        bad_header(
            "pax record without end",
            application().raw(b'x', b"x", 0, b"", b"99 path=x\n"),
            at,
            "a pax record is malformed",
        ),
        refused(
            "long name of GNU",
            gnu(b'L', b"../x\0").file("foo/x", "x"),
            "../x",
            PARENT,
        ),
        refused(
            "long link of GNU",
            long_target,
            "foo/l",
            &leaves("../../secret"),
        ),
        over("huge pax header", &stored_gzip(&huge.ended()), at, most),
        over("huge long name", &stored_gzip(&long.ended()), at, most),
    ]
}

/// A header whose size field holds these bytes.
fn sized(size: [u8; 12]) -> Tar {
    let mut block = tar_header(b'0', b"foo/x", 0o644, b"", 0);
    block[124..136].copy_from_slice(&size);
    sign_header(&mut block);
    application().contents(&block)
}

fn sizes() -> Vec<Hostile> {
    let at = "foo/index.php";
    let no_number = "its size is no number";
    let most = HostileLimits::TOTAL_BYTES;
    let negative = stored_gzip(&sized([0xff; 12]).ended());
    let mut base_256 = [0; 12];
    base_256[0] = 0x80;
    base_256[6] = 1;
    let large = stored_gzip(&sized(base_256).ended());
    let octal = stored_gzip(&sized(*b"77777777777\0").ended());
    // What came before: two headers and a block of contents, and the header itself.
    let found = |size: u64| {
        format!(
            "unpacked size in bytes is {}, at most {most}",
            size.saturating_add(2_048)
        )
    };
    let mut unsigned = tar_header(b'0', b"foo/x", 0o644, b"", 0);
    unsigned[0] ^= 1;
    vec![
        bad_header("size below zero", sized(*b"-0000000001\0"), at, no_number),
        bad_header("size of letters", sized(*b"zzzzzzzzzzz\0"), at, no_number),
        over("size below zero, base 256", &negative, at, &found(u64::MAX)),
        over("huge size, base 256", &large, at, &found(1 << 40)),
        over("huge size", &octal, at, &found((1 << 33) - 1)),
        bad_header(
            "wrong checksum",
            application().contents(&unsigned),
            at,
            "its checksum is wrong",
        ),
    ]
}
