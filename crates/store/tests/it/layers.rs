//! The layers, each alone and all together.

#[cfg(feature = "conformance")]
mod conformance;
#[cfg(feature = "mock")]
mod forwarding;
mod prefix;
mod retry;
mod retry_property;
mod timeout;
mod traced;

use std::sync::Arc;

use store::{
    ErrorKind, FaultScript, IStore, MemoryStore, Operation, RetryOptions, StoreBuilder, StoreExt,
    TimeoutOptions,
};

use crate::samples::{bytes_of, name, options};

/// A store that fails as the script says, and what lies below.
fn faulty(script: &FaultScript) -> Arc<dyn IStore> {
    Arc::new(MemoryStore::new().with_faults(script))
}

/// Delays as long as they can be, so that a paused clock tells them.
fn exact() -> RetryOptions {
    RetryOptions::default().with_jitter(|most| most)
}

#[tokio::test(start_paused = true)]
async fn the_builder_nests_in_one_order_whatever_the_order_of_its_calls() {
    type Step = fn(StoreBuilder) -> StoreBuilder;
    let steps: [Step; 4] = [
        |builder| builder.with_prefix(name("folder")),
        |builder| builder.with_timeout(TimeoutOptions::default()),
        |builder| builder.with_retry(exact()),
        StoreBuilder::with_traced,
    ];
    for turn in 0..4 {
        let whole = MemoryStore::new();
        let script = FaultScript::new();
        let mut builder = StoreBuilder::new(Arc::new(whole.with_faults(&script)));
        for step in steps.iter().cycle().skip(turn).take(4) {
            builder = step(builder);
        }
        let store = builder.build();
        let text = format!("{store:?}");
        let places = ["Traced", "Retry", "Timeout", "Prefix", "FaultStore"]
            .map(|layer| text.find(layer).unwrap());
        assert!(places.is_sorted(), "{text}");

        // A try that hangs is ended by the time-out and repeated below the folder.
        script.on(Operation::SaveFile).hang();
        store.save_bytes(&name("a"), "x", &options()).await.unwrap();
        let saves: Vec<_> = script.calls().into_iter().map(|call| call.name).collect();
        assert_eq!(saves, [Some(name("folder/a")), Some(name("folder/a"))]);
        assert_eq!(bytes_of(&*store, "a").await, "x");
    }
}

#[tokio::test]
async fn a_builder_without_layers_gives_the_store_itself() {
    let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let built = StoreBuilder::new(Arc::clone(&store)).build();
    assert!(Arc::ptr_eq(&store, &built));
}

#[tokio::test(start_paused = true)]
async fn errors_of_all_layers_together_tell_the_callers_name() {
    let script = FaultScript::new();
    script.on(Operation::GetFileInfo).always().hang();
    script
        .on(Operation::DeleteFile)
        .fail(ErrorKind::PermissionDenied);
    let store = StoreBuilder::new(faulty(&script))
        .with_prefix(name("folder"))
        .with_timeout(TimeoutOptions::default())
        .with_retry(exact().with_max_tries(2))
        .with_traced()
        .build();
    let error = store.get_file_info(&name("a")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.name()),
        (ErrorKind::Timeout, Some("a"))
    );
    let error = store.delete_file(&name("a")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.name()),
        (ErrorKind::PermissionDenied, Some("a"))
    );
}
