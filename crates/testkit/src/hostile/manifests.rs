//! Manifests that cannot be used.

use crate::tar_stream::{Tar, stored_gzip};

use super::{Hostile, application, row};

pub(super) fn rows() -> Vec<Hostile> {
    let manifest = |text: &[u8]| {
        let package = Tar::new()
            .folder("foo/")
            .file("foo/Manifest.json", text)
            .file("foo/foo.tar.gz", stored_gzip(&application().ended()));
        stored_gzip(&package.ended())
    };
    let bad = |what, text: &[u8], problem: &str| {
        let error = format!("manifest `foo/Manifest.json` cannot be used: {problem}");
        row(what, manifest(text), "Manifest", &error)
    };
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(9_000), "]".repeat(9_000));
    vec![
        bad(
            "huge manifest",
            &vec![b' '; (1 << 20) + 1],
            "it has 1048577 bytes, at most 1048576",
        ),
        bad(
            "deep manifest",
            deep.as_bytes(),
            "it is not JSON: recursion limit exceeded at line 1 column 133",
        ),
        bad(
            "manifest of text",
            b"name: foo",
            "it is not JSON: expected ident at line 1 column 2",
        ),
        bad(
            "manifest with a byte order mark",
            b"\xef\xbb\xbf{}",
            "it starts with a byte order mark",
        ),
        bad(
            "key twice",
            br#"{"name": "a", "name": "b"}"#,
            "key `name` comes twice",
        ),
        bad("array", b"[]", "it is an array, not an object"),
        bad(
            "number for a name",
            br#"{"name": 1}"#,
            "`name` is a number, not a string",
        ),
        bad(
            "text for tags",
            br#"{"tags": "a"}"#,
            "`tags` is a string, not an array of strings",
        ),
    ]
}
