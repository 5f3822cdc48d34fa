//! Each layer forwards every method, with what it was given.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use store::{
    Capabilities, Etag, FileContents, FileInfo, Freshness, Guarantee, IStore, ListOptions,
    MockIStore, Order, Prefix, ReadOptions, ReadRange, Retry, RetryOptions, SaveOptions,
    StoredFile, Support, Timeout, TimeoutOptions, Traced,
};

use crate::samples::name;

/// A store that expects one call of each method, about the file `a` as it is called there.
fn told(folder: &'static str, capabilities: &Capabilities) -> MockIStore {
    let there = move |text: &str| name(&format!("{folder}{text}"));
    let info = move || {
        let metadata = [("made-by".to_owned(), "Zoë".to_owned())].into();
        FileInfo::new(there("a"), 3, Etag::new("7"), UNIX_EPOCH)
            .with_content_type("x/y")
            .with_metadata(metadata)
    };
    let mut mock = MockIStore::new();
    mock.expect_capabilities()
        .return_const(capabilities.clone());
    mock.expect_get_files_list()
        .once()
        .withf(move |options| {
            options.limit == 7
                && options.order == Order::Descending
                && options.prefix == Some(format!("{folder}p"))
                && options.after == Some(format!("{folder}x"))
        })
        .returning(move |_| Ok(vec![info()]));
    // A delete may ask for the version first.
    mock.expect_get_file_info()
        .times(1..=2)
        .withf(move |name| *name == there("a"))
        .returning(move |_| Ok(info()));
    mock.expect_get_file_contents()
        .once()
        .withf(move |name, options| {
            *name == there("a") && options.range == Some(ReadRange::Bounded(1..3))
        })
        .returning(move |_, _| {
            Ok(StoredFile::new(
                info(),
                1..3,
                FileContents::from_bytes("yz"),
            ))
        });
    mock.expect_save_file()
        .once()
        .withf(move |name, contents, options| {
            *name == there("a") && contents.size() == Some(3) && *options == save_options()
        })
        .returning(move |_, _, _| Ok(info()));
    mock.expect_delete_file()
        .once()
        .withf(move |name| *name == there("a"))
        .returning(|_| Ok(()));
    mock
}

fn save_options() -> SaveOptions {
    SaveOptions::default()
        .with_content_type("x/y")
        .with_metadata("made-by", "Zoë")
        .with_expected_sha256([3; 32])
}

async fn check(folder: &'static str, layer: impl FnOnce(Arc<dyn IStore>) -> Arc<dyn IStore>) {
    let capabilities = Capabilities::default()
        .with_exclusive_create(Guarantee::BestEffort)
        .with_exclusive_update(Guarantee::Unsupported)
        .with_range_reads(Support::Unsupported)
        .with_metadata(Support::Unsupported)
        .with_max_file_size(Some(5))
        .with_max_name_len(100)
        .with_listing(Freshness::Eventual);
    let store = layer(Arc::new(told(folder, &capabilities)));
    let name = name("a");
    let expected = capabilities.with_max_name_len(100 - folder.len());
    assert_eq!(store.capabilities(), expected);
    let page = ListOptions::default()
        .with_prefix("p")
        .with_after("x")
        .with_limit(7)
        .with_order(Order::Descending);
    let listed = store.get_files_list(&page).await.unwrap();
    let info = store.get_file_info(&name).await.unwrap();
    let part = ReadOptions::default().with_range(ReadRange::Bounded(1..3));
    let read = store.get_file_contents(&name, &part).await.unwrap();
    let contents = FileContents::from_bytes("xyz");
    let saved = store
        .save_file(&name, contents, &save_options())
        .await
        .unwrap();
    store.delete_file(&name).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&info));
    assert_eq!((&read.info, &saved), (&info, &info));
    assert_eq!((&info.name, info.content_type.as_str()), (&name, "x/y"));
    assert_eq!(info.metadata["made-by"], "Zoë");
    assert_eq!(read.range, 1..3);
    assert_eq!(read.contents.collect(9).await.unwrap(), "yz");
}

#[tokio::test]
async fn retry_forwards_every_method() {
    check("", |store| {
        Arc::new(Retry::new(store, RetryOptions::default()))
    })
    .await;
}

#[tokio::test]
async fn timeout_forwards_every_method() {
    check("", |store| {
        Arc::new(Timeout::new(store, TimeoutOptions::default()))
    })
    .await;
}

#[tokio::test]
async fn traced_forwards_every_method() {
    check("", |store| Arc::new(Traced::new(store))).await;
}

#[tokio::test]
async fn prefix_forwards_every_method_with_the_folder_put_before_names() {
    check("f/g/", |store| Arc::new(Prefix::new(store, &name("f/g")))).await;
}

#[cfg(feature = "memory")]
#[tokio::test]
async fn a_script_without_faults_forwards_every_method() {
    let script = store::FaultScript::new();
    check("", |store| Arc::new(store::FaultStore::new(store, &script))).await;
}
