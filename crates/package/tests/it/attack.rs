//! Entries that attack, and bytes that are damaged.

use proptest::prelude::*;
use testkit::sign_header;

use crate::archive::Tar;

pub(crate) fn hostile_paths() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => Just("foo"), 2 => Just(".."), 2 => Just("a"), 2 => Just("l"), 1 => Just("m"),
        1 => Just("A"), 1 => Just("."), 1 => Just(""), 1 => Just("secret"), 1 => Just("foo.tar.gz"),
        1 => Just("manifest.json"), 1 => Just("index.php"),
    ];
    let parts = prop::collection::vec(part, 0..5).prop_map(|parts| parts.join("/"));
    prop_oneof![3 => parts.clone().prop_map(|path| format!("foo/{path}")), 1 => parts]
}

pub(crate) fn targets() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => Just(".."), 2 => Just("a"), 2 => Just("l"), 1 => Just("m"), 1 => Just("foo"),
        1 => Just("secret"), 1 => Just("."),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.join("/"))
}

/// Entries with paths, kinds and targets that meet each other.
pub(crate) fn hostile() -> impl Strategy<Value = Tar> {
    let kind = prop_oneof![
        4 => Just(b'0'), 3 => Just(b'5'), 4 => Just(b'2'), 2 => Just(b'1'), 1 => any::<u8>(),
    ];
    let data = prop::collection::vec(any::<u8>(), 0..40);
    let entry = (kind, hostile_paths(), any::<u32>(), targets(), data, 0..8);
    prop::collection::vec(entry, 1..12).prop_map(|entries| {
        entries.into_iter().fold(
            Tar::new(),
            |tar, (kind, path, mode, target, data, extra)| {
                let target = if kind == b'1' {
                    format!("foo/{target}")
                } else {
                    target
                };
                let data = if kind == b'0' { data } else { Vec::new() };
                let (mode, target) = (mode & 0o7777, target.as_bytes());
                match extra {
                    0 => tar
                        .pax("path", path.as_bytes())
                        .raw(kind, b"foo/x", mode, target, &data),
                    1 => tar
                        .pax("linkpath", target)
                        .raw(kind, path.as_bytes(), mode, b"x", &data),
                    _ => tar.raw(kind, path.as_bytes(), mode, target, &data),
                }
            },
        )
    })
}

/// Changes bytes; a header that is hit gets a checksum that holds, so that the change is read.
pub(crate) fn damaged(
    mut stream: Vec<u8>,
    changes: &[(prop::sample::Index, u8)],
    sign: Sign,
) -> Vec<u8> {
    for (place, byte) in changes {
        let place = place.index(stream.len());
        stream[place] = *byte;
        let block = &mut stream[place / 512 * 512..];
        if sign == Sign::Again && block.len() >= 512 && block[257..262] == *b"ustar" {
            sign_header(block);
        }
    }
    stream
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sign {
    Again,
    Never,
}

pub(crate) fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(b"01257xgLK/.\0SV".to_vec())
    ];
    prop::collection::vec((any::<prop::sample::Index>(), byte), 1..12)
}
