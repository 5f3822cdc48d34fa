//! `demo`: the whole way on a machine without any platform.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use batch::Secret;
use deployment::{
    Credentials, DeployRequest, Deployer, DeployerOptions, DeploymentRecord, DeploymentStatus,
    PackageCatalog, PackageDetails,
};
use serde_json::Value;
use store::{FileContents, IStore};
use tempfile::TempDir;
use uuid::Uuid;

use crate::again::Again;
use crate::cli::Client;
use crate::clients;
use crate::command::deploy::succeeded;
use crate::failure::{FAILED, Failure};
use crate::follow::{Followed, follow};
use crate::invocation::{Invocation, quoted};
use crate::message::say;
use crate::output::Output;
use crate::paint::Paint;
use crate::report;
use crate::sample_package;
use crate::stop::{Halt, Stop};
use crate::store_choice;

/// The address of the stand-in's platform; no request is ever sent to it.
const ENDPOINT: &str = "https://api.demo.example";

/// The demo's folder and what stands in it.
///
/// It is removed with this, unless it is [kept](Self::keep).
struct Folder {
    root: TempDir,
}

impl Folder {
    /// Makes a new folder.
    fn create() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("helion-deploy-demo-")
            .tempdir();
        let root = folder.map_err(failed("make the demo's folder"))?;
        Ok(Self { root })
    }

    /// Leaves it for the user to look at.
    fn keep(&mut self) {
        self.root.disable_cleanup(true);
    }

    fn root(&self) -> &Path {
        self.root.path()
    }

    fn platform(&self) -> PathBuf {
        self.root().join("platform")
    }

    fn programs(&self) -> PathBuf {
        self.root().join("bin")
    }

    fn temp(&self) -> PathBuf {
        self.root().join("temp")
    }
}

pub(crate) async fn run(output: Output<'_>) -> Result<(), Failure> {
    let mut stop = Stop::new()?;
    let mut folder = Folder::create()?;
    let url = store_choice::sqlite_url(&folder.root().join("store.sqlite"))?;
    let halt = Halt::default();
    // The folder is removed when nothing more is put into it, unless that takes too long.
    let filled = async {
        let filled = fill(&folder, &url).await?;
        if halt.heed() {
            return Err(Failure::new(FAILED, "the demo is stopped"));
        }
        Ok(filled)
    };
    let (store, saved) = stop.ending(filled, &halt).await?;
    folder.keep();
    say(&format!(
        "package {} ({} bytes) is in {url}",
        saved.name, saved.size
    ));

    let runner = clients::runner_options()
        .with_env("PATH", folder.programs().to_string_lossy())
        .with_env(
            standin::PLATFORM_VARIABLE,
            folder.platform().to_string_lossy(),
        );
    let platform = clients::platform(Client::Helion, runner);
    let options = DeployerOptions::default().with_temp_root(folder.temp());
    let status = DeploymentStatus::new(Arc::clone(&store));
    let deployer = Deployer::new(store, platform, options);
    // The stand-in has no users, so it takes any password; this one lives as long as the demo.
    let password = Secret::new(Uuid::new_v4().to_string());
    let credentials = Credentials::new("demo", password)?;
    let request = DeployRequest::new(sample_package::NAME, ENDPOINT, credentials)?;
    let followed = follow(&deployer, &status, request, &mut stop).await?;
    let record = followed.record();

    output.print(&with_folder(record, &folder)?, |_| {
        text(&followed, &folder, &url, output.paint())
    })?;
    succeeded(record, &Again::Never).map_err(|failure| match failure.hint() {
        Some(hint) => {
            let hint = Invocation::on_store(&url).complete(hint);
            failure.with_hint(hint)
        }
        None => failure,
    })
}

/// Makes the demo's store, the package in it, and the platform.
async fn fill(folder: &Folder, url: &str) -> Result<(Arc<dyn IStore>, PackageDetails), Failure> {
    let store = store_choice::open_url(url).await?;
    prepare(folder)?;
    let catalog = PackageCatalog::new(Arc::clone(&store));
    let archive = sample_package::build()?;
    let contents = FileContents::from_bytes(archive);
    let saved = catalog.save_package(sample_package::NAME, contents).await?;
    Ok((store, saved))
}

/// Makes the platform's folder and the client, which is this program under another name.
fn prepare(folder: &Folder) -> Result<(), Failure> {
    for path in [folder.programs(), folder.temp()] {
        std::fs::create_dir(&path).map_err(failed("make the demo's folder"))?;
    }
    standin::Platform::create(folder.platform())
        .map_err(|error| Failure::new(FAILED, error.to_string()))?;
    let program = std::env::current_exe().map_err(failed("find this program"))?;
    std::os::unix::fs::symlink(program, folder.programs().join("helion"))
        .map_err(failed("make the demo's client"))
}

fn failed(doing: &'static str) -> impl Fn(std::io::Error) -> Failure {
    move |error| Failure::new(FAILED, format!("failed to {doing}: {error}"))
}

/// The record, and where the pushed files stand.
fn with_folder(record: &DeploymentRecord, folder: &Folder) -> Result<Value, Failure> {
    let mut document = serde_json::to_value(record)
        .map_err(|error| Failure::new(FAILED, format!("failed to write JSON: {error}")))?;
    if let Value::Object(fields) = &mut document {
        let shown = |path: &Path| Value::from(path.to_string_lossy());
        fields.insert("platform_folder".to_owned(), shown(&folder.platform()));
        fields.insert("demo_folder".to_owned(), shown(folder.root()));
    }
    Ok(document)
}

fn text(followed: &Followed, folder: &Folder, url: &str, paint: Paint) -> String {
    format!(
        "{}\n\nThe pushed files are in {}\nLook around:  helion-deploy --store {} logs {}\n\
         Clean up:     rm -r {}",
        report::followed(followed, paint),
        folder.platform().display(),
        quoted(url),
        followed.record().deploy_id,
        quoted(&folder.root().to_string_lossy()),
    )
}
