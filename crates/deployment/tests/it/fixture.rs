//! A deployer over a store with one package, and a runner that plays the client.

use std::path::PathBuf;
use std::sync::Arc;

use batch::Secret;
use deployment::{
    CliPlatform, Credentials, DeployRequest, Deployer, DeployerOptions, DeploymentId,
    DeploymentRecord, Error, PackageCatalog,
};
use store::{FileContents, FileName, IStore, MemoryStore, SaveOptions, StoreExt as _};
use tempfile::TempDir;

use crate::played_client::{Play, PlayedClient};
use crate::wall_clock::WallClock;

pub(crate) const PASSWORD: &str = "correct-horse-battery";
pub(crate) const ENDPOINT: &str = "https://api.example.com";

/// The history that every successful deployment has.
pub(crate) const SUCCESS: &str = "INIT DOWNLOADING STARTED PREVIEW UNPACK EXTRACT DIR TARGET LOGIN \
                                  REMOVED LIST DEPLOYED NEWLIST DIR SUCCESS";

pub(crate) struct Fixture {
    pub(crate) store: Arc<dyn IStore>,
    pub(crate) client: Arc<PlayedClient>,
    pub(crate) deployer: Deployer,
    pub(crate) temp: TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::on(Arc::new(MemoryStore::new())).await
    }

    pub(crate) async fn on(store: Arc<dyn IStore>) -> Self {
        Self::with_options(store, |options| options).await
    }

    /// One that tells the time by `wall_clock`.
    pub(crate) async fn at(store: Arc<dyn IStore>, wall_clock: &WallClock) -> Self {
        let clock = wall_clock.clock();
        Self::with_options(store, |options| options.with_clock(clock)).await
    }

    pub(crate) async fn with_options(
        store: Arc<dyn IStore>,
        change: impl FnOnce(DeployerOptions) -> DeployerOptions,
    ) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let client = Arc::new(PlayedClient::default());
        let platform = Arc::new(CliPlatform::helion(client.clone()));
        let options = change(DeployerOptions::default().with_temp_root(temp.path()));
        let deployer = Deployer::new(Arc::clone(&store), platform, options);
        add_package(&store, "foo").await;
        Self {
            store,
            client,
            deployer,
            temp,
        }
    }

    pub(crate) async fn deploy(&self, request: DeployRequest) -> DeploymentRecord {
        let id = self.deployer.deploy_package(request).await.unwrap();
        self.deployer.wait(&id).await.unwrap()
    }

    /// Begins a deployment, and waits until its push hangs as `push` says.
    pub(crate) async fn deploy_up_to_push(
        &self,
        push: Play,
        request: DeployRequest,
    ) -> DeploymentId {
        self.client.on("push", push);
        let id = self.deployer.deploy_package(request).await.unwrap();
        self.client.hanging.notified().await;
        id
    }

    /// Why the engine does not begin a deployment.
    pub(crate) async fn refuse(&self, request: DeployRequest) -> Error {
        self.deployer.deploy_package(request).await.unwrap_err()
    }

    /// Makes the private directory that the engine would have made for `id`, with something in it.
    pub(crate) fn leave_directory(&self, id: DeploymentId) -> PathBuf {
        let directory = self.temp.path().join(format!("helion-deploy-{id}"));
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("file"), "x").unwrap();
        directory
    }

    /// Whether the engine left anything in its temporary folder.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let left: Vec<_> = std::fs::read_dir(self.temp.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

pub(crate) async fn add_package(store: &Arc<dyn IStore>, name: &str) {
    let archive = testkit::package(
        name,
        &[("index.html", b"<h1>hello</h1>"), ("a/b.txt", b"b")],
    );
    PackageCatalog::new(Arc::clone(store))
        .save_package(name, FileContents::from_bytes(archive))
        .await
        .unwrap();
}

pub(crate) async fn save(store: &dyn IStore, name: &FileName, contents: impl Into<Vec<u8>>) {
    let options = SaveOptions::default();
    let saved = store.save_bytes(name, contents.into(), &options).await;
    saved.unwrap();
}

pub(crate) fn request(package: &str) -> DeployRequest {
    let credentials = Credentials::new("admin", Secret::new(PASSWORD)).unwrap();
    DeployRequest::new(package, ENDPOINT, credentials).unwrap()
}

#[track_caller]
pub(crate) fn assert_history(record: &DeploymentRecord, expected: &str) {
    let statuses: Vec<_> = record.statuses().collect();
    assert_eq!(statuses.join(" "), expected, "{:?}", record.engine);
}

/// `error` says that the deployment `by` is in the way.
#[track_caller]
pub(crate) fn assert_busy(error: &Error, by: DeploymentId) {
    let Error::Busy { by: named, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(*named, by);
}
