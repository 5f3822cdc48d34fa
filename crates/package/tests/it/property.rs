//! Random trees come back whole, and random damage does no harm.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;

use crate::archive::{Place, Tar, application, extract, inspect, package, stored, stream, unpack};

/// What a test tree holds at a path.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    File(Vec<u8>, u32),
    Folder,
    Link(String),
}

fn nodes() -> impl Strategy<Value = BTreeMap<String, Node>> {
    // Files, folders and links have names of their own alphabets, so that none is under a file.
    let folders = || prop::collection::vec("[a-c]{1,2}", 0..4).prop_map(|parts| parts.join("/"));
    let file = (
        folders(),
        "[x-zä ._']{0,6}f",
        prop::collection::vec(any::<u8>(), 0..3_000),
        0..0o1000u32,
    )
        .prop_map(|(folder, name, data, mode)| (join(&folder, &name), Node::File(data, mode)));
    let folder = folders().prop_map(|folder| (folder, Node::Folder));
    let link = (folders(), "[l-n]{1,4}", folders())
        .prop_map(|(folder, name, target)| (join(&folder, &name), Node::Link(join(&target, "t"))));
    prop::collection::vec(prop_oneof![3 => file, 1 => folder, 1 => link], 0..12).prop_map(|nodes| {
        nodes
            .into_iter()
            .filter(|(path, _)| !path.is_empty())
            .collect()
    })
}

fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        _ => format!("{folder}/{name}"),
    }
}

fn archived(nodes: &BTreeMap<String, Node>) -> Vec<u8> {
    let start = Tar::new().folder("./foo/");
    let all = nodes.iter().fold(start, |tar, (path, node)| {
        let path = format!("./foo/{path}");
        match node {
            Node::File(data, mode) => tar.raw(b'0', path.as_bytes(), *mode, b"", data),
            Node::Folder => tar.folder(&format!("{path}/")),
            Node::Link(target) => tar.link(&path, target),
        }
    });
    stored(&all.ended())
}

fn collect(folder: &Path, prefix: &str, nodes: &mut BTreeMap<String, Node>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = join(prefix, entry.file_name().to_str().unwrap());
        let metadata = entry.metadata().unwrap();
        let node = if metadata.is_dir() {
            collect(&entry.path(), &path, nodes);
            Node::Folder
        } else if metadata.is_symlink() {
            Node::Link(
                fs::read_link(entry.path())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
            )
        } else {
            Node::File(
                fs::read(entry.path()).unwrap(),
                metadata.permissions().mode() & 0o7777,
            )
        };
        nodes.insert(path, node);
    }
}

/// The tree as it must look: with the folders that are implied, and the owner's rights.
fn expected(nodes: &BTreeMap<String, Node>) -> BTreeMap<String, Node> {
    let mut all = BTreeMap::new();
    for (path, node) in nodes {
        for (end, _) in path.match_indices('/') {
            all.insert(path[..end].to_owned(), Node::Folder);
        }
        let node = match node {
            Node::File(data, mode) => Node::File(data.clone(), mode | 0o600),
            Node::Folder | Node::Link(_) => node.clone(),
        };
        all.insert(path.clone(), node);
    }
    all
}

/// A package that is compressed as usual.
static PACKAGE: LazyLock<Vec<u8>> = LazyLock::new(|| package().gz());

/// Unpacks whatever it is both ways; only the result may differ from case to case.
fn survives(archive: &[u8]) {
    for unpack_one in [
        |a: &[u8], p: &Path| unpack(a, p).is_ok(),
        |a: &[u8], p: &Path| extract(a, p).is_ok(),
        |a: &[u8], p: &Path| stream(a, p).is_ok(),
    ] {
        let place = Place::new();
        unpack_one(archive, &place.inside());
        place.check_outside();
    }
    let _ = inspect(archive);
    let _ = package::read_manifest(archive, &package::UnpackLimits::default());
}

fn hostile_paths() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => Just("foo"), 2 => Just(".."), 2 => Just("a"), 2 => Just("l"), 1 => Just("m"),
        1 => Just("A"), 1 => Just("."), 1 => Just(""), 1 => Just("secret"), 1 => Just("foo.tar.gz"),
        1 => Just("manifest.json"), 1 => Just("index.php"),
    ];
    let parts = prop::collection::vec(part, 0..5).prop_map(|parts| parts.join("/"));
    prop_oneof![3 => parts.clone().prop_map(|path| format!("foo/{path}")), 1 => parts]
}

fn targets() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => Just(".."), 2 => Just("a"), 2 => Just("l"), 1 => Just("m"), 1 => Just("foo"),
        1 => Just("secret"), 1 => Just("."),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.join("/"))
}

fn hostile() -> impl Strategy<Value = Tar> {
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
fn damaged(mut stream: Vec<u8>, changes: &[(prop::sample::Index, u8)], sign: Sign) -> Vec<u8> {
    for (place, byte) in changes {
        let place = place.index(stream.len());
        stream[place] = *byte;
        let block = &mut stream[place / 512 * 512..];
        if sign == Sign::Again && block.len() >= 512 && block[257..262] == *b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block[..512].iter().map(|byte| u32::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
    stream
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sign {
    Again,
    Never,
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(b"01257xgLK/.\0SV".to_vec())
    ];
    prop::collection::vec((any::<prop::sample::Index>(), byte), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_tree_comes_back_whole(nodes in nodes()) {
        let place = Place::new();
        extract(&archived(&nodes), &place.inside()).unwrap();
        let mut found = BTreeMap::new();
        collect(&place.inside().join("foo"), "", &mut found);
        prop_assert_eq!(found, expected(&nodes));
    }

    #[test]
    fn hostile_entries_stay_inside(tar in hostile()) {
        survives(&stored(&tar.clone().ended()));
        survives(&application_then(&tar));
    }

    #[test]
    fn a_damaged_stream_stays_inside(
        tar in prop_oneof![Just(package()), Just(application()), hostile()],
        changes in changes(),
        sign in prop_oneof![Just(Sign::Again), Just(Sign::Never)],
    ) {
        survives(&stored(&damaged(tar.ended(), &changes, sign)));
    }

    #[test]
    fn a_damaged_archive_stays_inside(changes in changes()) {
        survives(&damaged(PACKAGE.clone(), &changes, Sign::Never));
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        survives(&bytes);
        survives(&stored(&bytes));
    }
}

/// Hostile entries after good ones, which some of them then meet.
fn application_then(tar: &Tar) -> Vec<u8> {
    let good = application().folder("foo/a").link("foo/m", "a");
    stored(&[good.bytes(), tar.bytes(), &[0; 1024]].concat())
}
