//! Real archives that are changed entry by entry and field by field.

use proptest::prelude::*;
use proptest::sample::Index;
use testkit::{Tar, gzip, pax_record, sign_header, stored_gzip};

use crate::archive::{application, package};
use crate::attack::{hostile_paths, targets};

/// One header with what follows it.
#[derive(Clone, Debug)]
struct Member {
    header: [u8; 512],
    contents: Vec<u8>,
}

/// A change of one member, or of their order.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Remove(Index),
    Repeat(Index, Index),
    Swap(Index, Index),
    Kind(Index, u8),
    Path(Index, String),
    Target(Index, String),
    Mode(Index, u32),
    /// The bytes of the size field.
    Size(Index, Vec<u8>),
    Contents(Index, Vec<u8>),
    /// An extended header before a member: its type flag and contents.
    Extension(Index, u8, Vec<u8>),
}

/// How the members are made an archive again.
#[derive(Clone, Debug)]
pub(crate) enum Packing {
    Whole,
    Compressed,
    /// Two gzip members.
    Parted(Index),
    WithoutEnd,
    Cut(Index),
    Trailing(Vec<u8>),
    Twice,
}

/// Whether the members are a package, or the application inside one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Package,
    Application,
}

/// An archive out of a real one.
pub(crate) fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let place = prop_oneof![Just(Place::Package), Just(Place::Application)];
    let changes = prop::collection::vec(change(), 0..6);
    (place, changes, packing()).prop_map(|(place, changes, packing)| {
        let real = match place {
            Place::Package => package(),
            Place::Application => varied(),
        };
        let mut members = members(real.bytes());
        for change in &changes {
            apply(change, &mut members);
        }
        let archive = pack(&members, &packing);
        match place {
            Place::Package => archive,
            Place::Application => stored_gzip(
                &Tar::new()
                    .folder("foo/")
                    .file("foo/foo.tar.gz", archive)
                    .ended(),
            ),
        }
    })
}

/// An application with an entry of each kind.
fn varied() -> Tar {
    application()
        .folder("foo/a")
        .file("foo/a/x", [b'x'; 700])
        .link("foo/l", "a/x")
        .hard_link("foo/h", "foo/index.php")
        .pax("path", b"foo/a/long")
        .file("foo/cut", "long")
        .raw(b'L', b"././@LongLink", 0, b"", b"foo/a/gnu\0")
        .file("foo/cut", "gnu")
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    let kind = prop::sample::select(b"0123456757xgLKSVM\0Z".to_vec());
    let data = prop::collection::vec(any::<u8>(), 0..600);
    prop_oneof![
        1 => index().prop_map(Change::Remove),
        1 => (index(), index()).prop_map(|(from, to)| Change::Repeat(from, to)),
        1 => (index(), index()).prop_map(|(one, other)| Change::Swap(one, other)),
        1 => (index(), kind).prop_map(|(at, kind)| Change::Kind(at, kind)),
        2 => (index(), hostile_paths()).prop_map(|(at, path)| Change::Path(at, path)),
        2 => (index(), targets()).prop_map(|(at, target)| Change::Target(at, target)),
        1 => (index(), any::<u32>()).prop_map(|(at, mode)| Change::Mode(at, mode)),
        2 => (index(), size()).prop_map(|(at, size)| Change::Size(at, size)),
        1 => (index(), data).prop_map(|(at, data)| Change::Contents(at, data)),
        2 => (index(), extension()).prop_map(|(at, (flag, data))| Change::Extension(at, flag, data)),
    ]
}

/// Sizes in octal, in base 256, below zero, and of letters.
fn size() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (0..2_000u64).prop_map(|size| format!("{size:011o}\0").into_bytes()),
        any::<u32>().prop_map(|size| format!("{size:011o}\0").into_bytes()),
        any::<i64>().prop_map(|size| {
            let sign = if size < 0 { 0xff } else { 0x80 };
            [&[sign, 0, 0, 0], &size.to_be_bytes()[..]].concat()
        }),
        Just(b"-0000000001\0".to_vec()),
        Just([0xff; 12].to_vec()),
        prop::collection::vec(any::<u8>(), 12),
    ]
}

