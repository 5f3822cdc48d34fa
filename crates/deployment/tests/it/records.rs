//! Reading records, whoever wrote them.

use std::sync::Arc;

use deployment::{
    DeploymentId, DeploymentStatus, Error, IStatus as _, ListQuery, Phase, StatusChange,
};
use store::{FileName, IStore, MemoryStore};

use crate::fixture::{Fixture, add_package, request};
use crate::played_client::Play;

const ORIGINAL: &str = r#"{"datetime": "2015-07-08 14:35:52.951490", "deploy_id": "6eeca9c0-257e-11e5-9760-985aeb8b7458", "deploy_status": "SUCCESS", "destination": "http://node-env.15.125.107.133.xip.io", "history": ["2015-07-08 14:35:52.951490 ~ SUCCESS"], "package": "node-env"}"#;

async fn save(store: &dyn IStore, name: &str, text: &str) {
    crate::fixture::save(store, &FileName::new(name).unwrap(), text).await;
}

#[tokio::test]
async fn the_originals_records_are_read_and_listed() {
    let store = MemoryStore::new();
    let id = "6eeca9c0-257e-11e5-9760-985aeb8b7458";
    save(&store, &format!("deployment_{id}.json"), ORIGINAL).await;
    let status = DeploymentStatus::new(Arc::new(store));
    let record = status
        .get_status(&id.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(record.package, "node-env");
    assert_eq!(record.phase(), Some(Phase::Success));
    let page = status.list(&ListQuery::default()).await.unwrap();
    assert_eq!(page.records, [record]);
}

#[tokio::test]
async fn pages_go_from_the_newest_to_the_oldest_and_meet() {
    let fixture = Fixture::new().await;
    let mut expected = Vec::new();
    for index in 0..7 {
        if index % 3 == 0 {
            fixture.client.on("push", Play::Exit(1, ""));
        } else {
            fixture.client.on("push", Play::Exit(0, ""));
        }
        expected.insert(0, fixture.deploy(request("foo")).await);
    }
    // Files of other kinds among them do not matter.
    add_package(&fixture.store, "zebra").await;
    save(fixture.store.as_ref(), "deployment_notes.json", "{}").await;

    let mut found = Vec::new();
    let mut query = ListQuery::default().with_limit(3);
    loop {
        let page = fixture.deployer.list(&query).await.unwrap();
        assert!(page.records.len() <= 3);
        found.extend(page.records);
        let Some(next) = page.next else { break };
        query = query.with_after(next);
    }
    assert_eq!(found, expected);

    let failed = ListQuery::default().with_phase(Phase::Failed).with_limit(2);
    let page = fixture.deployer.list(&failed).await.unwrap();
    assert_eq!(page.records, [expected[0].clone(), expected[3].clone()]);
}

#[tokio::test]
async fn one_bad_record_does_not_hide_the_others() {
    let fixture = Fixture::new().await;
    let good = fixture.deploy(request("foo")).await;
    let bad = "ffffffff-0000-7000-8000-000000000000";
    save(
        fixture.store.as_ref(),
        &format!("deployment_{bad}.json"),
        "half a rec",
    )
    .await;
    let page = fixture.deployer.list(&ListQuery::default()).await.unwrap();
    assert_eq!(page.records, [good]);
    assert_eq!(page.unreadable.len(), 1);
    assert_eq!(page.unreadable[0].id.to_string(), bad);
    let error = fixture
        .deployer
        .get_status(&bad.parse().unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), deployment::ErrorKind::Record);
}

#[tokio::test]
async fn a_record_under_anothers_id_is_unreadable() {
    let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let name = "6eeca9c0-257e-11e5-9760-985aeb8b7458";
    let copy: DeploymentId = "019571ff-3c1b-7d2e-8a5f-0123456789ab".parse().unwrap();
    let status = DeploymentStatus::new(Arc::clone(&store));
    crate::fixture::save(store.as_ref(), &copy.file_name(), ORIGINAL).await;
    let error = status.get_status(&copy).await.unwrap_err();
    let Error::BadRecord { file, reason, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*file, copy.file_name().as_str());
    let page = status.list(&ListQuery::default()).await.unwrap();
    assert_eq!((page.records.len(), page.unreadable.len()), (0, 1));
    assert_eq!(page.unreadable[0].reason, *reason);
    let other = StatusChange::reach(Phase::Failed, std::time::SystemTime::UNIX_EPOCH);
    let error = status.set_status(&copy, &other).await.unwrap_err();
    assert!(matches!(error, Error::BadRecord { .. }), "{error}");

    // However the id is written, it is the same.
    for written in [name.to_uppercase(), name.replace('-', "")] {
        let text = ORIGINAL.replace(name, &written);
        save(store.as_ref(), &format!("deployment_{name}.json"), &text).await;
        let record = status.get_status(&name.parse().unwrap()).await.unwrap();
        assert_eq!(record.unwrap().deploy_id, written);
    }
}
