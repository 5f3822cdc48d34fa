//! What a store promises, as data.

use crate::FileName;

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
    /// When a listing shows what was saved.
    pub listing: Freshness,
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
            listing: Freshness::Immediate,
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

    /// Sets when a listing shows what was saved.
    #[must_use]
    pub fn with_listing(mut self, freshness: Freshness) -> Self {
        self.listing = freshness;
        self
    }
}
