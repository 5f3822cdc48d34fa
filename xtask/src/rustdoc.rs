//! What rustdoc knows about a library crate, as JSON.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::ci::WITHOUT_RUSTDOC_JSON;
use crate::shell::Call;
use crate::workspace::Workspace;

/// The version of rustdoc's JSON that is understood, which comes with Rust 1.95.
const FORMAT: u64 = 57;

/// One crate with all features on, and the file that tells of it.
#[derive(Debug)]
pub(crate) struct Documented {
    pub(crate) path: PathBuf,
    pub(crate) document: Value,
}

/// Has rustdoc tell of the crate; fails where this toolchain's rustdoc writes another format.
pub(crate) fn read(workspace: &Workspace, name: &str) -> Result<Documented> {
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
    check_format(&document)?;
    Ok(Documented { path, document })
}

fn check_format(document: &Value) -> Result<()> {
    let format = document.get("format_version").and_then(Value::as_u64);
    let format = format.context("no format version in rustdoc's JSON")?;
    if format != FORMAT {
        bail!(
            "nothing is checked, for this rustdoc writes format {format}, and {FORMAT} is understood: Rust 1.95 \
             writes that; `cargo xtask ci {WITHOUT_RUSTDOC_JSON}` leaves out what reads it"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_format_that_is_understood_passes() {
        check_format(&json!({"format_version": FORMAT})).unwrap();
        let refused = |document| check_format(&document).unwrap_err().to_string();
        assert_eq!(
            refused(json!({"format_version": 60})),
            "nothing is checked, for this rustdoc writes format 60, and 57 is understood: Rust 1.95 writes that; \
             `cargo xtask ci --without-rustdoc-json` leaves out what reads it"
        );
        assert_eq!(refused(json!({})), "no format version in rustdoc's JSON");
    }
}
