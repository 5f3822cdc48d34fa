//! Work that may block, and how it fails.

use std::error::Error as StdError;
use std::io;

use store::{Error, ErrorKind, FileName, Result};
use zip::result::ZipError;

/// What work on the directory comes to, while it is not told yet for which call.
pub(crate) type Work<T> = std::result::Result<T, Box<dyn StdError + Send + Sync>>;

/// One hop to a thread that may block.
pub(crate) async fn hop<T: Send + 'static>(
    operation: &'static str,
    name: Option<&FileName>,
    work: impl FnOnce() -> Work<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.unwrap_or_else(|panic| Err(panic.into()));
    done.map_err(|error| failed(operation, name, error))
}

/// The one place where the errors of others become the store's.
pub(crate) fn failed(
    operation: &'static str,
    name: Option<&FileName>,
    error: Box<dyn StdError + Send + Sync>,
) -> Error {
    use io::ErrorKind as Io;
    let error = match error.downcast::<Error>() {
        Ok(error) => return *error,
        Err(error) => error,
    };
    let system = match error.downcast_ref() {
        Some(ZipError::Io(error)) => Some(error),
        _ => error.downcast_ref(),
    };
    let kind = match system {
        // Made by what unpacks, not by the system.
        Some(error) if error.raw_os_error().is_none() => ErrorKind::Corrupt,
        Some(error) => match error.kind() {
            Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
            Io::StorageFull | Io::QuotaExceeded => ErrorKind::StorageFull,
            _ => ErrorKind::Other,
        },
        None if error.is::<ZipError>() || error.is::<serde_json::Error>() => ErrorKind::Corrupt,
        None => ErrorKind::Other,
    };
    let failed = Error::new(kind, operation).with_source(error);
    match name {
        Some(name) => failed.with_name(name.as_str()),
        None => failed,
    }
}
