//! What a check runs against.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::IStore;

/// Where the stores of a check come from, and which test runs it.
///
/// [`store_conformance!`](crate::store_conformance) makes it; a test that calls
/// [`run`](super::run) makes it itself.
///
/// # Examples
///
/// ```
/// # #[tokio::main]
/// # async fn main() {
/// # #[cfg(feature = "memory")] {
/// use store::MemoryStore;
/// use store::conformance::{Subject, run};
///
/// let test = concat!(module_path!(), "::name_of_this_test");
/// let subject = Subject::of_stores(test, || async { MemoryStore::new() });
/// run("a_missing_file_is_not_found", &subject).await.unwrap();
/// # }
/// # }
/// ```
pub struct Subject {
    test: &'static str,
    source: Source,
}

enum Source {
    Stores(Box<dyn Fn() -> BoxFuture<'static, Fresh> + Send + Sync>),
    Places(
        Box<dyn Fn() -> BoxFuture<'static, (Guard, String)> + Send + Sync>,
        Opener,
    ),
}

type Opener = Arc<dyn Fn(String) -> BoxFuture<'static, Fresh> + Send + Sync>;

type Guard = Box<dyn Any + Send + Sync>;

impl Subject {
    /// Stores that can only be reached through the value that `make` gives, fresh and empty each.
    ///
    /// `test` is the path of the test that runs the check: some checks run it again in a process of
    /// its own.
    #[must_use]
    pub fn of_stores<M, F, S>(test: &'static str, make: M) -> Self
    where
        M: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = S> + Send + 'static,
        S: Into<Fresh> + 'static,
    {
        let make = Box::new(move || make().map(Into::into).boxed());
        Self {
            test,
            source: Source::Stores(make),
        }
    }

    /// Stores at places that several openers can share: `make` gives a fresh one, as a guard that
    /// keeps it and the address that `open` takes, here or in another process.
    ///
    /// # Examples
    ///
    /// Of a store in a directory, whose place is the directory's path:
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(all(feature = "fs", unix))] {
    /// use store::conformance::{Subject, run};
    /// use store::{FsOptions, FsStore};
    ///
    /// let make_place = || async {
    ///     let directory = tempfile::tempdir().expect("a directory");
    ///     let address = directory.path().to_str().expect("a path in UTF-8").to_owned();
    ///     (directory, address)
    /// };
    /// let open = |address: String| async move {
    ///     FsStore::open(address, FsOptions::default()).await.expect("a store")
    /// };
    /// let test = concat!(module_path!(), "::name_of_this_test");
    /// let subject = Subject::of_places(test, make_place, open);
    /// run("files_survive_a_reopening", &subject).await?;
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn of_places<M, F, G, O, P, S>(test: &'static str, make: M, open: O) -> Self
    where
        M: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = (G, String)> + Send + 'static,
        G: Any + Send + Sync,
        O: Fn(String) -> P + Send + Sync + 'static,
        P: Future<Output = S> + Send + 'static,
        S: Into<Fresh> + 'static,
    {
        let boxed = |(guard, address)| (Box::new(guard) as Guard, address);
        let make = Box::new(move || make().map(boxed).boxed());
        let open = Arc::new(move |address| open(address).map(Into::into).boxed());
        Self {
            test,
            source: Source::Places(make, open),
        }
    }

    /// The test's name as the test runner knows it: without the crate's.
    pub(super) fn test(&self) -> &'static str {
        self.test
            .split_once("::")
            .map_or(self.test, |(_, test)| test)
    }

    /// A store that holds nothing yet.
    pub(super) async fn fresh(&self) -> Fresh {
        match &self.source {
            Source::Stores(make) => make().await,
            Source::Places(make, open) => {
                let (guard, address) = make().await;
                let Fresh {
                    store,
                    guard: inner,
                } = open(address).await;
                Fresh {
                    store,
                    guard: Box::new((inner, guard)),
                }
            }
        }
    }

    /// A place that holds nothing yet, where stores have one.
    pub(super) async fn place(&self) -> Option<Place> {
        let Source::Places(make, open) = &self.source else {
            return None;
        };
        let (guard, address) = make().await;
        Some(Place {
            test: self.test(),
            open: Arc::clone(open),
            address,
            _guard: guard,
        })
    }

    /// Opens the store at an address that another process was given.
    pub(super) async fn open(&self, address: String) -> Option<Fresh> {
        match &self.source {
            Source::Stores(_) => None,
            Source::Places(_, open) => Some(open(address).await),
        }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("test", &self.test)
            .finish_non_exhaustive()
    }
}

/// A store, and what must live as long as it, such as its temporary directory.
///
/// Made from a store, or from a pair of a guard and a store.
///
/// # Examples
///
/// A store with the directory that is removed after it:
///
/// ```
/// # #[cfg(all(feature = "fs", unix))]
/// mod tests {
///     use store::conformance::Fresh;
///     use store::{FsOptions, FsStore};
///
///     async fn make_store() -> Fresh {
///         let directory = tempfile::tempdir().unwrap();
///         let store = FsStore::open(directory.path(), FsOptions::default()).await.unwrap();
///         (directory, store).into()
///     }
///
///     store::store_conformance!(make_store);
/// }
/// ```
pub struct Fresh {
    store: Arc<dyn IStore>,
    guard: Guard,
}

impl Fresh {
    pub(super) fn shared(&self) -> Arc<dyn IStore> {
        Arc::clone(&self.store)
    }
}

impl Deref for Fresh {
    type Target = dyn IStore;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fresh").field(&self.store).finish()
    }
}

impl<S: IStore> From<S> for Fresh {
    fn from(store: S) -> Self {
        Self::from(Arc::new(store) as Arc<dyn IStore>)
    }
}

impl From<Arc<dyn IStore>> for Fresh {
    fn from(store: Arc<dyn IStore>) -> Self {
        Self::from(((), store))
    }
}

impl<G: Any + Send + Sync, S: IStore> From<(G, S)> for Fresh {
    fn from((guard, store): (G, S)) -> Self {
        Self::from((guard, Arc::new(store) as Arc<dyn IStore>))
    }
}

impl<G: Any + Send + Sync> From<(G, Arc<dyn IStore>)> for Fresh {
    fn from((guard, store): (G, Arc<dyn IStore>)) -> Self {
        Self {
            store,
            guard: Box::new(guard),
        }
    }
}

/// Where several openers find the same files.
pub(super) struct Place {
    test: &'static str,
    open: Opener,
    address: String,
    _guard: Guard,
}

impl Place {
    pub(super) async fn open(&self) -> Fresh {
        (self.open)(self.address.clone()).await
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn test(&self) -> &'static str {
        self.test
    }
}
