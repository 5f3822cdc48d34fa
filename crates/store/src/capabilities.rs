//! What a store promises, as data.

use crate::{Error, ErrorKind, FileName, Result, SaveOptions};

/// What a store promises beyond the contract of [`IStore`](crate::IStore).
///
/// # Examples
///
/// ```
/// use store::{Capabilities, Folders, Guarantee, Support};
///
/// // What a store over a service without conditional writes declares.
/// let capabilities = Capabilities::default()
///     .with_exclusive_create(Guarantee::BestEffort)
///     .with_exclusive_update(Guarantee::Unsupported)
///     .with_folders(Folders::Overlapping)
///     .with_max_file_size(Some(5 * 1024 * 1024 * 1024));
/// assert_eq!(capabilities.range_reads, Support::Supported); // by default all can be done
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether exactly one of several racing creators of a file wins.
    pub exclusive_create: Guarantee,
    /// Whether exactly one of several racing updates of a version wins.
    pub exclusive_update: Guarantee,
    /// Whether a part of a file can be read.
    pub range_reads: Support,
    /// Whether content type and metadata are kept.
    pub metadata: Support,
    /// The most bytes in a file; as much as fits where absent.
    pub max_file_size: Option<u64>,
    /// The most bytes in a name, [`FileName::MAX_LEN`](crate::FileName::MAX_LEN) where the store
    /// sets no limit of its own; a longer one fails with
    /// [`InvalidName`](crate::ErrorKind::InvalidName).
    pub max_name_len: usize,
    /// The most entries in a file's metadata;
    /// [`MAX_METADATA_LEN`](crate::SaveOptions::MAX_METADATA_LEN) where the store sets no limit of
    /// its own.
    pub max_metadata_entries: usize,
    /// The most bytes in one value of the metadata, and `MAX_METADATA_LEN` likewise.
    pub max_metadata_value_len: usize,
    /// Whether a listing tells the metadata of its files, or leaves it empty.
    pub listed_metadata: Support,
    /// When a listing shows what was saved.
    pub listing: Freshness,
    /// What an [`Etag`](crate::Etag) tells apart.
    pub versions: Versions,
    /// Whether a file and a folder of the same name can be stored.
    pub folders: Folders,
    /// What becomes of a read whose file is replaced or deleted meanwhile.
    pub snapshots: Snapshots,
    /// How much of a file is in memory while it is saved or read.
    pub buffering: Buffering,
}

/// How far a conditional save can be relied on.
///
/// # Examples
///
/// ```
/// use store::{Capabilities, Guarantee};
///
/// /// Whether a file that was created can serve as a lock.
/// fn has_locks(capabilities: &Capabilities) -> bool {
///     capabilities.exclusive_create == Guarantee::Exclusive
/// }
///
/// let swift = Capabilities::default().with_exclusive_create(Guarantee::BestEffort);
/// assert!(!has_locks(&swift));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Guarantee {
    /// Exactly one of several racing saves wins, across processes and hosts that share the store.
    Exclusive,
    /// The condition is checked, but racing saves may each believe that they won.
    BestEffort,
    /// Such a save fails with [`Unsupported`](crate::ErrorKind::Unsupported).
    Unsupported,
}

/// Whether a store can do something.
///
/// # Examples
///
/// Reads the end of a file only where a part can be read:
///
/// ```
/// use store::{Capabilities, ReadOptions, ReadRange, Support};
///
/// fn end_of_log(capabilities: &Capabilities) -> ReadOptions {
///     match capabilities.range_reads {
///         Support::Supported => ReadOptions::default().with_range(ReadRange::Last(4096)),
///         _ => ReadOptions::default(),
///     }
/// }
///
/// let whole = Capabilities::default().with_range_reads(Support::Unsupported);
/// assert_eq!(end_of_log(&whole).range, None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Support {
    /// It can.
    Supported,
    /// Asking for it fails with [`Unsupported`](crate::ErrorKind::Unsupported).
    Unsupported,
}

/// When a listing shows a save or a delete.
///
/// # Examples
///
/// Who has to find what was just saved asks by its name where listings lag:
///
/// ```
/// use store::{Capabilities, Freshness};
///
/// fn can_search_by_listing(capabilities: &Capabilities) -> bool {
///     capabilities.listing == Freshness::Immediate
/// }
///
/// let lagging = Capabilities::default().with_listing(Freshness::Eventual);
/// assert!(!can_search_by_listing(&lagging));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Freshness {
    /// As soon as the call returned.
    Immediate,
    /// Some time after the call returned.
    Eventual,
}

