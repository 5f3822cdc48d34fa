//! The packages in a store.

mod entry;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use package::{Inspection, Manifest, PackageName, UnpackLimits};
use store::{
    FileContents, FileInfo, FileName, IStore, ListOptions, ReadOptions, SaveOptions, StoreExt,
};

use crate::error::{Error, Result};
use crate::file_names::FileNames;
use crate::id::DeploymentId;
use crate::inspection::{inspect, inspected};
use crate::package_file;
use crate::source::archive_file;

pub use self::entry::{CatalogEntry, PackageDetails};

/// The largest manifest that is read back, in bytes; far above what a package may hold.
const MAX_MANIFEST_BYTES: u64 = 1024 * 1024;

/// How many manifests are read at once.
const PARALLEL_READS: usize = 16;

/// The names that are the engine's own and hold no package: they are skipped as whole ranges, so
/// that a hundred thousand records do not slow the catalog.
const RESERVED: [&str; 3] = [
    crate::cancel::FILE_PREFIX,
    DeploymentId::FILE_PREFIX,
    crate::lock::LOCK_PREFIX,
];

/// Keeps packages in a store: `foo.tar.gz`, and its manifest beside it as `foo.json`.
///
/// # Examples
///
/// ```no_run
/// # async fn example(store: std::sync::Arc<dyn store::IStore>) -> deployment::Result<()> {
/// use deployment::PackageCatalog;
///
/// let catalog = PackageCatalog::new(store);
/// let saved = catalog.save_package_file("hello-world.tar.gz").await?;
/// for package in catalog.get_package_list(Some("php")).await? {
///     println!("{} {:?}", package.name, package.manifest.version);
/// }
/// catalog.delete_package(saved.name.as_str()).await
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PackageCatalog {
    store: Arc<dyn IStore>,
    limits: UnpackLimits,
}

