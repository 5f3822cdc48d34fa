//! Archives of any shape, also ones that no tool writes.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use package::{
    Error, Inspection, PackageArchive, Result, UnpackLimits, UnpackedApplication, UnpackedPackage,
    inspect_package, unpack_application,
};
use tempfile::TempDir;

/// A tar stream under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tar(Vec<u8>);

impl Tar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a header with contents; every part may be illegal.
    pub(crate) fn raw(
        mut self,
        kind: u8,
        path: &[u8],
        mode: u32,
        target: &[u8],
        data: &[u8],
    ) -> Self {
        self.0
            .extend(header(kind, path, mode, target, data.len() as u64));
        self.contents(data)
    }

    /// Adds bytes, filled up to a whole block.
    pub(crate) fn contents(mut self, data: &[u8]) -> Self {
        self.0.extend(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn file(self, path: &str, data: impl AsRef<[u8]>) -> Self {
        self.raw(b'0', path.as_bytes(), 0o644, b"", data.as_ref())
    }

    pub(crate) fn folder(self, path: &str) -> Self {
        self.raw(b'5', path.as_bytes(), 0o755, b"", b"")
    }

    pub(crate) fn link(self, path: &str, target: &str) -> Self {
        self.raw(b'2', path.as_bytes(), 0o777, target.as_bytes(), b"")
    }

    pub(crate) fn hard_link(self, path: &str, target: &str) -> Self {
        self.raw(b'1', path.as_bytes(), 0o644, target.as_bytes(), b"")
    }

    /// Adds a pax header of one record.
    pub(crate) fn pax(self, key: &str, value: &[u8]) -> Self {
        self.raw(b'x', b"PaxHeader/x", 0o644, b"", &record(key, value))
    }

    /// The stream so far, without an end mark.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The whole stream, with its end mark.
    pub(crate) fn ended(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }

    pub(crate) fn gz(self) -> Vec<u8> {
        gzip(&self.ended())
    }
}

pub(crate) fn header(kind: u8, path: &[u8], mode: u32, target: &[u8], size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    let old = header.as_old_mut();
    old.name[..path.len()].copy_from_slice(path);
    old.linkname[..target.len()].copy_from_slice(target);
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(mode);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

pub(crate) fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    [length.to_string().as_bytes(), &rest].concat()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A gzip stream that compresses nothing, which is much faster to make in a test build.
pub(crate) fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for block in bytes.chunks(u16::MAX.into()) {
        let length = u16::try_from(block.len()).unwrap();
        stream.push(0);
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    stream.extend([1, 0, 0, 0xff, 0xff]);
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    stream.extend(crc.sum().to_le_bytes());
    stream.extend(crc.amount().to_le_bytes());
    stream
}

/// The smallest application.
pub(crate) fn application() -> Tar {
    Tar::new().folder("foo/").file("foo/index.php", "<?php")
}

/// A package with a manifest and the smallest application.
pub(crate) fn package() -> Tar {
    Tar::new()
        .folder("foo/")
        .file("foo/manifest.json", r#"{"name": "Foo"}"#)
        .file("foo/foo.tar.gz", stored(&application().ended()))
}

/// A directory to unpack to, in one that must not change.
pub(crate) struct Place {
    pub(crate) outside: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let outside = tempfile::tempdir().unwrap();
        std::fs::create_dir(outside.path().join("inside")).unwrap();
        std::fs::write(outside.path().join("secret"), "untouched").unwrap();
        Self { outside }
    }

    pub(crate) fn inside(&self) -> std::path::PathBuf {
        self.outside.path().join("inside")
    }

    /// Fails when anything beside the directory to unpack to was touched.
    #[track_caller]
    pub(crate) fn check_outside(&self) {
        let mut names: Vec<_> = std::fs::read_dir(self.outside.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["inside", "secret"]);
        let secret = std::fs::read_to_string(self.outside.path().join("secret")).unwrap();
        assert_eq!(secret, "untouched");
        check_links_stay(&self.inside(), &self.inside());
    }
}

/// Fails when a link under `folder` leads out of `root`.
#[track_caller]
fn check_links_stay(folder: &Path, root: &Path) {
    let root = root.canonicalize().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            check_links_stay(&entry.path(), &root);
        } else if let Ok(end) = entry.path().canonicalize() {
            assert!(
                end.starts_with(&root),
                "{} leads to {}",
                entry.path().display(),
                end.display()
            );
        }
    }
}

pub(crate) fn unpack(archive: &[u8], into: &Path) -> Result<UnpackedPackage> {
    unpack_with(archive, into, &UnpackLimits::default())
}

pub(crate) fn unpack_with(
    archive: &[u8],
    into: &Path,
    limits: &UnpackLimits,
) -> Result<UnpackedPackage> {
    PackageArchive::open(archive, "foo", limits.clone())?.unpack(into)
}

pub(crate) fn extract(archive: &[u8], into: &Path) -> Result<UnpackedApplication> {
    unpack_application(archive, "foo", into, &UnpackLimits::default())
}

/// Unpacks the application of a package as it streams by.
pub(crate) fn stream(archive: &[u8], into: &Path) -> Result<UnpackedApplication> {
    PackageArchive::open(archive, "foo", UnpackLimits::default())?.unpack_application(into)
}

pub(crate) fn inspect(archive: &[u8]) -> Result<Inspection> {
    inspect_package(archive, "foo", &UnpackLimits::default())
}

/// The error of an application's archive, which must be the same when it is inspected or unpacked inside
/// a package; nothing outside may be touched.
#[track_caller]
pub(crate) fn application_error(archive: &[u8], limits: &UnpackLimits) -> Error {
    let place = Place::new();
    let error = unpack_application(archive, "foo", &place.inside(), limits).unwrap_err();
    place.check_outside();
    let package = Tar::new()
        .folder("foo")
        .file("foo/foo.tar.gz", archive)
        .gz();
    let inspected = inspect_package(&package[..], "foo", limits).unwrap_err();
    assert_eq!(inspected.to_string(), error.to_string());
    let place = Place::new();
    let streamed = PackageArchive::open(&package[..], "foo", limits.clone())
        .and_then(|archive| archive.unpack_application(&place.inside()))
        .unwrap_err();
    assert_eq!(streamed.to_string(), error.to_string());
    place.check_outside();
    error
}

pub(crate) fn read(path: impl AsRef<Path>) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut File::open(path).unwrap(), &mut bytes).unwrap();
    bytes
}
