//! Hostile packages, requests and records, the whole way.

use std::sync::Arc;

use deployment::{
    DeploymentId, DeploymentRecord, DeploymentStatus, ErrorKind, IStatus as _, ListQuery,
    PackageCatalog, Phase, StatusChange,
};
use package::UnpackLimits;
use store::{FileContents, FileName, IStore, MemoryStore, StoreExt as _};
use testkit::{HostileLimits, hostile_packages};

use crate::fixture::{Fixture, request, save};

fn limits() -> UnpackLimits {
    UnpackLimits::default()
        .with_total_bytes(HostileLimits::TOTAL_BYTES)
        .with_entries(HostileLimits::ENTRIES)
        .with_ratio(HostileLimits::RATIO)
        .with_ratio_floor(HostileLimits::RATIO_FLOOR)
}

#[tokio::test]
async fn a_hostile_package_fails_with_its_error_in_the_record_and_leaves_nothing() {
    let outside = tempfile::tempdir().unwrap();
    let inside = outside.path().join("temp");
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(outside.path().join("secret"), "untouched").unwrap();
    let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let fixture = Fixture::with_options(Arc::clone(&store), |options| {
        options.with_limits(limits()).with_temp_root(&inside)
    })
    .await;
    let file = FileName::new("foo.tar.gz").unwrap();
    let mut wrong = Vec::new();
    for hostile in hostile_packages() {
        save(store.as_ref(), &file, hostile.archive.clone()).await;
        let record = fixture.deploy(request("foo")).await;
        assert_eq!(record.phase(), Some(Phase::Failed), "{}", hostile.what);
        let error = record.engine.unwrap().error.unwrap();
        // What a decoder says of damage comes behind.
        let message = error.message.split(": corrupt ").next().unwrap();
        let says = ["open the package", "unpack the package"]
            .iter()
            .any(|doing| hostile.says(&format!("failed to {doing}: "), message));
        if !says || !["PREVIEW", "UNPACK"].contains(&error.step.as_deref().unwrap_or_default()) {
            wrong.push(format!("{}: {error:?}", hostile.what));
        }
        let left: Vec<_> = std::fs::read_dir(&inside).unwrap().collect();
        assert!(left.is_empty(), "{}: {left:?}", hostile.what);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(fixture.client.seen().is_empty(), "a command ran");
    let names: Vec<_> = std::fs::read_dir(outside.path()).unwrap().collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let secret = std::fs::read_to_string(outside.path().join("secret")).unwrap();
    assert_eq!(secret, "untouched");
}

#[tokio::test]
async fn the_catalog_refuses_them_all_and_keeps_the_package_that_is_there() {
    let fixture = Fixture::new().await;
    let catalog = PackageCatalog::new(Arc::clone(&fixture.store)).with_limits(limits());
    let before = catalog.get_package("foo").await.unwrap();
    for hostile in hostile_packages() {
        let contents = FileContents::from_bytes(hostile.archive.clone());
        let error = catalog.save_package("foo", contents).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Package, "{}", hostile.what);
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(hostile.says("", &source), "{}: {source}", hostile.what);
    }
    assert_eq!(catalog.get_package("foo").await.unwrap(), before);
}

/// A stored record, how reading it ends, and what the error says.
const RECORDS: [(&str, &str, Option<&str>); 12] = [
    ("empty", "", Some("EOF while parsing")),
    (
        "truncated",
        r#"{"deploy_id": "x", "deploy_st"#,
        Some("EOF while parsing"),
    ),
    ("text", "SUCCESS", Some("expected value")),
    ("byte order mark", "\u{feff}{}", Some("expected value")),
    ("array", "[]", Some("invalid type")),
    (
        "foreign object",
        r#"{"kind": "Deployment"}"#,
        Some("missing field `deploy_id`"),
    ),
    (
        "status of a number",
        r#"{"deploy_id": "x", "deploy_status": 1}"#,
        Some("invalid type"),
    ),
    (
        "history of an object",
        r#"{"deploy_id": "x", "deploy_status": "INIT", "history": {}}"#,
        Some("invalid type"),
    ),
    (
        "engine of text",
        r#"{"deploy_id": "x", "deploy_status": "INIT", "engine": "x"}"#,
        Some("invalid type"),
    ),
    (
        "schema that is missing",
        r#"{"deploy_id": "x", "deploy_status": "INIT", "engine": {}}"#,
        Some("missing field `schema`"),
    ),
    (
        "unknown status",
        r#"{"deploy_id": "ID", "deploy_status": "D\u0000NE"}"#,
        None,
    ),
    (
        "newer schema",
        r#"{"deploy_id": "ID", "deploy_status": "INIT", "engine": {"schema": 99, "owner": 7}}"#,
        None,
    ),
];

#[tokio::test]
async fn a_foreign_record_is_an_error_that_names_it_and_is_never_written() {
    let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let deep = format!("{{\"a\": {}", "[".repeat(200_000));
    let deep = ("deep", deep.as_str(), Some("recursion limit"));
    let huge = " ".repeat(usize::try_from(DeploymentRecord::MAX_BYTES).unwrap() + 1);
    for (what, text, expected) in RECORDS.into_iter().chain([deep]) {
        let id = DeploymentId::generate();
        let text = text.replace("\"ID\"", &format!("\"{id}\""));
        save(store.as_ref(), &id.file_name(), text.as_str()).await;
        let status = DeploymentStatus::new(Arc::clone(&store));
        match (status.get_status(&id).await, expected) {
            (Ok(Some(record)), None) => assert!(!record.is_terminal(), "{what}"),
            (Err(error), Some(reason)) => {
                assert_eq!(error.kind(), ErrorKind::Record, "{what}");
                let message = error.to_string();
                assert!(message.contains(reason), "{what}: {message}");
                assert!(
                    message.contains(id.file_name().as_str()),
                    "{what}: {message}"
                );
            }
            other => panic!("{what}: {other:?}"),
        }
        let change = StatusChange::reach(Phase::Started, std::time::SystemTime::UNIX_EPOCH);
        let written = status.set_status(&id, &change).await;
        assert!(written.is_err(), "{what}: {written:?}");
        let (_, bytes) = store
            .get_file_bytes(&id.file_name(), 1 << 20)
            .await
            .unwrap();
        assert_eq!(bytes, text.as_bytes(), "{what}");
    }
    let id = DeploymentId::generate();
    save(store.as_ref(), &id.file_name(), huge.as_str()).await;
    let status = DeploymentStatus::new(Arc::clone(&store));
    let error = status.get_status(&id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Record);
    assert!(!error.is_retryable());
    // None of them hides the page.
    let page = status.list(&ListQuery::default()).await.unwrap();
    assert_eq!((page.records.len(), page.unreadable.len()), (2, 12));
}
