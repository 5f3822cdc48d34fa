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

use crate::shell::{Call, say};
use crate::usage_error;
use crate::workspace::Workspace;

/// The crates that others build on.
const CRATES: &[&str] = &["store", "batch", "package", "helion-cli", "deployment"];

/// Records what is there.
const BLESS: &str = "--bless";

/// The version of rustdoc's JSON that is understood, which comes with Rust 1.95.
const FORMAT: u32 = 57;

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

/// A line for each item that the crate offers; nothing, and it says so, where this toolchain's
/// rustdoc writes another format.
fn offered(workspace: &Workspace, name: &str) -> Result<Option<String>> {
    let arguments = [
        "rustdoc",
        "--locked",
        "--package",
        name,
        "--lib",
        "--all-features",
        "--",
        "-Zunstable-options",
        "--output-format=json",
    ];
    let rustdoc = workspace.root.join("xtask/rustdoc-json.sh");
    Call::cargo(&workspace.root, &arguments)
        .env("RUSTDOC", rustdoc.to_string_lossy())
        .run()?;
    let file = format!("doc/{}.json", name.replace('-', "_"));
    let path = workspace.target.join(file);
    let text =
        fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let format = format(&text)?;
    if format != FORMAT {
        say(&format!(
            "NOT COMPARED: the public API, for this rustdoc writes format {format}, and {FORMAT} is understood"
        ));
        return Ok(None);
    }
    let api = public_api::Builder::from_rustdoc_json(&path)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .with_context(|| format!("failed to understand {}", path.display()))?;
    Ok(Some(format!("{api}")))
}

fn format(text: &str) -> Result<u32> {
    let document: serde_json::Value = serde_json::from_str(text)?;
    let version = document.get("format_version");
    let version = version.and_then(serde_json::Value::as_u64);
    let version = version.context("no format version in rustdoc's JSON")?;
    Ok(u32::try_from(version)?)
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

    #[test]
    fn a_format_is_read_from_the_document() {
        assert_eq!(format(r#"{"format_version":57}"#).unwrap(), 57);
        let error = format("{}").unwrap_err();
        assert_eq!(error.to_string(), "no format version in rustdoc's JSON");
    }
}
