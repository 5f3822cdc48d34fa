//! Saves of files so long that a segment is sent while it comes in.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::ready;
use futures_util::stream::BoxStream;
use tokio::sync::watch;

use super::*;

const MIB: usize = 1024 * 1024;

/// Three segments of a MiB, and a long one of which not all is kept.
const LENGTH: usize = 23 * MIB;

/// The long segment.
const LONG: &str = "/000003/a ";

/// What the MiB of that number is made of.
fn byte(number: usize) -> u8 {
    b'a' + u8::try_from(number).unwrap()
}

/// Contents that come as a test says.
struct Source {
    /// How many MiB may come.
    allowed: watch::Sender<usize>,
    /// How many came.
    taken: Arc<watch::Sender<usize>>,
}

impl Source {
    fn new(allowed: usize) -> Arc<Self> {
        Arc::new(Self {
            allowed: watch::Sender::new(allowed),
            taken: Arc::default(),
        })
    }

    fn allow_all(&self) {
        self.allowed.send_replace(usize::MAX);
    }

    fn taken(&self) -> usize {
        *self.taken.borrow()
    }

    fn blocks(&self) -> BoxStream<'static, Result<Bytes>> {
        let (allowed, taken) = (self.allowed.subscribe(), Arc::clone(&self.taken));
        let blocks = stream::iter(0..LENGTH / MIB).then(move |number| {
            let (mut allowed, taken) = (allowed.clone(), Arc::clone(&taken));
            async move {
                allowed.wait_for(|allowed| number < *allowed).await.unwrap();
                taken.send_modify(|taken| *taken += 1);
                Ok(Bytes::from(vec![byte(number); MIB]))
            }
        });
        blocks.boxed()
    }

    async fn save(&self, store: &SwiftStore) -> Result<FileInfo> {
        let contents = FileContents::from_stream(self.blocks(), Some(LENGTH as u64));
        let name = FileName::new("a").unwrap();
        store
            .save_file(&name, contents, &SaveOptions::default())
            .await
    }
}

/// A server that answers early as `early` says, and otherwise as Swift where all goes well, whose
/// tokens are renewed.
pub(super) async fn server(
    early: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
) -> FakeServer {
    FakeServer::start_early(early, |seen| ready(usual(&seen)).boxed()).await
}

fn usual(seen: &Seen) -> String {
    let header = |name| seen.head.lines().find_map(|line| line.strip_prefix(name));
    if seen.has("GET /auth") {
        let host = header("host: ").unwrap();
        let url = format!("x-storage-url: http://{host}/v1/AUTH_a\r\n");
        return answer("200 OK", &format!("x-auth-token: token\r\n{url}"), "");
    }
    match seen.head.split(' ').next() {
        Some("PUT") => {
            let manifest = serde_json::from_str::<Vec<serde_json::Value>>(&seen.body);
            let hashed = manifest.map_or_else(|_| seen.body.clone(), |parts| hashes(&parts));
            let etag = hex(&Md5::digest(hashed));
            let modified = "last-modified: Thu, 26 Nov 2026 15:33:44 GMT";
            let headers = format!("etag: {etag}\r\n{modified}\r\n");
            answer("201 Created", &headers, "")
        }
        Some("DELETE") => answer("204 No Content", "", ""),
        _ => answer("404 Not Found", "", ""),
    }
}

fn hashes(parts: &[serde_json::Value]) -> String {
    let hashes = parts.iter().map(|part| part["etag"].as_str().unwrap());
    hashes.collect()
}

pub(super) fn options(server: &FakeServer) -> SwiftOptions {
    let auth = SwiftAuth::v1(server.url("/auth/v1.0"), "account:user", "swordfish");
    SwiftOptions::new("c", auth)
        .with_segment_size(MIB as u64)
        .with_sweep_age(None)
}

pub(super) async fn store(options: SwiftOptions) -> SwiftStore {
    let mut store = SwiftStore::open(options).await.unwrap();
    let container = Arc::get_mut(&mut store.container).unwrap();
    container.retry = RetryOptions::default()
        .with_max_tries(2)
        .with_jitter(|_| Duration::ZERO);
    store
}

/// The one manifest that was put.
#[track_caller]
fn manifest(server: &FakeServer) -> Seen {
    let mut seen = server.seen();
    seen.retain(|seen| seen.has(MANIFEST));
    assert_eq!(seen.len(), 1);
    seen.remove(0)
}

