//! What a large file is put together of.

use md5::{Digest, Md5};
use reqwest::{Method, StatusCode};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::{ErrorKind, FileName, Operation, Result};

use super::container::Container;
use super::error::Call;
use super::hash::hex;
use super::response::Response;
use super::segment_name;

/// The most bytes of a manifest that are read: as many as Swift takes by default, which are more in
/// its own words.
const LIMIT: usize = 64 * 1024 * 1024;

/// What a large file is put together of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The objects, in order.
    pub(super) parts: Vec<Part>,
    /// Whether bytes of the file are in the manifest itself, between the objects: other programs
    /// may put them there.
    pub(super) has_data: bool,
}

/// An element of a manifest as Swift tells it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Element {
    Part(Part),
    Data {
        #[serde(rename = "data")]
        _data: IgnoredAny,
    },
}

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

    /// Its container and its name there.
    pub(super) fn object(&self) -> Option<(&str, &str)> {
        self.path.trim_start_matches('/').split_once('/')
    }

    /// Whether its hash is that of its bytes, all of which belong to the file.
    pub(super) fn is_hashed(&self) -> bool {
        self.range.is_none() && !self.sub_slo
    }
}

impl Manifest {
    pub(super) fn new(parts: Vec<Part>) -> Self {
        Self {
            parts,
            has_data: false,
        }
    }

    fn parse(answer: &[u8]) -> serde_json::Result<Self> {
        let mut manifest = Self::default();
        for element in serde_json::from_slice::<Vec<Element>>(answer)? {
            match element {
                Element::Part(part) => manifest.parts.push(part),
                Element::Data { .. } => manifest.has_data = true,
            }
        }
        Ok(manifest)
    }

    /// Whether the answer is about a file that has a manifest.
    pub(super) fn is_told(answer: &Response) -> bool {
        answer
            .text("x-static-large-object")
            .is_some_and(|told| told.eq_ignore_ascii_case("true"))
    }

    /// The manifest of a file, as it is on most of the servers now: an empty one where the file has
    /// none, and nothing where it is not there.
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
            StatusCode::OK if !Self::is_told(&found) => Ok(Some(Self::default())),
            StatusCode::OK => {
                let answer = found.bytes(LIMIT).await?;
                let manifest = Self::parse(&answer).map_err(|error| {
                    Call::new(operation, Some(name.as_str()))
                        .error(ErrorKind::Corrupt)
                        .with_message("the manifest of the file cannot be read")
                        .with_source(error)
                })?;
                Ok(Some(manifest))
            }
            _ => Err(found.into_error().await),
        }
    }

    /// The etag of a file of nothing but objects: Swift's, of their hashes.
    pub(super) fn etag(&self) -> String {
        let mut hasher = Md5::new();
        for part in &self.parts {
            hasher.update(part.hash.trim_matches('"'));
            if let Some(range) = &part.range {
                hasher.update(format!(":{range};"));
            }
        }
        hex(&hasher.finalize())
    }

    /// The length of the file in bytes, where all of each part belongs to it.
    pub(super) fn size(&self) -> u64 {
        self.parts.iter().map(|part| part.size).sum()
    }

    /// The objects in the container of the segments, by their names.
    pub(super) fn objects<'a>(&'a self, segments: &'a str) -> impl Iterator<Item = &'a str> {
        self.parts.iter().filter_map(move |part| {
            let (container, object) = part.object()?;
            (container == segments).then_some(object)
        })
    }

    /// Those of the objects that were saved for the file itself, and go with it: what another
    /// program put there, or was saved for a file of which this one is a copy, may be needed still.
    pub(super) fn own_objects(&self, segments: &str, name: &FileName) -> Vec<String> {
        self.objects(segments)
            .filter(|object| segment_name::parse(object).is_some_and(|(_, file)| file == *name))
            .map(str::to_owned)
            .collect()
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
        let manifest = Manifest::parse(told.as_bytes()).unwrap();
        assert_eq!(manifest, Manifest::new(vec![part]));
        // What Swift answered to a file of this one segment.
        assert_eq!(manifest.etag(), "1f32aa4c9a1d2ea010adcf2348166a04");
        assert!(manifest.objects("c_segments").eq(["a/b"]));
        assert_eq!(manifest.objects("c").count(), 0);
    }

    #[test]
    fn bytes_in_a_manifest_are_no_objects() {
        let told = r#"[{"data": "aGVsbG8="}, {"name": "/c/a", "bytes": 5, "hash": "x"}]"#;
        let manifest = Manifest::parse(told.as_bytes()).unwrap();
        assert!(manifest.has_data);
        assert_eq!(manifest.objects("c").collect::<Vec<_>>(), ["a"]);
        assert!(Manifest::parse(br#"[{"name": "/c/a"}]"#).is_err());
    }

    #[test]
    fn a_files_own_objects_are_those_of_an_upload_by_its_name() {
        let own = ".store/01939b3c-0000-7000-8000-000000000000/000000/a";
        let objects = [
            own,
            ".store/01939b3c-0000-7000-8000-000000000000/000000/b",
            "a/slo/1700000000.0/10/5/00000001",
            "a/../../c/a",
            ".store/01939b3c-0000-7000-8000-000000000000/000000/../a",
        ];
        let part = |object: &&str| Part::new("c_segments", object, String::new(), 1);
        let manifest = Manifest::new(objects.iter().map(part).collect());
        let name = FileName::new("a").unwrap();
        assert_eq!(manifest.own_objects("c_segments", &name), [own]);
        assert!(manifest.own_objects("c", &name).is_empty());
    }
}
