//! Each layer keeps the whole contract, and so do all together.

use std::sync::Arc;

use store::{
    FaultScript, IStore, MemoryStore, Prefix, Retry, RetryOptions, Timeout, TimeoutOptions, Traced,
};

use crate::samples::{name, save};

/// A store whose contents are streams, as those of a durable store are: without a fault the script's
/// store changes nothing else.
fn streaming() -> Arc<dyn IStore> {
    Arc::new(MemoryStore::new().with_faults(&FaultScript::new()))
}

mod retried {
    use super::*;

    async fn make() -> Retry {
        Retry::new(streaming(), RetryOptions::default())
    }

    store::store_conformance!(make);
}

mod timed {
    use super::*;

    async fn make() -> Timeout {
        Timeout::new(streaming(), TimeoutOptions::default())
    }

    store::store_conformance!(make);
}

mod traced {
    use super::*;

    async fn make() -> Traced {
        Traced::new(streaming())
    }

    store::store_conformance!(make);
}

mod prefixed {
    use super::*;

    async fn make() -> Prefix {
        let whole = streaming();
        // What lies beside the folder is nobody's business inside.
        for text in [
            "folder.txt",
            "folder/w",
            "folder/x-/a",
            "folder/x0",
            "a",
            "z",
        ] {
            save(&*whole, text, "outside").await;
        }
        Prefix::new(whole, &name("folder/x"))
    }

    store::store_conformance!(make);
}

/// All together over a directory, so that others open it with their own layers, and are killed.
#[cfg(all(feature = "fs", unix))]
mod all {
    use store::{FsOptions, FsStore, StoreBuilder};
    use tempfile::TempDir;

    use super::*;

    async fn make() -> (TempDir, String) {
        let directory = tempfile::tempdir().unwrap();
        let address = directory.path().to_str().unwrap().to_owned();
        (directory, address)
    }

    async fn open(address: String) -> Arc<dyn IStore> {
        let files = FsStore::open(address, FsOptions::default()).await.unwrap();
        StoreBuilder::new(Arc::new(files))
            .with_prefix(name("folder/x"))
            .with_timeout(TimeoutOptions::default())
            .with_retry(RetryOptions::default())
            .with_traced()
            .build()
    }

    store::store_conformance!(make, open);
}
