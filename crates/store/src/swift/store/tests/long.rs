//! Saves of files so long that a segment is sent while it comes in.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio::sync::watch;

use super::*;

const MIB: usize = 1024 * 1024;

/// Three segments of a MiB, and a long one of which not all is kept.
const LENGTH: usize = 23 * MIB;

/// The long segment.
const LONG: &str = "/000003/a ";

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
                Ok(Bytes::from(vec![7; MIB]))
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
async fn server(early: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> FakeServer {
    FakeServer::start_early(early, usual).await
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

fn count(server: &FakeServer, text: &str) -> usize {
    let seen = server.seen();
    seen.iter().filter(|seen| seen.has(text)).count()
}

/// Answers the first of the requests for the long segment early, once.
fn once(status: &'static str) -> impl Fn(&str) -> Option<String> {
    let is_first = AtomicBool::new(true);
    move |head| {
        let is_answered = head.contains(LONG) && head.starts_with("PUT");
        (is_answered && is_first.swap(false, Ordering::Relaxed)).then(|| answer(status, "", "no"))
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
    assert_eq!(count(&server, "GET /auth"), 2);
    assert_eq!(count(&server, LONG), 1);
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
