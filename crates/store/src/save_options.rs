//! How a file is saved.

use std::collections::BTreeMap;

use crate::{Error, ErrorKind, Etag, FileName, Result};

/// How a file is saved: by default over whatever is there, its content type guessed from its name.
///
/// # Examples
///
/// ```
/// use store::{SaveMode, SaveOptions};
///
/// let options = SaveOptions::default()
///     .with_mode(SaveMode::Create)
///     .with_content_type("application/gzip")
///     .with_metadata("made-by", "ci");
/// assert_eq!(options.mode, SaveMode::Create);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaveOptions {
    /// What may be replaced.
    pub mode: SaveMode,
    /// The media type; guessed from the name where absent.
    pub content_type: Option<String>,
    /// The saver's own facts about the file; replaces the earlier version's.
    pub metadata: BTreeMap<String, String>,
    /// The hash that the contents must have, or nothing is saved.
    pub expected_sha256: Option<[u8; 32]>,
}

/// What a save may replace.
///
/// # Examples
///
/// Replaces a file only where nobody else did meanwhile:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// use store::{ErrorKind, FileName, MemoryStore, SaveMode, SaveOptions, StoreExt};
///
/// let store = MemoryStore::new();
/// let name = FileName::new("state.txt")?;
/// let create = SaveOptions::default().with_mode(SaveMode::Create);
/// let first = store.save_bytes(&name, "1", &create).await?;
///
/// let update = SaveOptions::default().with_mode(SaveMode::Update(first.etag));
/// store.save_bytes(&name, "2", &update).await?;
/// let error = store.save_bytes(&name, "3", &update).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Conflict);
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SaveMode {
    /// Anything, or nothing.
    #[default]
    Overwrite,
    /// Nothing: the save fails if the file exists.
    Create,
    /// Exactly this version: the save fails if the file is another, or absent.
    Update(Etag),
}

impl SaveOptions {
    /// The most bytes in all keys and values of the metadata together: what object stores take.
    pub const MAX_METADATA_LEN: usize = 2048;

