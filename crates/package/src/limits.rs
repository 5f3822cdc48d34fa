//! How much an archive may hold.

/// How much an archive may hold before unpacking stops with
/// [`LimitExceeded`](crate::Error::LimitExceeded).
///
/// The package and the application inside it are counted apart, each with these limits.
///
/// # Examples
///
/// ```
/// use package::UnpackLimits;
///
/// let limits = UnpackLimits::default().with_total_bytes(64 << 20).with_entries(1_000);
/// assert_eq!(limits.entries, 1_000);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnpackLimits {
    /// Unpacked bytes, with tar headers and padding; 4 GiB.
    pub total_bytes: u64,
    /// Entries, with the folders that are only implied; 100,000.
    pub entries: u64,
    /// Unpacked bytes for each compressed byte; 200, where text reaches about 10.
    pub ratio: u64,
    /// Unpacked bytes below which the ratio is not looked at; 64 MiB.
    pub ratio_floor: u64,
    /// Bytes in one path or link target; 1,024.
    pub path_length: usize,
    /// Parts of one path; 64.
    pub depth: usize,
    /// Bytes in the manifest; 1 MiB.
    pub manifest_bytes: u64,
}

impl Default for UnpackLimits {
    fn default() -> Self {
        Self {
            total_bytes: 4 << 30,
            entries: 100_000,
            ratio: 200,
            ratio_floor: 64 << 20,
            path_length: 1_024,
            depth: 64,
            manifest_bytes: 1 << 20,
        }
    }
}

impl UnpackLimits {
    /// Sets [`total_bytes`](Self::total_bytes).
    #[must_use]
    pub const fn with_total_bytes(mut self, bytes: u64) -> Self {
        self.total_bytes = bytes;
        self
    }

    /// Sets [`entries`](Self::entries).
    #[must_use]
    pub const fn with_entries(mut self, entries: u64) -> Self {
        self.entries = entries;
        self
    }

    /// Sets [`ratio`](Self::ratio).
    #[must_use]
    pub const fn with_ratio(mut self, ratio: u64) -> Self {
        self.ratio = ratio;
        self
    }

    /// Sets [`ratio_floor`](Self::ratio_floor).
    #[must_use]
    pub const fn with_ratio_floor(mut self, bytes: u64) -> Self {
        self.ratio_floor = bytes;
        self
    }

    /// Sets [`path_length`](Self::path_length).
    #[must_use]
    pub const fn with_path_length(mut self, bytes: usize) -> Self {
        self.path_length = bytes;
        self
    }

    /// Sets [`depth`](Self::depth).
    #[must_use]
    pub const fn with_depth(mut self, parts: usize) -> Self {
        self.depth = parts;
        self
    }

    /// Sets [`manifest_bytes`](Self::manifest_bytes).
    #[must_use]
    pub const fn with_manifest_bytes(mut self, bytes: u64) -> Self {
        self.manifest_bytes = bytes;
        self
    }
}
