//! Bare children of the standard library, and nothing else.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use batch::LocalRunnerOptions;

/// The smallest program at hand.
pub(crate) struct TinyChild {
    pub(crate) path: PathBuf,
    pub(crate) origin: &'static str,
}

/// Builds a static program that does nothing: with a dynamic one, most of what is measured is
/// the loader's work.
pub(crate) fn tiny_child(folder: &Path) -> Result<TinyChild> {
    let (source, path) = (folder.join("tiny.c"), folder.join("tiny"));
    std::fs::write(&source, "int main(void) { return 0; }\n")?;
    let built = command("cc")
        .args(["-O2", "-static", "-o"])
        .args([&path, &source])
        .stderr(Stdio::null())
        .status();
    Ok(if built.is_ok_and(|status| status.success()) {
        TinyChild {
            path,
            origin: "a static C program that returns 0",
        }
    } else {
        TinyChild {
            path: PathBuf::from("/bin/true"),
            origin: "/bin/true, since `cc -static` does not work here",
        }
    })
}

/// Options with which a runner's children have the environment of the bare ones.
pub(crate) fn options() -> LocalRunnerOptions {
    LocalRunnerOptions::default()
        .without_passed_env()
        .with_passed_env("PATH")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the floor is the standard library's own spawn"
)]
fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    Command::new(program)
}

/// A child with the environment of a runner's: with cargo's own, most of what is measured is the
/// loader's search in the folders that it names.
fn bare(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = command(program);
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("BARE_RUN", "0123456789abcdef0123456789abcdef");
    command
}

/// Spawns a child and waits for it.
pub(crate) fn spawn_and_wait(program: &Path) -> Result<()> {
    ensure!(bare(program).status()?.success(), "the child failed");
    Ok(())
}

/// Spawns a child, reads what it prints, and waits for it; returns the bytes read.
pub(crate) fn spawn_and_read(program: &str, arguments: &[&str], buffer: &mut [u8]) -> Result<u64> {
    let (mut output, merged) = io::pipe()?;
    let mut command = bare(program);
    command
        .args(arguments)
        .stdout(merged.try_clone()?)
        .stderr(merged);
    let mut child = command.spawn()?;
    drop(command);
    let mut total = 0;
    loop {
        match output.read(buffer)? {
            0 => break,
            length => total += length as u64,
        }
    }
    ensure!(child.wait()?.success(), "the child failed");
    Ok(total)
}
