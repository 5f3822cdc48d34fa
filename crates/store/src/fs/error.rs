//! The operating system's failures as this crate's errors.

use rustix::io::Errno;

use crate::{Error, ErrorKind, FileName};

/// Maps what the system answered while `operation` was done on `name`.
pub(super) fn failed<'a>(
    operation: &'static str,
    name: &'a FileName,
) -> impl Fn(Errno) -> Error + 'a {
    move |errno| system(operation, errno).with_name(name.as_str())
}

/// Maps a flush that failed when `operation` was done on `name` and others could see it.
pub(super) fn unsettled<'a>(
    operation: &'static str,
    name: &'a FileName,
) -> impl Fn(Errno) -> Error + 'a {
    move |errno| {
        Error::new(ErrorKind::Unavailable, operation)
            .with_name(name.as_str())
            .with_message("it is done, but a crash of the machine may undo it")
            .with_source(std::io::Error::from(errno))
    }
}

/// Maps what the system answered while `operation` was done.
pub(super) fn system(operation: &'static str, errno: Errno) -> Error {
    let error = Error::new(kind(errno), operation);
    let error = match errno {
        Errno::XDEV => error.with_message("the folder lies on another file system than the root"),
        Errno::MFILE | Errno::NFILE => error.with_message("too many files are open"),
        _ => error,
    };
    error.with_source(std::io::Error::from(errno))
}

fn kind(errno: Errno) -> ErrorKind {
    match errno {
        Errno::NOENT => ErrorKind::NotFound,
        Errno::ACCESS | Errno::PERM | Errno::ROFS => ErrorKind::PermissionDenied,
        Errno::NOSPC | Errno::DQUOT => ErrorKind::StorageFull,
        Errno::FBIG => ErrorKind::TooLarge,
        Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOLCK | Errno::STALE => {
            ErrorKind::Unavailable
        }
        Errno::NAMETOOLONG => ErrorKind::InvalidName,
        _ => ErrorKind::Other,
    }
}

/// Whether the answer means that no file has the name: nothing, a file or a link stands on the way.
pub(super) fn is_absent(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
}

pub(super) fn not_found(operation: &'static str, name: &FileName) -> Error {
    Error::new(ErrorKind::NotFound, operation).with_name(name.as_str())
}
