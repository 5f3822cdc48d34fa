//! What the catalog tells of a package.

use std::time::SystemTime;

use package::{Manifest, PackageName};

/// A package in the catalog.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let archive = testkit::package("hello-world", &[("index.php", b"<?php phpinfo();")]);
/// use std::sync::Arc;
/// use deployment::PackageCatalog;
/// use store::{FileContents, MemoryStore};
///
/// let catalog = PackageCatalog::new(Arc::new(MemoryStore::new()));
/// catalog.save_package("hello-world", FileContents::from_bytes(archive)).await?;
///
/// let packages = catalog.get_package_list(None).await?;
/// assert_eq!(packages[0].name.as_str(), "hello-world");
/// assert_eq!(packages[0].manifest.version.as_deref(), Some("1.0"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CatalogEntry {
    /// The name that it is deployed by.
    pub name: PackageName,
    /// What it says of itself; empty when it brings no manifest.
    pub manifest: Manifest,
}

/// A package and its archive.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let archive = testkit::package("hello-world", &[("index.php", b"<?php phpinfo();")]);
/// use std::sync::Arc;
/// use deployment::PackageCatalog;
/// use store::{FileContents, MemoryStore};
///
/// let size = archive.len() as u64;
/// let catalog = PackageCatalog::new(Arc::new(MemoryStore::new()));
/// let saved = catalog.save_package("hello-world", FileContents::from_bytes(archive)).await?;
/// assert_eq!(saved.size, size);
/// assert_eq!(catalog.get_package("hello-world").await?, saved);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PackageDetails {
    /// The name that it is deployed by.
    pub name: PackageName,
    /// What it says of itself; empty when it brings no manifest.
    pub manifest: Manifest,
    /// The archive's size in bytes.
    pub size: u64,
    /// When the archive was saved.
    pub modified: SystemTime,
}

impl CatalogEntry {
    /// Whether `word`, in lower case, occurs in the name or in any text of the manifest.
    pub(super) fn mentions(&self, word: &str) -> bool {
        let manifest = &self.manifest;
        let own = [
            Some(self.name.as_str()),
            manifest.name.as_deref(),
            manifest.version.as_deref(),
            manifest.package.as_deref(),
            manifest.icon.as_deref(),
            manifest.author.as_deref(),
        ];
        let tags = manifest.tags.iter().map(String::as_str);
        let other = manifest.other.values().filter_map(|value| value.as_str());
        own.into_iter()
            .flatten()
            .chain(tags)
            .chain(other)
            .any(|text| text.to_lowercase().contains(word))
    }
}
