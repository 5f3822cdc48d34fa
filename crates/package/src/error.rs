//! The crate's one public error, and the vocabularies it speaks.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// The result of this crate's functions.
///
/// # Examples
///
/// ```
/// use package::{Package, PackageName};
///
/// fn name_of(path: &str) -> package::Result<PackageName> {
///     PackageName::new(Package::new("", path, None)?.name())
/// }
///
/// assert_eq!(name_of("/d/hello.tar.gz")?.as_str(), "hello");
/// # Ok::<(), package::Error>(())
/// ```
pub type Result<T> = std::result::Result<T, Error>;

/// Why a package could not be named, read or unpacked.
///
/// Entry names are shown with control characters escaped and long names cut.
///
/// # Examples
///
/// Whoever uploaded a package is told what is wrong with it; what is wrong here is for the operator:
///
/// ```
/// use package::{Error, UnpackLimits, inspect_package};
///
/// let upload = &b"<html>404</html>"[..];
/// let error = inspect_package(upload, "hello", &UnpackLimits::default()).unwrap_err();
/// assert!(matches!(error, Error::NotGzip { .. }));
/// assert!(error.is_invalid_package());
/// assert_eq!(error.to_string(), "`hello.tar.gz` is not a gzip file");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no package name.
    #[error("`{name}` is not a package name: {reason}")]
    #[non_exhaustive]
    InvalidName {
        /// The text, escaped.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },

    /// The path names no package file.
    #[error("`{path}` is not the path of a package: {reason}")]
    #[non_exhaustive]
    InvalidPath {
        /// The path as it was given, escaped.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// The reader that supplies the archive failed.
    #[error("failed to read `{archive}`")]
    #[non_exhaustive]
    Read {
        /// The archive.
        archive: String,
        /// What the reader said.
        source: io::Error,
    },

    /// The archive has no bytes, or no entries.
    #[error("`{archive}` is empty")]
    #[non_exhaustive]
    Empty {
        /// The archive.
        archive: String,
    },

    /// The bytes are not gzip.
    #[error("`{archive}` is not a gzip file")]
    #[non_exhaustive]
    NotGzip {
        /// The archive.
        archive: String,
    },

    /// The archive stops before its end.
    ///
    /// A tar stream without its end mark counts: it is what `tar | gzip` leaves when tar fails.
    #[error("`{archive}` is truncated after entry `{entry}`")]
    #[non_exhaustive]
    Truncated {
        /// The archive.
        archive: String,
        /// The last entry that was begun, or empty.
        entry: String,
    },

    /// The compressed data is damaged, or its checksum is wrong.
    #[error("`{archive}` is damaged at entry `{entry}`")]
    #[non_exhaustive]
    Corrupt {
        /// The archive.
        archive: String,
        /// The last entry that was begun, or empty.
        entry: String,
        /// What the decoder said.
        source: io::Error,
    },

    /// Something follows the end of the archive.
    #[error("`{archive}` has data after its end")]
    #[non_exhaustive]
    TrailingData {
        /// The archive.
        archive: String,
    },

    /// A tar header cannot be understood.
    #[error("`{archive}` has a bad tar header after entry `{entry}`: {reason}")]
    #[non_exhaustive]
    BadHeader {
        /// The archive.
        archive: String,
        /// The entry before it or, where it is known, the entry itself.
        entry: String,
        /// What is wrong.
        reason: &'static str,
    },

    /// An entry lies outside the one folder that the archive must hold.
    #[error("entry `{entry}` of `{archive}` is not in the folder `{expected}`")]
    #[non_exhaustive]
    WrongFolder {
        /// The archive.
        archive: String,
        /// The entry.
        entry: String,
        /// The folder's name.
        expected: String,
    },

    /// An entry is of a kind, or has a name, that is never unpacked.
    #[error("entry `{entry}` of `{archive}` is refused: {refusal}")]
    #[non_exhaustive]
    Refused {
        /// The archive.
        archive: String,
        /// The entry.
        entry: String,
        /// Why.
        refusal: Refusal,
    },

    /// The archive holds more than it may.
    #[error(
        "entry `{entry}` of `{archive}` goes over the limit: {limit} is {found}, at most {maximum}"
    )]
    #[non_exhaustive]
    LimitExceeded {
        /// The archive.
        archive: String,
        /// The entry at which the limit was passed.
        entry: String,
        /// Which limit.
        limit: Limit,
        /// The most that is allowed, in the limit's unit.
        maximum: u64,
        /// What was found when reading stopped; the archive may hold more.
        found: u64,
    },

    /// The package does not hold the application's archive.
    #[error("`{archive}` does not hold the application `{entry}`")]
    #[non_exhaustive]
    MissingApplication {
        /// The archive.
        archive: String,
        /// The path where the application's archive belongs.
        entry: String,
    },

    /// The manifest cannot be used.
    #[error("manifest `{entry}` cannot be used: {problem}")]
    #[non_exhaustive]
    Manifest {
        /// The manifest's path in its archive, or `manifest.json`.
        entry: String,
        /// What is wrong with it.
        problem: ManifestProblem,
    },

    /// A file or directory of this machine could not be used.
    #[error("failed to {action} `{}`", path.display())]
    #[non_exhaustive]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// Whether the package itself is at fault, so that trying again cannot help.
    ///
    /// False where the reader or this machine's file system failed.
    #[must_use]
    pub const fn is_invalid_package(&self) -> bool {
        match self {
            Self::Read { .. } | Self::Io { .. } => false,
            Self::InvalidName { .. }
            | Self::InvalidPath { .. }
            | Self::Empty { .. }
            | Self::NotGzip { .. }
            | Self::Truncated { .. }
            | Self::Corrupt { .. }
            | Self::TrailingData { .. }
            | Self::BadHeader { .. }
            | Self::WrongFolder { .. }
            | Self::Refused { .. }
            | Self::LimitExceeded { .. }
            | Self::MissingApplication { .. }
            | Self::Manifest { .. } => true,
        }
    }
}

