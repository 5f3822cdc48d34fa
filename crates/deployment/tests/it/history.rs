//! The history of a deployment, on every store.

use std::sync::Arc;

use store::{FileName, FsOptions, FsStore, MemoryStore, SqliteOptions, SqliteStore, StoreExt as _};

use crate::fixture::{ENDPOINT, Fixture, PASSWORD, SUCCESS, assert_history, request};

async fn succeeds(fixture: Fixture) {
    let record = fixture.deploy(request("foo")).await;
    assert_history(&record, SUCCESS);
    assert_eq!(record.destination, "https://foo.example.com");
    let engine = record.engine.unwrap();
    assert_eq!(
        (engine.endpoint.as_str(), engine.application.as_str()),
        (ENDPOINT, "foo")
    );
    assert_eq!(engine.error, None);
    fixture.assert_nothing_left();

    let mut pushed: Vec<_> = fixture.client.pushed.lock().unwrap().clone();
    pushed.sort();
    let names: Vec<_> = pushed
        .iter()
        .map(|path| path.file_name().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["a", "index.html"]);
    assert_eq!(
        fixture.client.seen(),
        [
            "target", "login", "delete", "list", "push", "list", "logout"
        ]
    );
}

#[tokio::test]
async fn a_success_has_the_originals_history_on_memory() {
    succeeds(Fixture::on(Arc::new(MemoryStore::new())).await).await;
}

#[tokio::test]
async fn a_success_has_the_originals_history_on_fs() {
    let root = tempfile::tempdir().unwrap();
    let store = FsStore::open(root.path(), FsOptions::default())
        .await
        .unwrap();
    succeeds(Fixture::on(Arc::new(store)).await).await;
}

#[tokio::test]
async fn a_success_has_the_originals_history_on_sqlite() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store.sqlite");
    let store = SqliteStore::open(&path, SqliteOptions::default())
        .await
        .unwrap();
    succeeds(Fixture::on(Arc::new(store)).await).await;
}

#[tokio::test]
async fn a_local_file_is_copied_instead() {
    let fixture = Fixture::new().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), testkit::package("bar", &[("x", b"x")])).unwrap();
    let record = fixture.deploy(request("bar").with_file(file.path())).await;
    assert_history(&record, &SUCCESS.replace("DOWNLOADING", "COPY"));
    assert!(file.path().exists());
    fixture.assert_nothing_left();
}

#[tokio::test]
async fn the_record_has_the_originals_keys_and_no_password() {
    let fixture = Fixture::new().await;
    let record = fixture.deploy(request("foo")).await;
    let file: FileName = format!("deployment_{}.json", record.deploy_id)
        .parse()
        .unwrap();
    let (_, bytes) = fixture.store.get_file_bytes(&file, 1 << 20).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(!text.contains(PASSWORD));

    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    for key in [
        "datetime",
        "deploy_id",
        "deploy_status",
        "destination",
        "package",
    ] {
        assert!(json[key].is_string(), "{key}");
    }
    let last = json["history"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .as_str()
        .unwrap();
    assert_eq!(
        last,
        format!("{} ~ SUCCESS", json["datetime"].as_str().unwrap())
    );
    let steps = json["engine"]["steps"].as_array().unwrap();
    let login = steps.iter().find(|step| step["status"] == "LOGIN").unwrap();
    assert_eq!(
        login["command"],
        format!(
            "helion login admin --credentials 'username: admin' --password *** --target {ENDPOINT}"
        )
    );
    assert_eq!(steps.last().unwrap()["status"], "DIR");
}

#[tokio::test]
async fn events_tell_every_status_in_order() {
    let fixture = Fixture::new().await;
    let mut events = fixture.deployer.subscribe();
    let record = fixture.deploy(request("foo")).await;
    let mut statuses = Vec::new();
    loop {
        match events.next().await.unwrap().kind {
            deployment::EventKind::Status(phase) => statuses.push(phase.to_string()),
            deployment::EventKind::Ended(phase) => {
                assert_eq!(phase.to_string(), record.deploy_status);
                break;
            }
            _ => {}
        }
    }
    assert_eq!(statuses.join(" "), SUCCESS);
    assert_eq!(events.missed(), 0);
}
