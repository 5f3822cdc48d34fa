//! A platform of one's own that is a folder, and a package that is deployed to it:
//! `own_platform hello-world.tar.gz /srv/www`.

#![expect(clippy::print_stdout, reason = "it is a program")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use batch::{
    IProcess, IProgress, Milestone, ProcessOutcome, Secret, Status, StepOutcome, StepReport,
};
use deployment::{
    Credentials, DeployRequest, Deployer, DeployerOptions, IPlatform, PackageCatalog,
    PlatformRequest,
};
use store::{IStore, MemoryStore};
use tokio_util::sync::CancellationToken;

const INSTALLED: Status = Status::from_static("INSTALLED");

/// Serves what stands in a folder.
#[derive(Debug)]
struct Folder(PathBuf);

impl IPlatform for Folder {
    fn process(&self, request: &PlatformRequest) -> deployment::Result<Box<dyn IProcess>> {
        Ok(Box::new(Installation {
            from: request.application_directory.clone(),
            to: self.0.join(&request.application),
            is_started: AtomicBool::new(false),
        }))
    }
}

/// Copies one application's tree into the folder.
#[derive(Debug)]
struct Installation {
    from: PathBuf,
    to: PathBuf,
    is_started: AtomicBool,
}

#[async_trait]
impl IProcess for Installation {
    async fn execute(
        &self,
        progress: &dyn IProgress,
        cancel: &CancellationToken,
    ) -> batch::Result<ProcessOutcome> {
        if self.is_started.swap(true, Ordering::Relaxed) {
            return Err(batch::Error::AlreadyStarted);
        }
        progress.report(&Milestone::Started).await?;
        let outcome = self.install(cancel).await;
        let ending = match &outcome {
            StepOutcome::Done => ProcessOutcome::Success,
            StepOutcome::Cancelled => ProcessOutcome::Cancelled,
            other => ProcessOutcome::failed(INSTALLED, other.to_string()),
        };
        let report = StepReport::new(INSTALLED, "copy the application", outcome);
        progress.report(&Milestone::Step(report)).await?;
        progress
            .report(&Milestone::Finished(ending.clone()))
            .await?;
        Ok(ending)
    }
}

impl Installation {
    /// Copies file by file, and stops between two of them when it is told to.
    async fn install(&self, cancel: &CancellationToken) -> StepOutcome {
        let mut folders = vec![(self.from.clone(), self.to.clone())];
        while let Some((from, to)) = folders.pop() {
            match copy_folder(&from, &to, cancel).await {
                Ok(Some(inner)) => folders.extend(inner),
                Ok(None) => return StepOutcome::Cancelled,
                Err(error) => {
                    let reason = format!("copy `{}`: {error}", from.display());
                    return StepOutcome::Failed { reason };
                }
            }
        }
        StepOutcome::Done
    }
}

/// Copies the files of a folder; its folders are left to be copied, or nothing after a cancel.
async fn copy_folder(
    from: &PathBuf,
    to: &PathBuf,
    cancel: &CancellationToken,
) -> std::io::Result<Option<Vec<(PathBuf, PathBuf)>>> {
    tokio::fs::create_dir_all(to).await?;
    let mut entries = tokio::fs::read_dir(from).await?;
    let mut folders = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        if cancel.is_cancelled() {
            return Ok(None);
        }
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().await?.is_dir() {
            folders.push((source, target));
        } else {
            tokio::fs::copy(source, target).await?;
        }
    }
    Ok(Some(folders))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [archive, folder] = arguments.as_slice() else {
        return Err("usage: own_platform ARCHIVE FOLDER".into());
    };
    let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let package = PackageCatalog::new(Arc::clone(&store))
        .save_package_file(archive)
        .await?;
    let platform = Arc::new(Folder(PathBuf::from(folder)));
    let deployer = Deployer::new(store, platform, DeployerOptions::default());
    // This platform asks nobody who they are.
    let credentials = Credentials::new("nobody", Secret::new("none"))?;
    let request = DeployRequest::new(package.name.as_str(), "https://localhost", credentials)?;
    let id = deployer.deploy_package(request).await?;
    let record = deployer.wait(&id).await?;
    println!("{}", record.history.join("\n"));
    if record.deploy_status != "SUCCESS" {
        return Err(format!("the deployment ended {}", record.deploy_status).into());
    }
    Ok(())
}
