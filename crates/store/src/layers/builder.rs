//! Layers in the one order that is right.

use std::sync::Arc;

use crate::{FileName, IStore, Prefix, Retry, RetryOptions, Timeout, TimeoutOptions, Traced};

/// Puts layers around a store, always in the same order, whatever the order of the calls.
///
/// From the store outwards:
///
/// 1. [`Prefix`]: the folder and the store below it are together what is called; the layers above
///    it, their errors and traces, speak of the caller's names.
/// 2. [`Timeout`]: it ends one try. Outside of the retries it would end them all for the sake of
///    one try that hangs.
/// 3. [`Retry`]: it repeats what failed, also what timed out.
/// 4. [`Traced`]: one span for one call of the application, which tells the outcome that the
///    application sees and how long all tries took; what [`Retry`] tells of each try lies inside.
///
/// A layer that is set twice is there once, as it was set last.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// use std::sync::Arc;
/// use store::{FileName, MemoryStore, RetryOptions, SaveOptions, StoreBuilder, StoreExt};
///
/// let whole = Arc::new(MemoryStore::new());
/// let store = StoreBuilder::new(whole.clone())
///     .with_traced()
///     .with_retry(RetryOptions::default().with_max_tries(3))
///     .with_prefix(FileName::new("tenants/1")?)
///     .build();
/// store.save_bytes(&FileName::new("a")?, "hello", &SaveOptions::default()).await?;
/// assert!(whole.check_file_exists(&FileName::new("tenants/1/a")?).await?);
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct StoreBuilder {
    store: Arc<dyn IStore>,
    prefix: Option<FileName>,
    timeout: Option<TimeoutOptions>,
    retry: Option<RetryOptions>,
    traced: bool,
}

impl StoreBuilder {
    /// Starts with the store and no layer.
    pub fn new(store: Arc<dyn IStore>) -> Self {
        Self {
            store,
            prefix: None,
            timeout: None,
            retry: None,
            traced: false,
        }
    }

    /// Keeps everything below `folder`; see [`Prefix`].
    pub fn with_prefix(mut self, folder: FileName) -> Self {
        self.prefix = Some(folder);
        self
    }

    /// Ends calls that get no answer; see [`Timeout`].
    pub fn with_timeout(mut self, options: TimeoutOptions) -> Self {
        self.timeout = Some(options);
        self
    }

    /// Repeats calls that failed for now; see [`Retry`].
    pub fn with_retry(mut self, options: RetryOptions) -> Self {
        self.retry = Some(options);
        self
    }

    /// Opens a tracing span for each call; see [`Traced`].
    pub fn with_traced(mut self) -> Self {
        self.traced = true;
        self
    }

    /// The store with its layers; without any, the store itself.
    #[must_use]
    pub fn build(self) -> Arc<dyn IStore> {
        let mut store = self.store;
        if let Some(folder) = self.prefix {
            store = Arc::new(Prefix::new(store, &folder));
        }
        if let Some(options) = self.timeout {
            store = Arc::new(Timeout::new(store, options));
        }
        if let Some(options) = self.retry {
            store = Arc::new(Retry::new(store, options));
        }
        if self.traced {
            store = Arc::new(Traced::new(store));
        }
        store
    }
}
