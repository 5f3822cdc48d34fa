//! Every part can be another one, without a change to the engine.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use async_trait::async_trait;
use batch::{
    Command, IProcess, IProgress, Milestone, ProcessOutcome, Status, StepOutcome, StepReport,
};
use deployment::{
    CliPlatform, Deployer, DeployerOptions, Deployment, DeploymentStatus, Error, IPlatform,
    PackageSource, Phase, PlatformRequest,
};
use helion_cli::ICliComposer;
use package::Package;
use store::{
    Capabilities, Etag, FileContents, FileInfo, FileName, Guarantee, MemoryStore, MockIStore,
    SaveMode, SaveOptions,
};
use tokio_util::sync::CancellationToken;

use crate::fixture::{SUCCESS, add_package, assert_history, request, save};
use crate::played_client::PlayedClient;

/// A process that runs no command: it reports two steps of its own.
#[derive(Debug)]
struct TwoSteps;

#[async_trait]
impl IProcess for TwoSteps {
    async fn execute(
        &self,
        progress: &dyn IProgress,
        _cancel: &CancellationToken,
    ) -> batch::Result<ProcessOutcome> {
        progress.report(&Milestone::Started).await?;
        // The engine's own words are not a process's to say.
        for status in ["UPLOADED", "SUCCESS", "SWITCHED"] {
            let status = Status::new(status)?;
            let report = StepReport::new(status, "POST /v3/apps", StepOutcome::Done);
            progress.report(&Milestone::Step(report)).await?;
        }
        progress
            .report(&Milestone::Finished(ProcessOutcome::Success))
            .await?;
        Ok(ProcessOutcome::Success)
    }
}

#[derive(Debug)]
struct TwoStepPlatform;

impl IPlatform for TwoStepPlatform {
    fn process(&self, _request: &PlatformRequest) -> deployment::Result<Box<dyn IProcess>> {
        Ok(Box::new(TwoSteps))
    }
}

#[tokio::test]
async fn a_process_that_is_no_batch() {
    let store: Arc<dyn store::IStore> = Arc::new(MemoryStore::new());
    add_package(&store, "foo").await;
    let temp = tempfile::tempdir().unwrap();
    let options = DeployerOptions::default().with_temp_root(temp.path());
    let deployer = Deployer::new(store, Arc::new(TwoStepPlatform), options);
    let id = deployer.deploy_package(request("foo")).await.unwrap();
    let record = deployer.wait(&id).await.unwrap();
    assert_history(
        &record,
        "INIT DOWNLOADING STARTED PREVIEW UNPACK EXTRACT DIR UPLOADED SWITCHED DIR SUCCESS",
    );
}

/// A composer of another client's commands.
#[derive(Debug)]
struct OtherClient;

impl OtherClient {
    fn command(name: &str, arguments: &[&str]) -> Command {
        Command::new("other")
            .arg(name)
            .args(arguments.iter().copied())
    }
}

impl ICliComposer for OtherClient {
    fn target_command(&self) -> helion_cli::Result<Command> {
        Ok(Self::command("use", &[]))
    }

    fn login_command(&self) -> helion_cli::Result<Command> {
        Ok(Self::command("sign-in", &[]))
    }

    fn space_command(&self) -> helion_cli::Result<Option<Command>> {
        Ok(Some(Self::command("enter", &[])))
    }

    fn list_command(&self) -> helion_cli::Result<Command> {
        Ok(Self::command("ls", &[]))
    }

    fn delete_command(&self, name: &str) -> helion_cli::Result<Command> {
        Ok(Self::command("rm", &[name]))
    }

    fn push_command(&self, name: &str, path: &str) -> helion_cli::Result<Command> {
        Ok(Self::command("up", &[name, path]))
    }

    fn logs_command(&self, name: &str) -> helion_cli::Result<Command> {
        Ok(Self::command("tail", &[name]))
    }

    fn logout_command(&self) -> helion_cli::Result<Command> {
        Ok(Self::command("sign-out", &[]))
    }
}

#[tokio::test]
async fn another_clients_composer() {
    let store: Arc<dyn store::IStore> = Arc::new(MemoryStore::new());
    add_package(&store, "foo").await;
    let temp = tempfile::tempdir().unwrap();
    let client = Arc::new(PlayedClient::default());
    let platform = CliPlatform::new(client.clone(), |_| Ok(Box::new(OtherClient)));
    let options = DeployerOptions::default().with_temp_root(temp.path());
    let deployer = Deployer::new(store, Arc::new(platform), options);
    let id = deployer.deploy_package(request("foo")).await.unwrap();
    let record = deployer.wait(&id).await.unwrap();
    assert_history(&record, &SUCCESS.replace("LOGIN", "LOGIN SPACE"));
    assert_eq!(
        client.seen(),
        [
            "use", "sign-in", "enter", "rm", "ls", "up", "ls", "sign-out"
        ]
    );
}

