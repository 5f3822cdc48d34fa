//! What a store knows of a file without reading its contents.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::{Etag, FileName};

/// What a store knows of one version of a file.
///
/// # Examples
///
/// ```
/// use std::time::SystemTime;
/// use store::{Etag, FileInfo, FileName};
///
/// let info = FileInfo::new(FileName::new("a.txt")?, 5, Etag::new("1"), SystemTime::UNIX_EPOCH);
/// assert_eq!(info.content_type, "text/plain");
/// # Ok::<(), store::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileInfo {
    /// The file's name.
    pub name: FileName,
    /// Its length in bytes.
    pub size: u64,
    /// The mark of this version.
    pub etag: Etag,
    /// When this version was saved, by the store's clock.
    pub modified: SystemTime,
    /// The media type, as the saver named it or as guessed from the name.
    pub content_type: String,
    /// The saver's own facts about the file; empty in a listing of a store whose
    /// [`listed_metadata`](crate::Capabilities::listed_metadata) says that it tells none there.
    pub metadata: BTreeMap<String, String>,
}

impl FileInfo {
    /// The info of a file whose content type is guessed from its name, with no metadata.
    #[must_use]
    pub fn new(name: FileName, size: u64, etag: Etag, modified: SystemTime) -> Self {
        let content_type = name.guess_content_type().to_owned();
        Self {
            name,
            size,
            etag,
            modified,
            content_type,
            metadata: BTreeMap::new(),
        }
    }

    /// Sets the media type.
    #[must_use]
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = content_type.into();
        self
    }

    /// Sets the metadata.
    ///
    /// # Examples
    ///
    /// What a store tells of a file that was saved with a content type and metadata:
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use store::{Etag, FileInfo, FileName, SaveOptions};
    ///
    /// let name = FileName::new("app.bin")?;
    /// let options = SaveOptions::default().with_metadata("made-by", "ci");
    /// let info = FileInfo::new(name.clone(), 5, Etag::new("1"), SystemTime::now())
    ///     .with_content_type(options.content_type_of(&name))
    ///     .with_metadata(options.metadata);
    /// assert_eq!(info.content_type, "application/octet-stream");
    /// assert_eq!(info.metadata["made-by"], "ci");
    /// # Ok::<(), store::Error>(())
    /// ```
    #[must_use]
    pub fn with_metadata(mut self, metadata: BTreeMap<String, String>) -> Self {
        self.metadata = metadata;
        self
    }
}
