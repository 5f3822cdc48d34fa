//! What can go wrong with a platform folder.

use std::io;
use std::path::PathBuf;

/// The result of work on a platform folder.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with a platform folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder is absent or was never made by [`Platform::create`](crate::Platform::create).
    #[error("`{}` is not a platform folder", path.display())]
    #[non_exhaustive]
    NotAPlatform {
        /// The folder.
        path: PathBuf,
    },
    /// A name that cannot be one folder of the platform.
    #[error("{what} `{name}` is not a plain name")]
    #[non_exhaustive]
    InvalidName {
        /// What is named: an application, a space and so on.
        what: &'static str,
        /// The refused name.
        name: String,
    },
    /// What was pushed holds something that is no file, folder or link.
    #[error("`{}` is neither a file, a folder nor a link", path.display())]
    #[non_exhaustive]
    NotAFile {
        /// Where it is.
        path: PathBuf,
    },
    /// A file of the platform, or of a client's state, does not hold what it should.
    #[error("failed to understand `{}`", path.display())]
    #[non_exhaustive]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Why it could not be read.
        source: serde_json::Error,
    },
    /// The file system refused.
    #[error("failed to {action} `{}`", path.display())]
    #[non_exhaustive]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl Error {
    /// Wraps the system's answer to `action` on `path`, for use with `map_err`.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// Wraps a parser's answer on `path`, for use with `map_err`.
    pub(crate) fn corrupt(path: impl Into<PathBuf>) -> impl FnOnce(serde_json::Error) -> Self {
        let path = path.into();
        move |source| Self::Corrupt { path, source }
    }
}