/// Why an entry is never unpacked, whatever the limits are.
///
/// # Examples
///
/// With an `archive` whose maker would like to write elsewhere:
///
/// ```
/// # let archive = &testkit::Tar::new().file("hello/../../etc/cron.d/x", "").gz()[..];
/// use package::{Error, Refusal, UnpackLimits, inspect_package};
///
/// match inspect_package(archive, "hello", &UnpackLimits::default()) {
///     Err(Error::Refused { entry, refusal, .. }) => {
///         assert_eq!(entry, "hello/../../etc/cron.d/x");
///         assert_eq!(refusal, Refusal::ParentFolder);
///     }
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// The path starts at the root of the file system.
    AbsolutePath,
    /// The path has a `..` in it.
    ParentFolder,
    /// The path names nothing.
    EmptyPath,
    /// The path is not UTF-8.
    NotUtf8,
    /// The path or the link's target holds NUL, a line break or another control character.
    ControlCharacter,
    /// The same path came before.
    Duplicate,
    /// A path came before that differs in upper and lower case only.
    CaseCollision,
    /// The file is already there.
    AlreadyExists,
    /// A file is used as a folder.
    NotAFolder,
    /// A symbolic link is used as a folder: it would be written through.
    ThroughLink,
    /// The symbolic link points out of the package, or may.
    #[non_exhaustive]
    LinkLeaves {
        /// Where it points, escaped.
        target: String,
    },
    /// The hard link's target is no file that came before it in this archive.
    #[non_exhaustive]
    HardLinkTarget {
        /// Where it points, escaped.
        target: String,
    },
    /// A character device, block device or named pipe.
    Device,
    /// A sparse file.
    Sparse,
    /// A header says another size than the one before it.
    #[non_exhaustive]
    SizeMismatch {
        /// The size in the tar header, in bytes.
        header: u64,
        /// The size in the extended header, in bytes.
        extended: u64,
    },
    /// An entry that is no file should have no contents.
    UnexpectedContents,
    /// A kind of entry that is not known.
    #[non_exhaustive]
    UnknownKind {
        /// The type flag in the tar header.
        flag: u8,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AbsolutePath => f.write_str("its path is absolute"),
            Self::ParentFolder => f.write_str("its path has `..` in it"),
            Self::EmptyPath => f.write_str("its path is empty"),
            Self::NotUtf8 => f.write_str("its path is not UTF-8"),
            Self::ControlCharacter => f.write_str("its path or target holds a control character"),
            Self::Duplicate => f.write_str("the same path came before"),
            Self::CaseCollision => {
                f.write_str("a path that differs in upper and lower case only came before")
            }
            Self::AlreadyExists => f.write_str("the file is already there"),
            Self::NotAFolder => f.write_str("a part of its path is a file"),
            Self::ThroughLink => f.write_str("a part of its path is a symbolic link"),
            Self::LinkLeaves { target } => {
                write!(f, "its link target `{target}` may lead out of the package")
            }
            Self::HardLinkTarget { target } => {
                write!(
                    f,
                    "its link target `{target}` is no file that came before it"
                )
            }
            Self::Device => f.write_str("it is a device or a pipe"),
            Self::Sparse => f.write_str("it is a sparse file"),
            Self::SizeMismatch { header, extended } => write!(
                f,
                "its headers disagree on its size: {header} and {extended} bytes"
            ),
            Self::UnexpectedContents => f.write_str("it is no file but has contents"),
            Self::UnknownKind { flag } => write!(f, "its kind {flag:#04x} is not known"),
        }
    }
}