/// The manifest was put with metadata of these keys.
#[track_caller]
pub(super) fn check_metadata_of_manifest(server: &FakeServer, expected: &[&str]) {
    let manifest = manifest(server);
    let keys = manifest.head.lines().filter_map(|line| {
        let (header, _) = line.split_once(':')?;
        header.strip_prefix("x-object-meta-")
    });
    let mut keys: Vec<_> = keys.collect();
    keys.sort_unstable();
    assert_eq!(keys, expected);
}

/// The manifest tells the checksum of all the contents, whatever was sent twice of them.
#[track_caller]
fn check_checksum(server: &FakeServer) {
    let manifest = manifest(server);
    let parts: Vec<serde_json::Value> = serde_json::from_str(&manifest.body).unwrap();
    let etag = hex(&Md5::digest(hashes(&parts)));
    let contents: Vec<_> = (0..LENGTH / MIB)
        .flat_map(|number| vec![byte(number); MIB])
        .collect();
    let expected = format!("\r\n{CHECKSUM}: {}\r\n", checksum(&contents, &etag));
    assert!(manifest.has(&expected), "{}", manifest.head);
}

fn count(server: &FakeServer, text: &str) -> usize {
    let seen = server.seen();
    seen.iter().filter(|seen| seen.has(text)).count()
}

/// Answers the first of the requests for the long segment early, once.
fn once(status: &'static str) -> impl Fn(&str) -> Option<String> {
    once_because(status, "no")
}

fn once_because(status: &'static str, why: &'static str) -> impl Fn(&str) -> Option<String> {
    let is_first = AtomicBool::new(true);
    move |head| {
        let is_answered = head.contains(LONG) && head.starts_with("PUT");
        (is_answered && is_first.swap(false, Ordering::Relaxed)).then(|| answer(status, "", why))
    }
}

#[tokio::test]
async fn a_token_that_is_refused_early_costs_no_more_than_the_request() {
    let source = Source::new(5);
    let (refused, seen) = (once("401 Unauthorized"), Arc::clone(&source));
    let asked = AtomicUsize::new(0);
    let server = server(move |head| {
        if head.starts_with("GET /auth") && asked.fetch_add(1, Ordering::Relaxed) > 0 {
            seen.allow_all();
        }
        refused(head)
    })
    .await;
    let saved = source.save(&store(options(&server)).await).await.unwrap();
    assert_eq!(saved.size, LENGTH as u64);
    assert_eq!(saved.metadata.len(), 0);
    assert_eq!(count(&server, "GET /auth"), 2);
    assert_eq!(count(&server, LONG), 1);
    check_checksum(&server);
}

#[tokio::test]
async fn nothing_is_taken_of_contents_once_their_save_has_failed() {
    let source = Source::new(5);
    let (refused, seen) = (once("403 Forbidden"), Arc::clone(&source));
    let server = server(move |head| {
        if head.starts_with("DELETE") {
            seen.allow_all();
        }
        refused(head)
    })
    .await;
    let error = source
        .save(&store(options(&server)).await)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(count(&server, "DELETE"), 4);
    assert_eq!(source.taken(), 5);
}

#[tokio::test]
async fn contents_that_are_sent_before_their_container_is_made_are_sent_again() {
    let source = Source::new(5);
    let (refused, seen) = (once("404 Not Found"), Arc::clone(&source));
    let server = server(move |head| {
        if head.starts_with("PUT /v1/AUTH_a/c_segments ") {
            seen.allow_all();
        }
        refused(head)
    })
    .await;
    source.save(&store(options(&server)).await).await.unwrap();
    assert_eq!(count(&server, "PUT /v1/AUTH_a/c_segments "), 1);
    assert_eq!(count(&server, LONG), 1);
}

#[tokio::test]
async fn contents_that_come_from_the_same_store_do_not_wait_for_themselves() {
    let source = Source::new(6);
    let server = server(|_| None).await;
    let store = store(options(&server).with_max_requests(1)).await;
    let asks = async {
        // The long segment is on its way, and waits for what it is made of.
        let mut taken = source.taken.subscribe();
        taken.wait_for(|taken| *taken == 6).await.unwrap();
        let name = FileName::new("b").unwrap();
        let found = store
            .get_file_info(&name)
            .await
            .map_err(|error| error.kind());
        source.allow_all();
        found
    };
    let both = futures_util::future::join(source.save(&store), asks);
    let (saved, found) = tokio::time::timeout(Duration::from_secs(30), both)
        .await
        .expect("one waits for the other");
    assert_eq!(saved.unwrap().size, LENGTH as u64);
    assert_eq!(found.unwrap_err(), ErrorKind::NotFound);
    assert_eq!(count(&server, LONG), 1);
}

