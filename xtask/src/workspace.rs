//! What cargo knows about the workspace.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::shell::Call;

/// The workspace: where it is, and its crates.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    pub(crate) target: PathBuf,
    pub(crate) members: Vec<Member>,
}

/// One crate of the workspace.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// Each feature, and what it turns on.
    pub(crate) features: Vec<(String, Vec<String>)>,
    /// Whether it is published, and others build on it.
    is_library: bool,
}

/// The folder that holds the workspace's manifest.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn load() -> Result<Self> {
        let root = root();
        let text =
            Call::cargo(&root, &["metadata", "--no-deps", "--format-version", "1"]).read()?;
        Self::parse(&text).context("failed to understand `cargo metadata`")
    }

    fn parse(text: &str) -> Result<Self> {
        let metadata: Value = serde_json::from_str(text)?;
        let path = |key: &str| Some(PathBuf::from(metadata.get(key)?.as_str()?));
        let packages = metadata
            .get("packages")
            .and_then(Value::as_array)
            .context("no packages")?;
        Ok(Self {
            root: path("workspace_root").context("no root")?,
            target: path("target_directory").context("no target folder")?,
            members: packages
                .iter()
                .map(Member::parse)
                .collect::<Option<_>>()
                .context("an incomplete package")?,
        })
    }

    /// The names of all members.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.members
            .iter()
            .map(|member| member.name.as_str())
            .collect()
    }

    /// The names of the crates that others build on.
    pub(crate) fn libraries(&self) -> Vec<&str> {
        let libraries = self.members.iter().filter(|member| member.is_library);
        libraries.map(|member| member.name.as_str()).collect()
    }
}

impl Member {
    fn parse(package: &Value) -> Option<Self> {
        let manifest = Path::new(package.get("manifest_path")?.as_str()?);
        let features = package
            .get("features")?
            .as_object()?
            .iter()
            .map(|(name, enables)| {
                let enables = enables
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str);
                (name.clone(), enables.map(String::from).collect())
            });
        Some(Self {
            name: package.get("name")?.as_str()?.to_owned(),
            folder: manifest.parent()?.to_owned(),
            features: features.collect(),
            is_library: is_published(package) && library(package).is_some(),
        })
    }

    /// The feature sets that a user may pick, all of them together left out: none, the default, and each one alone.
    pub(crate) fn feature_sets(&self) -> Vec<Vec<String>> {
        let is_default = |name: &str| name == "default";
        let default = self
            .features
            .iter()
            .find(|(name, _)| is_default(name))
            .map(|(_, enables)| enables.clone());
        let single = self
            .features
            .iter()
            .filter(|(name, _)| !is_default(name))
            .map(|(name, _)| vec![name.clone()]);
        let mut sets = Vec::new();
        for set in [Vec::new()].into_iter().chain(default).chain(single) {
            if !sets.contains(&set) {
                sets.push(set);
            }
        }
        sets
    }
}

/// Whether `package`, as cargo tells of it, may be published somewhere.
fn is_published(package: &Value) -> bool {
    let registries = package.get("publish").and_then(Value::as_array);
    registries.is_none_or(|registries| !registries.is_empty())
}

/// The name by which code speaks of `package`, as cargo tells of it, where it is a library.
pub(crate) fn library(package: &Value) -> Option<&str> {
    let is_library = |target: &&Value| {
        let kinds = target.get("kind").and_then(Value::as_array);
        let mut kinds = kinds.into_iter().flatten().filter_map(Value::as_str);
        kinds.any(|kind| kind.ends_with("lib") || kind == "proc-macro")
    };
    let targets = package.get("targets")?.as_array()?;
    targets.iter().find(is_library)?.get("name")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_published_and_can_be_built_on() {
        let text = r#"{
            "workspace_root": "/w", "target_directory": "/t",
            "packages": [
                { "name": "md-5", "manifest_path": "/w/a/Cargo.toml", "features": {}, "publish": null,
                  "targets": [{ "kind": ["test"], "name": "it" }, { "kind": ["lib"], "name": "md5" }] },
                { "name": "own", "manifest_path": "/w/b/Cargo.toml", "features": {}, "publish": [],
                  "targets": [{ "kind": ["lib"], "name": "own" }] },
                { "name": "program", "manifest_path": "/w/c/Cargo.toml", "features": {}, "publish": null,
                  "targets": [{ "kind": ["bin"], "name": "program" }] }
            ]
        }"#;
        let workspace = Workspace::parse(text).expect("metadata");
        assert_eq!(workspace.libraries(), ["md-5"]);
        let metadata: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(library(&metadata["packages"][0]), Some("md5"));
    }

    #[test]
    fn each_feature_set_is_there_once() {
        let text = r#"{
            "workspace_root": "/w", "target_directory": "/t",
            "packages": [{
                "name": "store", "manifest_path": "/w/crates/store/Cargo.toml",
                "features": { "default": ["fs"], "fs": ["dep:rustix"], "mock": ["dep:mockall"] }
            }]
        }"#;
        let workspace = Workspace::parse(text).expect("metadata");
        assert_eq!(workspace.names(), ["store"]);
        let store = workspace.members.first().expect("a member");
        assert_eq!(store.folder, Path::new("/w/crates/store"));
        assert_eq!(
            store.feature_sets(),
            [vec![], vec!["fs".to_owned()], vec!["mock".to_owned()]]
        );
    }
}