    /// Sets what may be replaced.
    #[must_use]
    pub fn with_mode(mut self, mode: SaveMode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the media type.
    #[must_use]
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Adds one fact to the metadata; the key is of `a-z`, `0-9` and `-`.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Sets the hash that the contents must have.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// # #[cfg(feature = "memory")] {
    /// use sha2::{Digest, Sha256};
    /// use store::{ErrorKind, FileName, MemoryStore, SaveOptions, StoreExt};
    ///
    /// let store = MemoryStore::new();
    /// let name = FileName::new("greeting.txt")?;
    /// let options = SaveOptions::default().with_expected_sha256(Sha256::digest("hello").into());
    /// let error = store.save_bytes(&name, "hallo", &options).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::ChecksumMismatch);
    /// assert!(!store.check_file_exists(&name).await?);
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_expected_sha256(mut self, sha256: [u8; 32]) -> Self {
        self.expected_sha256 = Some(sha256);
        self
    }

    /// The media type that the file `name` gets.
    ///
    /// # Examples
    ///
    /// ```
    /// use store::{FileName, SaveOptions};
    ///
    /// let name = FileName::new("app.json")?;
    /// assert_eq!(SaveOptions::default().content_type_of(&name), "application/json");
    ///
    /// let options = SaveOptions::default().with_content_type("application/vnd.api+json");
    /// assert_eq!(options.content_type_of(&name), "application/vnd.api+json");
    /// # Ok::<(), store::Error>(())
    /// ```
    #[must_use]
    pub fn content_type_of<'a>(&'a self, name: &FileName) -> &'a str {
        self.content_type
            .as_deref()
            .unwrap_or_else(|| name.guess_content_type())
    }

    /// Checks what every store refuses alike; a store calls it before it reads any contents.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](ErrorKind::InvalidInput): the content type is empty, over 255 bytes, or
    ///   not printable ASCII; a metadata key is empty, over 64 bytes, or holds another character
    ///   than `a-z`, `0-9` and `-`; a metadata value holds a control character, or starts or ends
    ///   with white space; the metadata is over [`MAX_METADATA_LEN`](Self::MAX_METADATA_LEN).
    ///
    /// # Examples
    ///
    /// ```
    /// use store::{ErrorKind, FileName, SaveOptions};
    ///
    /// let options = SaveOptions::default().with_metadata("Made By", "ci");
    /// let error = options.check(&FileName::new("a")?).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidInput);
    /// # Ok::<(), store::Error>(())
    /// ```
    pub fn check(&self, name: &FileName) -> Result<()> {
        match self.refusal() {
            None => Ok(()),
            Some(reason) => Err(Error::new(ErrorKind::InvalidInput, "save file")
                .with_name(name.as_str())
                .with_message(reason)),
        }
    }

    /// Checks whether the mode allows to replace the version `current`, or nothing, under the name
    /// `name`; a store calls it in the step that makes the save visible.
    ///
    /// # Errors
    ///
    /// - [`AlreadyExists`](ErrorKind::AlreadyExists): the mode is `Create` and there is a file.
    /// - [`Conflict`](ErrorKind::Conflict): the mode is `Update` and there is another version, or
    ///   none.
    ///
    /// # Examples
    ///
    /// ```
    /// use store::{ErrorKind, Etag, FileName, SaveMode, SaveOptions};
    ///
    /// let name = FileName::new("a")?;
    /// let update = SaveOptions::default().with_mode(SaveMode::Update(Etag::new("1")));
    /// update.check_mode(&name, Some(&Etag::new("1")))?;
    /// let error = update.check_mode(&name, Some(&Etag::new("2"))).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Conflict);
    /// # Ok::<(), store::Error>(())
    /// ```
    pub fn check_mode(&self, name: &FileName, current: Option<&Etag>) -> Result<()> {
        let failed = |kind| Error::new(kind, "save file").with_name(name.as_str());
        match (&self.mode, current) {
            (SaveMode::Overwrite, _) | (SaveMode::Create, None) => Ok(()),
            (SaveMode::Create, Some(_)) => Err(failed(ErrorKind::AlreadyExists)),
            (SaveMode::Update(expected), Some(current)) if expected == current => Ok(()),
            (SaveMode::Update(_), Some(_)) => Err(failed(ErrorKind::Conflict)),
            (SaveMode::Update(_), None) => {
                Err(failed(ErrorKind::Conflict).with_message("there is no file to replace"))
            }
        }
    }

    fn refusal(&self) -> Option<String> {
        if let Some(text) = &self.content_type {
            let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            if text.trim().is_empty() || text.len() > 255 || !printable {
                return Some(format!("`{}` is no content type", text.escape_debug()));
            }
        }
        for (key, value) in &self.metadata {
            let plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
            if key.is_empty() || key.len() > 64 || !key.bytes().all(plain) {
                return Some(format!("`{}` is no metadata key", key.escape_debug()));
            }
            if value.chars().any(char::is_control) || value.trim() != value {
                return Some(format!(
                    "the metadata value of `{key}` holds a control character or outer white space"
                ));
            }
        }
        let len: usize = self
            .metadata
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        (len > Self::MAX_METADATA_LEN).then(|| format!("the metadata holds {len} bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(options: &SaveOptions, expected: Option<&str>) {
        let found = options.check(&FileName::new("a").unwrap());
        match (found, expected) {
            (Ok(()), None) => {}
            (Err(error), Some(reason)) => {
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert!(error.to_string().contains(reason), "{error}");
            }
            (found, expected) => panic!("{found:?} where {expected:?} was expected"),
        }
    }

    #[test]
    fn options_that_some_store_cannot_keep_are_refused_by_all() {
        let options = SaveOptions::default;
        check(&options(), None);
        check(&options().with_metadata("made-by", "Zoë & co"), None);
        check(
            &options().with_content_type("text/plain; charset=utf-8"),
            None,
        );
        check(&options().with_content_type(""), Some("content type"));
        check(
            &options().with_content_type("a\r\nb: c"),
            Some("content type"),
        );
        check(&options().with_metadata("Made", "x"), Some("`Made`"));
        check(&options().with_metadata("", "x"), Some("metadata key"));
        check(&options().with_metadata("a", "x\ny"), Some("of `a`"));
        check(&options().with_metadata("a", " x"), Some("of `a`"));
        check(
            &options().with_metadata("a", "x".repeat(2048)),
            Some("2049 bytes"),
        );
    }
}
