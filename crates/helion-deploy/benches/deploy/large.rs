//! The large package: unpacking it beside the system's `tar`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use deployment::PackageCatalog;
use package::{PackageArchive, UnpackLimits, unpack_application};
use store::IStore;
use tokio::runtime::Runtime;

use super::large_package::{self, NAME};
use super::quiet::{settle, spread_folders};
use super::row::{Limit, Row};
use super::{Size, idle, memory, runtime};

/// Unpacks the application's archive alone, the whole package, and a package from the store as
/// part of a deployment.
///
/// `tar` does for the first what is asked of us, and for the others what it takes to reach the
/// same tree: it unpacks the package, and then the application's archive that was in it.
pub(crate) fn rows(size: &Size, folder: &Path) -> Result<Vec<Row>> {
    let runtime = runtime()?;
    let bench = Bench {
        store: runtime.block_on(idle::store(folder))?,
        runtime,
        package: folder.join("large.tar.gz"),
        application: folder.join("application.tar.gz"),
        folder,
        pause: size.pause,
    };
    spread_folders(folder);
    large_package::write(&bench.package, &bench.application, size.package)?;
    println!("package of {} bytes", bench.package.metadata()?.len());
    bench.runtime.block_on(async {
        let catalog = PackageCatalog::new(Arc::clone(&bench.store));
        catalog.save_package_file(&bench.package).await
    })?;
    let mut applications = Vec::new();
    let mut packages = Vec::new();
    let mut deployments = Vec::new();
    // The first round warms caches and is not counted.
    for round in 0..=size.unpackings {
        let application = bench.pair(round, Bench::application, Bench::tar_application)?;
        let package = bench.pair(round, Bench::package, Bench::tar_package)?;
        let deployment = bench.pair(round, Bench::deployment, Bench::tar_package)?;
        if round > 0 {
            deployments.push(deployment);
            applications.push(application);
            packages.push(package);
        }
    }
    let limit = Limit::TimesAsFast(1.5);
    let mut rows = vec![
        Row::ratio("unpack 200 MB, tar -xzf", limit, &applications),
        Row::ratio("unpack nested, tar -xzf twice", limit, &packages),
        Row::ratio("deploy 200 MB, tar -xzf twice", limit, &deployments),
    ];
    // Only Linux tells a process its own peak.
    if cfg!(target_os = "linux") {
        rows.push(memory::row(folder)?);
    }
    Ok(rows)
}

struct Bench<'a> {
    runtime: Runtime,
    store: Arc<dyn IStore>,
    package: PathBuf,
    application: PathBuf,
    folder: &'a Path,
    pause: Duration,
}

impl Bench<'_> {
    /// The seconds that both need; who begins alternates.
    fn pair(
        &self,
        round: usize,
        ours: fn(&Self, &Path) -> Result<()>,
        floor: fn(&Self, &Path) -> Result<()>,
    ) -> Result<(f64, f64)> {
        if round.is_multiple_of(2) {
            let ours = self.seconds(ours)?;
            Ok((ours, self.seconds(floor)?))
        } else {
            let floor = self.seconds(floor)?;
            Ok((self.seconds(ours)?, floor))
        }
    }

    /// Does the work into a folder of its own, which lies apart from those before.
    fn seconds(&self, work: fn(&Self, &Path) -> Result<()>) -> Result<f64> {
        let into = tempfile::Builder::new()
            .prefix("into-")
            .tempdir_in(self.folder)?
            .keep();
        // What was written before and never reached the disk is no burden of this work.
        rustix::fs::sync();
        let seconds = settle(self.pause, || {
            let start = Instant::now();
            work(self, &into)?;
            anyhow::Ok(start.elapsed().as_secs_f64())
        })?;
        std::fs::remove_dir_all(&into)?;
        Ok(seconds)
    }

    fn application(&self, into: &Path) -> Result<()> {
        let file = File::open(&self.application)?;
        unpack_application(file, NAME, into, &UnpackLimits::default())?;
        Ok(())
    }

    fn package(&self, into: &Path) -> Result<()> {
        let file = File::open(&self.package)?;
        PackageArchive::open(file, NAME, UnpackLimits::default())?.unpack_application(into)?;
        Ok(())
    }

    /// From the store, with every status recorded, up to the end without leftovers.
    fn deployment(&self, into: &Path) -> Result<()> {
        let deployer = idle::deployer(Arc::clone(&self.store), into);
        self.runtime.block_on(idle::deploy(&deployer, NAME))
    }

    fn tar_application(&self, into: &Path) -> Result<()> {
        tar(&self.application, into)
    }

    fn tar_package(&self, into: &Path) -> Result<()> {
        tar(&self.package, into)?;
        tar(&into.join(format!("{NAME}/{NAME}.tar.gz")), into)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the floor is the system's own program"
)]
fn tar(archive: &Path, into: &Path) -> Result<()> {
    let status = std::process::Command::new("tar")
        .arg("-xzf")
        .arg(archive)
        .arg("-C")
        .arg(into)
        .status()?;
    ensure!(status.success(), "tar failed");
    Ok(())
}
