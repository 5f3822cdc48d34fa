//! Files of one object that are so long that they have a checksum.

use super::long::{options, server, store};
use super::*;

const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_file_of_a_mib_or_more_is_saved_with_a_checksum() {
    let server = server(|_| None).await;
    let store = store(options(&server)).await;
    for (length, expected) in [(MIB - 1, false), (MIB, true)] {
        let contents = vec![b'x'; length];
        let header = checksum(&contents, &hex(&Md5::digest(&contents)));
        let header = format!("\r\n{CHECKSUM}: {header}\r\n");
        let (name, options) = (name(), SaveOptions::default());
        let saved = store.save_bytes(&name, contents, &options).await.unwrap();
        assert_eq!(saved.metadata.len(), 0);
        let seen = server.seen();
        let put = seen.iter().rfind(|seen| seen.has("PUT /v1/AUTH_a/c/a "));
        assert_eq!(put.unwrap().has(&header), expected, "{length}");
    }
}

/// Reads a file that is told by these, and what kind of failure that is.
async fn read(contents: &'static str, etag: &'static str, checksum: String) -> Option<ErrorKind> {
    let modified = "last-modified: Thu, 26 Nov 2026 15:33:44 GMT";
    let headers = format!("etag: {etag}\r\n{modified}\r\n{CHECKSUM}: {checksum}\r\n");
    let server = server(move |head| {
        let is_read = head.starts_with("GET /v1/AUTH_a/c/a ");
        is_read.then(|| answer("200 OK", &headers, contents))
    })
    .await;
    let store = store(options(&server)).await;
    let read = store.get_file_bytes(&name(), 100).await;
    read.err().map(|error| error.kind())
}

#[tokio::test]
async fn a_file_is_checked_by_its_checksum_and_without_one_by_its_md5() {
    const MD5: &str = "5d41402abc4b2a76b9719d911017c592";
    let corrupt = Some(ErrorKind::Corrupt);
    let of = |contents: &str, etag| checksum(contents.as_bytes(), etag);
    assert_eq!(read("hello", MD5, of("hello", MD5)).await, None);
    // Nobody takes the MD5 where the checksum tells enough.
    assert_eq!(read("hello", "another", of("hello", "another")).await, None);
    assert_eq!(read("hellp", MD5, of("hello", MD5)).await, corrupt);
    // A checksum of another version tells nothing of this one.
    assert_eq!(read("hello", MD5, of("other", "another")).await, None);
    assert_eq!(read("hellp", MD5, of("hellp", "another")).await, corrupt);
}
