//! A deployer over a store with one package, and a runner that plays the client.

use std::sync::Arc;

use batch::Secret;
use deployment::{
    CliPlatform, Credentials, DeployRequest, Deployer, DeployerOptions, DeploymentRecord,
    PackageCatalog,
};
use store::{FileContents, IStore, MemoryStore};
use tempfile::TempDir;

use crate::played_client::PlayedClient;

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

pub(crate) fn request(package: &str) -> DeployRequest {
    let credentials = Credentials::new("admin", Secret::new(PASSWORD)).unwrap();
    DeployRequest::new(package, ENDPOINT, credentials).unwrap()
}

#[track_caller]
pub(crate) fn assert_history(record: &DeploymentRecord, expected: &str) {
    let statuses: Vec<_> = record.statuses().collect();
    assert_eq!(statuses.join(" "), expected, "{:?}", record.engine);
}
