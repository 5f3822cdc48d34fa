use std::sync::Mutex;

use futures_util::{StreamExt as _, stream};
use md5::{Digest as _, Md5};

use super::*;
use crate::swift::fake_server::{FakeServer, Seen, answer};
use crate::swift::hash::hex;
use crate::{RetryOptions, SwiftAuth};

const SEGMENTED: &str = "long enough for two";

/// A store of short segments whose server answers as `answers` says, and otherwise as Swift where
/// all goes well.
async fn store(
    answers: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
) -> (FakeServer, SwiftStore) {
    let server = FakeServer::start(move |seen| {
        let (line, _) = seen.head.split_once(" HTTP/1.1").unwrap();
        answers(line).unwrap_or_else(|| usual(line, seen))
    })
    .await;
    let auth = SwiftAuth::ready_token(server.url("/v1/AUTH_a"), "token");
    let options = SwiftOptions::new("c", auth)
        .with_segment_size(10)
        .with_sweep_age(None);
    let mut store = SwiftStore::open(options).await.unwrap();
    let container = Arc::get_mut(&mut store.container).unwrap();
    container.retry = RetryOptions::default()
        .with_max_tries(3)
        .with_jitter(|_| Duration::ZERO);
    (server, store)
}

fn usual(line: &str, seen: &Seen) -> String {
    match line.split(' ').next() {
        Some("PUT") if line.ends_with("multipart-manifest=put") => put("\"of the parts\""),
        Some("PUT") => put(&hex(&Md5::digest(&seen.body))),
        Some("DELETE") => answer("204 No Content", "", ""),
        _ => answer("404 Not Found", "", ""),
    }
}

fn put(etag: &str) -> String {
    let modified = "last-modified: Thu, 26 Nov 2026 15:33:44 GMT";
    answer(
        "201 Created",
        &format!("etag: {etag}\r\n{modified}\r\n"),
        "",
    )
}

fn name() -> FileName {
    FileName::new("a").unwrap()
}

/// Saves what fits in two segments, which nobody else can repeat.
async fn save(store: &SwiftStore) -> Result<FileInfo> {
    let pieces = stream::iter([Ok(SEGMENTED.into())]).boxed();
    let contents = FileContents::from_stream(pieces, None);
    store
        .save_file(&name(), contents, &SaveOptions::default())
        .await
}

fn count(server: &FakeServer, begin: &str) -> usize {
    let seen = server.seen();
    seen.iter()
        .filter(|seen| seen.head.starts_with(begin))
        .count()
}

/// The answers of the list one after the other to requests of this end.
fn in_turn(
    end: &'static str,
    answers: impl IntoIterator<Item = String>,
) -> impl Fn(&str) -> Option<String> {
    let answers = Mutex::new(
        answers
            .into_iter()
            .collect::<std::collections::VecDeque<_>>(),
    );
    move |line| {
        let mut answers = answers.lock().unwrap();
        line.ends_with(end).then(|| answers.pop_front()).flatten()
    }
}

const MANIFEST: &str = "multipart-manifest=put";

#[tokio::test]
async fn segments_stay_that_a_manifest_may_name_whose_answer_was_lost() {
    // An empty answer is a connection that breaks.
    for lost in [String::new(), answer("503 Service Unavailable", "", "")] {
        for refusal in ["400 Bad Request", "403 Forbidden", "413 Too Large"] {
            let answers = [lost.clone(), answer(refusal, "", "")];
            let (server, store) = store(in_turn(MANIFEST, answers)).await;
            assert!(!save(&store).await.unwrap_err().is_retryable());
            assert_eq!(count(&server, "DELETE"), 0, "{lost} {refusal}");
        }
    }
}

#[tokio::test]
async fn segments_go_that_no_manifest_names() {
    let answers = [answer("403 Forbidden", "", "")];
    let (server, store) = store(in_turn(MANIFEST, answers)).await;
    let error = save(&store).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(count(&server, "DELETE /v1/AUTH_a/c_segments/.store/"), 2);
}

#[tokio::test]
async fn a_manifest_is_put_again_whose_segments_were_not_found_for_a_moment() {
    let refusal = "Errors:\n/c_segments/x, 503 Service Unavailable\n";
    let answers = (0..2).map(|_| answer("400 Bad Request", "", refusal));
    let (server, store) = store(in_turn(MANIFEST, answers)).await;
    // The played server does not know what the etag has to be.
    let error = save(&store).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
    assert_eq!(count(&server, "PUT /v1/AUTH_a/c/a?"), 3);
    assert_eq!(count(&server, "DELETE"), 0);
}
