//! Each layer keeps the whole contract, and so do all together.

use std::sync::Arc;

use store::{
    IStore, ListOptions, MemoryStore, Prefix, Retry, RetryOptions, StoreBuilder, Timeout,
    TimeoutOptions, Traced,
};

use crate::samples::{bytes_of, name, names_of, save};

fn memory() -> Arc<dyn IStore> {
    Arc::new(MemoryStore::new())
}

#[cfg(feature = "conformance")]
mod retried {
    use super::*;

    async fn make() -> Retry {
        Retry::new(memory(), RetryOptions::default())
    }

    store::store_conformance!(make);
}

#[cfg(feature = "conformance")]
mod timed {
    use super::*;

    async fn make() -> Timeout {
        Timeout::new(memory(), TimeoutOptions::default())
    }

    store::store_conformance!(make);
}

#[cfg(feature = "conformance")]
mod traced {
    use super::*;

    async fn make() -> Traced {
        Traced::new(memory())
    }

    store::store_conformance!(make);
}

#[cfg(feature = "conformance")]
mod prefixed {
    use super::*;

    async fn make() -> Prefix {
        let whole = memory();
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

#[cfg(feature = "conformance")]
mod all {
    use super::*;

    async fn make() -> Arc<dyn IStore> {
        StoreBuilder::new(memory())
            .with_prefix(name("folder/x"))
            .with_timeout(TimeoutOptions::default())
            .with_retry(RetryOptions::default())
            .with_traced()
            .build()
    }

    store::store_conformance!(make);
}

#[tokio::test]
async fn awkward_names_of_all_lengths_that_fit_are_kept_below_a_folder() {
    let store = Prefix::new(memory(), &name("folder/x"));
    let most = store.capabilities().max_name_len;
    assert_eq!(most, 1024 - "folder/x/".len());
    let longest = format!("{}/{}", ["d"; 380].join("/"), "e".repeat(most - 380 * 2));
    assert_eq!(longest.len(), most);
    let mut names = vec![
        " ",
        "%2F",
        "...",
        ".hidden",
        "e\u{301}",
        "\u{e9}",
        "\u{1F980}",
        &longest,
    ];
    for text in &names {
        save(&store, text, text).await;
    }
    for text in &names {
        assert_eq!(bytes_of(&store, text).await, text.as_bytes());
    }
    names.sort_unstable();
    assert_eq!(names_of(&store, &ListOptions::default()).await, names);
}
