//! What deploying the large package takes of memory, in a process of its own.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use deployment::PackageCatalog;
use store::FileContents;

use super::large_package::NAME;
use super::row::Row;
use super::{idle, runtime};

/// The first argument of the process that measures itself.
pub(crate) const MODE: &str = "--memory";

/// A package for which the engine takes all that it takes for any.
const SMALL: &str = "small";

/// Has a process measure itself; the large package is in `folder`'s store.
#[expect(
    clippy::disallowed_methods,
    reason = "the benchmark runs itself anew, for a base that nothing before it has raised"
)]
pub(crate) fn row(folder: &Path) -> Result<Row> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let archive = testkit::package(SMALL, &[("index.html", b"<h1>small</h1>")]);
        PackageCatalog::new(idle::store(folder).await?)
            .save_package(SMALL, FileContents::from_bytes(archive))
            .await?;
        anyhow::Ok(())
    })?;
    let output = std::process::Command::new(std::env::current_exe()?)
        .arg(MODE)
        .arg(folder)
        .stderr(std::process::Stdio::inherit())
        .output()?;
    ensure!(
        output.status.success(),
        "the process that measures memory failed"
    );
    let mib: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(Row::absolute(
        "memory over base, deploy 200 MB",
        "MiB",
        32.0,
        &[mib],
    ))
}

/// Prints the peak over base in MiB.
pub(crate) fn measure_here(folder: &Path) -> Result<()> {
    let runtime = runtime()?;
    let over = runtime.block_on(async {
        let deployer = idle::deployer(idle::store(folder).await?, folder);
        // What any deployment takes belongs to the base.
        idle::deploy(&deployer, SMALL).await?;
        let base = status("VmRSS")?;
        idle::deploy(&deployer, NAME).await?;
        anyhow::Ok(status("VmHWM")?.saturating_sub(base))
    })?;
    println!("{:.2}", f64::from(over) / 1024.0);
    Ok(())
}

/// A line of this process's status, in KiB.
fn status(key: &str) -> Result<u32> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok())
        .with_context(|| format!("the process's status has no {key}"))
}