fn extension() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let key = prop::sample::select(vec![
        "path",
        "linkpath",
        "size",
        "GNU.sparse.major",
        "GNU.sparse.name",
        "SCHILY.xattr.a",
        "mtime",
    ]);
    let value = prop_oneof![
        hostile_paths().prop_map(String::into_bytes),
        any::<u64>().prop_map(|size| size.to_string().into_bytes()),
        (0..20u64).prop_map(|size| size.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..300),
    ];
    let flag = prop_oneof![4 => Just(b'x'), 1 => Just(b'g')];
    let pax = (flag, key, value).prop_map(|(flag, key, value)| (flag, pax_record(key, &value)));
    let name = prop_oneof![hostile_paths(), targets(), "[a/.]{0,300}"];
    let long = (prop_oneof![Just(b'L'), Just(b'K')], name)
        .prop_map(|(flag, name)| (flag, format!("{name}\0").into_bytes()));
    let any = prop::collection::vec(any::<u8>(), 0..600).prop_map(|data| (b'x', data));
    prop_oneof![3 => pax, 2 => long, 1 => any]
}

fn packing() -> impl Strategy<Value = Packing> {
    let trailing = prop::collection::vec(any::<u8>(), 1..40);
    prop_oneof![
        8 => Just(Packing::Whole),
        2 => Just(Packing::Compressed),
        1 => any::<Index>().prop_map(Packing::Parted),
        1 => Just(Packing::WithoutEnd),
        1 => any::<Index>().prop_map(Packing::Cut),
        1 => trailing.prop_map(Packing::Trailing),
        1 => Just(Packing::Twice),
    ]
}

/// Takes a legal stream apart.
fn members(mut stream: &[u8]) -> Vec<Member> {
    let mut members = Vec::new();
    while let Some((header, rest)) = stream.split_first_chunk::<512>() {
        let size = tar::Header::from_byte_slice(header).entry_size().unwrap();
        let size = usize::try_from(size).unwrap();
        members.push(Member {
            header: *header,
            contents: rest[..size].to_vec(),
        });
        stream = &rest[size.next_multiple_of(512)..];
    }
    members
}

fn apply(change: &Change, members: &mut Vec<Member>) {
    let count = members.len();
    if count == 0 {
        return;
    }
    match change {
        Change::Remove(at) => drop(members.remove(at.index(count))),
        Change::Repeat(from, to) => {
            let member = members[from.index(count)].clone();
            members.insert(to.index(count), member);
        }
        Change::Swap(one, other) => members.swap(one.index(count), other.index(count)),
        Change::Kind(at, kind) => members[at.index(count)].header[156] = *kind,
        Change::Path(at, path) => write(&mut members[at.index(count)].header[..100], path),
        Change::Target(at, target) => write(&mut members[at.index(count)].header[157..257], target),
        Change::Mode(at, mode) => {
            let field = format!("{:07o}\0", mode & 0o777_7777);
            members[at.index(count)].header[100..108].copy_from_slice(field.as_bytes());
        }
        Change::Size(at, size) => {
            members[at.index(count)].header[124..136].copy_from_slice(size);
        }
        Change::Contents(at, data) => {
            let member = &mut members[at.index(count)];
            member.contents.clone_from(data);
            let field = format!("{:011o}\0", data.len());
            member.header[124..136].copy_from_slice(field.as_bytes());
        }
        Change::Extension(at, flag, data) => {
            let size = data.len() as u64;
            let header = testkit::tar_header(*flag, b"extended", 0o644, b"", size);
            let member = Member {
                header: header.try_into().unwrap(),
                contents: data.clone(),
            };
            members.insert(at.index(count), member);
        }
    }
}

fn write(field: &mut [u8], text: &str) {
    field.fill(0);
    field[..text.len()].copy_from_slice(text.as_bytes());
}

fn pack(members: &[Member], packing: &Packing) -> Vec<u8> {
    let mut stream = Vec::new();
    for member in members {
        let mut header = member.header;
        sign_header(&mut header);
        stream.extend(header);
        stream.extend(&member.contents);
        stream.resize(stream.len().next_multiple_of(512), 0);
    }
    if !matches!(packing, Packing::WithoutEnd) {
        stream.resize(stream.len() + 1_024, 0);
    }
    match packing {
        Packing::Whole | Packing::WithoutEnd => stored_gzip(&stream),
        Packing::Compressed => gzip(&stream),
        Packing::Parted(at) => {
            let (start, end) = stream.split_at(at.index(stream.len().max(1)));
            [stored_gzip(start), stored_gzip(end)].concat()
        }
        Packing::Cut(at) => {
            let whole = stored_gzip(&stream);
            whole[..at.index(whole.len())].to_vec()
        }
        Packing::Trailing(bytes) => [stored_gzip(&stream), bytes.clone()].concat(),
        Packing::Twice => [stored_gzip(&stream), stored_gzip(&stream)].concat(),
    }
}
