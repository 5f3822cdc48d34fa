//! An archive that is being written, and what is in it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use store::{Etag, FileInfo, FileName};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The member that holds the file's contents.
pub(crate) const CONTENTS: &str = "contents";

/// The member that holds what is known of the file.
pub(crate) const FACTS: &str = "facts.json";

/// How contents are kept.
pub(crate) const DEFLATED: CompressionMethod = CompressionMethod::Deflated;

/// Fast rather than small: packages are compressed already.
pub(crate) fn deflated() -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(DEFLATED)
        .compression_level(Some(1))
}

/// A file that goes when this is dropped, unless it was renamed before.
pub(crate) struct Temporary(pub(crate) PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed is left to the next opening.
        let _ = fs::remove_file(&self.0);
    }
}

/// An archive that is being written.
pub(crate) struct Draft {
    // Goes before the archive, which holds the lock that keeps a sweep away.
    pub(crate) temporary: Temporary,
    pub(crate) archive: Box<ZipWriter<File>>,
    pub(crate) etag: String,
    pub(crate) size: u64,
}

/// What is kept of a file beside its contents. The size, too: the archive's own has no checksum.
#[derive(Deserialize, Serialize)]
pub(crate) struct Facts {
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) modified: SystemTime,
    pub(crate) content_type: String,
    pub(crate) metadata: BTreeMap<String, String>,
}

impl Facts {
    /// The same for callers of the store.
    pub(crate) fn into_info(self, name: &FileName) -> FileInfo {
        FileInfo::new(name.clone(), self.size, Etag::new(self.etag), self.modified)
            .with_content_type(self.content_type)
            .with_metadata(self.metadata)
    }
}
