//! Package archives: opened, inspected and unpacked.
//!
//! The layers, from the bytes upwards: [`input`] (buffered reader), [`gzip`] (members), [`blocks`]
//! (512-byte blocks, limits on bytes), [`entries`] (headers and their extensions), [`walk`]
//! (checks across entries), and a sink: [`tree`] writes, [`nested`] reads an
//! archive in an archive.

mod blocks;
mod entries;
mod fault;
mod gzip;
mod index;
mod input;
mod links;
mod nested;
mod path;
mod pax;
mod tree;
mod walk;

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::limits::UnpackLimits;
use crate::listing::Listing;
use crate::manifest::Manifest;
use crate::name::PackageName;

use self::entries::{Entries, Kind};
use self::nested::{Nested, Nowhere};
use self::tree::Tree;
use self::walk::{ManifestSearch, Role, Sink, Walk, Walked};

/// A package's archive that was opened, and is known to start like one.
///
/// # Semantics
///
/// - Everything is in the folder `<name>/`; `./` before a path is the same path.
/// - Files and folders are made anew in folders that this archive made, and never through a link.
///   Symbolic links that stay in `<name>/` are made last. Hard links to files before them are kept.
/// - Refused, see [`Refusal`](crate::Refusal): absolute paths, `..`, control characters, links
///   that leave, devices, pipes, sparse files, a path that comes twice (also in another case), and
///   files that are already there.
/// - Permission bits are kept, with reading and writing for the owner; setuid, setgid and sticky
///   bits, owners, times and attributes are dropped. `._` files with macOS metadata are left out.
/// - The manifest is the shallowest `manifest.json`, in any case of letters; of two equally
///   shallow, the first.
/// - The archive is read to its end: its checksum holds, its end mark is there, and nothing
///   follows. Several gzip members count as one stream.
/// - Memory stays under 32 MiB with the default limits, whatever the archive's size.
///
/// # Examples
///
/// ```no_run
/// use std::fs::File;
/// use std::path::Path;
/// use package::{PackageArchive, UnpackLimits};
///
/// let limits = UnpackLimits::default();
/// let archive = PackageArchive::open(File::open("foo.tar.gz")?, "foo", limits)?;
/// let tree = archive.unpack_application(Path::new("/srv/deploy"))?; // makes /srv/deploy/foo
/// println!("{}", tree.listing);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PackageArchive<R> {
    walk: Walk<R>,
    name: PackageName,
    limits: UnpackLimits,
}

impl<R: Read> PackageArchive<R> {
    /// Reads as far as the first entry of the package `name`.
    ///
    /// The reader needs no buffer of its own. One that fails stops the work at any time, which is
    /// how to cancel it.
    ///
    /// # Errors
    ///
    /// - [`InvalidName`](crate::Error::InvalidName): the name is no [`PackageName`].
    /// - [`Read`](crate::Error::Read): the reader failed.
    /// - [`Empty`](crate::Error::Empty), [`NotGzip`](crate::Error::NotGzip),
    ///   [`WrongFolder`](crate::Error::WrongFolder): it is no archive of that package.
    /// - Everything else that can be wrong with the first entry.
    pub fn open(reader: R, name: &str, limits: UnpackLimits) -> Result<Self> {
        let name = PackageName::new(name)?;
        let archive = format!("{name}.tar.gz");
        let walk = Walk::open(reader, archive, name.as_str(), &limits, Role::Package)?;
        Ok(Self { walk, name, limits })
    }

    /// Unpacks only the application, to the folder `<name>/` in the directory `into`, while its
    /// archive streams by inside the package: nothing else is written.
    ///
    /// All of the package is read and checked all the same.
    /// `into` must be there, and hold no `<name>`. After an error, what was written so far stays
    /// for the caller to remove; nothing is ever written outside `into`.
    ///
    /// # Errors
    ///
    /// As [`unpack`](Self::unpack) and [`unpack_application`].
    pub fn unpack_application(self, into: &Path) -> Result<UnpackedApplication> {
        let directory = into.join(self.name.as_str());
        let tree = Tree::open(into, &self.walk.application())?;
        let (package, application) = self.run_nested(tree)?;
        Ok(UnpackedApplication {
            directory,
            manifest: package.manifest,
            listing: application.listing,
            entries: application.entries,
            bytes: application.bytes,
        })
    }

    /// Hands the application's entries to `sink`.
    fn run_nested(self, sink: impl Sink) -> Result<(Walked, Walked)> {
        let mut nested = Nested {
            name: self.name.as_str().to_owned(),
            application: self.walk.application(),
            limits: self.limits,
            sink,
            walked: None,
        };
        let archive = self.walk.archive().to_owned();
        let package = self.walk.run(&mut nested)?;
        let missing = || crate::Error::MissingApplication {
            archive,
            entry: nested.application,
        };
        Ok((package, nested.walked.ok_or_else(missing)?))
    }

