//! That the documentation shows how each thing is used: every public type, trait, macro and free
//! function of the library crates has an example, which the doctests run.

use anyhow::{Result, bail};
use serde_json::Value;

use crate::rustdoc::{self, CRATES};
use crate::workspace::Workspace;

/// What has to have an example, as rustdoc names it.
const KINDS: &[&str] = &[
    "struct",
    "enum",
    "union",
    "trait",
    "type_alias",
    "function",
    "macro",
    "proc_macro",
];

/// What may stand behind the marks of a code block that is compiled as Rust.
const COMPILED: &[&str] = &["", "rust", "no_run"];

/// Fails where something has no example, and names all that have none.
pub(crate) fn check() -> Result<()> {
    let workspace = Workspace::load()?;
    let mut missing = Vec::new();
    for name in CRATES {
        let Some(documented) = rustdoc::read(&workspace, name)? else {
            return Ok(());
        };
        missing.extend(without_example(&documented.document));
    }
    if !missing.is_empty() {
        bail!(
            "no example in the documentation of:\n  {}",
            missing.join("\n  ")
        );
    }
    Ok(())
}

/// A line for each public item that has to have an example, and has none, by kind and path.
fn without_example(document: &Value) -> Vec<String> {
    let mut missing = Vec::new();
    if let Some(root) = Item::of(document, &document["root"]) {
        root.visit(document, root.name, &mut missing);
    }
    missing.sort();
    missing.dedup();
    missing
}

/// What rustdoc tells of one item.
struct Item<'a> {
    kind: &'a str,
    name: &'a str,
    docs: &'a str,
    /// What only items of its kind have.
    inner: &'a Value,
}

impl<'a> Item<'a> {
    /// None for an item of another crate, which is documented there.
    fn of(document: &'a Value, id: &Value) -> Option<Self> {
        let item = document["index"].get(id.to_string())?;
        let (kind, inner) = item["inner"].as_object()?.iter().next()?;
        Some(Self {
            kind,
            // What exports an item once more has the name on the inside.
            name: item["name"].as_str().or(inner["name"].as_str())?,
            docs: item["docs"].as_str().unwrap_or_default(),
            inner,
        })
    }

    /// Goes from the item, which users name by `path`, down to all that can be named through it.
    fn visit(&self, document: &'a Value, path: &str, missing: &mut Vec<String>) {
        match self.kind {
            "module" => {
                let children = self.inner["items"].as_array().into_iter().flatten();
                for child in children.filter_map(|id| Self::of(document, id)) {
                    child.visit(document, &format!("{path}::{}", child.name), missing);
                }
            }
            "use" => {
                if let Some(target) = Self::of(document, &self.inner["id"]) {
                    target.visit(document, path, missing);
                }
            }
            kind if KINDS.contains(&kind) && !has_example(self.docs) => {
                missing.push(format!("{kind} {path}"));
            }
            _ => {}
        }
    }
}

/// Whether a text of documentation holds a code block that is compiled as a doctest.
fn has_example(docs: &str) -> bool {
    let mut inside = false;
    docs.lines()
        .filter_map(|line| line.trim_start().strip_prefix("```"))
        .any(|attributes| {
            inside = !inside;
            inside
                && attributes
                    .split(',')
                    .all(|one| COMPILED.contains(&one.trim()))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_example_is_a_block_that_doctests_compile() {
        for docs in [
            "Says what.\n\n```\nlet one = 1;\n```",
            "- listed:\n  ```rust,no_run\n  serve();\n  ```",
            "```text\nshape\n```\n\n```\nlet one = 1;\n```",
        ] {
            assert!(has_example(docs), "{docs}");
        }
        for docs in [
            "",
            "Says `what`.",
            "```text\nshape\n```\n",
            "```ignore\nlet one = 1;\n```",
            "```rust,ignore\nlet one = 1;\n```",
        ] {
            assert!(!has_example(docs), "{docs}");
        }
    }

    /// A crate that shows its function, and neither its type, which is in a private module, nor
    /// the macro of a public one.
    fn document() -> Value {
        let item = |name: Option<&str>, docs: &str, inner: Value| json!({"name": name, "docs": docs, "inner": inner});
        json!({
            "root": 0,
            "index": {
                "0": item(Some("kites"), "", json!({"module": {"items": [1, 2, 3, 5]}})),
                "1": item(Some("fly"), "```\nkites::fly();\n```", json!({"function": {}})),
                "2": item(None, "", json!({"use": {"name": "Tail", "id": 4}})),
                "3": item(Some("proofs"), "", json!({"module": {"items": [6, 7]}})),
                "4": item(Some("Ribbon"), "A tail.", json!({"struct": {}})),
                "5": item(None, "", json!({"use": {"name": "Wind", "id": 99}})),
                "6": item(Some("prove"), "Proves.", json!({"macro": "macro_rules! prove"})),
                "7": item(Some("LENGTH"), "Its length.", json!({"constant": {}})),
                "8": item(Some("Unreachable"), "", json!({"struct": {}})),
            },
        })
    }

    #[test]
    fn what_has_no_example_is_named_as_a_user_names_it() {
        assert_eq!(
            without_example(&document()),
            ["macro kites::proofs::prove", "struct kites::Tail"]
        );
    }
}
