//! What a cluster of Swift takes, as it tells itself.

use serde::Deserialize;

use super::checksum;

/// The limits of a cluster that the store has to keep to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// The most rows of one page of a listing.
    pub(super) page: usize,
    /// Whether the cluster tells that itself: only then is a shorter page the last.
    pub(super) is_page_told: bool,
    /// The most bytes of one object that is not put together of segments.
    pub(super) object: u64,
    /// The most bytes of an object's name.
    pub(super) name: usize,
    /// The most entries of an object's metadata, of which [the checksum](checksum) is one.
    pub(super) metadata_entries: usize,
    /// The most bytes of a value there.
    pub(super) metadata_value: usize,
    /// The most segments of a large object; none where the cluster has no static large objects.
    pub(super) segments: usize,
}

impl Default for Limits {
    /// What Swift takes where nobody has set anything else.
    ///
    /// # Source
    ///
    /// `GET /info` of Swift 2.38.3.
    fn default() -> Self {
        Self {
            page: 10_000,
            is_page_told: false,
            object: 5_368_709_122,
            name: 1024,
            metadata_entries: 90,
            metadata_value: 256,
            segments: 1000,
        }
    }
}

impl Limits {
    /// The limits in the answer to `GET /info`; Swift's own where it tells none.
    pub(super) fn parse(answer: &[u8]) -> Self {
        let own = Self::default();
        let Ok(info) = serde_json::from_slice::<Info>(answer) else {
            return own;
        };
        let swift = info.swift.unwrap_or_default();
        Self {
            page: swift.container_listing_limit.unwrap_or(own.page).max(1),
            is_page_told: swift.container_listing_limit.is_some(),
            object: swift.max_file_size.unwrap_or(own.object).max(1),
            name: swift.max_object_name_length.unwrap_or(own.name),
            metadata_entries: swift.max_meta_count.unwrap_or(own.metadata_entries),
            metadata_value: swift.max_meta_value_length.unwrap_or(own.metadata_value),
            segments: info
                .slo
                .map_or(0, |slo| slo.max_manifest_segments.unwrap_or(own.segments)),
        }
    }

    /// Whether the checksum of a large file finds room in its metadata.
    pub(super) fn has_checksums(&self) -> bool {
        self.segments > 0 && self.metadata_entries > 0 && self.metadata_value >= checksum::MAX_LEN
    }

    /// The most entries of a file's metadata: any file may get a checksum.
    pub(super) fn file_metadata_entries(&self) -> usize {
        self.metadata_entries - usize::from(self.has_checksums())
    }
}

#[derive(Deserialize)]
struct Info {
    swift: Option<Swift>,
    slo: Option<Slo>,
}

#[derive(Default, Deserialize)]
struct Swift {
    container_listing_limit: Option<usize>,
    max_file_size: Option<u64>,
    max_object_name_length: Option<usize>,
    max_meta_count: Option<usize>,
    max_meta_value_length: Option<usize>,
}

#[derive(Deserialize)]
struct Slo {
    max_manifest_segments: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cluster_tells_is_kept_to_and_what_it_does_not_tell_is_swifts_own() {
        let answer = br#"{"swift": {"max_file_size": 1048576, "version": "2.38.3"},
            "slo": {"max_manifest_segments": 7, "min_segment_size": 1}}"#;
        let expected = Limits {
            object: 1_048_576,
            segments: 7,
            ..Limits::default()
        };
        assert_eq!(Limits::parse(answer), expected);
        assert_eq!(Limits::parse(b"<html>"), Limits::default());
        assert!(expected.has_checksums());
        assert_eq!(expected.file_metadata_entries(), 89);
        for told in [r#""max_meta_count": 0"#, r#""max_meta_value_length": 73"#] {
            let answer = format!(r#"{{"swift": {{{told}}}, "slo": {{}}}}"#);
            let without_checksums = Limits::parse(answer.as_bytes());
            assert!(!without_checksums.has_checksums(), "{told}");
            let entries = without_checksums.metadata_entries;
            assert_eq!(without_checksums.file_metadata_entries(), entries, "{told}");
        }
        let without_large_objects = Limits::parse(br#"{"swift": {}}"#);
        assert_eq!(without_large_objects.segments, 0);
    }
}
