//! What the servers are made of, below one folder: Python packages, and two programs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::shell::Call;
use crate::unchecked::Unchecked;

/// Fails where Python is too old, or a module that makes environments is missing.
const PROBE: &str = "import sys, venv, ensurepip; assert sys.version_info >= (3, 11), sys.version";

/// The folder with everything in it.
#[derive(Debug)]
pub(super) struct Installation {
    folder: PathBuf,
    requirements: PathBuf,
}

impl Installation {
    /// In `folder`, of what is listed beside the sources of the servers.
    pub(super) fn new(folder: PathBuf, sources: &Path) -> Self {
        Self {
            folder,
            requirements: sources.join("requirements.txt"),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The Python of the environment.
    pub(super) fn python(&self) -> PathBuf {
        self.environment().join("bin/python")
    }

    /// Whether servers can have been started from here, be it in other versions than are wanted now.
    pub(super) fn exists(&self) -> bool {
        self.python().exists()
    }

    /// Adds what is missing, and tells what cannot be checked for want of it.
    pub(super) fn complete(&self) -> Result<Unchecked> {
        fs::create_dir_all(&self.folder)?;
        if !self.has_packages() {
            self.install_packages()?;
        }
        self.find_program("memcached").context(
            "memcached is missing: neither is it on the PATH, nor could apt-get download it",
        )?;
        let rclone = self.find_program("rclone");
        let unchecked = rclone.err().map(|error| {
            format!(
                "what rclone writes and reads, for it is neither on the PATH, nor could apt-get \
                 download it: {error:#}"
            )
        });
        Ok(unchecked.into_iter().collect())
    }

    fn environment(&self) -> PathBuf {
        self.folder.join("venv")
    }

    /// The requirements that were installed, to see when they have changed.
    fn record(&self) -> PathBuf {
        self.environment().join("requirements.txt")
    }

    fn has_packages(&self) -> bool {
        let wanted = fs::read(&self.requirements).ok();
        // A later Python of the system finds nothing of what was installed for the one before.
        wanted.is_some() && wanted == fs::read(self.record()).ok() && self.finds_packages()
    }

    fn finds_packages(&self) -> bool {
        let probe = "import importlib.util as u, sys; sys.exit(not u.find_spec('swift'))";
        self.exists()
            && Call::new(self.python(), &self.folder, &["-c", probe])
                .read()
                .is_ok()
    }

    fn install_packages(&self) -> Result<()> {
        Call::new("python3", &self.folder, &["-c", PROBE])
            .read()
            .context(
                "python3 is missing, or is older than 3.11, or lacks its modules venv and ensurepip \
                 (a package of their own, python3-venv, on Debian)",
            )?;
        let environment = self.environment();
        if environment.exists() {
            fs::remove_dir_all(&environment)?;
        }
        Call::new("python3", &self.folder, &["-m", "venv", "venv"]).run()?;
        let requirements = self.requirements.to_string_lossy();
        let install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
            requirements.as_ref(),
        ];
        Call::new(self.python(), &self.folder, &install)
            .run()
            .context("the servers could not be installed: is there a network, and a package index behind it?")?;
        fs::copy(&self.requirements, self.record())?;
        Ok(())
    }

    /// Links a program into the folder, from the PATH or out of Debian's package of the same name.
    fn find_program(&self, name: &str) -> Result<()> {
        let link = self.folder.join(name);
        if link.exists() {
            return Ok(());
        }
        let program = match on_path(name) {
            Some(program) => program,
            None => self.unpack_program(name)?,
        };
        // One that leads nowhere is in the way.
        if link.is_symlink() {
            fs::remove_file(&link)?;
        }
        symlink(program, link)?;
        Ok(())
    }

    /// Downloads and unpacks a package of Debian, which neither needs root nor changes the system.
    fn unpack_program(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join("debian").join(name);
        fs::create_dir_all(&folder)?;
        Call::new("apt-get", &folder, &["--quiet", "download", name]).read()?;
        let package = fs::read_dir(&folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .context("apt-get downloaded nothing")?;
        let package = package.to_string_lossy();
        Call::new("dpkg", &folder, &["--extract", package.as_ref(), "."]).read()?;
        let program = folder.join("usr/bin").join(name);
        // It may need libraries that are not here.
        Call::new(&program, &folder, &["--version"]).read()?;
        Ok(program)
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}