/// What an etag tells apart.
///
/// # Examples
///
/// An equal etag says that nobody saved meanwhile, or only that the contents are the same:
///
/// ```
/// use store::{Capabilities, Versions};
///
/// fn shows_every_save(capabilities: &Capabilities) -> bool {
///     capabilities.versions == Versions::Saves
/// }
///
/// let hashes = Capabilities::default().with_versions(Versions::Contents);
/// assert!(!shows_every_save(&hashes));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Versions {
    /// Saves: each gives the file an etag that it never had before.
    Saves,
    /// Contents: saves of the same bytes may give the same etag, those of other bytes never do.
    Contents,
}

/// Whether a file and a folder of the same name can be stored.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// use store::{ErrorKind, FileName, Folders, IStore, MemoryStore, SaveOptions, StoreExt};
///
/// let store = MemoryStore::new();
/// assert_eq!(store.capabilities().folders, Folders::Exclusive);
///
/// let options = SaveOptions::default();
/// store.save_bytes(&FileName::new("a")?, "hello", &options).await?;
/// let error = store.save_bytes(&FileName::new("a/b")?, "hello", &options).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NameOverlap);
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Folders {
    /// They exclude each other: `a` and `a/b` are never both stored.
    Exclusive,
    /// Names are mere texts: `a` and `a/b` are two files like any others.
    Overlapping,
}

/// What becomes of a read whose file is replaced or deleted meanwhile.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// use store::{FileName, IStore, MemoryStore, ReadOptions, SaveOptions, Snapshots, StoreExt};
///
/// let store = MemoryStore::new();
/// assert_eq!(store.capabilities().snapshots, Snapshots::Kept);
///
/// let name = FileName::new("a")?;
/// store.save_bytes(&name, "old", &SaveOptions::default()).await?;
/// let reading = store.get_file_contents(&name, &ReadOptions::default()).await?;
/// store.save_bytes(&name, "new", &SaveOptions::default()).await?;
/// assert_eq!(reading.contents.collect(10).await?, "old");
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Snapshots {
    /// It gives the version that it began with, to the end.
    Kept,
    /// It does that, or it fails with an error that is worth a retry; never does it give a mix.
    MayBreak,
}

/// How much of a file a store holds in memory while it is saved or read.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// use store::{Buffering, IStore, MemoryStore};
///
/// assert_eq!(MemoryStore::new().capabilities().buffering, Buffering::Whole);
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Buffering {
    /// A part of it, the same however long the file is.
    Bounded,
    /// All of it.
    Whole,
}

impl Default for Capabilities {
    /// The most that a store can promise.
    fn default() -> Self {
        Self {
            exclusive_create: Guarantee::Exclusive,
            exclusive_update: Guarantee::Exclusive,
            range_reads: Support::Supported,
            metadata: Support::Supported,
            max_file_size: None,
            max_name_len: FileName::MAX_LEN,
            max_metadata_entries: SaveOptions::MAX_METADATA_LEN,
            max_metadata_value_len: SaveOptions::MAX_METADATA_LEN,
            listed_metadata: Support::Supported,
            listing: Freshness::Immediate,
            versions: Versions::Saves,
            folders: Folders::Exclusive,
            snapshots: Snapshots::Kept,
            buffering: Buffering::Bounded,
        }
    }
}

impl Capabilities {
    /// Sets what racing creators can rely on.
    #[must_use]
    pub fn with_exclusive_create(mut self, guarantee: Guarantee) -> Self {
        self.exclusive_create = guarantee;
        self
    }

    /// Sets what racing updates can rely on.
    #[must_use]
    pub fn with_exclusive_update(mut self, guarantee: Guarantee) -> Self {
        self.exclusive_update = guarantee;
        self
    }

    /// Sets whether parts of a file can be read.
    #[must_use]
    pub fn with_range_reads(mut self, support: Support) -> Self {
        self.range_reads = support;
        self
    }

    /// Sets whether content type and metadata are kept.
    #[must_use]
    pub fn with_metadata(mut self, support: Support) -> Self {
        self.metadata = support;
        self
    }

