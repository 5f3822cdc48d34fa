//! The schemes of this crate.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Durability, ISettings, IStore, IStoreOpener, Result, StoreUrl};

use super::hint::hint;
use super::refused;

/// The key that says what a finished save survives.
const DURABILITY: &str = "store_durability";

/// The keys of Swift: this crate's own, and those of the environment that OpenStack's users have.
pub(crate) const SWIFT: &[&str] = &[
    "cloud_auth_url",
    "cloud_password",
    "cloud_project_name",
    "cloud_username",
    "os_application_credential_id",
    "os_application_credential_name",
    "os_application_credential_secret",
    "os_auth_token",
    "os_auth_type",
    "os_auth_url",
    "os_auth_version",
    "os_cacert",
    "os_endpoint_type",
    "os_identity_api_version",
    "os_interface",
    "os_password",
    "os_project_domain_id",
    "os_project_domain_name",
    "os_project_id",
    "os_project_name",
    "os_region_name",
    "os_storage_url",
    "os_tenant_id",
    "os_tenant_name",
    "os_user_domain_id",
    "os_user_domain_name",
    "os_user_id",
    "os_username",
    "st_auth",
    "st_auth_version",
    "st_key",
    "st_user",
    "swift_container",
    "swift_insecure",
    "swift_token",
    "swift_url",
];

/// A scheme of this crate, whether its feature is on or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BuiltIn {
    Fs,
    Memory,
    Sqlite,
    Swift,
}

impl BuiltIn {
    pub(super) const ALL: [Self; 4] = [Self::Fs, Self::Memory, Self::Sqlite, Self::Swift];

    pub(super) fn scheme(self) -> &'static str {
        match self {
            Self::Fs => "fs",
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Swift => "swift",
        }
    }

    /// Whether this program can open it.
    pub(super) fn is_on(self) -> bool {
        match self {
            Self::Fs => cfg!(all(feature = "fs", unix)),
            Self::Memory => cfg!(feature = "memory"),
            Self::Sqlite => cfg!(feature = "sqlite"),
            Self::Swift => cfg!(feature = "swift"),
        }
    }
}

#[async_trait]
impl IStoreOpener for BuiltIn {
    fn keys(&self) -> &'static [&'static str] {
        match self {
            // Memory keeps nothing, but a trial runs with the settings of the real store.
            Self::Fs | Self::Sqlite | Self::Memory => &[DURABILITY],
            Self::Swift => SWIFT,
        }
    }

    async fn open(&self, url: &StoreUrl, settings: &dyn ISettings) -> Result<Arc<dyn IStore>> {
        #[cfg_attr(
            not(any(all(feature = "fs", unix), feature = "sqlite")),
            expect(
                unused_variables,
                reason = "it is checked for stores without use for it, too"
            )
        )]
        let durability = durability(settings)?;
        match self {
            #[cfg(all(feature = "fs", unix))]
            Self::Fs => {
                let options = crate::FsOptions::default().with_durability(durability);
                Ok(Arc::new(crate::FsStore::open(url.path()?, options).await?))
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite => {
                let options = crate::SqliteOptions::default().with_durability(durability);
                let store = crate::SqliteStore::open(url.path()?, options).await?;
                Ok(Arc::new(store))
            }
            #[cfg(feature = "memory")]
            Self::Memory if url.rest().is_empty() => Ok(Arc::new(crate::MemoryStore::new())),
            #[cfg(feature = "memory")]
            Self::Memory => Err(refused("store_url", "nothing may follow `memory:`")),
            #[cfg(feature = "swift")]
            Self::Swift => open_swift(url, settings).await,
            // Whatever is left, which depends on the features.
            #[cfg(not(all(
                feature = "fs",
                unix,
                feature = "memory",
                feature = "sqlite",
                feature = "swift"
            )))]
            _ => Err(refused(
                "store_url",
                format!(
                    "the store `{}` is not built into this program",
                    url.scheme()
                ),
            )),
        }
    }
}

/// Opens the container in the layers that a store over a network needs; the opening, which asks the
/// servers, is repeated as the calls are.
#[cfg(feature = "swift")]
async fn open_swift(url: &StoreUrl, settings: &dyn ISettings) -> Result<Arc<dyn IStore>> {
    use crate::layers::Attempts;
    use crate::swift::SwiftPlace;
    use crate::{RetryOptions, SwiftStore};

    let SwiftPlace { options, folder } = SwiftPlace::from_settings(url, settings)?;
    let mut attempts = Attempts::new(RetryOptions::default());
    let store = attempts.run(|| SwiftStore::open(options.clone())).await?;
    let mut store = in_swift_layers(Arc::new(store));
    if let Some(folder) = folder {
        store = store.with_prefix(folder);
    }
    Ok(store.build())
}

/// How long a save on Swift may take no piece: the first three segments are in memory, 24 MiB by
/// default, and all on their way before any more is taken, which on a slow link takes its time. Of a
/// long segment up to 8 MiB are sent again before the next piece. That the server stands still, its
/// client sees itself.
#[cfg(feature = "swift")]
const SWIFT_STALL: std::time::Duration = std::time::Duration::from_hours(1);

#[cfg(feature = "swift")]
fn in_swift_layers(store: Arc<dyn IStore>) -> crate::StoreBuilder {
    crate::StoreBuilder::new(store)
        .with_timeout(crate::TimeoutOptions::default().with_stall(SWIFT_STALL))
        .with_retry(crate::RetryOptions::default())
}

/// What a finished save survives, by the settings.
fn durability(settings: &dyn ISettings) -> Result<Durability> {
    match settings.get(DURABILITY).as_deref() {
        None | Some("full") => Ok(Durability::Full),
        Some("process") => Ok(Durability::Process),
        Some(other) => {
            let hint = hint(other, ["full", "process"].into_iter());
            let message = format!("unknown value `{}`{hint}", other.escape_debug());
            Err(refused(DURABILITY, message))
        }
    }
}

#[cfg(all(test, feature = "swift", feature = "memory"))]
mod tests {
    use std::time::Duration;

    use crate::{FaultScript, FileName, MemoryStore, Operation, SaveOptions, StoreExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_takes_its_time_with_what_it_holds_is_waited_for() {
        let script = FaultScript::new();
        let memory = Arc::new(MemoryStore::new().with_faults(&script));
        let store = in_swift_layers(memory).build();
        script
            .on(Operation::SaveFile)
            .delay(Duration::from_mins(50));
        let (name, options) = (FileName::new("a").unwrap(), SaveOptions::default());
        store.save_bytes(&name, "x", &options).await.unwrap();
        // At the first try.
        assert_eq!(script.calls().len(), 1);
    }
}