    /// Unpacks everything to the folder `<name>/` in the directory `into`.
    ///
    /// `into` must be there, and hold no `<name>`. After an error, what was written so far stays
    /// for the caller to remove; nothing is ever written outside `into`.
    ///
    /// # Errors
    ///
    /// - [`Refused`](crate::Error::Refused), [`LimitExceeded`](crate::Error::LimitExceeded),
    ///   [`BadHeader`](crate::Error::BadHeader), [`WrongFolder`](crate::Error::WrongFolder): an
    ///   entry is not acceptable.
    /// - [`Truncated`](crate::Error::Truncated), [`Corrupt`](crate::Error::Corrupt),
    ///   [`TrailingData`](crate::Error::TrailingData): the archive is not whole.
    /// - [`MissingApplication`](crate::Error::MissingApplication): there is no
    ///   `<name>/<name>.tar.gz` in it.
    /// - [`Manifest`](crate::Error::Manifest): its manifest cannot be used.
    /// - [`Read`](crate::Error::Read), [`Io`](crate::Error::Io): the reader or the disk failed.
    pub fn unpack(self, into: &Path) -> Result<UnpackedPackage> {
        let mut tree = Tree::open(into, self.walk.archive())?;
        let application = into.join(self.walk.application());
        let walked = self.walk.run(&mut tree)?;
        Ok(UnpackedPackage {
            manifest: walked.manifest,
            application,
            listing: walked.listing,
            entries: walked.entries,
            bytes: walked.bytes,
        })
    }
}

impl<R> fmt::Debug for PackageArchive<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackageArchive").finish_non_exhaustive()
    }
}

/// What [`PackageArchive::unpack`] wrote.
///
/// # Examples
///
/// Unpacks a package, whose `archive` may be any reader, and then the application that lies in it:
///
/// ```
/// # let archive = &testkit::package("hello", &[("index.php", b"<?php phpinfo();")])[..];
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path();
/// use package::{PackageArchive, UnpackLimits, unpack_application};
///
/// let limits = UnpackLimits::default();
/// let unpacked = PackageArchive::open(archive, "hello", limits.clone())?.unpack(directory)?;
/// assert_eq!(unpacked.application, directory.join("hello/hello.tar.gz"));
///
/// let inner = std::fs::File::open(&unpacked.application)?;
/// let tree = directory.join("tree");
/// std::fs::create_dir(&tree)?;
/// unpack_application(inner, "hello", &tree, &limits)?;
/// assert!(tree.join("hello/index.php").is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UnpackedPackage {
    /// What the package says about itself, if it does.
    pub manifest: Option<Manifest>,
    /// The application's archive, `<name>/<name>.tar.gz` in the directory unpacked to.
    pub application: PathBuf,
    /// What was unpacked.
    pub listing: Listing,
    /// Entries, with folders that were only implied.
    pub entries: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// What [`unpack_application`] or [`PackageArchive::unpack_application`] wrote.
///
/// # Examples
///
/// With an `archive` that may be any reader, such as a file or a download:
///
/// ```
/// # let archive = &testkit::package("hello", &[("index.php", b"<?php phpinfo();")])[..];
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path();
/// use package::{PackageArchive, UnpackLimits};
///
/// let archive = PackageArchive::open(archive, "hello", UnpackLimits::default())?;
/// let unpacked = archive.unpack_application(directory)?;
/// assert_eq!(unpacked.directory, directory.join("hello"));
/// assert_eq!(unpacked.bytes, 16);
/// assert!(unpacked.listing.to_string().contains("hello/index.php"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UnpackedApplication {
    /// The application's folder.
    pub directory: PathBuf,
    /// What the package that it came in says about itself, if it does.
    pub manifest: Option<Manifest>,
    /// What was unpacked.
    pub listing: Listing,
    /// Entries, with folders that were only implied.
    pub entries: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// What [`inspect_package`] found.
///
/// # Examples
///
/// With an `archive` that may be any reader, such as a file or a download:
///
/// ```
/// # let archive = &testkit::package("hello", &[("index.php", b"<?php phpinfo();")])[..];
/// use package::{UnpackLimits, inspect_package};
///
/// let inspection = inspect_package(archive, "hello", &UnpackLimits::default())?;
/// if let Some(manifest) = &inspection.manifest {
///     println!("{} {}", manifest.name.as_deref().unwrap_or("?"), inspection.bytes);
/// }
/// assert!(inspection.entries > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Inspection {
    /// What the package says about itself, if it does.
    pub manifest: Option<Manifest>,
    /// Entries of the package and of the application in it.
    pub entries: u64,
    /// Bytes of all files of the package and of the application in it.
    pub bytes: u64,
}

