//! `cargo xtask api`: what the library crates offer, as it is recorded in `docs/api`.
//!
//! Each file holds a line for each public item with all features on. A change of one is meant, or
//! it is noticed here; either way it stands in the same commit.
//! Types of crates before 1.0 are in it only where that is meant.

mod unstable;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::rustdoc;
use crate::shell::{Call, say};
use crate::usage_error;
use crate::workspace::Workspace;

/// Where the records are, one file a library.
const RECORDS: &str = "docs/api";

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
    let libraries = workspace.libraries();
    check_records(&workspace.root.join(RECORDS), &libraries)?;
    let (mut apis, mut changed) = (Vec::new(), Vec::new());
    for name in libraries {
        let offered = offered(&workspace, name)?;
        let path = record(&workspace.root, name);
        let recorded = fs::read_to_string(&path)
            .with_context(|| format!("failed to read {}", path.display()))?;
        if recorded != offered {
            say(&difference(&recorded, &offered));
            changed.push(name);
        }
        apis.push(offered);
    }
    if !changed.is_empty() {
        bail!(
            "the public API of {} is not the recorded one: where that is meant, `cargo xtask api {BLESS}` records it",
            changed.join(", ")
        );
    }
    unstable::check(&apis, &dependencies(&workspace)?)
}

fn bless() -> Result<()> {
    let workspace = Workspace::load()?;
    for name in workspace.libraries() {
        let path = record(&workspace.root, name);
        let folder = path.parent().context("a record has a folder")?;
        fs::create_dir_all(folder)?;
        fs::write(&path, offered(&workspace, name)?)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

/// Fails where the files of `folder` are not one of each library.
fn check_records(folder: &Path, libraries: &[&str]) -> Result<()> {
    let expected: BTreeSet<_> = libraries.iter().map(|name| format!("{name}.txt")).collect();
    if expected.is_empty() {
        bail!("the workspace has no library");
    }
    let mut found = BTreeSet::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?
    {
        found.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    let odd = found.symmetric_difference(&expected).next();
    match odd {
        Some(odd) if found.contains(odd) => bail!("`{odd}` is the record of no library"),
        Some(missing) => {
            bail!("there is no record `{missing}`: `cargo xtask api {BLESS}` makes it")
        }
        None => Ok(()),
    }
}

/// All that is built for this machine, as `cargo metadata` tells of it.
fn dependencies(workspace: &Workspace) -> Result<Value> {
    let version = Call::cargo(&workspace.root, &["-vV"]).read()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let arguments = [
        "metadata",
        "--locked",
        "--format-version",
        "1",
        "--filter-platform",
        host.context("cargo does not tell its host")?,
    ];
    let text = Call::cargo(&workspace.root, &arguments).read()?;
    serde_json::from_str(&text).context("failed to understand `cargo metadata`")
}

fn record(root: &Path, name: &str) -> PathBuf {
    root.join(RECORDS).join(format!("{name}.txt"))
}

/// A line for each item that the crate offers.
fn offered(workspace: &Workspace, name: &str) -> Result<String> {
    let path = rustdoc::read(workspace, name)?.path;
    let api = public_api::Builder::from_rustdoc_json(&path)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .with_context(|| format!("failed to understand {}", path.display()))?;
    let offered = format!("{api}");
    if offered.is_empty() {
        bail!("`{name}` offers nothing");
    }
    Ok(offered)
}

/// The lines that one of them has more often.
fn difference(recorded: &str, offered: &str) -> String {
    let only = |mark, lines: &str, others: &str| {
        let mut others: Vec<_> = others.lines().collect();
        let more = lines.lines().filter(|line| {
            let other = others.iter().position(|other| other == line);
            other.map(|place| others.swap_remove(place)).is_none()
        });
        more.map(|line| format!("{mark} {line}")).collect()
    };
    let gone: Vec<_> = only('-', recorded, offered);
    let differing = [gone, only('+', offered, recorded)].concat();
    if differing.is_empty() {
        return "the same lines, in another order".to_owned();
    }
    differing.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::root;

    #[test]
    fn a_difference_tells_what_went_and_what_came() {
        let recorded = "pub fn a::b()\npub fn a::c()\n";
        let offered = "pub fn a::c()\npub fn a::d()\n";
        assert_eq!(
            difference(recorded, offered),
            "- pub fn a::b()\n+ pub fn a::d()"
        );
    }

    #[test]
    fn a_line_that_came_twice_and_an_order_are_differences() {
        let recorded = "impl a::B\npub fn a::c()\n";
        assert_eq!(
            difference(recorded, "impl a::B\nimpl a::B\npub fn a::c()\n"),
            "+ impl a::B"
        );
        assert_eq!(
            difference(recorded, "pub fn a::c()\nimpl a::B\n"),
            "the same lines, in another order"
        );
    }

    #[test]
    fn each_library_has_a_record_and_each_record_a_library() {
        let folder = root().join(RECORDS);
        let workspace = Workspace::load().unwrap();
        let libraries = workspace.libraries();
        check_records(&folder, &libraries).unwrap();
        let refused = |libraries: &[&str]| {
            let error = check_records(&folder, libraries).unwrap_err();
            error.to_string()
        };
        assert_eq!(refused(&[]), "the workspace has no library");
        assert_eq!(
            refused(&[&libraries[..], &["kites"]].concat()),
            "there is no record `kites.txt`: `cargo xtask api --bless` makes it"
        );
        let others: Vec<_> = libraries
            .into_iter()
            .filter(|name| *name != "batch")
            .collect();
        assert_eq!(refused(&others), "`batch.txt` is the record of no library");
    }
}
