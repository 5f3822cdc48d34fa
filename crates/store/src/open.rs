//! Opens the store that the settings name.

mod built_in;
mod hint;
mod opener;
mod registry;
mod url;

use std::sync::Arc;

use crate::{Error, ErrorKind, ISettings, IStore, Result};

pub use self::opener::IStoreOpener;
#[cfg(any(test, feature = "mock"))]
pub use self::opener::MockIStoreOpener;
pub use self::registry::StoreRegistry;
pub use self::url::StoreUrl;

/// Opens the store that the settings name: [`StoreRegistry::built_in`] does.
///
/// | key | value |
/// |---|---|
/// | `store_url` | `fs:/path` (a directory), `sqlite:/path` (a file), `memory:`; a relative path is one to the working directory |
/// | `store_durability` | `full` (default) or `process`; see [`Durability`](crate::Durability) |
///
/// # Errors
///
/// - [`Configuration`](ErrorKind::Configuration): `store_url` is missing, a key, a scheme or a
///   value is unknown (the message names the nearest known one), or the store is not built into
///   this program.
/// - Whatever the store's own `open` fails with.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let settings = store::MapSettings::from([("store_ulr", "memory:")]);
/// let error = store::open_store(&settings).await.unwrap_err();
/// assert!(error.to_string().contains("did you mean `store_url`?"));
/// # }
/// ```
pub async fn open_store(settings: &dyn ISettings) -> Result<Arc<dyn IStore>> {
    StoreRegistry::built_in().open(settings).await
}

/// Opens the store that the URL names, with every other setting unset; see [`open_store`] for the
/// forms.
///
/// # Errors
///
/// As [`open_store`].
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let error = store::open_store_url("flie:/tmp").await.unwrap_err();
/// assert_eq!(error.kind(), store::ErrorKind::Configuration);
/// # }
/// ```
pub async fn open_store_url(url: &str) -> Result<Arc<dyn IStore>> {
    StoreRegistry::built_in().open_url(url).await
}

/// The refusal of a setting.
fn refused(setting: &str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Configuration, "open store")
        .with_name(setting)
        .with_message(message.into())
}

#[cfg(test)]
mod tests;
