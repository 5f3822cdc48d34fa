//! What rustdoc knows about a library crate, as JSON.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::shell::{Call, say};
use crate::workspace::Workspace;

/// The crates that others build on.
pub(crate) const CRATES: &[&str] = &["store", "batch", "package", "helion-cli", "deployment"];

/// The version of rustdoc's JSON that is understood, which comes with Rust 1.95.
const FORMAT: u64 = 57;

/// One crate with all features on, and the file that tells of it.
#[derive(Debug)]
pub(crate) struct Documented {
    pub(crate) path: PathBuf,
    pub(crate) document: Value,
}

/// Has rustdoc tell of the crate; nothing, and it says so, where this toolchain's rustdoc writes
/// another format.
pub(crate) fn read(workspace: &Workspace, name: &str) -> Result<Option<Documented>> {
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
    let document = serde_json::from_str(&text)
        .with_context(|| format!("failed to understand {}", path.display()))?;
    let format = format(&document)?;
    if format != FORMAT {
        say(&format!(
            "NOT CHECKED: `{name}`, for this rustdoc writes format {format}, and {FORMAT} is understood"
        ));
        return Ok(None);
    }
    Ok(Some(Documented { path, document }))
}

fn format(document: &Value) -> Result<u64> {
    let version = document.get("format_version").and_then(Value::as_u64);
    version.context("no format version in rustdoc's JSON")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_format_is_read_from_the_document() {
        assert_eq!(format(&json!({"format_version": 57})).unwrap(), 57);
        let error = format(&json!({})).unwrap_err();
        assert_eq!(error.to_string(), "no format version in rustdoc's JSON");
    }
}
