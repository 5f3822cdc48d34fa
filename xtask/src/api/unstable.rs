//! The crates before 1.0 whose types stand in the public API.
//!
//! Each release of such a crate may break whoever holds one of its types, and so would ours.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

/// Those whose types are meant to stand there; `docs/architecture.md` says why.
const MEANT: &[&str] = &["futures_core", "tokio_util"];

/// Fails where `apis`, the lines of all crates, hold types of other unstable crates than are meant;
/// `lock` is the text of `Cargo.lock`.
pub(super) fn check(apis: &[String], lock: &str) -> Result<()> {
    let unstable = unstable(lock);
    let named = apis.iter().flat_map(|api| crates(api));
    let found: BTreeSet<_> = named.filter(|name| unstable.contains(*name)).collect();
    let meant: BTreeSet<_> = MEANT.iter().copied().collect();
    let (added, gone) = (&found - &meant, &meant - &found);
    if let Some(name) = added.first() {
        bail!("the public API holds types of `{name}`, which is before 1.0, and is not meant to");
    }
    if let Some(name) = gone.first() {
        bail!("the public API is meant to hold types of `{name}` before 1.0, and has none");
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

/// The crates of others that have a version before 1.0.
fn unstable(lock: &str) -> BTreeSet<String> {
    let packages = lock.split("[[package]]").skip(1);
    let foreign = packages.filter(|package| package.contains("\nsource = "));
    let before_1 = foreign.filter(|package| package.contains("\nversion = \"0."));
    let names = before_1.filter_map(|package| package.split('"').nth(1));
    names.map(|name| name.replace('-', "_")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"version = 4

[[package]]
name = "batch"
version = "0.1.0"

[[package]]
name = "bytes"
version = "1.12.2"
source = "registry"

[[package]]
name = "futures-core"
version = "0.3.34"
source = "registry"

[[package]]
name = "http"
version = "0.2.12"
source = "registry"

[[package]]
name = "http"
version = "1.4.0"
source = "registry"

[[package]]
name = "tokio-util"
version = "0.7.20"
source = "registry"
"#;

    const CANCEL: &str = "pub fn batch::run<'a>(&'a tokio_util::sync::CancellationToken)\n";
    const STREAM: &str =
        "pub fn store::read() -> futures_core::stream::BoxStream<'static, bytes::Bytes>\n";

    #[track_caller]
    fn check_refused(apis: &[&str], why: &str) {
        let apis: Vec<_> = apis.iter().map(ToString::to_string).collect();
        assert_eq!(check(&apis, LOCK).unwrap_err().to_string(), why);
    }

    #[test]
    fn what_is_meant_or_stable_passes() {
        check(&[CANCEL.to_owned(), STREAM.to_owned()], LOCK).unwrap();
    }

    #[test]
    fn an_unstable_crate_that_came_or_went_is_named() {
        let status = "impl core::convert::From<http::StatusCode> for store::Error\n";
        check_refused(
            &[CANCEL, STREAM, status],
            "the public API holds types of `http`, which is before 1.0, and is not meant to",
        );
        check_refused(
            &[STREAM],
            "the public API is meant to hold types of `tokio_util` before 1.0, and has none",
        );
    }
}
