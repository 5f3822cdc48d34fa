//! What the engine costs over the bare commands: `cargo xtask bench deploy`.
//!
//! A package of about 50 kB is deployed with a client that exits at once, statuses durable on
//! SQLite. In the same round the very same commands are spawned and waited for by the standard
//! library, and nothing else. Wall times, the median of the rounds' ratios.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use batch::{LocalRunner, LocalRunnerOptions, Secret};
use deployment::{
    CliPlatform, Credentials, DeployRequest, Deployer, DeployerOptions, PackageCatalog, Phase,
};
use helion_cli::{HelionCliComposer, ICliComposer as _};
use serde_json::json;
use store::{FileContents, IStore, SqliteOptions, SqliteStore};

const ENDPOINT: &str = "https://api.bench.example";
const PACKAGE_BYTES: usize = 50_000;
const AT_ONCE: u32 = 100;
const BARE_THREADS: u32 = 4;

/// How much is measured: the short form runs with the tests, which only check that it works.
struct Size {
    rounds: usize,
    deployments: u32,
    pause: Duration,
}

fn main() -> Result<()> {
    // Cargo says so when it measures, and does not when it tests.
    let is_full = std::env::args().any(|argument| argument == "--bench");
    let size = if is_full {
        Size {
            rounds: 9,
            deployments: 20,
            pause: Duration::from_secs(6),
        }
    } else {
        Size {
            rounds: 1,
            deployments: 3,
            pause: Duration::ZERO,
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let bench = runtime.block_on(Bench::prepare())?;

    let mut one = Vec::new();
    let mut many = Vec::new();
    for round in 0..=size.rounds {
        let measured = (
            settle(&size, || {
                runtime.block_on(bench.one_at_a_time(round, size.deployments))
            })?,
            settle(&size, || runtime.block_on(bench.all_at_once(round)))?,
        );
        // The first round warms caches and is not counted.
        if round > 0 {
            one.push(measured.0);
            many.push(measured.1);
        }
    }
    report(&one, &many)
}

/// Measures when the file system is as quiet as before a first deployment.
///
/// ext4 without a journal passes over every inode that was deleted in the last five seconds when
/// it makes a new one (`recently_deleted` in `fs/ext4/ialloc.c`), so rounds without a pause would
/// also measure how much the rounds before had deleted.
fn settle<T>(size: &Size, measure: impl FnOnce() -> T) -> T {
    std::thread::sleep(size.pause);
    measure()
}

/// One round's times, in seconds per deployment.
struct Pair {
    engine: f64,
    bare: f64,
}

struct Bench {
    deployer: Deployer,
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
        let temp = folder.path().join("temp");
        std::fs::create_dir(&bin)?;
        std::fs::create_dir(&temp)?;
        let client = bin.join("helion");
        std::os::unix::fs::symlink("/bin/true", &client)?;

        let path = folder.path().join("store.sqlite");
        let store: Arc<dyn IStore> =
            Arc::new(SqliteStore::open(&path, SqliteOptions::default()).await?);
        let archive = testkit::package("bench", &[("data.bin", &noise(PACKAGE_BYTES))]);
        let catalog = PackageCatalog::new(Arc::clone(&store));
        let saved = catalog
            .save_package("bench", FileContents::from_bytes(archive))
            .await?;
        println!("package of {} bytes, client /bin/true", saved.size);

        let runner = LocalRunnerOptions::default().with_env("PATH", bin.to_string_lossy());
        let platform = CliPlatform::helion(Arc::new(LocalRunner::new(runner)));
        let options = DeployerOptions::default().with_temp_root(&temp);
        let deployer = Deployer::new(store, Arc::new(platform), options);
        Ok(Self {
            deployer,
            commands: commands()?,
            client,
            folder,
        })
    }

    async fn one_at_a_time(&self, round: usize, count: u32) -> Result<Pair> {
        let start = Instant::now();
        for index in 0..count {
            self.deploy(&format!("one-{round}-{index}")).await?;
        }
        let engine = start.elapsed().as_secs_f64() / f64::from(count);
        let start = Instant::now();
        for _ in 0..count {
            self.spawn_bare()?;
        }
        Ok(Pair {
            engine,
            bare: start.elapsed().as_secs_f64() / f64::from(count),
        })
    }

    async fn all_at_once(&self, round: usize) -> Result<Pair> {
        let start = Instant::now();
        let names: Vec<_> = (0..AT_ONCE)
            .map(|index| format!("all-{round}-{index}"))
            .collect();
        let deployments = names.iter().map(|name| self.deploy(name));
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
        Ok(Pair {
            engine,
            bare: start.elapsed().as_secs_f64() / f64::from(AT_ONCE),
        })
    }

    async fn deploy(&self, application: &str) -> Result<()> {
        let credentials = Credentials::new("bench", Secret::new("bench-password"))?;
        let request =
            DeployRequest::new("bench", ENDPOINT, credentials)?.with_application(application)?;
        let id = self.deployer.deploy_package(request).await?;
        let record = self.deployer.wait(&id).await?;
        ensure!(record.phase() == Some(Phase::Success), "{record:?}");
        Ok(())
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

/// Bytes that do not compress: a xorshift sequence, the same every time.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state & 0xff) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn target_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    // target/release/deps/deploy-…
    let target = program.ancestors().nth(3).map(Path::to_owned);
    target.context("the bench does not run from a target folder")
}

fn report(one: &[Pair], many: &[Pair]) -> Result<()> {
    let rows = [("one at a time", one, 2.5), ("100 at once", many, 1.7)];
    println!(
        "{:<15} {:>12} {:>12} {:>8} {:>8}",
        "", "engine ms", "bare ms", "ratio", "at most"
    );
    let verdict = |ratio, limit| {
        if ratio <= limit {
            "reached"
        } else {
            "NOT reached"
        }
    };
    let mut measured = Vec::new();
    for (name, pairs, limit) in rows {
        let engine = median(pairs.iter().map(|pair| pair.engine * 1e3));
        let bare = median(pairs.iter().map(|pair| pair.bare * 1e3));
        let ratio = median(pairs.iter().map(|pair| pair.engine / pair.bare));
        println!(
            "{name:<15} {engine:>12.2} {bare:>12.2} {ratio:>8.2} {limit:>8.2} {}",
            verdict(ratio, limit)
        );
        measured.push(json!({
            "what": name,
            "engine_ms": engine,
            "bare_ms": bare,
            "ratio": ratio,
            "limit": limit,
            "verdict": verdict(ratio, limit),
            "rounds": pairs.len(),
        }));
    }
    let path = target_folder()?.join("bench-deploy.json");
    std::fs::write(
        &path,
        serde_json::to_vec_pretty(&json!({ "rows": measured }))?,
    )?;
    println!("written to {}", path.display());
    Ok(())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
