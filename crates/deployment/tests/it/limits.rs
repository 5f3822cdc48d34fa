//! Records that would grow without bound, or that others have left in any state.

use std::sync::Arc;

use async_trait::async_trait;
use batch::{IProcess, IProgress, Milestone, ProcessOutcome, Status, StepOutcome, StepReport};
use deployment::{
    Deployer, DeployerOptions, DeploymentId, DeploymentRecord, DeploymentStatus, ENGINE_SCHEMA,
    Error, ErrorKind, IPlatform, IStatus as _, Phase, PlatformRequest, RecordLimits, Result,
    StatusChange,
};
use proptest::prelude::*;
use store::{FaultScript, IStore, MemoryStore, Operation, StoreExt as _};
use tokio_util::sync::CancellationToken;

use crate::fixture::{add_package, request, save};

/// A platform whose process reaches so many statuses.
#[derive(Clone, Copy, Debug)]
struct Talkative(usize);

impl IPlatform for Talkative {
    fn process(&self, _request: &PlatformRequest) -> Result<Box<dyn IProcess>> {
        Ok(Box::new(*self))
    }
}

#[async_trait]
impl IProcess for Talkative {
    async fn execute(
        &self,
        progress: &dyn IProgress,
        _cancel: &CancellationToken,
    ) -> batch::Result<ProcessOutcome> {
        for _ in 0..self.0 {
            let report = StepReport::new(Status::new("TALKED")?, "talk", StepOutcome::Done);
            progress.report(&Milestone::Step(report)).await?;
        }
        Ok(ProcessOutcome::Success)
    }
}

async fn talk(statuses: usize) -> DeploymentRecord {
    let temp = tempfile::tempdir().unwrap();
    let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    add_package(&store, "foo").await;
    let options = DeployerOptions::default()
        .with_temp_root(temp.path())
        .with_record_limits(RecordLimits::default().with_history(100));
    let deployer = Deployer::new(store, Arc::new(Talkative(statuses)), options);
    let id = deployer.deploy_package(request("foo")).await.unwrap();
    let record = deployer.wait(&id).await.unwrap();
    assert!(std::fs::read_dir(temp.path()).unwrap().next().is_none());
    record
}

#[tokio::test]
async fn a_process_that_reaches_statuses_without_end_is_stopped() {
    let record = talk(100_000).await;
    assert_eq!(record.phase(), Some(Phase::Failed));
    assert_eq!(record.history.len(), 101);
    let error = record.engine.unwrap().error.unwrap();
    assert!(error.message.contains("holds 100 statuses"), "{error:?}");
}

#[tokio::test]
async fn an_ending_is_recorded_whatever_before_it_found_no_room() {
    // INIT DOWNLOADING STARTED PREVIEW UNPACK EXTRACT DIR, and all that the process has.
    let record = talk(93).await;
    assert_eq!(record.phase(), Some(Phase::Success), "{record:?}");
    assert_eq!(record.history.len(), 101);
    let record = talk(92).await;
    assert_eq!(record.phase(), Some(Phase::Success));
    assert_eq!(record.statuses().nth(99), Some("DIR"));
}

const ORIGINAL: &str = r#"{"datetime": "2015-07-08 14:35:52.951490", "deploy_id": "6eeca9c0-257e-11e5-9760-985aeb8b7458", "deploy_status": "LIST", "destination": "http://node-env.15.125.107.133.xip.io", "history": ["2015-07-08 14:35:50.000001 ~ INIT", "2015-07-08 14:35:52.951490 ~ LIST"], "package": "node-env"}"#;

/// A store with `text` as the record of the original's deployment.
async fn stored(text: impl Into<Vec<u8>>) -> (Arc<MemoryStore>, DeploymentId) {
    let store = Arc::new(MemoryStore::new());
    let id: DeploymentId = "6eeca9c0-257e-11e5-9760-985aeb8b7458".parse().unwrap();
    save(store.as_ref(), &id.file_name(), text).await;
    (store, id)
}

async fn bytes(store: &MemoryStore, id: &DeploymentId) -> Vec<u8> {
    let name = id.file_name();
    store
        .get_file_bytes(&name, u64::MAX)
        .await
        .unwrap()
        .1
        .to_vec()
}

fn failed() -> StatusChange {
    StatusChange::reach(Phase::Failed, std::time::SystemTime::UNIX_EPOCH)
}

