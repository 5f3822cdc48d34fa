//! Shows that each rule would notice: in a copy of the workspace that breaks it.
//!
//! The copy holds the real manifests and lock file, and empty sources, as only dependencies matter. What a rule forbids
//! is added to its crate's manifest as a stub package of that name, so nothing is fetched, and a forbidden edge that
//! would close a circle is still seen by the rule rather than refused by cargo.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::rules::Rule;
use super::{Network, tree};
use crate::workspace::{Member, Workspace};

/// Breaks each rule in a copy, and fails if one of the forbidden packages goes unnoticed.
pub(super) fn prove(workspace: &Workspace, rules: &[Rule]) -> Result<()> {
    let members = workspace.names();
    let copy = Copy::make(workspace)?;
    for rule in rules {
        let forbidden = rule.forbidden(&members);
        let subject = workspace
            .members
            .iter()
            .find(|member| member.name == rule.subject)
            .context("no such crate")?;
        let tree = copy.with_edges(subject, &forbidden, |folder| {
            tree(folder, rule.subject, Network::Offline)
        })?;
        let noticed = rule.violations(&tree, &members);
        if let Some(missed) = forbidden.iter().find(|package| !noticed.contains(package)) {
            bail!("{rule}: would not notice `{missed}`");
        }
    }
    copy.remove()
}

/// A copy of the workspace, with folders for stub packages beside it.
struct Copy {
    folder: PathBuf,
    original: PathBuf,
}

impl Copy {
    fn make(workspace: &Workspace) -> Result<Self> {
        let copy = Self {
            folder: workspace.target.join("xtask-layers"),
            original: workspace.root.clone(),
        };
        if copy.folder.exists() {
            copy.remove()?;
        }
        for file in ["Cargo.toml", "Cargo.lock"] {
            copy_file(&workspace.root.join(file), &copy.workspace().join(file))?;
        }
        for member in &workspace.members {
            copy_package(&member.folder, &copy.folder_of(member)?)?;
        }
        Ok(copy)
    }

    /// Calls `read` while the manifest of `subject` names `packages`, each a stub.
    fn with_edges(
        &self,
        subject: &Member,
        packages: &[&str],
        read: impl FnOnce(&Path) -> Result<String>,
    ) -> Result<String> {
        let path = self.folder_of(subject)?.join("Cargo.toml");
        let kept = fs::read_to_string(&path)
            .with_context(|| format!("failed to read `{}`", path.display()))?;
        let mut edges = String::new();
        for package in packages {
            let stub = self.make_stub(package)?.display().to_string();
            writeln!(edges, "\n[dependencies.{package}]\npath = {stub:?}")
                .context("failed to write an edge")?;
        }
        let others = without_dev_dependencies(&kept, packages);
        write(&path, &format!("{others}{edges}"))?;
        let result = read(&self.workspace());
        write(&path, &kept)?;
        result
    }

    /// A package without anything in it, outside of the copied workspace.
    fn make_stub(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join("stubs").join(name);
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n"
        );
        write(&folder.join("Cargo.toml"), &manifest)?;
        write(&folder.join("src").join("lib.rs"), "")?;
        Ok(folder)
    }

    fn workspace(&self) -> PathBuf {
        self.folder.join("workspace")
    }

    fn folder_of(&self, member: &Member) -> Result<PathBuf> {
        let relative = member
            .folder
            .strip_prefix(&self.original)
            .context("a crate outside of the workspace")?;
        Ok(self.workspace().join(relative))
    }

    fn remove(&self) -> Result<()> {
        fs::remove_dir_all(&self.folder)
            .with_context(|| format!("failed to delete `{}`", self.folder.display()))
    }
}

/// The manifest without those of its dev-dependencies that are `packages`: cargo takes a package from one place only, and
/// here that is the stub.
fn without_dev_dependencies(manifest: &str, packages: &[&str]) -> String {
    let mut section = "";
    let kept = manifest.lines().filter(|line| {
        if line.starts_with('[') {
            section = line;
        }
        let key = line.split(['.', ' ', '=']).next().unwrap_or_default();
        section != "[dev-dependencies]" || !packages.contains(&key)
    });
    kept.flat_map(|line| [line, "\n"]).collect()
}

/// Copies a package's manifest, and an empty file for each source: cargo looks that the targets are there.
fn copy_package(from: &Path, to: &Path) -> Result<()> {
    let entries =
        fs::read_dir(from).with_context(|| format!("failed to list `{}`", from.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("failed to list `{}`", from.display()))?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            if entry.file_name() != "target" {
                copy_package(&path, &copy)?;
            }
        } else if entry.file_name() == "Cargo.toml" {
            copy_file(&path, &copy)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            write(&copy, "")?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let text =
        fs::read_to_string(from).with_context(|| format!("failed to read `{}`", from.display()))?;
    write(to, &text)
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .with_context(|| format!("failed to write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_dev_dependencies_are_left_out() {
        let manifest = "[dependencies]\nanyhow.workspace = true\n\n[dev-dependencies]\n\
                        anyhow.workspace = true\nclap = { workspace = true }\nanyhow-like = \"1\"\n\n\
                        [lints]\nworkspace = true\n";
        assert_eq!(
            without_dev_dependencies(manifest, &["anyhow", "clap"]),
            "[dependencies]\nanyhow.workspace = true\n\n[dev-dependencies]\nanyhow-like = \"1\"\n\n\
             [lints]\nworkspace = true\n"
        );
    }
}
