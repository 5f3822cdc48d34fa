//! Deploying once more what was deployed before.

use std::sync::Arc;

use batch::Secret;
use deployment::{Credentials, DeployRequest, DeploymentId, Error, ErrorKind, Phase, Space};
use store::{IStore, MemoryStore};

use crate::fixture::{Fixture, PASSWORD, SUCCESS, assert_busy, assert_history, request, save};
use crate::played_client::Play;

fn credentials() -> Credentials {
    Credentials::new("somebody", Secret::new(PASSWORD)).unwrap()
}

#[tokio::test]
async fn the_new_record_names_the_old_one_and_keeps_what_it_was() {
    let fixture = Fixture::new().await;
    let space = Space {
        organization: "org".to_owned(),
        space: "dev".to_owned(),
    };
    let request = request("foo")
        .with_application("renamed")
        .unwrap()
        .with_space(space.clone());
    fixture.client.on("push", Play::Exit(1, "no\n"));
    let old = fixture.deploy(request).await;
    assert_eq!(old.phase(), Some(Phase::Failed));
    fixture.client.on("push", Play::Exit(0, "yes\n"));

    let old_id: DeploymentId = old.deploy_id.parse().unwrap();
    let id = fixture
        .deployer
        .redeploy(&old_id, credentials())
        .await
        .unwrap();
    let record = fixture.deployer.wait(&id).await.unwrap();
    assert_history(&record, SUCCESS);
    assert_ne!(id, old_id);
    assert_eq!(
        (&record.package, &record.destination),
        (&old.package, &old.destination)
    );
    let (old, new) = (old.engine.unwrap(), record.engine.unwrap());
    assert_eq!(
        new.redeploy_of.as_deref(),
        Some(old_id.to_string().as_str())
    );
    assert_eq!(old.redeploy_of, None);
    assert_eq!(
        (&new.endpoint, &new.application),
        (&old.endpoint, &old.application)
    );
    assert_eq!((new.space, old.space), (Some(space.clone()), Some(space)));
}

#[tokio::test]
async fn only_what_has_ended_and_is_known_is_repeated() {
    let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let fixture = Fixture::on(Arc::clone(&store)).await;
    let id = fixture.deploy_up_to_push(Play::Wait, request("foo")).await;
    let error = fixture
        .deployer
        .redeploy(&id, credentials())
        .await
        .unwrap_err();
    assert_busy(&error, id);
    let running = fixture.deployer.get_status(&id).await.unwrap().unwrap();
    let error = DeployRequest::again(&running, credentials()).unwrap_err();
    assert_busy(&error, id);
    fixture.client.go_on.notify_one();
    fixture.deployer.wait(&id).await.unwrap();

    let nobody = DeploymentId::generate();
    let error = fixture
        .deployer
        .redeploy(&nobody, credentials())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);

    // The original did not record the endpoint.
    let text =
        format!(r#"{{"deploy_id": "{nobody}", "deploy_status": "FAILED", "package": "foo"}}"#);
    save(store.as_ref(), &nobody.file_name(), text).await;
    let error = fixture
        .deployer
        .redeploy(&nobody, credentials())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("endpoint"), "{error}");

    // What a newer engine recorded is not understood, so nothing is missing.
    let text = format!(
        r#"{{"deploy_id": "{nobody}", "deploy_status": "FAILED", "package": "foo",
            "engine": {{"schema": 99}}}}"#
    );
    save(store.as_ref(), &nobody.file_name(), text).await;
    let redeployed = fixture.deployer.redeploy(&nobody, credentials()).await;
    let error = redeployed.unwrap_err();
    assert!(
        matches!(error, Error::NewerRecord { schema: 99, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_of_a_machine_is_not_repeated() {
    let fixture = Fixture::new().await;
    fixture.client.on("push", Play::Exit(0, ""));
    let archive = fixture.temp.path().join("foo.tar.gz");
    std::fs::write(&archive, testkit::package("foo", &[("x", b"x")])).unwrap();
    let record = fixture.deploy(request("foo").with_file(&archive)).await;
    assert_history(&record, &SUCCESS.replace("DOWNLOADING", "COPY"));
    let error = DeployRequest::again(&record, credentials()).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
}
