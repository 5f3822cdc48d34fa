//! Opens the store that the settings name.

mod built_in;
mod hint;
mod opener;
mod registry;
mod url;

use std::sync::Arc;

use crate::{Error, ErrorKind, ISettings, IStore, Result};

#[cfg(all(test, feature = "swift"))]
pub(crate) use self::built_in::SWIFT;
pub use self::opener::IStoreOpener;
#[cfg(any(test, feature = "mock"))]
pub use self::opener::MockIStoreOpener;
pub use self::registry::StoreRegistry;
pub use self::url::StoreUrl;

/// Opens the store that the settings name: [`StoreRegistry::built_in`] does.
///
/// | key | value |
/// |---|---|
/// | `store_url` | `fs:/path` (a directory), `sqlite:/path` (a file), `memory:`, `swift:CONTAINER` or `swift:CONTAINER/FOLDER`; a relative path is one to the working directory |
/// | `store_durability` | `full` (default) or `process`; see [`Durability`](crate::Durability) |
///
/// # Swift
///
/// `swift_container` may name the container in place of the URL. The store comes with
/// [`Timeout`](crate::Timeout) and [`Retry`](crate::Retry) around it. Who asks for the files is told
/// by the keys of one of these rows, the first of which one is set; OpenStack's are also environment
/// variables, in upper case and never with a prefix:
///
/// | keys | who asks |
/// |---|---|
/// | `cloud_auth_url`, `cloud_username`, `cloud_password`, `cloud_project_name` | a user of Keystone v3, or of Swift's own authentication where the URL ends in `/v1.0`; `swift_url` may name another account |
/// | `swift_url`, `swift_token` | whoever got the token, for the account at the URL |
/// | `os_storage_url`, `os_auth_token` | the same, as `swift auth` prints them |
/// | `os_auth_url`, `os_username` or `os_user_id`, `os_password` | a user of Keystone v3 |
/// | `os_auth_url`, `os_application_credential_secret`, `os_application_credential_id` or `…_name` | an application credential |
/// | `os_auth_url`, `os_auth_token` | whoever got the token |
/// | `st_auth`, `st_user`, `st_key` | a user of Swift's own authentication, version 1 |
///
/// With Keystone also count `os_project_id` or `os_project_name` (or `os_tenant_…`),
/// `os_user_domain_…` and `os_project_domain_…` (`id` or `name`; by default the domain `default`),
/// `os_region_name`, `os_interface` (or `os_endpoint_type`: `public`, `internal`, `admin`),
/// `os_storage_url`, and `os_auth_type` (`password`, `token`, `v3applicationcredential`) where more
/// than one proof is set. Of an id and a name the id counts. Settings of which only one can be
/// meant, such as `st_auth` beside `os_auth_url`, are refused.
///
/// Certificates are those that the system trusts, or the ones that lead to the PEM file
/// `os_cacert`. `swift_insecure` = `true` has all accepted, which logs a warning.
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