/// A limit of [`UnpackLimits`](crate::UnpackLimits), or one that is fixed.
///
/// # Examples
///
/// With an `archive` of more entries than one:
///
/// ```
/// # let archive = &testkit::package("hello", &[("a", b"1"), ("b", b"2")])[..];
/// use package::{Error, Limit, UnpackLimits, inspect_package};
///
/// let limits = UnpackLimits::default().with_entries(1);
/// match inspect_package(archive, "hello", &limits) {
///     Err(Error::LimitExceeded { limit: Limit::Entries, maximum, .. }) => assert_eq!(maximum, 1),
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Limit {
    /// Unpacked bytes, with headers and padding.
    TotalBytes,
    /// Entries, with the folders that are only implied.
    Entries,
    /// Unpacked bytes for each compressed byte.
    Ratio,
    /// Bytes in one path or link target.
    PathLength,
    /// Bytes in one part of a path; 255, as file systems have it.
    NameLength,
    /// Folders above an entry, and the entry.
    Depth,
    /// Bytes of all symbolic links' paths and targets; 4 MiB.
    LinkBytes,
    /// Bytes in one extended header; 1 MiB.
    HeaderBytes,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TotalBytes => "unpacked size in bytes",
            Self::Entries => "number of entries",
            Self::Ratio => "compression ratio",
            Self::PathLength => "path length in bytes",
            Self::NameLength => "name length in bytes",
            Self::Depth => "depth of folders",
            Self::LinkBytes => "size of all links in bytes",
            Self::HeaderBytes => "extended header size in bytes",
        })
    }
}

/// What is wrong with a manifest.
///
/// # Examples
///
/// ```
/// use package::{Error, Manifest, ManifestProblem};
///
/// let Err(Error::Manifest { problem, .. }) = Manifest::parse(br#"{"tags": "php"}"#) else {
///     panic!("a text is no list of tags");
/// };
/// assert!(matches!(problem, ManifestProblem::WrongType { key: "tags", .. }));
/// assert_eq!(problem.to_string(), "`tags` is a string, not an array of strings");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ManifestProblem {
    /// It has too many bytes.
    #[non_exhaustive]
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// The most that is allowed, in bytes.
        maximum: u64,
    },
    /// It starts with a byte order mark, which JSON must not.
    ByteOrderMark,
    /// It is not JSON, or nested too deeply.
    #[non_exhaustive]
    NotJson {
        /// What the parser said, with line and column.
        detail: String,
    },
    /// It is JSON, but no object.
    #[non_exhaustive]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// A key comes twice.
    #[non_exhaustive]
    DuplicateKey {
        /// The key, escaped.
        key: String,
    },
    /// A known key has a value of another type than its own.
    #[non_exhaustive]
    WrongType {
        /// The key.
        key: &'static str,
        /// The type that it has in a manifest.
        expected: &'static str,
        /// The type that was found.
        found: &'static str,
    },
}

impl fmt::Display for ManifestProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { size, maximum } => {
                write!(f, "it has {size} bytes, at most {maximum}")
            }
            Self::ByteOrderMark => f.write_str("it starts with a byte order mark"),
            Self::NotJson { detail } => write!(f, "it is not JSON: {detail}"),
            Self::NotAnObject { found } => write!(f, "it is {found}, not an object"),
            Self::DuplicateKey { key } => write!(f, "key `{key}` comes twice"),
            Self::WrongType {
                key,
                expected,
                found,
            } => write!(f, "`{key}` is {found}, not {expected}"),
        }
    }
}

/// Makes any text fit to be shown: control characters escaped, at most 200 characters.
pub(crate) fn shown(text: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(&text[..text.len().min(4 * LONGEST)]);
    let mut escaped: String = text
        .chars()
        .flat_map(|c| {
            let plain = (!is_control(c)).then_some(c);
            plain.into_iter().chain(
                plain
                    .is_none()
                    .then(|| c.escape_default())
                    .into_iter()
                    .flatten(),
            )
        })
        .take(LONGEST + 1)
        .collect();
    if escaped.chars().count() > LONGEST {
        escaped = escaped.chars().take(LONGEST).chain(['…']).collect();
    }
    escaped
}

/// Whether a character controls a terminal or breaks a line instead of showing something.
pub(crate) const fn is_control(c: char) -> bool {
    c.is_ascii_control() || matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn the_message_leaves_the_source_to_whoever_reports() {
        let error = Error::Read {
            archive: "foo.tar.gz".to_owned(),
            source: io::Error::other("the wire broke"),
        };
        assert_eq!(error.to_string(), "failed to read `foo.tar.gz`");
        assert_eq!(error.source().unwrap().to_string(), "the wire broke");
        assert!(!error.is_invalid_package());
    }

    #[test]
    fn shown_text_is_escaped_and_cut() {
        assert_eq!(shown(b"a\nb\x1b[2Jc\xc3\xa4"), "a\\nb\\u{1b}[2Jcä");
        assert_eq!(shown(&[b'x'; 300]).chars().count(), 201);
        assert_eq!(shown(&[b'\n'; 300]).chars().count(), 201);
    }
}