    /// Sets the most bytes in a file.
    #[must_use]
    pub fn with_max_file_size(mut self, bytes: Option<u64>) -> Self {
        self.max_file_size = bytes;
        self
    }

    /// Sets the most bytes in a name.
    #[must_use]
    pub fn with_max_name_len(mut self, bytes: usize) -> Self {
        self.max_name_len = bytes;
        self
    }

    /// Sets the most entries in a file's metadata.
    #[must_use]
    pub fn with_max_metadata_entries(mut self, entries: usize) -> Self {
        self.max_metadata_entries = entries;
        self
    }

    /// Sets the most bytes in one value of the metadata.
    #[must_use]
    pub fn with_max_metadata_value_len(mut self, bytes: usize) -> Self {
        self.max_metadata_value_len = bytes;
        self
    }

    /// Sets whether a listing tells the metadata of its files.
    #[must_use]
    pub fn with_listed_metadata(mut self, support: Support) -> Self {
        self.listed_metadata = support;
        self
    }

    /// Sets what an etag tells apart.
    #[must_use]
    pub fn with_versions(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// Sets whether a file and a folder of the same name can be stored.
    #[must_use]
    pub fn with_folders(mut self, folders: Folders) -> Self {
        self.folders = folders;
        self
    }

    /// Sets what becomes of a read whose file is replaced or deleted meanwhile.
    #[must_use]
    pub fn with_snapshots(mut self, snapshots: Snapshots) -> Self {
        self.snapshots = snapshots;
        self
    }

    /// Sets when a listing shows what was saved.
    #[must_use]
    pub fn with_listing(mut self, freshness: Freshness) -> Self {
        self.listing = freshness;
        self
    }

    /// Sets how much of a file is in memory while it is saved or read.
    #[must_use]
    pub fn with_buffering(mut self, buffering: Buffering) -> Self {
        self.buffering = buffering;
        self
    }

    /// Checks the size that contents declare against the most that the store takes; a store with a
    /// maximum calls it before it reads them.
    ///
    /// # Errors
    ///
    /// - [`TooLarge`](ErrorKind::TooLarge): the contents declare more.
    ///
    /// # Examples
    ///
    /// ```
    /// use store::{Capabilities, ErrorKind, FileName};
    ///
    /// let capabilities = Capabilities::default().with_max_file_size(Some(10));
    /// let error = capabilities.check_size(&FileName::new("a")?, Some(11)).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::TooLarge);
    /// # Ok::<(), store::Error>(())
    /// ```
    pub fn check_size(&self, name: &FileName, declared: Option<u64>) -> Result<()> {
        match (declared, self.max_file_size) {
            (Some(size), Some(max)) if size > max => {
                Err(Error::new(ErrorKind::TooLarge, "save file")
                    .with_name(name.as_str())
                    .with_message(format!(
                        "{size} bytes are more than the {max} that this store takes"
                    )))
            }
            _ => Ok(()),
        }
    }

    /// Checks the metadata of a save against what the store keeps; a store with limits of its own
    /// calls it before it reads the contents.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](ErrorKind::Unsupported): there are more entries, or longer values, than the
    ///   store keeps.
    ///
    /// # Examples
    ///
    /// ```
    /// use store::{Capabilities, ErrorKind, FileName, SaveOptions};
    ///
    /// let capabilities = Capabilities::default().with_max_metadata_value_len(2);
    /// let options = SaveOptions::default().with_metadata("made-by", "Zoe");
    /// let error = capabilities.check_metadata(&FileName::new("a")?, &options).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unsupported);
    /// # Ok::<(), store::Error>(())
    /// ```
    pub fn check_metadata(&self, name: &FileName, options: &SaveOptions) -> Result<()> {
        let refused = |message: String| {
            Err(Error::new(ErrorKind::Unsupported, "save file")
                .with_name(name.as_str())
                .with_message(message))
        };
        let (entries, most) = (options.metadata.len(), self.max_metadata_entries);
        if entries > most {
            return refused(format!(
                "{entries} entries of metadata are more than the {most} that this store keeps"
            ));
        }
        let most = self.max_metadata_value_len;
        match options
            .metadata
            .iter()
            .find(|(_, value)| value.len() > most)
        {
            None => Ok(()),
            Some((key, value)) => refused(format!(
                "the {} bytes of the metadata value of `{key}` are more than the {most} that this \
                 store keeps",
                value.len()
            )),
        }
    }
}
