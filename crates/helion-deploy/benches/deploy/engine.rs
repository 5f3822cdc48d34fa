//! What the engine costs over the bare commands of one deployment.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use batch::{LocalRunner, LocalRunnerOptions, Secret};
use deployment::{
    CliPlatform, Credentials, DeployRequest, Deployer, DeployerOptions, PackageCatalog, Phase,
};
use helion_cli::{HelionCliComposer, ICliComposer as _};
use store::{FileContents, IStore, SqliteOptions, SqliteStore};

use super::noise::Noise;
use super::quiet::{settle, spread_folders};
use super::row::{Limit, Row};
use super::{Size, runtime, target_folder};

const ENDPOINT: &str = "https://api.bench.example";
const PACKAGE_BYTES: usize = 50_000;
const AT_ONCE: u32 = 100;
const BARE_THREADS: u32 = 4;

/// Measures both ways of deploying many packages.
pub(crate) fn rows(size: &Size, _: &Path) -> Result<Vec<Row>> {
    let runtime = runtime()?;
    let bench = runtime.block_on(Bench::prepare())?;
    let mut one = Vec::new();
    let mut many = Vec::new();
    for round in 0..=size.rounds {
        let measured = (
            settle(size.pause, || {
                runtime.block_on(bench.one_at_a_time(round, size.deployments))
            })?,
            settle(size.pause, || runtime.block_on(bench.all_at_once(round)))?,
        );
        // The first round warms caches and is not counted.
        if round > 0 {
            one.push(measured.0);
            many.push(measured.1);
        }
    }
    Ok(vec![
        Row::ratio("one at a time", Limit::RatioAtMost(2.5), &one),
        Row::ratio("100 at once", Limit::RatioAtMost(1.7), &many),
    ])
}

struct Bench {
    store: Arc<dyn IStore>,
    platform: Arc<CliPlatform>,
    commands: Vec<Vec<String>>,
    client: PathBuf,
    folder: tempfile::TempDir,
}

impl Bench {
    async fn prepare() -> Result<Self> {
        // Beside the build's own files: on a real disk, where a write is durable or not.
        let target = target_folder()?;
        std::fs::create_dir_all(&target)?;
        let folder = tempfile::Builder::new()
            .prefix("bench-deploy-")
            .tempdir_in(&target)?;
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin)?;
        spread_folders(folder.path());
        let client = bin.join("helion");
        std::os::unix::fs::symlink("/bin/true", &client)?;

        let path = folder.path().join("store.sqlite");
        let store: Arc<dyn IStore> =
            Arc::new(SqliteStore::open(&path, SqliteOptions::default()).await?);
        let archive =
            testkit::package("bench", &[("data.bin", &Noise::new().bytes(PACKAGE_BYTES))]);
        let catalog = PackageCatalog::new(Arc::clone(&store));
        let saved = catalog
            .save_package("bench", FileContents::from_bytes(archive))
            .await?;
        println!("package of {} bytes, client /bin/true", saved.size);

        let runner = LocalRunnerOptions::default().with_env("PATH", bin.to_string_lossy());
        let platform = CliPlatform::helion(Arc::new(LocalRunner::new(runner)));
        Ok(Self {
            store,
            platform: Arc::new(platform),
            commands: commands()?,
            client,
            folder,
        })
    }

    /// A deployer whose private directories lie in a folder of its own.
    fn deployer(&self, folder: &str) -> Result<Deployer> {
        let temp = self.folder.path().join(folder);
        std::fs::create_dir(&temp)?;
        let options = DeployerOptions::default().with_temp_root(&temp);
        let (store, platform) = (Arc::clone(&self.store), Arc::clone(&self.platform));
        Ok(Deployer::new(store, platform, options))
    }

    /// One round's times of the engine and of the bare commands, in seconds per deployment.
    async fn one_at_a_time(&self, round: usize, count: u32) -> Result<(f64, f64)> {
        let deployer = self.deployer(&format!("one-{round}"))?;
        let start = Instant::now();
        for index in 0..count {
            deploy(&deployer, &format!("one-{round}-{index}")).await?;
        }
        let engine = start.elapsed().as_secs_f64() / f64::from(count);
        let start = Instant::now();
        for _ in 0..count {
            self.spawn_bare()?;
        }
        Ok((engine, start.elapsed().as_secs_f64() / f64::from(count)))
    }

    /// As [`one_at_a_time`](Self::one_at_a_time).
    async fn all_at_once(&self, round: usize) -> Result<(f64, f64)> {
        let deployer = self.deployer(&format!("all-{round}"))?;
        let start = Instant::now();
        let names: Vec<_> = (0..AT_ONCE)
            .map(|index| format!("all-{round}-{index}"))
            .collect();
        let deployments = names.iter().map(|name| deploy(&deployer, name));
        futures_util::future::try_join_all(deployments).await?;
        let engine = start.elapsed().as_secs_f64() / f64::from(AT_ONCE);
        let start = Instant::now();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..BARE_THREADS)
                .map(|_| {
                    scope.spawn(|| (0..AT_ONCE / BARE_THREADS).try_for_each(|_| self.spawn_bare()))
                })
                .collect();
            threads.into_iter().try_for_each(|thread| {
                thread
                    .join()
                    .map_err(|_| anyhow::anyhow!("a bare spawner panicked"))?
            })
        })?;
        Ok((engine, start.elapsed().as_secs_f64() / f64::from(AT_ONCE)))
    }

    /// The commands of one deployment and nothing else.
    #[expect(
        clippy::disallowed_methods,
        reason = "the floor is the standard library's own spawn"
    )]
    fn spawn_bare(&self) -> Result<()> {
        for arguments in &self.commands {
            let status = std::process::Command::new(&self.client)
                .args(&arguments[1..])
                // As the engine's children have it: cargo's own would have the loader search more.
                .env_clear()
                .env("PATH", self.folder.path().join("bin"))
                .current_dir(self.folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
            ensure!(status.success(), "the client failed");
        }
        Ok(())
    }
}

async fn deploy(deployer: &Deployer, application: &str) -> Result<()> {
    let credentials = Credentials::new("bench", Secret::new("bench-password"))?;
    let request =
        DeployRequest::new("bench", ENDPOINT, credentials)?.with_application(application)?;
    let id = deployer.deploy_package(request).await?;
    let record = deployer.wait(&id).await?;
    ensure!(record.phase() == Some(Phase::Success), "{record:?}");
    Ok(())
}

/// The command lines that a deployment runs.
fn commands() -> Result<Vec<Vec<String>>> {
    let password = Secret::new("bench-password");
    let composer = HelionCliComposer::new(ENDPOINT, "bench", password, None)?;
    let commands = [
        composer.target_command()?,
        composer.login_command()?,
        composer.delete_command("bench")?,
        composer.list_command()?,
        composer.push_command("bench", "/tmp/bench")?,
        composer.list_command()?,
        composer.logout_command()?,
    ];
    Ok(commands.iter().map(batch::Command::exposed_argv).collect())
}