#[tokio::test]
async fn an_original_record_goes_on_with_its_own_keys_and_nothing_else() {
    let (store, id) = stored(ORIGINAL.replacen('{', r#"{"owner": {"name": "me"}, "#, 1)).await;
    let status = DeploymentStatus::new(store.clone());
    let before = status.get_status(&id).await.unwrap().unwrap();
    let was = serde_json::from_slice::<serde_json::Value>(&bytes(&store, &id).await).unwrap();
    assert_eq!(serde_json::to_value(&before).unwrap(), was);

    status.set_status(&id, &failed()).await.unwrap();
    let mut is = serde_json::from_slice::<serde_json::Value>(&bytes(&store, &id).await).unwrap();
    let history = is["history"].as_array_mut().unwrap();
    assert_eq!(
        history.pop().unwrap(),
        "1970-01-01 00:00:00.000000 ~ FAILED"
    );
    is["deploy_status"] = "LIST".into();
    is["datetime"] = was["datetime"].clone();
    assert_eq!(is, was);
}

#[tokio::test]
async fn a_newer_record_is_shown_and_not_written() {
    let next = ENGINE_SCHEMA + 1;
    let newer = format!(r#"{{"engine": {{"schema": {next}, "odd": [1]}}, "#);
    let newer = ORIGINAL.replacen('{', &newer, 1);
    let (store, id) = stored(newer.as_str()).await;
    let status = DeploymentStatus::new(store.clone());
    let record = status.get_status(&id).await.unwrap().unwrap();
    assert_eq!(
        (record.package.as_str(), record.newer_schema()),
        ("node-env", Some(next))
    );
    let error = status.set_status(&id, &failed()).await.unwrap_err();
    assert!(
        matches!(error, Error::NewerRecord { schema, .. } if schema == next),
        "{error}"
    );
    assert_eq!(bytes(&store, &id).await, newer.as_bytes());
}

#[tokio::test]
async fn what_is_no_record_is_told_and_left_as_it_is() {
    let huge = format!("{}{}", ORIGINAL, " ".repeat(17 * 1024 * 1024));
    let deep = "[".repeat(100_000);
    let truncated = &ORIGINAL[..ORIGINAL.len() / 2];
    let foreign = r#"{"name": "node-env"}"#;
    let mistyped = ORIGINAL.replace(r#""node-env""#, "7");
    for text in [
        huge.as_str(),
        &deep,
        truncated,
        foreign,
        &mistyped,
        "",
        "null",
        "\u{feff}{}",
    ] {
        let (store, id) = stored(text).await;
        let status = DeploymentStatus::new(store.clone());
        let shown = &text[..text.len().min(40)];
        let error = status.get_status(&id).await.unwrap_err();
        assert!(matches!(error, Error::BadRecord { .. }), "{shown}: {error}");
        let error = status.set_status(&id, &failed()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Record, "{shown}: {error}");
        assert_eq!(bytes(&store, &id).await, text.as_bytes(), "{shown}");
        let page = status
            .list(&deployment::ListQuery::default())
            .await
            .unwrap();
        assert_eq!(page.unreadable.len(), 1, "{shown}");
    }
}

#[tokio::test]
async fn no_record_is_written_that_could_not_be_read_back() {
    let most = usize::try_from(DeploymentRecord::MAX_BYTES).unwrap();
    let mut text = ORIGINAL.replacen('{', r#"{"note": "FILL", "#, 1);
    let rest = most - text.len() + "FILL".len();
    text = text.replace("FILL", &"x".repeat(rest));
    let (store, id) = stored(text.as_str()).await;
    let status = DeploymentStatus::new(store.clone());
    let error = status.set_status(&id, &failed()).await.unwrap_err();
    assert!(matches!(error, Error::RecordTooLarge { .. }), "{error}");
    assert_eq!(bytes(&store, &id).await, text.as_bytes());
}

#[tokio::test]
async fn a_failed_read_never_leads_to_a_write() {
    let (store, id) = stored(ORIGINAL).await;
    let script = FaultScript::new();
    let read = || script.on(Operation::GetFileContents);
    let faulty = store::FaultStore::new(store.clone(), &script);
    let status = DeploymentStatus::new(Arc::new(faulty));
    for kind in [
        store::ErrorKind::Unavailable,
        store::ErrorKind::Corrupt,
        store::ErrorKind::PermissionDenied,
    ] {
        read().fail(kind);
        let error = status.set_status(&id, &failed()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store);
        read().at_byte(20).fail(kind);
        status.set_status(&id, &failed()).await.unwrap_err();
    }
    let mut calls = script.calls().into_iter();
    assert!(calls.all(|call| call.operation == Operation::GetFileContents));
    assert_eq!(bytes(&store, &id).await, ORIGINAL.as_bytes());
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_an_error(place in 0..ORIGINAL.len(), byte: u8, cut: bool) {
        let mut bytes = ORIGINAL.as_bytes().to_vec();
        bytes[place] = byte;
        if cut {
            bytes.truncate(place);
        }
        match DeploymentRecord::parse("f", &bytes) {
            Ok(record) => {
                let again = DeploymentRecord::parse("f", &record.to_json().unwrap()).unwrap();
                prop_assert_eq!(again, record);
            }
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Record),
        }
    }
}
