//! Random trees come back whole.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use proptest::prelude::*;

use crate::archive::{Place, Tar, extract, stored};

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
}
