//! What a large file is put together of.

use md5::{Digest, Md5};
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use crate::{ErrorKind, FileName, Operation, Result};

use super::container::Container;
use super::error::Call;
use super::hash::hex;
use super::response::Response;

/// The most bytes of a manifest that are read: as many as Swift takes by default, which are more in
/// its own words.
const LIMIT: usize = 64 * 1024 * 1024;

/// What a large file is put together of, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest(pub(super) Vec<Part>);

/// One object that a large file is put together of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// The container and the object: `/container/object`.
    #[serde(rename(serialize = "path", deserialize = "name"))]
    pub(super) path: String,
    /// The MD5 of its bytes, or the etag of a large object.
    #[serde(rename(serialize = "etag", deserialize = "hash"))]
    pub(super) hash: String,
    /// Its length in bytes.
    #[serde(rename(serialize = "size_bytes", deserialize = "bytes"))]
    pub(super) size: u64,
    /// The part of it that belongs to the file, where that is not all.
    #[serde(default, skip_serializing)]
    pub(super) range: Option<String>,
    /// Whether it is a large object itself.
    #[serde(default, skip_serializing)]
    pub(super) sub_slo: bool,
}

impl Part {
    pub(super) fn new(container: &str, object: &str, hash: String, size: u64) -> Self {
        Self {
            path: format!("/{container}/{object}"),
            hash,
            size,
            range: None,
            sub_slo: false,
        }
    }

    /// Whether its hash is that of its bytes, all of which belong to the file.
    pub(super) fn is_hashed(&self) -> bool {
        self.range.is_none() && !self.sub_slo
    }
}

impl Manifest {
    /// Whether the answer is about a file that has a manifest.
    pub(super) fn is_told(answer: &Response) -> bool {
        answer
            .text("x-static-large-object")
            .is_some_and(|told| told.eq_ignore_ascii_case("true"))
    }

    /// The manifest of a file, as it is on most of the servers now; none where the file has none,
    /// or is not there.
    pub(super) async fn of_file(
        container: &Container,
        operation: Operation,
        name: &FileName,
    ) -> Result<Option<Self>> {
        let request = container
            .file(Method::GET, name)
            .query("multipart-manifest", "get")
            .header(
                reqwest::header::HeaderName::from_static("x-newest"),
                reqwest::header::HeaderValue::from_static("true"),
            );
        let found = (container.client)
            .send(operation, Some(name.as_str()), request)
            .await?;
        match found.status() {
            StatusCode::NOT_FOUND => Ok(None),
            // The bytes of any other file, which nobody needs.
            StatusCode::OK if !Self::is_told(&found) => Ok(None),
            StatusCode::OK => {
                let answer = found.bytes(LIMIT).await?;
                let parts = serde_json::from_slice(&answer).map_err(|error| {
                    Call::new(operation, Some(name.as_str()))
                        .error(ErrorKind::Corrupt)
                        .with_message("the manifest of the file cannot be read")
                        .with_source(error)
                })?;
                Ok(Some(Self(parts)))
            }
            _ => Err(found.into_error().await),
        }
    }

    /// The etag of the file: Swift's, of the hashes of its parts.
    pub(super) fn etag(&self) -> String {
        let mut hasher = Md5::new();
        for part in &self.0 {
            hasher.update(part.hash.trim_matches('"'));
            if let Some(range) = &part.range {
                hasher.update(format!(":{range};"));
            }
        }
        hex(&hasher.finalize())
    }

    /// The length of the file in bytes, where all of each part belongs to it.
    pub(super) fn size(&self) -> u64 {
        self.0.iter().map(|part| part.size).sum()
    }

    /// The parts that lie in the container of the segments, by their objects' names.
    pub(super) fn objects(&self, segments: &str) -> Vec<String> {
        let object = |part: &Part| {
            let (container, object) = part.path.trim_start_matches('/').split_once('/')?;
            (container == segments).then(|| object.to_owned())
        };
        self.0.iter().filter_map(object).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_written_and_read_in_swifts_two_ways() {
        let part = Part::new(
            "c_segments",
            "a/b",
            "827ccb0eea8a706c4c34a16891f84e7b".into(),
            5,
        );
        let written = serde_json::to_value([&part]).unwrap();
        let expected = serde_json::json!([{
            "path": "/c_segments/a/b",
            "etag": "827ccb0eea8a706c4c34a16891f84e7b",
            "size_bytes": 5,
        }]);
        assert_eq!(written, expected);
        let told = r#"[{"name": "/c_segments/a/b", "bytes": 5, "content_type": "x/y",
            "hash": "827ccb0eea8a706c4c34a16891f84e7b", "last_modified": "2026-11-26T15:33:44"}]"#;
        let manifest = Manifest(serde_json::from_str(told).unwrap());
        assert_eq!(manifest, Manifest(vec![part]));
        // What Swift answered to a file of this one segment.
        assert_eq!(manifest.etag(), "1f32aa4c9a1d2ea010adcf2348166a04");
        assert_eq!(manifest.objects("c_segments"), ["a/b"]);
        assert!(manifest.objects("c").is_empty());
    }
}
