//! Deployments that do not succeed: what is recorded, and that nothing is left.

use std::sync::Arc;
use std::time::Duration;

use deployment::{Error, ErrorKind, Phase};
use store::{FaultScript, FileName, MemoryStore, Operation, StoreExt as _};

use crate::fixture::{Fixture, assert_history, request, save};
use crate::played_client::Play;

#[tokio::test]
async fn a_refused_push_fails_with_step_exit_code_and_output() {
    let fixture = Fixture::new().await;
    fixture
        .client
        .on("push", Play::Exit(1, "NoAppDetectedError\n"));
    let record = fixture.deploy(request("foo")).await;
    assert!(
        record
            .statuses()
            .collect::<Vec<_>>()
            .join(" ")
            .ends_with("REMOVED LIST FAILED")
    );
    let engine = record.engine.unwrap();
    let error = engine.error.unwrap();
    assert_eq!(error.step.as_deref(), Some("DEPLOYED"));
    let step = engine
        .steps
        .iter()
        .find(|step| step.status == "DEPLOYED")
        .unwrap();
    assert_eq!((step.exit_code, step.accepted), (Some(1), false));
    assert_eq!(step.output_tail, "NoAppDetectedError\n");
    // The application's logs were fetched, and the client logged out.
    assert_eq!(fixture.client.seen()[4..], ["push", "logs", "logout"]);
    assert!(engine.steps.iter().any(|step| step.status == "LOGS"));
    fixture.assert_nothing_left();
}

#[tokio::test]
async fn a_wrong_password_fails_without_asking_for_logs() {
    let fixture = Fixture::new().await;
    fixture
        .client
        .on("login", Play::Exit(1, "Login Required\n"));
    let record = fixture.deploy(request("foo")).await;
    assert_eq!(record.phase(), Some(Phase::Failed));
    assert_eq!(fixture.client.seen(), ["target", "login", "logout"]);
    fixture.assert_nothing_left();
}

#[tokio::test]
async fn a_missing_application_at_delete_does_not_stop_the_batch() {
    let fixture = Fixture::new().await;
    fixture.client.on(
        "delete",
        Play::Exit(1, "Application \"foo\" does not exist\n"),
    );
    let record = fixture.deploy(request("foo")).await;
    assert_history(&record, crate::fixture::SUCCESS);
    let engine = record.engine.unwrap();
    let removed = engine
        .steps
        .iter()
        .find(|step| step.status == "REMOVED")
        .unwrap();
    assert_eq!((removed.exit_code, removed.accepted), (Some(1), true));
}

#[tokio::test(start_paused = true)]
async fn a_command_that_hangs_times_out() {
    let fixture = Fixture::new().await;
    fixture.client.on("push", Play::HangUntilStopped);
    let limit = Duration::from_mins(1);
    let record = fixture.deploy(request("foo").with_timeout(limit)).await;
    assert_eq!(record.phase(), Some(Phase::TimedOut), "{record:?}");
    let engine = record.engine.unwrap();
    assert_eq!(
        engine.error.unwrap().message,
        "the deployment took longer than 60s"
    );
    assert!(fixture.client.seen().ends_with(&["logout".to_owned()]));
    fixture.assert_nothing_left();
}

#[tokio::test(start_paused = true)]
async fn one_step_that_takes_too_long_times_out_by_itself() {
    let fixture = Fixture::new().await;
    fixture.client.on("target", Play::HangUntilStopped);
    let record = fixture.deploy(request("foo")).await;
    assert_eq!(record.phase(), Some(Phase::TimedOut), "{record:?}");
    assert_eq!(
        record.engine.unwrap().error.unwrap().step.as_deref(),
        Some("TARGET")
    );
}

