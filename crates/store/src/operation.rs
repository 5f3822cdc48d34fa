//! Which call of a store is meant.

use std::fmt;

/// One of the calls of [`IStore`](crate::IStore) that reach what is stored.
///
/// Its text is the verb and object that an [`Error`](crate::Error) names.
///
/// # Examples
///
/// ```
/// assert_eq!(store::Operation::GetFileContents.to_string(), "read file");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// [`get_files_list`](crate::IStore::get_files_list).
    GetFilesList,
    /// [`get_file_info`](crate::IStore::get_file_info).
    GetFileInfo,
    /// [`get_file_contents`](crate::IStore::get_file_contents).
    GetFileContents,
    /// [`save_file`](crate::IStore::save_file).
    SaveFile,
    /// [`delete_file`](crate::IStore::delete_file).
    DeleteFile,
}

impl Operation {
    /// The verb and its object, such as `save file`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GetFilesList => "list files",
            Self::GetFileInfo => "get file info",
            Self::GetFileContents => "read file",
            Self::SaveFile => "save file",
            Self::DeleteFile => "delete file",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
