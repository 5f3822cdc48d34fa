//! Reads of files so long that their segments are read ahead.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::long::{options, store};
use super::*;

const MIB: usize = 1024 * 1024;

/// The bytes of a segment: it takes two requests, as does the other.
const PART: usize = 17 * MIB;

/// Answers as Swift does where `a` is put together of two segments, and as `ranges` says to the
/// request of a number for a range of one.
async fn server(ranges: impl Fn(usize) -> Option<String> + Send + Sync + 'static) -> FakeServer {
    let hash = hex(&Md5::digest(vec![b'x'; PART]));
    let part = |number| serde_json::json!({"name": format!("/c_segments/{number}"), "bytes": PART, "hash": hash});
    let manifest = serde_json::json!([part(0), part(1)]).to_string();
    let etag = hex(&Md5::digest(format!("{hash}{hash}")));
    let asked = AtomicUsize::new(0);
    FakeServer::start(move |seen| {
        let header = |name| seen.head.lines().find_map(|line| line.strip_prefix(name));
        let told =
            "x-static-large-object: True\r\nlast-modified: Thu, 26 Nov 2026 15:33:44 GMT\r\n";
        let told = format!("{told}etag: \"{etag}\"\r\n");
        if seen.has("GET /auth") {
            let host = header("host: ").unwrap();
            let url = format!("x-storage-url: http://{host}/v1/AUTH_a\r\n");
            answer("200 OK", &format!("x-auth-token: token\r\n{url}"), "")
        } else if seen.has("multipart-manifest=get") {
            answer("200 OK", &told, &manifest)
        } else if seen.has("GET /v1/AUTH_a/c/a ") {
            // Nobody reads the contents themselves.
            format!(
                "HTTP/1.1 200 OK\r\n{told}content-length: {}\r\n\r\n",
                2 * PART
            )
        } else if let Some(range) = header("range: bytes=") {
            ranges(asked.fetch_add(1, Ordering::Relaxed)).unwrap_or_else(|| {
                let (start, end) = range.split_once('-').unwrap();
                let length = end.parse::<usize>().unwrap() + 1 - start.parse::<usize>().unwrap();
                answer("206 Partial Content", "", &"x".repeat(length))
            })
        } else {
            answer("404 Not Found", "", "")
        }
    })
    .await
}

async fn read(server: &FakeServer) -> Result<usize> {
    let read = store(options(server)).await;
    let read = read.get_file_bytes(&name(), u64::MAX).await;
    Ok(read?.1.len())
}

#[tokio::test]
async fn a_range_that_is_refused_for_a_moment_is_asked_for_again() {
    let busy = || Some(answer("503 Service Unavailable", "", ""));
    let passing = server(move |number| busy().filter(|_| number == 2)).await;
    assert_eq!(read(&passing).await.unwrap(), 2 * PART);
    assert_eq!(count(&passing, "GET /v1/AUTH_a/c_segments/"), 5);
    let lasting = server(move |number| busy().filter(|_| number >= 2)).await;
    let error = read(&lasting).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn what_is_read_ahead_is_checked() {
    let wrong = |number| {
        let body = || "y".repeat(MIB);
        (number == 3).then(|| answer("206 Partial Content", "", &body()))
    };
    let error = read(&server(wrong).await).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}