#[tokio::test]
async fn a_cancel_stops_the_command_and_logs_out() {
    let fixture = Fixture::new().await;
    let id = fixture
        .deploy_up_to_push(Play::HangUntilStopped, request("foo"))
        .await;
    fixture.deployer.cancel(&id).await.unwrap();
    let record = fixture.deployer.wait(&id).await.unwrap();
    assert_eq!(record.phase(), Some(Phase::Cancelled));
    assert!(fixture.client.seen().ends_with(&["logout".to_owned()]));
    fixture.assert_nothing_left();
    let error = fixture.deployer.cancel(&id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn another_process_cancels_by_a_file() {
    let fixture = Fixture::new().await;
    let id = fixture
        .deploy_up_to_push(Play::HangUntilStopped, request("foo"))
        .await;
    let other = Fixture::on(Arc::clone(&fixture.store)).await;
    other.deployer.cancel(&id).await.unwrap();
    let record = other.deployer.wait(&id).await.unwrap();
    assert_eq!(record.phase(), Some(Phase::Cancelled));
    fixture.deployer.shutdown().await;
    let file = id.cancel_file_name();
    assert!(!fixture.store.check_file_exists(&file).await.unwrap());
}

#[tokio::test]
async fn a_runner_that_panics_fails_its_deployment_only() {
    let fixture = Fixture::new().await;
    fixture.client.on("list", Play::Panic);
    let record = fixture.deploy(request("foo")).await;
    assert_eq!(record.phase(), Some(Phase::Failed));
    fixture.assert_nothing_left();
}

#[tokio::test]
async fn an_unknown_package_is_refused_before_anything_is_recorded() {
    let fixture = Fixture::new().await;
    let error = fixture.refuse(request("bar")).await;
    assert!(matches!(error, Error::PackageNotFound { .. }), "{error}");
    let page = fixture
        .deployer
        .list(&deployment::ListQuery::default())
        .await
        .unwrap();
    assert_eq!(page.records, []);
    fixture.assert_nothing_left();
}

#[tokio::test]
async fn a_package_that_is_none_fails_with_its_reason() {
    let fixture = Fixture::on(Arc::new(MemoryStore::new())).await;
    let name = FileName::new("bad.tar.gz").unwrap();
    save(fixture.store.as_ref(), &name, "not gzip").await;
    let record = fixture.deploy(request("bad")).await;
    assert_history(&record, "INIT DOWNLOADING STARTED FAILED");
    let error = record.engine.unwrap().error.unwrap();
    assert_eq!(error.step.as_deref(), Some("PREVIEW"));
    assert!(error.message.contains("gzip"), "{}", error.message);
    assert_eq!(fixture.client.seen(), [""; 0]);
    fixture.assert_nothing_left();
}

#[tokio::test]
async fn a_package_that_is_cut_short_is_never_run() {
    let fixture = Fixture::new().await;
    let whole = testkit::package("cut", &[("x", &[7; 10_000])]);
    let name = FileName::new("cut.tar.gz").unwrap();
    let half = &whole[..whole.len() - 10];
    save(fixture.store.as_ref(), &name, half).await;
    let record = fixture.deploy(request("cut")).await;
    assert_eq!(record.phase(), Some(Phase::Failed));
    assert_eq!(fixture.client.seen(), [""; 0]);
    fixture.assert_nothing_left();
    fixture.store.delete_file(&name).await.unwrap();
}

#[tokio::test]
async fn a_store_that_stalls_holds_up_no_cancel() {
    // More of them than unpack at once, so that some wait for their turn to unpack.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let script = FaultScript::new();
    let read = script.on(Operation::GetFileContents).named("foo.tar.gz");
    read.always().at_byte(0).hang();
    let fixture = Fixture::on(Arc::new(MemoryStore::new().with_faults(&script))).await;
    let mut ids = Vec::new();
    for index in 0..(4 * cores).max(8) + 4 {
        let request = request("foo")
            .with_application(format!("a{index}"))
            .unwrap();
        ids.push(fixture.deployer.deploy_package(request).await.unwrap());
    }
    // The last ones first: nobody has given up a turn for them.
    for id in ids.iter().rev() {
        fixture.deployer.cancel(id).await.unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(20), fixture.deployer.wait(id));
        let record = ended.await.expect("a cancel waits for nobody").unwrap();
        assert_eq!(record.phase(), Some(Phase::Cancelled));
    }
    fixture.assert_nothing_left();
}
