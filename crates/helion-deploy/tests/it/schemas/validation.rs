//! Checks documents against the published schemas.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use boon::Compiler;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder of schemas that refer to each other by their file names.
pub(super) struct Schemas {
    folder: PathBuf,
    /// Keeps the copies, where they are some.
    _copies: Option<TempDir>,
}

fn published() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/schemas")
}

impl Schemas {
    /// As they are published: a reader lets be what it does not know.
    pub(super) fn published() -> Self {
        Self {
            folder: published().canonicalize().unwrap(),
            _copies: None,
        }
    }

    /// Copies of them that refuse every key that they do not describe.
    pub(super) fn closed() -> Self {
        let copies = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(published()).unwrap() {
            let path = entry.unwrap().path();
            let mut schema = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            close(&mut schema);
            let copy = copies.path().join(path.file_name().unwrap());
            std::fs::write(copy, schema.to_string()).unwrap();
        }
        Self {
            folder: copies.path().canonicalize().unwrap(),
            _copies: Some(copies),
        }
    }

    pub(super) fn names(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(&self.folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect()
    }

    fn refusal(&self, name: &str, documents: &[Value]) -> Vec<Option<String>> {
        let mut schemas = boon::Schemas::new();
        let path = self.folder.join(format!("{name}.json"));
        let schema = Compiler::new()
            .compile(path.to_str().unwrap(), &mut schemas)
            .unwrap_or_else(|error| panic!("{error:#}"));
        let validated = documents.iter().map(|document| {
            let result = schemas.validate(document, schema);
            result.err().map(|error| format!("{error:#}"))
        });
        validated.collect()
    }

    #[track_caller]
    pub(super) fn check(&self, name: &str, document: &Value) {
        for refusal in self.refusal(name, std::slice::from_ref(document)) {
            assert_eq!(refusal, None, "{name}: {document:#}");
        }
    }

    /// Of a document, every value is once replaced by one of another type, and every key that has
    /// to be there is once left out.
    #[track_caller]
    pub(super) fn check_that_broken_ones_fail(&self, name: &str, document: &Value) {
        let (breaks, documents): (Vec<_>, Vec<_>) = broken(document, "").into_iter().unzip();
        let refusals = self.refusal(name, &documents);
        for (broken, refusal) in breaks.iter().zip(refusals) {
            assert!(refusal.is_some(), "{name} takes one with {broken}");
        }
    }
}

/// The ends of the paths of all keys that may be missing.
const OPTIONAL: [&str; 16] = [
    "/engine",
    "/engine/error",
    "/engine/idempotency_key",
    "/engine/lease_until",
    "/engine/redeploy_of",
    "/engine/space",
    "/engine/steps_dropped",
    "/error/step",
    "/exit_code",
    "/hint",
    "/manifest/author",
    "/manifest/icon",
    "/manifest/name",
    "/manifest/package",
    "/manifest/tags",
    "/manifest/version",
];

/// Has every object that a schema describes refuse other keys; what a condition asks stays as it is.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for (key, inner) in fields.iter_mut() {
                if key != "if" {
                    close(inner);
                }
            }
            // The engine of a newer schema is what it is.
            if fields.contains_key("properties") && !fields.contains_key("if") {
                fields.insert("unevaluatedProperties".to_owned(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// How a document is broken, and what it then is.
fn broken(document: &Value, path: &str) -> Vec<(String, Value)> {
    // Nowhere is a list of lists expected.
    let mut found = vec![(format!("another type at `{path}`"), json!([[[]]]))];
    match document {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = format!("{path}/{key}");
                let with = |inner: Option<Value>| {
                    let mut fields = fields.clone();
                    match inner {
                        Some(inner) => fields.insert(key.clone(), inner),
                        None => fields.shift_remove(key),
                    };
                    Value::Object(fields)
                };
                if !OPTIONAL.iter().any(|end| path.ends_with(end)) {
                    found.push((format!("no `{path}`"), with(None)));
                }
                let inner = broken(value, &path).into_iter();
                found.extend(inner.map(|(how, inner)| (how, with(Some(inner)))));
            }
        }
        // Of a list, one item stands for all.
        Value::Array(items) => {
            if let Some((first, rest)) = items.split_first() {
                let inner = broken(first, &format!("{path}/0")).into_iter();
                let with = |inner| Value::Array([&[inner], rest].concat());
                found.extend(inner.map(|(how, inner)| (how, with(inner))));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found
}
