//! The crates before 1.0, or before any other release, whose types stand in the public API.
//!
//! Each release of such a crate may break whoever holds one of its types, and so would ours.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::workspace::library;

/// Those whose types are meant to stand there; `docs/architecture.md` says why.
const MEANT: &[&str] = &["futures_core", "tokio_util"];

/// Fails where `apis`, the lines of all crates, hold types of other unstable crates than are meant;
/// `metadata` is what cargo tells of all that is built.
pub(super) fn check(apis: &[String], metadata: &Value) -> Result<()> {
    let unstable = unstable(metadata)?;
    let named = apis.iter().flat_map(|api| crates(api));
    let found: BTreeSet<_> = named.filter(|name| unstable.contains(*name)).collect();
    let meant: BTreeSet<_> = MEANT.iter().copied().collect();
    let (added, gone) = (&found - &meant, &meant - &found);
    if let Some(name) = added.first() {
        bail!(
            "the public API holds types of `{name}`, which has no stable release, and is not meant to"
        );
    }
    if let Some(name) = gone.first() {
        bail!("the public API is meant to hold types of the unstable `{name}`, and has none");
    }
    Ok(())
}

/// The crates that paths in `api` begin with.
fn crates(api: &str) -> impl Iterator<Item = &str> {
    let is_of_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let paths = api.split(move |c| !is_of_path(c));
    let roots = paths.filter_map(|path| path.split_once("::"));
    roots.map(|(root, _)| root)
}

/// The crates of others of which an unstable version is built, by the name that paths have.
fn unstable(metadata: &Value) -> Result<BTreeSet<&str>> {
    let mut unstable = BTreeSet::new();
    let packages = metadata.get("packages").and_then(Value::as_array);
    for package in packages.context("no packages in what cargo tells")? {
        let text = |key: &str| package.get(key).and_then(Value::as_str);
        let version = text("version").context("a package without a version")?;
        if text("source").is_some() && !is_stable(version) {
            unstable.extend(library(package));
        }
    }
    Ok(unstable)
}

/// Whether a version promises to stay: it is of 1.0 or later, and no pre-release.
fn is_stable(version: &str) -> bool {
    // What is behind a plus is no part of the order, and may hold a dash.
    let (version, _) = version.split_once('+').unwrap_or((version, ""));
    !version.starts_with("0.") && !version.contains('-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What cargo tells of packages, by their names, the names of their libraries and their versions.
    fn metadata() -> Value {
        let foreign = |name: &str, library: &str, version: &str| {
            json!({"name": name, "version": version, "source": "registry",
                   "targets": [{"kind": ["lib"], "name": library}]})
        };
        json!({"packages": [
            {"name": "batch", "version": "0.1.0", "source": null,
             "targets": [{"kind": ["lib"], "name": "batch"}]},
            foreign("bytes", "bytes", "1.12.2"),
            foreign("futures-core", "futures_core", "0.3.34"),
            foreign("http", "http", "0.2.12"),
            foreign("http", "http", "1.4.0"),
            foreign("md-5", "md5", "0.11.0"),
            foreign("kites", "kites", "1.0.0-rc.1"),
            foreign("toml", "toml", "1.2.2+spec-1.1.0"),
            foreign("tokio-util", "tokio_util", "0.7.20"),
        ]})
    }

    const CANCEL: &str = "pub fn batch::run<'a>(&'a tokio_util::sync::CancellationToken)\n";
    const STREAM: &str =
        "pub fn store::read() -> futures_core::stream::BoxStream<'static, bytes::Bytes>\n";

    #[track_caller]
    fn check_refused(apis: &[&str], why: &str) {
        let apis: Vec<_> = apis.iter().map(ToString::to_string).collect();
        assert_eq!(check(&apis, &metadata()).unwrap_err().to_string(), why);
    }

    #[test]
    fn what_is_meant_or_stable_passes() {
        let stable = "pub fn store::parse(toml::Value, bytes::Bytes)\n";
        let apis = [CANCEL, STREAM, stable].map(str::to_owned);
        check(&apis, &metadata()).unwrap();
    }

    #[test]
    fn an_unstable_crate_that_came_or_went_is_named() {
        for (api, name) in [
            (
                "impl core::convert::From<http::StatusCode> for store::Error\n",
                "http",
            ),
            ("pub fn store::sum() -> md5::Md5\n", "md5"),
            ("pub fn store::fly(&kites::Kite)\n", "kites"),
        ] {
            check_refused(
                &[CANCEL, STREAM, api],
                &format!(
                    "the public API holds types of `{name}`, which has no stable release, and is not meant to"
                ),
            );
        }
        check_refused(
            &[STREAM],
            "the public API is meant to hold types of the unstable `tokio_util`, and has none",
        );
    }

    #[test]
    fn what_tells_of_no_packages_does_not_pass() {
        let error = check(&[], &json!({})).unwrap_err();
        assert_eq!(error.to_string(), "no packages in what cargo tells");
    }
}
