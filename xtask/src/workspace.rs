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

#[cfg(test)]
mod tests {
    use super::*;

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