#[tokio::test]
async fn a_composer_that_fails_when_the_commands_are_to_run_fails_the_deployment() {
    let store: Arc<dyn store::IStore> = Arc::new(MemoryStore::new());
    add_package(&store, "foo").await;
    let temp = tempfile::tempdir().unwrap();
    let client = Arc::new(PlayedClient::default());
    let made = AtomicUsize::new(0);
    let platform = CliPlatform::new(client.clone(), move |request| {
        let password = request.credentials.password().expose();
        match made.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(Box::new(OtherClient)),
            _ => Err(Error::platform(format!("no client knows {password:?}"))),
        }
    });
    let options = DeployerOptions::default().with_temp_root(temp.path());
    let deployer = Deployer::new(store, Arc::new(platform), options);
    let id = deployer.deploy_package(request("foo")).await.unwrap();
    let record = deployer.wait(&id).await.unwrap();
    assert_eq!(record.phase(), Some(Phase::Failed));
    let error = record.engine.unwrap().error.unwrap();
    assert_eq!(error.step.as_deref(), Some("TARGET"));
    let says = "failed to prepare the platform's commands: no client knows \"***\"";
    assert_eq!(error.message, says);
    assert!(client.seen().is_empty());
    assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 0);
}

/// A mocked store that keeps one record in its expectations: created once, then updated by etag.
fn recording_store(writes: Arc<std::sync::Mutex<Vec<(String, SaveMode)>>>) -> MockIStore {
    let mut store = MockIStore::new();
    store.expect_capabilities().returning(|| {
        Capabilities::default()
            .with_exclusive_create(Guarantee::Exclusive)
            .with_exclusive_update(Guarantee::Exclusive)
    });
    store.expect_save_file().returning(
        move |name, contents: FileContents, options: &SaveOptions| {
            let mode = options.mode.clone();
            let bytes = futures_util::FutureExt::now_or_never(contents.collect(1 << 20));
            let bytes = bytes.expect("bytes are ready").unwrap();
            let mut writes = writes.lock().unwrap();
            writes.push((String::from_utf8(bytes.to_vec()).unwrap(), mode));
            let etag = Etag::new(writes.len().to_string());
            Ok(FileInfo::new(
                name.clone(),
                bytes.len() as u64,
                etag,
                SystemTime::UNIX_EPOCH,
            ))
        },
    );
    store.expect_get_file_contents().returning(|name, _| {
        Err(store::Error::new(store::ErrorKind::NotFound, "read").with_name(name.as_str()))
    });
    store
}

#[tokio::test]
async fn statuses_in_a_mocked_store() {
    let packages = MemoryStore::new();
    let file = FileName::new("foo.tar.gz").unwrap();
    let archive = testkit::package("foo", &[("x", b"x")]);
    save(&packages, &file, archive).await;
    let temp = tempfile::tempdir().unwrap();
    let package = Package::new("foo", temp.path().join("private/foo.tar.gz"), None).unwrap();
    let source = PackageSource::Stored {
        store: Arc::new(packages),
        file,
    };
    let writes = Arc::default();
    let status = Arc::new(DeploymentStatus::new(Arc::new(recording_store(
        Arc::clone(&writes),
    ))));

    let deployment = Deployment::new(package, source, Box::new(TwoSteps), status);
    let record = deployment.deploy(&CancellationToken::new()).await.unwrap();
    let error = deployment
        .deploy(&CancellationToken::new())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::AlreadyStarted { .. }), "{error}");

    let writes = writes.lock().unwrap();
    let (last, _) = writes.last().unwrap();
    let last: deployment::DeploymentRecord = serde_json::from_str(last).unwrap();
    assert_eq!(last, record);
    assert_eq!(record.phase(), Some(Phase::Success));
    assert_eq!(writes[0].1, SaveMode::Create);
    for (index, (_, mode)) in writes.iter().enumerate().skip(1) {
        assert_eq!(
            *mode,
            SaveMode::Update(Etag::new(index.to_string())),
            "write {index}"
        );
    }
    assert!(!Path::new(&temp.path().join("private")).exists());
}
