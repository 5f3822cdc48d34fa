//! Reads of files so long that their segments are read ahead.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::long::{options, store};
use super::*;

const MIB: usize = 1024 * 1024;

/// The bytes of a segment: it takes two requests, as does the other.
const PART: usize = 17 * MIB;

/// A file of long segments, with a checksum and without.
static LONG: LazyLock<[Played; 2]> =
    LazyLock::new(|| [Played::new(PART).summed(), Played::new(PART)]);

/// A file of two segments, as a server tells it.
#[derive(Clone)]
struct Played {
    /// The length of each segment.
    part: usize,
    /// The MD5 of each segment, as the manifest tells it.
    hash: String,
    /// The value of the checksum, where there is one.
    checksum: Option<String>,
    /// What comes when the file is read itself: nobody does where it is long.
    contents: &'static str,
}

impl Played {
    /// Two segments of so many `x`.
    fn new(part: usize) -> Self {
        Self {
            part,
            hash: hex(&Md5::digest(vec![b'x'; part])),
            checksum: None,
            contents: "",
        }
    }

    fn etag(&self) -> String {
        hex(&Md5::digest(self.hash.repeat(2)))
    }

    /// The same with the checksum of so many `x`.
    fn summed(self) -> Self {
        let value = checksum(&vec![b'x'; 2 * self.part], &self.etag());
        self.told(value)
    }

    /// The same with this for the checksum.
    fn told(self, checksum: String) -> Self {
        Self {
            checksum: Some(checksum),
            ..self
        }
    }

    fn manifest(&self) -> String {
        let part = |number| serde_json::json!({"name": format!("/c_segments/{number}"), "bytes": self.part, "hash": self.hash});
        serde_json::json!([part(0), part(1)]).to_string()
    }

    fn headers(&self) -> String {
        let checksum = self.checksum.as_ref();
        let checksum = checksum.map(|value| format!("{CHECKSUM}: {value}\r\n"));
        format!(
            "x-static-large-object: True\r\nlast-modified: Thu, 26 Nov 2026 15:33:44 GMT\r\n\
             etag: \"{}\"\r\nx-object-meta-colour: red\r\n{}",
            self.etag(),
            checksum.unwrap_or_default(),
        )
    }

    /// Answers as Swift does, and as `ranges` says to the request of a number for a range.
    async fn serve(
        self,
        ranges: impl Fn(usize) -> Option<String> + Send + Sync + 'static,
    ) -> FakeServer {
        let asked = AtomicUsize::new(0);
        FakeServer::start(move |seen| {
            let header = |name| seen.head.lines().find_map(|line| line.strip_prefix(name));
            if seen.has("GET /auth") {
                let host = header("host: ").unwrap();
                let url = format!("x-storage-url: http://{host}/v1/AUTH_a\r\n");
                answer("200 OK", &format!("x-auth-token: token\r\n{url}"), "")
            } else if seen.has("multipart-manifest=get") {
                answer("200 OK", &self.headers(), &self.manifest())
            } else if let Some(range) = header("range: bytes=") {
                ranges(asked.fetch_add(1, Ordering::Relaxed)).unwrap_or_else(|| {
                    let (start, end) = range.split_once('-').unwrap();
                    let length =
                        end.parse::<usize>().unwrap() + 1 - start.parse::<usize>().unwrap();
                    answer("206 Partial Content", &self.headers(), &"x".repeat(length))
                })
            } else if seen.has("GET /v1/AUTH_a/c/a ") {
                let (headers, length, contents) = (self.headers(), 2 * self.part, self.contents);
                format!("HTTP/1.1 200 OK\r\n{headers}content-length: {length}\r\n\r\n{contents}")
            } else if seen.has("HEAD /v1/AUTH_a/c/a ") {
                answer("200 OK", &self.headers(), "")
            } else {
                answer("404 Not Found", "", "")
            }
        })
        .await
    }
}

async fn read(server: &FakeServer) -> Result<usize> {
    let read = store(options(server)).await;
    let read = read.get_file_bytes(&name(), u64::MAX).await;
    Ok(read?.1.len())
}

/// An answer of the right length, of which one byte is another.
fn flipped(length: usize) -> String {
    let mut body = "x".repeat(length);
    body.replace_range(length / 2..=length / 2, "y");
    answer("206 Partial Content", "", &body)
}

