//! `cargo xtask api`: what the library crates offer, as it is recorded in `docs/api`.
//!
//! Each file holds a line for each public item with all features on. A change of one is meant, or
//! it is noticed here; either way it stands in the same commit.
//! Types of crates before 1.0 are in it only where that is meant.

mod unstable;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::rustdoc::{self, CRATES};
use crate::shell::say;
use crate::usage_error;
use crate::workspace::Workspace;

/// Records what is there.
const BLESS: &str = "--bless";

/// The command.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    match arguments {
        [] => check(),
        [option] if option == BLESS => bless(),
        _ => Err(usage_error(format!("`api` takes {BLESS} or nothing"))),
    }
}

/// Fails where a crate offers something else than is recorded, or a type of an unstable crate.
pub(crate) fn check() -> Result<()> {
    let workspace = Workspace::load()?;
    let (mut apis, mut changed) = (Vec::new(), Vec::new());
    for name in CRATES {
        let Some(offered) = offered(&workspace, name)? else {
            return Ok(());
        };
        let path = record(&workspace.root, name);
        let recorded = fs::read_to_string(&path).unwrap_or_default();
        if recorded != offered {
            say(&difference(&recorded, &offered));
            changed.push(*name);
        }
        apis.push(offered);
    }
    if !changed.is_empty() {
        bail!(
            "the public API of {} is not the recorded one: where that is meant, `cargo xtask api {BLESS}` records it",
            changed.join(", ")
        );
    }
    let lock = workspace.root.join("Cargo.lock");
    unstable::check(&apis, &fs::read_to_string(lock)?)
}

fn bless() -> Result<()> {
    let workspace = Workspace::load()?;
    for name in CRATES {
        let Some(offered) = offered(&workspace, name)? else {
            bail!("nothing is recorded");
        };
        let path = record(&workspace.root, name);
        let folder = path.parent().context("a record has a folder")?;
        fs::create_dir_all(folder)?;
        fs::write(&path, offered).with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

fn record(root: &Path, name: &str) -> PathBuf {
    root.join("docs/api").join(format!("{name}.txt"))
}

/// A line for each item that the crate offers; nothing where rustdoc does not tell.
fn offered(workspace: &Workspace, name: &str) -> Result<Option<String>> {
    let Some(documented) = rustdoc::read(workspace, name)? else {
        return Ok(None);
    };
    let path = documented.path;
    let api = public_api::Builder::from_rustdoc_json(&path)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .with_context(|| format!("failed to understand {}", path.display()))?;
    Ok(Some(format!("{api}")))
}

/// The lines that only one of them has.
fn difference(recorded: &str, offered: &str) -> String {
    let only = |mark, lines: &str, others: &str| {
        let others: HashSet<_> = others.lines().collect();
        let lines = lines.lines().filter(|line| !others.contains(line));
        lines.map(|line| format!("{mark} {line}")).collect()
    };
    let gone: Vec<_> = only('-', recorded, offered);
    [gone, only('+', offered, recorded)].concat().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_tells_what_went_and_what_came() {
        let recorded = "pub fn a::b()\npub fn a::c()\n";
        let offered = "pub fn a::c()\npub fn a::d()\n";
        assert_eq!(
            difference(recorded, offered),
            "- pub fn a::b()\n+ pub fn a::d()"
        );
    }
}
