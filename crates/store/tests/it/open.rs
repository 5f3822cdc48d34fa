//! `open_store`.

#[cfg(all(feature = "fs", feature = "sqlite", feature = "memory"))]
#[tokio::test]
async fn each_url_opens_its_store() {
    use store::{FileName, MapSettings, SaveOptions, StoreExt, open_store};

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().display();
    for url in [
        format!("fs:{path}/files"),
        format!("sqlite://{path}/x.db"),
        "memory:".to_owned(),
    ] {
        let settings = [("store_url", url.as_str()), ("store_durability", "process")];
        let store = open_store(&MapSettings::from(settings)).await.unwrap();
        let name = FileName::new("a/b").unwrap();
        store
            .save_bytes(&name, "x", &SaveOptions::default())
            .await
            .unwrap();
        assert_eq!(
            store.get_file_bytes(&name, 1).await.unwrap().1,
            "x",
            "{url}"
        );
    }
    assert!(directory.path().join("files/a/b").is_file());
    assert!(directory.path().join("x.db").is_file());
}
