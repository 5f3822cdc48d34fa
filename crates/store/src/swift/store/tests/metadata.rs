//! Metadata on clusters that have little room for it.

use super::long::{check_metadata_of_manifest, options, server, store};
use super::*;

/// The entries that a cluster keeps beside one of the checksum, and those of the checksum.
const COLOUR: (&str, &str) = ("colour", "red");
const COLOUR_LEN: usize = 9;
const CHECKSUM_LEN: usize = 95;

/// A long file of one entry of metadata, saved where a cluster tells one of its limits.
async fn save(told: &str, value: usize) -> (FakeServer, Result<FileInfo>) {
    let info = format!(r#"{{"swift": {{"{told}": {value}}}, "slo": {{}}}}"#);
    let server = server(move |head| {
        let is_asked = head.starts_with("GET /info");
        is_asked.then(|| answer("200 OK", "", &info))
    })
    .await;
    let store = store(options(&server)).await;
    let (key, value) = COLOUR;
    let told = SaveOptions::default().with_metadata(key, value);
    let saved = store.save_bytes(&name(), vec![0; 3 << 20], &told).await;
    (server, saved)
}

#[tokio::test]
async fn a_long_file_whose_metadata_just_fits_is_saved_without_a_checksum() {
    for (told, needed, most) in [
        ("max_meta_count", 1, 1),
        ("max_meta_name_length", 6, 20),
        ("max_meta_value_length", 3, 73),
        (
            "max_meta_overall_size",
            COLOUR_LEN,
            COLOUR_LEN + CHECKSUM_LEN - 1,
        ),
    ] {
        for value in [needed, most] {
            let (server, saved) = save(told, value).await;
            assert_eq!(saved.unwrap().metadata.len(), 1, "{told}");
            check_metadata_of_manifest(&server, &[COLOUR.0]);
        }
        let (server, saved) = save(told, most + 1).await;
        assert_eq!(saved.unwrap().metadata.len(), 1, "{told}");
        check_metadata_of_manifest(&server, &[COLOUR.0, "helion-store-checksum"]);
        let (server, refused) = save(told, needed - 1).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(count(&server, "PUT"), 0, "{told}");
    }
}