/// Unpacks an application's archive, which a package holds as `<name>/<name>.tar.gz`, to the
/// folder `<name>/` in the directory `into`.
///
/// The same rules hold as for [`PackageArchive`]; an application may hold anything, and a
/// `manifest.json` in it means nothing.
///
/// # Errors
///
/// As [`PackageArchive::open`] and [`PackageArchive::unpack`], but for those about the manifest
/// and the application's archive.
///
/// # Examples
///
/// With an `archive` that may be any reader, such as a file or a download:
///
/// ```
/// # let archive = &testkit::application("hello", &[("index.php", b"<?php phpinfo();")])[..];
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path();
/// use package::{UnpackLimits, unpack_application};
///
/// let unpacked = unpack_application(archive, "hello", directory, &UnpackLimits::default())?;
/// assert_eq!(std::fs::read(unpacked.directory.join("index.php"))?, b"<?php phpinfo();");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn unpack_application<R: Read>(
    reader: R,
    name: &str,
    into: &Path,
    limits: &UnpackLimits,
) -> Result<UnpackedApplication> {
    let name = PackageName::new(name)?;
    let archive = format!("{name}/{name}.tar.gz");
    let mut tree = Tree::open(into, &archive)?;
    let walk = Walk::open(reader, archive, name.as_str(), limits, Role::Application)?;
    let walked = walk.run(&mut tree)?;
    Ok(UnpackedApplication {
        directory: into.join(name.as_str()),
        manifest: None,
        listing: walked.listing,
        entries: walked.entries,
        bytes: walked.bytes,
    })
}

/// Checks a package and the application in it without writing anything.
///
/// What passes can be unpacked with the same limits, as far as that depends on the archive.
/// Reads to the end of the package.
///
/// # Errors
///
/// As [`PackageArchive::open`], [`PackageArchive::unpack`] and [`unpack_application`].
///
/// # Examples
///
/// With an `archive` that may be any reader, such as a file or a download:
///
/// ```
/// # let archive = &testkit::package("hello", &[("index.php", b"<?php phpinfo();")])[..];
/// use package::{Error, UnpackLimits, inspect_package};
///
/// let limits = UnpackLimits::default();
/// assert!(inspect_package(archive, "hello", &limits).is_ok());
///
/// // A package is good for its own name only.
/// let error = inspect_package(archive, "other", &limits).unwrap_err();
/// assert!(matches!(error, Error::WrongFolder { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn inspect_package<R: Read>(
    reader: R,
    name: &str,
    limits: &UnpackLimits,
) -> Result<Inspection> {
    let archive = PackageArchive::open(reader, name, limits.clone())?;
    let (package, application) = archive.run_nested(Nowhere)?;
    Ok(Inspection {
        manifest: package.manifest,
        entries: package.entries + application.entries,
        bytes: package.bytes + application.bytes,
    })
}

/// Finds a package's manifest, whatever the package is called.
///
/// It is the shallowest `manifest.json`, in any case of letters; of two equally shallow, the
/// first. Reading stops at a manifest in the package's own folder, and goes on to the archive's
/// end otherwise; the rest of the archive is not checked.
///
/// # Errors
///
/// - [`Manifest`](crate::Error::Manifest): it cannot be used.
/// - As [`PackageArchive::unpack`] for the entries that were read, but for duplicates, links and
///   folders, which are not looked at.
///
/// # Examples
///
/// With an `archive` that may be any reader, such as a file or a download:
///
/// ```
/// # let archive = &testkit::archive(&[("hello/manifest.json", br#"{"name": "Hello", "version": "1.2"}"#)])[..];
/// use package::{UnpackLimits, read_manifest};
///
/// if let Some(manifest) = read_manifest(archive, &UnpackLimits::default())? {
///     assert_eq!(manifest.version.as_deref(), Some("1.2"));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_manifest<R: Read>(reader: R, limits: &UnpackLimits) -> Result<Option<Manifest>> {
    let mut entries = Entries::new(reader, "package".to_owned(), limits);
    let mut search = ManifestSearch::default();
    while let Some(entry) = entries.next()? {
        entries.count_one()?;
        if entry.kind != Kind::File {
            continue;
        }
        if let Some(bytes) = search.room_for(&entry, limits) {
            while let Some(chunk) = entries.contents(usize::MAX)? {
                bytes.extend_from_slice(chunk);
            }
        }
        if search.is_over() {
            break;
        }
    }
    search.finish(limits)
}
