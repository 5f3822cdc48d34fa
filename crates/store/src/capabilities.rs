//! What a store promises, as data.

use crate::{Error, ErrorKind, FileName, Result, SaveOptions};

/// What a store promises beyond the contract of [`IStore`](crate::IStore).
///
/// # Examples
///
/// ```
/// use store::{Capabilities, Guarantee};
///
/// let capabilities = Capabilities::default().with_exclusive_update(Guarantee::Unsupported);
/// assert_eq!(capabilities.exclusive_create, Guarantee::Exclusive);
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Support {
    /// It can.
    Supported,
    /// Asking for it fails with [`Unsupported`](crate::ErrorKind::Unsupported).
    Unsupported,
}

/// When a listing shows a save or a delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Freshness {
    /// As soon as the call returned.
    Immediate,
    /// Some time after the call returned.
    Eventual,
}

/// What an etag tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Versions {
    /// Saves: each gives the file an etag that it never had before.
    Saves,
    /// Contents: saves of the same bytes may give the same etag, those of other bytes never do.
    Contents,
}

/// Whether a file and a folder of the same name can be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Folders {
    /// They exclude each other: `a` and `a/b` are never both stored.
    Exclusive,
    /// Names are mere texts: `a` and `a/b` are two files like any others.
    Overlapping,
}

/// What becomes of a read whose file is replaced or deleted meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Snapshots {
    /// It gives the version that it began with, to the end.
    Kept,
    /// It does that, or it fails with an error that is worth a retry; never does it give a mix.
    MayBreak,
}

/// How much of a file a store holds in memory while it is saved or read.
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
