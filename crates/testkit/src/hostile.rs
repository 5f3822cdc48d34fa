//! The fixed list of packages that must be refused, each with the error that says why.

mod bombs;
mod broken;
mod entries;
mod headers;
mod manifests;
mod places;

use crate::tar_stream::{Tar, stored_gzip};

/// A package `foo` that must be refused.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// What it tries.
    pub what: &'static str,
    /// The package's archive.
    pub archive: Vec<u8>,
    /// The name of the error's variant.
    pub kind: &'static str,
    /// The error's text, with the entry and the limit; `#` stands for any number.
    pub error: String,
}

impl Hostile {
    /// Whether `text` is `before` and then the error's text.
    #[must_use]
    pub fn says(&self, before: &str, text: &str) -> bool {
        let Some(text) = text.strip_prefix(before) else {
            return false;
        };
        let Some((start, end)) = self.error.split_once('#') else {
            return text == self.error;
        };
        let number = text
            .strip_prefix(start)
            .and_then(|text| text.strip_suffix(end));
        number.is_some_and(|number| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    }
}

/// The limits that the list is made for: small ones, so that bombs may be small as well.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct HostileLimits;

impl HostileLimits {
    /// Unpacked bytes.
    pub const TOTAL_BYTES: u64 = 8 << 20;
    /// Entries.
    pub const ENTRIES: u64 = 500;
    /// Unpacked bytes for each compressed byte.
    pub const RATIO: u64 = 100;
    /// Unpacked bytes below which the ratio is not looked at.
    pub const RATIO_FLOOR: u64 = 1 << 20;
}

/// The list.
#[must_use]
pub fn hostile_packages() -> Vec<Hostile> {
    [
        places::rows(),
        entries::rows(),
        headers::rows(),
        bombs::rows(),
        broken::rows(),
        manifests::rows(),
    ]
    .concat()
}

/// The smallest application.
fn application() -> Tar {
    Tar::new().folder("foo/").file("foo/index.php", "<?php")
}

/// The package around an application's archive.
fn around(application: &[u8]) -> Vec<u8> {
    let package = Tar::new()
        .folder("foo/")
        .file("foo/manifest.json", r#"{"name": "Foo"}"#)
        .file("foo/foo.tar.gz", application);
    stored_gzip(&package.ended())
}

fn row(what: &'static str, archive: Vec<u8>, kind: &'static str, error: &str) -> Hostile {
    Hostile {
        what,
        archive,
        kind,
        error: error.to_owned(),
    }
}

/// A row whose application has an entry that is refused.
fn refused(what: &'static str, application: Tar, entry: &str, why: &str) -> Hostile {
    row(
        what,
        around(&stored_gzip(&application.ended())),
        "Refused",
        &format!("entry `{entry}` of `foo/foo.tar.gz` is refused: {why}"),
    )
}

fn bad_header(what: &'static str, application: Tar, entry: &str, why: &str) -> Hostile {
    row(
        what,
        around(&stored_gzip(&application.ended())),
        "BadHeader",
        &format!("`foo/foo.tar.gz` has a bad tar header after entry `{entry}`: {why}"),
    )
}

fn over(what: &'static str, application: &[u8], entry: &str, why: &str) -> Hostile {
    row(
        what,
        around(application),
        "LimitExceeded",
        &format!("entry `{entry}` of `foo/foo.tar.gz` goes over the limit: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_a_digit() {
        let hostile = Hostile {
            what: "a test",
            archive: Vec::new(),
            kind: "LimitExceeded",
            error: "it has # bytes".to_owned(),
        };
        assert!(hostile.says("so: ", "so: it has 12 bytes"));
        assert!(!hostile.says("so: ", "so: it has  bytes"));
        assert!(!hostile.says("so: ", "so: it has -1 bytes"));
        assert!(!hostile.says("so: ", "it has 12 bytes"));
    }
}
