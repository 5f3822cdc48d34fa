//! The package model: names, manifests, and safe unpacking of package archives.
//!
//! A package `foo.tar.gz` holds one folder, `foo/`, with the application's own archive
//! `foo/foo.tar.gz` (whose tree is again `foo/`) and usually `foo/manifest.json` and an icon.
//!
//! ```
//! use package::Package;
//!
//! let package = Package::new("7", "/d/foo.tar.gz", Some("https://api.1.2.3.4.xip.io"))?;
//! assert_eq!(package.name(), "foo");
//! assert_eq!(package.destination(), "https://foo.1.2.3.4.xip.io");
//! assert_eq!(package.manifest_file_name(), "foo.json");
//! # Ok::<(), package::Error>(())
//! ```
//!
//! # Main types
//!
//! - [`Package`]: what is deployed: its name, its file, and where it will answer.
//! - [`PackageName`]: a name that is safe as a file name, a path segment and an argument.
//! - [`Manifest`]: what `manifest.json` says.
//! - [`PackageArchive`], [`unpack_application`]: unpacking, streamed and in process.
//! - [`inspect_package`], [`read_manifest`]: the same checks, and nothing written.
//! - [`UnpackLimits`]: how much an archive may hold.
//! - [`Listing`]: what was unpacked, as lines to show.
//!
//! # Not supported
//!
//! Other archive formats than tar in gzip, sparse files, devices and pipes, names that are not
//! UTF-8, and systems without POSIX directory handles. Owners, times and extended attributes in
//! an archive are ignored.

mod absolute;
mod archive;
mod error;
mod limits;
mod listing;
mod manifest;
mod name;
mod package;

pub use crate::archive::{
    Inspection, PackageArchive, UnpackedApplication, UnpackedPackage, inspect_package,
    read_manifest, unpack_application,
};
pub use crate::error::{Error, Limit, ManifestProblem, Refusal, Result};
pub use crate::limits::UnpackLimits;
pub use crate::listing::{Listing, list_directory};
pub use crate::manifest::Manifest;
pub use crate::name::PackageName;
pub use crate::package::Package;
