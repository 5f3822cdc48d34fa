//! That the documentation shows how each thing is used: every public type, trait, macro and free
//! function of the library crates has an example, which the doctests run.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::rustdoc;
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
    let libraries = workspace.libraries();
    if libraries.is_empty() {
        bail!("the workspace has no library");
    }
    let mut missing = Vec::new();
    for name in libraries {
        let documented = rustdoc::read(&workspace, name)?;
        let without = without_example(&documented.document);
        missing.extend(without.with_context(|| format!("failed to look through `{name}`"))?);
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
fn without_example(document: &Value) -> Result<Vec<String>> {
    let id = &document["root"];
    let root = Item::of(document, id)?.with_context(|| format!("the root {id} is not there"))?;
    let mut found = Found::default();
    root.visit(document, root.name, &mut found)?;
    if found.items == 0 {
        bail!("there is no public item that has to have an example");
    }
    found.missing.sort();
    found.missing.dedup();
    Ok(found.missing)
}

/// What was found on the way.
#[derive(Default)]
struct Found {
    /// How many there are that have to have an example.
    items: usize,
    missing: Vec<String>,
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
    fn of(document: &'a Value, id: &Value) -> Result<Option<Self>> {
        let Some(item) = document["index"].get(id.to_string()) else {
            let own = document["paths"][id.to_string()]["crate_id"].as_u64() == Some(0);
            if own {
                bail!("the own item {id} is not there");
            }
            return Ok(None);
        };
        let inner = item["inner"].as_object();
        let (kind, inner) = inner
            .and_then(|inner| inner.iter().next())
            .with_context(|| format!("the item {id} is of no kind"))?;
        // What exports an item once more has the name on the inside; an implementation has none.
        let name = item["name"].as_str().or(inner["name"].as_str());
        Ok(Some(Self {
            kind,
            name: name.unwrap_or_default(),
            docs: item["docs"].as_str().unwrap_or_default(),
            inner,
        }))
    }

    /// Goes from the item, which users name by `path`, down to all that can be named through it.
    fn visit(&self, document: &'a Value, path: &str, found: &mut Found) -> Result<()> {
        match self.kind {
            "module" => {
                let children = self.inner["items"].as_array();
                for id in children.with_context(|| format!("`{path}` has no list of items"))? {
                    if let Some(child) = Self::of(document, id)? {
                        child.visit(document, &format!("{path}::{}", child.name), found)?;
                    }
                }
            }
            "use" if self.inner["is_glob"] == true => {
                // What a private module holds is not told of.
                bail!("`{path}` is exported by a glob, so its items cannot be looked at");
            }
            "use" => {
                if let Some(target) = Self::of(document, &self.inner["id"])? {
                    target.visit(document, path, found)?;
                }
            }
            kind if KINDS.contains(&kind) => {
                found.items += 1;
                if !has_example(self.docs) {
                    found.missing.push(format!("{kind} {path}"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether a text of documentation holds a code block that is compiled as a doctest, and shows code.
fn has_example(docs: &str) -> bool {
    // The marks that end the block, and whether its lines are compiled.
    let mut block: Option<(&str, bool)> = None;
    docs.lines().map(str::trim).any(|line| {
        let (marks, rest) = marks(line);
        match block {
            None if !marks.is_empty() => {
                let mut attributes = rest.split(',').map(str::trim);
                block = Some((marks, attributes.all(|one| COMPILED.contains(&one))));
                false
            }
            Some((open, _)) if rest.is_empty() && marks.starts_with(open) => {
                block = None;
                false
            }
            None | Some((_, false)) => false,
            Some((_, true)) => is_code(line),
        }
    })
}

/// The marks that a code block begins and ends with, and what stands behind them.
fn marks(line: &str) -> (&str, &str) {
    let longest = ['`', '~'].map(|mark| line.len() - line.trim_start_matches(mark).len());
    let length = longest.into_iter().max().filter(|length| *length > 2);
    line.split_at(length.unwrap_or(0))
}

/// Whether a line of Rust is shown, and says anything to the compiler.
fn is_code(line: &str) -> bool {
    let is_hidden = line == "#" || line.starts_with("# ");
    !line.is_empty() && !is_hidden && !line.starts_with("//")
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
            "````text\n```\nshape\n```\n````\n\n~~~rust\n#[derive(Debug)]\nstruct One;\n~~~",
        ] {
            assert!(has_example(docs), "{docs}");
        }
        for docs in [
            "",
            "Says `what`.",
            "```text\nshape\n```\n",
            "```ignore\nlet one = 1;\n```",
            "```rust,ignore\nlet one = 1;\n```",
            "```\n```",
            "```\n\n# let one = 1;\n#\n// One.\n```\nlet one = 1;",
            "````text\n```\nlet one = 1;\n```\n````",
            "~~~text\n```\nlet one = 1;\n```\n~~~",
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
            "paths": {"4": {"crate_id": 0}, "99": {"crate_id": 20}},
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
            without_example(&document()).unwrap(),
            ["macro kites::proofs::prove", "struct kites::Tail"]
        );
    }

    #[track_caller]
    fn check_refused(why: &str, change: impl FnOnce(&mut Value)) {
        let mut document = document();
        change(&mut document);
        let error = without_example(&document).unwrap_err();
        assert_eq!(error.to_string(), why);
    }

    #[test]
    fn what_cannot_be_looked_at_does_not_pass() {
        check_refused("the root 77 is not there", |document| {
            document["root"] = json!(77);
        });
        check_refused(
            "there is no public item that has to have an example",
            |document| {
                document["index"]["0"]["inner"]["module"]["items"] = json!([5]);
            },
        );
        check_refused(
            "`kites::Tail` is exported by a glob, so its items cannot be looked at",
            |document| {
                document["index"]["2"]["inner"]["use"]["is_glob"] = json!(true);
            },
        );
        check_refused("the own item 4 is not there", |document| {
            document["index"].as_object_mut().unwrap().remove("4");
        });
        check_refused("the item 4 is of no kind", |document| {
            document["index"]["4"]["inner"] = json!({});
        });
        check_refused("`kites` has no list of items", |document| {
            document["index"]["0"]["inner"]["module"] = json!({});
        });
    }
}