#[tokio::test]
async fn what_is_too_long_for_a_server_goes_on_in_short_segments() {
    let source = Source::new(6);
    let (refused, seen) = (once("413 Too Large"), Arc::clone(&source));
    let server = server(move |head| {
        let refusal = refused(head);
        if refusal.is_none() && head.contains(LONG) {
            seen.allow_all();
        }
        refusal
    })
    .await;
    source.save(&store(options(&server)).await).await.unwrap();
    let seen = server.seen();
    for number in 0..LENGTH / MIB {
        let segment = format!("/{number:06}/a ");
        let mut saved = seen.iter().filter(|seen| seen.has(&segment));
        let body = saved.next().unwrap().body.as_bytes();
        assert!(body.len() == MIB && body.iter().all(|found| *found == byte(number)));
        assert!(saved.next().is_none());
    }
    check_checksum(&server);
}

#[tokio::test]
async fn a_quota_is_told_from_a_segment_that_is_too_long() {
    let server = server(once_because("413 Too Large", "Upload exceeds quota.")).await;
    let source = Source::new(5);
    let error = source
        .save(&store(options(&server)).await)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");

    let usual = |seen: Seen| {
        let refusal = seen.has(LONG).then(|| answer("413 Too Large", "", "no"));
        ready(refusal.unwrap_or_else(|| usual(&seen))).boxed()
    };
    let server = FakeServer::start_early(|_| None, usual).await;
    let source = Source::new(usize::MAX);
    let error = source
        .save(&store(options(&server)).await)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    let message = error.to_string();
    assert!(
        message.contains("with_streamed_segment_size(0)"),
        "{message}"
    );
}

#[tokio::test]
async fn a_cluster_without_room_for_a_checksum_keeps_none() {
    let told = r#"{"swift": {"max_meta_value_length": 73}, "slo": {}}"#;
    let usual = |seen: Seen| {
        let limits = seen.has("GET /info").then(|| answer("200 OK", "", told));
        ready(limits.unwrap_or_else(|| usual(&seen))).boxed()
    };
    let server = FakeServer::start_early(|_| None, usual).await;
    let source = Source::new(usize::MAX);
    source.save(&store(options(&server)).await).await.unwrap();
    assert_eq!(count(&server, MANIFEST), 1);
    assert_eq!(count(&server, CHECKSUM), 0);
}

/// The segment after the long one.
const NEXT: &str = "/000004/a ";

/// A server that refuses the first long segment once there is something of the next, which it takes
/// some time to answer.
async fn server_refusing_before(next: impl Fn(&str) -> bool + Send + Sync + 'static) -> FakeServer {
    let came = Arc::new(watch::Sender::new(false));
    let seen = Arc::clone(&came);
    let early = move |head: &str| {
        seen.send_if_modified(|came| next(head) && !std::mem::replace(came, true));
        None
    };
    let usual = move |seen: Seen| {
        let came = Arc::clone(&came);
        async move {
            if seen.has("PUT") && seen.has(LONG) {
                came.subscribe().wait_for(|came| *came).await.unwrap();
                return answer("403 Forbidden", "", "");
            }
            if seen.has("PUT") && seen.has(NEXT) {
                came.send_replace(true);
                // All others go on meanwhile.
                for _ in 0..10_000 {
                    tokio::task::yield_now().await;
                }
            }
            usual(&seen)
        }
        .boxed()
    };
    FakeServer::start_early(early, usual).await
}

#[tokio::test]
async fn segments_are_deleted_when_those_on_their_way_have_come() {
    for streamed in [0, 10 * MIB as u64] {
        let server = server_refusing_before(|_| false).await;
        let options = options(&server).with_streamed_segment_size(streamed);
        let source = Source::new(usize::MAX);
        let error = source.save(&store(options).await).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        let seen = server.seen();
        let place = |text| seen.iter().position(|seen| seen.has(text)).unwrap();
        assert!(seen[place(NEXT)].has("PUT"), "{streamed}");
        assert!(place(NEXT) < place("DELETE"), "{streamed}");
        assert!(seen.iter().any(|seen| seen.has("DELETE") && seen.has(NEXT)));
    }
}

#[tokio::test]
async fn a_segment_that_still_comes_in_ends_with_the_save() {
    let server = server_refusing_before(|head| head.contains(NEXT)).await;
    let options = options(&server).with_streamed_segment_size(10 * MIB as u64);
    // Of the second long segment no more than a MiB ever comes, for the last is looked at ahead.
    let source = Source::new(15);
    let error = source.save(&store(options).await).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(source.taken(), 15);
    assert_eq!(count(&server, "DELETE"), 5);
}