#[tokio::test]
async fn a_range_that_is_refused_for_a_moment_is_asked_for_again() {
    for file in LONG.clone() {
        let busy = || Some(answer("503 Service Unavailable", "", ""));
        let passing = move |number| busy().filter(|_| number == 2);
        let server = file.clone().serve(passing).await;
        assert_eq!(read(&server).await.unwrap(), 2 * PART);
        assert_eq!(count(&server, "GET /v1/AUTH_a/c_segments/"), 5);
        let lasting = move |number| busy().filter(|_| number >= 2);
        let error = read(&file.serve(lasting).await).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
}

#[tokio::test]
async fn what_is_read_ahead_is_checked() {
    for file in LONG.clone() {
        let last = file.serve(|number| (number == 3).then(|| flipped(MIB)));
        let error = read(&last.await).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
}

#[tokio::test]
async fn a_read_that_breaks_goes_on_with_its_checksum() {
    let cut = |wrong: &str| {
        // Half of what was asked for, and the end of the connection.
        let body = format!("{wrong}{}", "x".repeat(8 * MIB - wrong.len()));
        let length = 16 * MIB;
        let headers = format!("connection: close\r\ncontent-length: {length}\r\n");
        format!("HTTP/1.1 206 Partial Content\r\n{headers}\r\n{body}")
    };
    for (wrong, expected) in [("", None), ("y", Some(ErrorKind::Corrupt))] {
        let ranges = move |number| (number == 0).then(|| cut(wrong));
        let server = LONG[0].clone().serve(ranges).await;
        let found = read(&server).await;
        assert_eq!(found.map_err(|error| error.kind()).err(), expected);
    }
}

#[tokio::test]
async fn a_checksum_stands_for_the_hashes_of_the_segments() {
    // Nobody takes these.
    let hash = "no hash at all".to_owned();
    let file = |checksum| Played {
        hash: hash.clone(),
        checksum,
        ..LONG[1].clone()
    };
    let summed = file(None).summed();
    let server = summed.clone().serve(|_| None).await;
    assert_eq!(read(&server).await.unwrap(), 2 * PART);
    let value = summed.checksum.unwrap();
    for (what, other) in [
        ("none", None),
        ("malformed", Some("xxh3-128".to_owned())),
        ("unknown", Some(value.replace("xxh3", "xxh4"))),
        ("stale", Some(value.replace(&file(None).etag(), &hash))),
        ("too short", Some(value.replace("xxh3-128:", "xxh3-128:0"))),
    ] {
        let error = read(&file(other).serve(|_| None).await).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}");
    }
}

#[tokio::test]
async fn a_file_with_another_programs_checksum_is_read_by_its_hashes() {
    for value in ["sha256:abc", "", "xxh3-128::"] {
        let file = LONG[1].clone().told(value.to_owned());
        let server = file.serve(|_| None).await;
        assert_eq!(read(&server).await.unwrap(), 2 * PART, "{value}");
    }
}

#[tokio::test]
async fn a_short_file_with_a_checksum_is_read_without_its_manifest() {
    const MANIFEST: &str = "GET /v1/AUTH_a/c/a?multipart-manifest=get";
    for (file, manifests) in [(Played::new(4), 1), (Played::new(4).summed(), 0)] {
        for (contents, expected) in [("xxxxxxxx", Ok(8)), ("xxxxxyxx", Err(ErrorKind::Corrupt))] {
            let file = Played {
                contents,
                ..file.clone()
            };
            let server = file.serve(|_| None).await;
            let found = read(&server).await.map_err(|error| error.kind());
            assert_eq!(found, expected);
            assert_eq!(count(&server, MANIFEST), manifests);
        }
    }
}

#[tokio::test]
async fn the_checksum_is_no_metadata_of_the_callers() {
    let contents = "xxxxxxxx";
    let file = Played {
        contents,
        ..Played::new(4).summed()
    };
    let server = file.serve(|_| None).await;
    let store = store(options(&server)).await;
    let (info, _) = store.get_file_bytes(&name(), u64::MAX).await.unwrap();
    let metadata: Vec<_> = info.metadata.into_iter().collect();
    assert_eq!(metadata, [("colour".to_owned(), "red".to_owned())]);
    let own = SaveOptions::default().with_metadata("helion-store-checksum", "mine");
    let error = store.save_bytes(&name(), "x", &own).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert_eq!(count(&server, "PUT"), 0);
}