impl PackageCatalog {
    /// The catalog of the packages in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn IStore>) -> Self {
        Self {
            store,
            limits: UnpackLimits::default(),
        }
    }

    /// Sets the limits that a package must keep to be saved; [`UnpackLimits::default`] unless set.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let archive = testkit::package("hello-world", &[("index.php", b"<?php phpinfo();")]);
    /// use std::sync::Arc;
    /// use deployment::{Error, PackageCatalog};
    /// use package::UnpackLimits;
    /// use store::{FileContents, MemoryStore};
    ///
    /// let limits = UnpackLimits::default().with_total_bytes(1024);
    /// let catalog = PackageCatalog::new(Arc::new(MemoryStore::new())).with_limits(limits);
    /// let saved = catalog.save_package("hello-world", FileContents::from_bytes(archive)).await;
    /// assert!(matches!(saved, Err(Error::Package { .. })));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_limits(mut self, limits: UnpackLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Checks an archive while it streams into the store, and saves it as package `name`.
    ///
    /// The whole archive is read and checked as it would be when it is deployed; one that is
    /// refused is not saved, and a package of that name stays as it was.
    /// A package of the same name is replaced.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidRequest`]: `name` is no package name.
    /// - [`Error::Package`]: the archive is no package, or breaks a limit.
    /// - [`Error::Store`]: the store failed.
    ///
    /// # Examples
    ///
    /// What is no package is refused, and not saved:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use deployment::{Error, PackageCatalog};
    /// use store::{FileContents, MemoryStore};
    ///
    /// let catalog = PackageCatalog::new(Arc::new(MemoryStore::new()));
    /// let upload = FileContents::from_bytes("<html>404</html>");
    /// let error = catalog.save_package("hello-world", upload).await.unwrap_err();
    /// assert!(matches!(error, Error::Package { .. }));
    /// assert!(!catalog.check_package_exists("hello-world").await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn save_package(&self, name: &str, contents: FileContents) -> Result<PackageDetails> {
        let name = parse_name(name)?;
        let archive = archive_file(&name)?;
        let (contents, verdict) =
            inspected(contents, name.as_str().to_owned(), self.limits.clone());
        let options = SaveOptions::default().with_content_type("application/gzip");
        let saved = self.store.save_file(&archive, contents, &options).await;
        let (info, inspection) = match saved {
            Ok(info) => (info, verdict.wait().await?),
            Err(error) => {
                // Where the check broke the save off, it knows more than the store.
                if verdict.is_refusal() {
                    verdict.wait().await?;
                }
                return Err(Error::store("save the package")(error));
            }
        };
        let manifest = inspection.manifest.unwrap_or_else(|| {
            let mut manifest = Manifest::default();
            manifest.name = Some(name.to_string());
            manifest.package = Some(archive.to_string());
            manifest
        });
        let text = serde_json::to_vec(&manifest).map_err(|error| Error::BadRecord {
            file: format!("{name}.json"),
            reason: error.to_string(),
        })?;
        let options = SaveOptions::default().with_content_type("application/json");
        self.store
            .save_bytes(&manifest_file(&name)?, text, &options)
            .await
            .map_err(Error::store("save the package's manifest"))?;
        Ok(PackageDetails {
            name,
            manifest,
            size: info.size,
            modified: info.modified,
        })
    }

    /// Saves the archive in a file of this machine under the file's name without its extensions.
    ///
    /// # Errors
    ///
    /// As [`save_package`](Self::save_package), and [`Error::Directory`] when the file cannot be
    /// read.
    pub async fn save_package_file(&self, path: impl AsRef<Path>) -> Result<PackageDetails> {
        let (name, contents) = Self::open_package_file(path).await?;
        self.save_package(&name, contents).await
    }

    /// Opens an archive in a file of this machine, to be [saved](Self::save_package): the name of
    /// its package, which is the file's without its extensions, and its contents.
    ///
    /// # Errors
    ///
    /// - [`Error::Package`]: the file's name is none of a package.
    /// - [`Error::Directory`]: the file cannot be read.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let archive = testkit::package("hello-world", &[("index.php", b"<?php phpinfo();")]);
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("hello-world.tar.gz");
    /// # std::fs::write(&path, archive)?;
    /// use std::sync::Arc;
    /// use deployment::PackageCatalog;
    /// use store::MemoryStore;
    ///
    /// let (name, contents) = PackageCatalog::open_package_file(&path).await?;
    /// println!("{name}: {} bytes", contents.size().unwrap_or_default());
    /// let catalog = PackageCatalog::new(Arc::new(MemoryStore::new()));
    /// catalog.save_package(&name, contents).await?;
    /// assert!(catalog.check_package_exists("hello-world").await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn open_package_file(path: impl AsRef<Path>) -> Result<(String, FileContents)> {
        let path = path.as_ref();
        let name = package::Package::new("", path, None)
            .map_err(Error::package("name the package"))?
            .name()
            .to_owned();
        let (file, size) = package_file::open(path).await?;
        Ok((name, FileContents::from_file(file, size)))
    }

    /// Whether a package of that name can be deployed.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] for what is no package name, and the store's error.
    pub async fn check_package_exists(&self, name: &str) -> Result<bool> {
        let archive = archive_file(&parse_name(name)?)?;
        self.store
            .check_file_exists(&archive)
            .await
            .map_err(Error::store("look for the package"))
    }

    /// Lists the packages in the order of their names; with a keyword, those in whose name, tags
    /// or other texts of the manifest it occurs, in any case.
    ///
    /// Only the manifests are read, never an archive.
    ///
    /// # Errors
    ///
    /// The store's error; a manifest that cannot be read counts as empty.
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
    /// assert_eq!(catalog.get_package_list(Some("WORLD")).await?.len(), 1);
    /// assert_eq!(catalog.get_package_list(Some("moon")).await?.len(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_package_list(&self, keyword: Option<&str>) -> Result<Vec<CatalogEntry>> {
        let keyword = keyword.map(|word| word.trim().to_lowercase());
        let names = self.names().await?;
        let entries = stream::iter(names)
            .map(|name| self.entry(name))
            .buffered(PARALLEL_READS)
            .collect::<Vec<_>>()
            .await;
        let mut found = Vec::new();
        for entry in entries {
            let Some(entry) = entry? else { continue };
            if keyword.as_ref().is_none_or(|word| entry.mentions(word)) {
                found.push(entry);
            }
        }
        Ok(found)
    }

    /// Reads one package's manifest and its archive's size and age.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidRequest`]: `name` is no package name.
    /// - [`Error::PackageNotFound`]: there is no such package.
    /// - [`Error::Store`]: the store failed.
    pub async fn get_package(&self, name: &str) -> Result<PackageDetails> {
        let name = parse_name(name)?;
        let FileInfo { size, modified, .. } = self
            .store
            .get_file_info(&archive_file(&name)?)
            .await
            .map_err(missing(&name))?;
        let entry = self.entry(name.clone()).await?;
        let manifest = entry.map(|entry| entry.manifest).unwrap_or_default();
        Ok(PackageDetails {
            name,
            manifest,
            size,
            modified,
        })
    }

    /// Reads a package's whole archive and checks it as its deployment would; nothing is written.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidRequest`]: `name` is no package name.
    /// - [`Error::PackageNotFound`]: there is no such package.
    /// - [`Error::Package`]: the archive is no package, or breaks a limit.
    /// - [`Error::Store`]: the store failed.
    ///
    /// # Examples
    ///
    /// A package that somebody put into the store by hand:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let archive = testkit::package("hello-world", &[("index.php", b"<?php phpinfo();")]);
    /// use std::sync::Arc;
    /// use deployment::PackageCatalog;
    /// use store::{FileName, MemoryStore, SaveOptions, StoreExt};
    ///
    /// let store = Arc::new(MemoryStore::new());
    /// let name = FileName::new("hello-world.tar.gz")?;
    /// store.save_bytes(&name, archive, &SaveOptions::default()).await?;
    ///
    /// let inspection = PackageCatalog::new(store).inspect_package("hello-world").await?;
    /// assert!(inspection.manifest.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn inspect_package(&self, name: &str) -> Result<Inspection> {
        let name = parse_name(name)?;
        let stored = self
            .store
            .get_file_contents(&archive_file(&name)?, &ReadOptions::default())
            .await
            .map_err(missing(&name))?;
        inspect(stored.contents, name.to_string(), self.limits.clone()).await
    }

    /// Removes a package: first its archive, so that it cannot be deployed, then its manifest.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidRequest`]: `name` is no package name.
    /// - [`Error::PackageNotFound`]: there is no such package.
    /// - [`Error::Store`]: the store failed.
    pub async fn delete_package(&self, name: &str) -> Result<()> {
        let name = parse_name(name)?;
        let deleted = self.store.delete_file(&archive_file(&name)?).await;
        if let Err(error) = &deleted
            && error.kind() != store::ErrorKind::NotFound
        {
            return deleted.map_err(missing(&name));
        }
        match self.store.delete_file(&manifest_file(&name)?).await {
            Err(error) if error.kind() != store::ErrorKind::NotFound => {
                return Err(Error::store("remove the package's manifest")(error));
            }
            _ => {}
        }
        deleted.map_err(missing(&name))
    }

    /// The names of all packages whose manifest is there, in order.
    async fn names(&self) -> Result<BTreeSet<PackageName>> {
        let mut names = BTreeSet::new();
        let options = ListOptions::default();
        let mut files = FileNames::new(self.store.as_ref(), options, "list the packages");
        while let Some(page) = files.page().await? {
            let is_last_of = |prefix: &&str| {
                page.last()
                    .is_some_and(|last| last.as_str().starts_with(*prefix))
            };
            if let Some(prefix) = RESERVED.into_iter().find(is_last_of) {
                files.skip(prefix);
            }
            let manifests = page
                .iter()
                .filter_map(|file| file.as_str().strip_suffix(".json"));
            names.extend(manifests.filter_map(|name| name.parse::<PackageName>().ok()));
        }
        Ok(names)
    }

    /// The entry of `name`; `None` when its manifest has just gone.
    async fn entry(&self, name: PackageName) -> Result<Option<CatalogEntry>> {
        let bytes = self
            .store
            .get_file_bytes(&manifest_file(&name)?, MAX_MANIFEST_BYTES)
            .await;
        let manifest = match bytes {
            Ok((_, bytes)) => Manifest::parse(&bytes).unwrap_or_default(),
            Err(error) => match error.kind() {
                store::ErrorKind::NotFound => return Ok(None),
                store::ErrorKind::TooLarge => Manifest::default(),
                _ => return Err(Error::store("read a package's manifest")(error)),
            },
        };
        Ok(Some(CatalogEntry { name, manifest }))
    }
}

fn parse_name(name: &str) -> Result<PackageName> {
    name.parse()
        .map_err(|error: package::Error| Error::invalid("package name", name, error.to_string()))
}

fn manifest_file(name: &PackageName) -> Result<FileName> {
    FileName::new(format!("{name}.json")).map_err(Error::store("name the package's manifest"))
}

fn missing(name: &PackageName) -> impl FnOnce(store::Error) -> Error {
    let name = name.to_string();
    move |error| match error.kind() {
        store::ErrorKind::NotFound => Error::PackageNotFound { name },
        _ => Error::store("read the package")(error),
    }
}
