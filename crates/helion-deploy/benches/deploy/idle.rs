//! A deployer of packages that are only fetched and unpacked: its platform has nothing to do.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use async_trait::async_trait;
use batch::{IProcess, IProgress, ProcessOutcome, Secret};
use deployment::{
    Credentials, DeployRequest, Deployer, DeployerOptions, IPlatform, Phase, PlatformRequest,
};
use store::{IStore, SqliteOptions, SqliteStore};
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
struct Idle;

#[async_trait]
impl IProcess for Idle {
    async fn execute(
        &self,
        _: &dyn IProgress,
        _: &CancellationToken,
    ) -> batch::Result<ProcessOutcome> {
        Ok(ProcessOutcome::Success)
    }
}

impl IPlatform for Idle {
    fn process(&self, _: &PlatformRequest) -> deployment::Result<Box<dyn IProcess>> {
        Ok(Box::new(Self))
    }
}

/// The store of the large package, in `folder`.
pub(crate) async fn store(folder: &Path) -> Result<Arc<dyn IStore>> {
    let path = folder.join("large.sqlite");
    Ok(Arc::new(
        SqliteStore::open(&path, SqliteOptions::default()).await?,
    ))
}

/// A deployer that makes its private directories in `folder`.
pub(crate) fn deployer(store: Arc<dyn IStore>, folder: &Path) -> Deployer {
    let options = DeployerOptions::default().with_temp_root(folder);
    Deployer::new(store, Arc::new(Idle), options)
}

/// Deploys `package`.
pub(crate) async fn deploy(deployer: &Deployer, package: &str) -> Result<()> {
    let credentials = Credentials::new("bench", Secret::new("bench-password"))?;
    let request = DeployRequest::new(package, "https://api.bench.example", credentials)?;
    let id = deployer.deploy_package(request).await?;
    let record = deployer.wait(&id).await?;
    ensure!(record.phase() == Some(Phase::Success), "{record:?}");
    Ok(())
}
