//! The fakes that callers test with.

#[cfg(feature = "mock")]
#[tokio::test]
async fn a_mock_store_answers_as_told() {
    use std::sync::Arc;
    use store::{Error, ErrorKind, FileName, IStore, MockIStore, StoreExt};

    let mut mock = MockIStore::new();
    mock.expect_get_file_info()
        .once()
        .withf(|name| name.as_str() == "a")
        .returning(|name| {
            Err(Error::new(ErrorKind::NotFound, "get file info").with_name(name.as_str()))
        });
    let store: Arc<dyn IStore> = Arc::new(mock);
    assert!(
        !store
            .check_file_exists(&FileName::new("a").unwrap())
            .await
            .unwrap()
    );
}
