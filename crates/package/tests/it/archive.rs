//! Archives of any shape, also ones that no tool writes.

use std::fs::File;
use std::path::Path;

use package::{
    Error, Inspection, PackageArchive, Result, UnpackLimits, UnpackedApplication, UnpackedPackage,
    inspect_package, unpack_application,
};
use tempfile::TempDir;

pub(crate) use testkit::{
    Tar, gzip, pax_record as record, stored_gzip as stored, tar_header as header,
};

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
        // Ten thousand cases make and remove files: in memory, where the system has a folder there.
        let memory = Path::new("/dev/shm");
        let outside = if memory.is_dir() {
            tempfile::tempdir_in(memory).unwrap()
        } else {
            tempfile::tempdir().unwrap()
        };
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
