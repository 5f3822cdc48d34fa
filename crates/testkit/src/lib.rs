//! What the tests and benches of several crates share: archives made on the fly, also hostile
//! ones.
//!
//! ```
//! let archive = testkit::package("foo", &[("index.html", b"<h1>foo</h1>")]);
//! assert_eq!(archive[..2], [0x1f, 0x8b]); // gzip, RFC 1952 section 2.3.1
//! ```

mod hostile;
mod tar_stream;

use flate2::Compression;
use flate2::write::GzEncoder;

pub use crate::hostile::{Hostile, HostileLimits, hostile_packages};
pub use crate::tar_stream::{Tar, gzip, pax_record, sign_header, stored_gzip, tar_header};

/// A package archive as the original's vendors made them: `<name>/manifest.json` and
/// `<name>/<name>.tar.gz`, the application, whose tree is `<name>/` with `files` in it.
///
/// # Panics
///
/// When a file's path does not fit a tar header: the tests are at fault then.
#[must_use]
pub fn package(name: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let manifest = format!(
        r#"{{"name": "{name}", "version": "1.0", "package": "{name}.tar.gz", "tags": ["test"]}}"#
    );
    let application = application(name, files);
    archive(&[
        (&format!("{name}/manifest.json"), manifest.as_bytes()),
        (&format!("{name}/{name}.tar.gz"), &application),
    ])
}

/// The inner archive of a package: the tree `<name>/` with `files` in it.
///
/// # Panics
///
/// As [`package`].
#[must_use]
pub fn application(name: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let paths: Vec<_> = files
        .iter()
        .map(|(path, _)| format!("{name}/{path}"))
        .collect();
    let entries: Vec<_> = paths
        .iter()
        .map(String::as_str)
        .zip(files.iter().map(|(_, contents)| *contents))
        .collect();
    archive(&entries)
}

/// A `.tar.gz` of plain files, each with its path and contents.
///
/// # Panics
///
/// As [`package`].
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "writing to memory fails only for a path of the tests' own"
)]
pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (path, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_435_278_000);
        header.set_cksum();
        builder
            .append_data(&mut header, path, *contents)
            .expect("a legal path");
    }
    builder
        .into_inner()
        .and_then(GzEncoder::finish)
        .expect("memory takes every write")
}
