//! What opens the stores of one scheme.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{ISettings, IStore, Result, StoreUrl};

/// Opens the stores of one scheme.
///
/// A crate with a store of its own implements it, and an application hands it to
/// [`StoreRegistry::register`](crate::StoreRegistry::register).
///
/// # Contract
///
/// - Every setting that `open` reads is one of [`keys`](Self::keys), or `store_url`, which it gets as
///   a [`StoreUrl`].
/// - A value that makes no sense is a [`Configuration`](crate::ErrorKind::Configuration) error with
///   the key as its name. No error tells the value of a setting that may be secret, or more of the
///   URL than its scheme.
/// - Defaults that a store over a network needs, such as [`Timeout`](crate::Timeout) and
///   [`Retry`](crate::Retry), are put around it here.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// use std::sync::Arc;
/// use async_trait::async_trait;
/// use store::{FileName, ISettings, IStore, IStoreOpener, MapSettings, MemoryStore, Result};
/// use store::{StoreBuilder, StoreRegistry, StoreUrl};
///
/// #[derive(Debug)]
/// struct Tenants(Arc<dyn IStore>);
///
/// #[async_trait]
/// impl IStoreOpener for Tenants {
///     fn keys(&self) -> &'static [&'static str] {
///         &["tenant_region"]
///     }
///     async fn open(&self, url: &StoreUrl, _: &dyn ISettings) -> Result<Arc<dyn IStore>> {
///         let folder = FileName::new(url.path()?)?;
///         Ok(StoreBuilder::new(Arc::clone(&self.0)).with_prefix(folder).build())
///     }
/// }
///
/// let mut registry = StoreRegistry::built_in();
/// registry.register("tenant", Arc::new(Tenants(Arc::new(MemoryStore::new()))))?;
/// let settings = MapSettings::from([("store_url", "tenant:acme"), ("tenant_region", "eu")]);
/// let store = registry.open(&settings).await?;
/// # }
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait IStoreOpener: fmt::Debug + Send + Sync + 'static {
    /// The keys of the settings that this scheme knows, in lower case, `store_url` not among them.
    fn keys(&self) -> &'static [&'static str];

    /// Opens the store that the URL and the settings name.
    ///
    /// # Errors
    ///
    /// - [`Configuration`](crate::ErrorKind::Configuration): the URL or a setting cannot be right.
    /// - Whatever keeps the store from being opened.
    async fn open(&self, url: &StoreUrl, settings: &dyn ISettings) -> Result<Arc<dyn IStore>>;
}

const _: fn(&dyn IStoreOpener) = |_| (); // stays dyn-compatible

#[cfg(any(test, feature = "mock"))]
mod mock {
    use super::{Arc, ISettings, IStore, IStoreOpener, Result, StoreUrl, async_trait};

    // Written out, since `automock` does not get the lifetimes of `&dyn ISettings` right.
    mockall::mock! {
        /// An opener whose behaviour a test sets.
        ///
        /// # Examples
        ///
        /// ```
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> store::Result<()> {
        /// # #[cfg(feature = "memory")] {
        /// use std::sync::Arc;
        /// use store::{IStore, MemoryStore, MockIStoreOpener, StoreRegistry};
        ///
        /// let mut opener = MockIStoreOpener::new();
        /// opener.expect_open().times(1).returning(|url, _| {
        ///     assert_eq!(url.rest(), "acme");
        ///     Ok(Arc::new(MemoryStore::new()) as Arc<dyn IStore>)
        /// });
        /// let mut registry = StoreRegistry::empty();
        /// registry.register("tenant", Arc::new(opener))?;
        /// registry.open_url("tenant:acme").await?;
        /// # }
        /// # Ok(())
        /// # }
        /// ```
        #[derive(Debug)]
        pub IStoreOpener {
            /// What the trait's method of this name answers.
            pub fn keys(&self) -> &'static [&'static str];

            /// What the trait's method of this name does, without waiting.
            #[expect(clippy::missing_errors_doc, reason = "a test sets it")]
            pub fn open(&self, url: &StoreUrl, settings: &dyn ISettings) -> Result<Arc<dyn IStore>>;
        }
    }

    #[async_trait]
    impl IStoreOpener for MockIStoreOpener {
        fn keys(&self) -> &'static [&'static str] {
            Self::keys(self)
        }

        async fn open(&self, url: &StoreUrl, settings: &dyn ISettings) -> Result<Arc<dyn IStore>> {
            Self::open(self, url, settings)
        }
    }
}

#[cfg(any(test, feature = "mock"))]
pub use mock::MockIStoreOpener;
