//! What a cluster of Swift takes, as it tells itself.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Error, ErrorKind, FileName, Operation, Result, SaveOptions};

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
    /// The most entries of an object's metadata.
    pub(super) metadata_entries: usize,
    /// The most bytes of a key there.
    pub(super) metadata_key: usize,
    /// The most bytes of a value there.
    pub(super) metadata_value: usize,
    /// The most bytes of all keys and values together.
    pub(super) metadata_total: usize,
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
            metadata_key: 128,
            metadata_value: 256,
            metadata_total: 4096,
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
            metadata_key: swift.max_meta_name_length.unwrap_or(own.metadata_key),
            metadata_value: swift.max_meta_value_length.unwrap_or(own.metadata_value),
            metadata_total: swift.max_meta_overall_size.unwrap_or(own.metadata_total),
            segments: info
                .slo
                .map_or(0, |slo| slo.max_manifest_segments.unwrap_or(own.segments)),
        }
    }

    /// Refuses metadata whose keys, or all of which together, are longer than the cluster takes.
    ///
    /// Of its entries and values the [capabilities](crate::Capabilities) tell.
    pub(super) fn check_metadata(&self, name: &FileName, options: &SaveOptions) -> Result<()> {
        let refused = |message: String| {
            Err(
                Error::new(ErrorKind::Unsupported, Operation::SaveFile.as_str())
                    .with_name(name.as_str())
                    .with_message(message),
            )
        };
        let (key, total) = (self.metadata_key, self.metadata_total);
        if let Some(long) = options.metadata.keys().find(|long| long.len() > key) {
            return refused(format!(
                "the {} bytes of the metadata key `{long}` are more than the {key} that the \
                 cluster takes",
                long.len()
            ));
        }
        match length(&options.metadata) {
            long if long > total => refused(format!(
                "{long} bytes of metadata are more than the {total} that the cluster takes"
            )),
            _ => Ok(()),
        }
    }

    /// Whether the checksum of a file finds room beside the file's own metadata.
    pub(super) fn has_room_for_checksum(&self, metadata: &BTreeMap<String, String>) -> bool {
        let (key, value) = (checksum::KEY.len(), checksum::MAX_LEN);
        metadata.len() < self.metadata_entries
            && key <= self.metadata_key
            && value <= self.metadata_value
            && length(metadata) + key + value <= self.metadata_total
    }
}

/// The bytes of all keys and values, as Swift counts them.
fn length(metadata: &BTreeMap<String, String>) -> usize {
    let lengths = metadata.iter().map(|(key, value)| key.len() + value.len());
    lengths.sum()
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
    max_meta_name_length: Option<usize>,
    max_meta_overall_size: Option<usize>,
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
        let without_large_objects = Limits::parse(br#"{"swift": {}}"#);
        assert_eq!(without_large_objects.segments, 0);
    }

    /// The limits of a cluster that tells one of them.
    fn limits(told: &str, value: usize) -> Limits {
        Limits::parse(format!(r#"{{"swift": {{"{told}": {value}}}, "slo": {{}}}}"#).as_bytes())
    }

    fn options(entries: &[(&str, usize)]) -> SaveOptions {
        let none = SaveOptions::default();
        let value = |length: &usize| "x".repeat(*length);
        (entries.iter()).fold(none, |all, (key, length)| {
            all.with_metadata(*key, value(length))
        })
    }

    #[test]
    fn a_checksum_takes_only_the_room_that_the_files_own_metadata_leaves() {
        let own = options(&[("a", 10), ("bc", 20)]);
        for (told, needed) in [
            ("max_meta_count", 3),
            ("max_meta_name_length", 21),
            ("max_meta_value_length", 74),
            ("max_meta_overall_size", 33 + 95),
        ] {
            let has_room = |value| limits(told, value).has_room_for_checksum(&own.metadata);
            assert!(has_room(needed), "{told}");
            assert!(!has_room(needed - 1), "{told}");
        }
        assert!(Limits::default().has_room_for_checksum(&own.metadata));
    }

    #[test]
    fn metadata_is_refused_that_the_cluster_would_refuse() {
        let name = FileName::new("a").unwrap();
        let own = options(&[("a", 10), ("bcd", 20)]);
        for (told, needed) in [("max_meta_name_length", 3), ("max_meta_overall_size", 34)] {
            limits(told, needed).check_metadata(&name, &own).unwrap();
            let error = limits(told, needed - 1).check_metadata(&name, &own);
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{told}");
            let most = format!("the {} that the cluster takes", needed - 1);
            assert!(error.to_string().contains(&most), "{error}");
        }
    }
}
