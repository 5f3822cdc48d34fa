mod ahead;
mod long;
mod metadata;
mod whole;

use std::sync::Mutex;

use futures_util::{StreamExt as _, stream};
use md5::{Digest as _, Md5};

use super::*;
use crate::swift::checksum::Summing;
use crate::swift::fake_server::{FakeServer, Seen, answer};
use crate::swift::hash::hex;
use crate::{RetryOptions, StoreExt as _, SwiftAuth};

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

/// The header that keeps the checksum, in lower case as it is sent.
const CHECKSUM: &str = "x-object-meta-helion-store-checksum";

/// What that says of the contents of a version.
fn checksum(contents: &[u8], etag: &str) -> String {
    let mut summing = Summing::default();
    summing.update(contents);
    summing.checksum().value(etag)
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

const UPLOAD: &str = ".store/01939b3c-0000-7000-8000-000000000000/000000";

/// Answers as Swift does where `a` is put together of what was saved for it, of what was saved for
/// `b`, and of what the `swift` command saved.
fn mixed(line: &str, headers: &str) -> Option<String> {
    let part = |object: &str| serde_json::json!({"name": format!("/c_segments/{object}"), "bytes": 1, "hash": "x"});
    let manifest = serde_json::json!([
        part(&format!("{UPLOAD}/a")),
        part(&format!("{UPLOAD}/b")),
        part("a/slo/1/2/3/0"),
        part("../c/precious"),
        {"data": "aGVsbG8="},
    ]);
    let told = "x-static-large-object: True\r\n";
    match line {
        "HEAD /v1/AUTH_a/c_segments" => Some(answer("204 No Content", "", "")),
        "HEAD /v1/AUTH_a/c" => Some(answer("204 No Content", headers, "")),
        "HEAD /v1/AUTH_a/c/a" => Some(answer("200 OK", told, "")),
        "GET /v1/AUTH_a/c/a?multipart-manifest=get" => {
            Some(answer("200 OK", told, &manifest.to_string()))
        }
        _ => None,
    }
}

#[tokio::test]
async fn only_segments_that_were_saved_for_the_file_go_with_it() {
    let (server, store) = store(|line| mixed(line, "")).await;
    store.delete_file(&name()).await.unwrap();
    let (file, segment) = ("DELETE /v1/AUTH_a/c/a ", format!("{UPLOAD}/a "));
    assert_eq!(count(&server, file), 1);
    assert_eq!(count(&server, "DELETE"), 2);
    let own = format!("DELETE /v1/AUTH_a/c_segments/{segment}");
    assert_eq!(count(&server, &own), 1);
    // An overwrite has the same to delete.
    let bytes = FileContents::from_bytes("short");
    let options = SaveOptions::default();
    store.save_file(&name(), bytes, &options).await.unwrap();
    assert_eq!(count(&server, "DELETE"), 3);
    assert_eq!(count(&server, &own), 2);
}

#[tokio::test]
async fn where_versions_are_kept_their_segments_are_too() {
    for header in [
        "x-versions-enabled: True",
        "x-versions-location: old",
        "x-history-location: old",
    ] {
        let header = format!("{header}\r\n");
        let (server, store) = store(move |line| mixed(line, &header)).await;
        store.delete_file(&name()).await.unwrap();
        assert_eq!(count(&server, "DELETE"), 1);
    }
}

/// Answers with listings: of one old segment of a file that is gone, and of the row of another file.
fn swept(line: &str, row: &str) -> Option<String> {
    let json = "date: Thu, 26 Nov 2026 15:33:44 GMT\r\n";
    let segment = serde_json::json!([{
        "name": format!("{UPLOAD}/gone"), "bytes": 1, "hash": "x", "content_type": "a/b",
        "last_modified": "2026-11-20T15:33:43.958600",
    }]);
    match line.split('?').next().unwrap() {
        "HEAD /v1/AUTH_a/c_segments" => Some(answer("204 No Content", json, "")),
        "GET /v1/AUTH_a/c_segments" if !line.contains("marker") => {
            Some(answer("200 OK", json, &segment.to_string()))
        }
        "GET /v1/AUTH_a/c" if !line.contains("marker") => Some(answer("200 OK", json, row)),
        "GET /v1/AUTH_a/c_segments" | "GET /v1/AUTH_a/c" => Some(answer("200 OK", json, "[]")),
        _ => None,
    }
}

#[tokio::test]
async fn a_sweep_deletes_nothing_while_a_listed_file_is_not_found() {
    let row = r#"[{"name": "b", "bytes": 1, "hash": "x", "content_type": "a/b",
        "last_modified": "2026-11-20T15:33:43.958600", "slo_etag": "x"}]"#;
    let (server, store) = store(move |line| swept(line, row)).await;
    let error = store.sweep(Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(error.name(), Some("b"));
    assert_eq!(count(&server, "DELETE"), 0);
    let (server, store) = self::store(move |line| swept(line, "[]")).await;
    assert_eq!(store.sweep(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(count(&server, "DELETE"), 1);
}

#[tokio::test]
async fn no_request_leads_elsewhere_by_dots() {
    let (server, store) = store(|_| None).await;
    let before = server.seen().len();
    let client = &store.container.client;
    for (container, object) in [("c", "a/../../d/e"), ("c", "./a"), ("..", "a"), ("c", "..")] {
        let request = Request::object(Method::DELETE, container, object);
        let error = client
            .send(Operation::DeleteFile, None, request)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    let request = Request::object(Method::DELETE, "c", "a/..b/%2e%2e/...");
    client
        .send(Operation::DeleteFile, None, request)
        .await
        .unwrap();
    assert_eq!(server.seen().len(), before + 1);
    assert!(server.seen()[before].has("/v1/AUTH_a/c/a/..b/%252e%252e/... "));
    for container in [".", ".."] {
        assert!(check_container(container).is_err());
    }
}

#[tokio::test]
async fn a_container_that_is_not_found_when_it_was_made_is_made_once_a_try() {
    let (server, store) = store(|line| {
        let is_object = line.starts_with("PUT /v1/AUTH_a/c_segments/");
        is_object.then(|| answer("404 Not Found", "", ""))
    })
    .await;
    let error = save(&store).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("not found yet"), "{error}");
    // Two segments, each tried three times.
    assert!(count(&server, "PUT /v1/AUTH_a/c_segments ") <= 6);
    let (server, store) = self::store(|line| {
        line.starts_with("PUT /v1/AUTH_a/c/")
            .then(|| answer("404 Not Found", "", ""))
    })
    .await;
    let bytes = FileContents::from_bytes("short");
    let options = SaveOptions::default();
    let error = store.save_file(&name(), bytes, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(count(&server, "PUT /v1/AUTH_a/c "), 1);
}

#[tokio::test]
async fn a_delete_that_swift_puts_before_the_save_is_sent_again() {
    let conflicts = |count| std::iter::repeat_n(answer("409 Conflict", "", ""), count);
    let deletes = in_turn("DELETE /v1/AUTH_a/c/a", conflicts(3));
    let (server, store) = store(deletes).await;
    store.delete_file(&name()).await.unwrap();
    assert_eq!(count(&server, "DELETE"), 4);
    let deletes = in_turn("DELETE /v1/AUTH_a/c/a", conflicts(4));
    let (server, store) = self::store(deletes).await;
    let error = store.delete_file(&name()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(count(&server, "DELETE"), 4);
    // What is unknown is not repeated here.
    let unavailable = answer("503 Service Unavailable", "", "");
    let (server, store) = self::store(in_turn("DELETE /v1/AUTH_a/c/a", [unavailable])).await;
    let error = store.delete_file(&name()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(count(&server, "DELETE"), 1);
}

#[tokio::test]
async fn whoever_may_not_see_the_segments_saves_and_deletes_all_the_same() {
    let (server, store) = store(|line| {
        line.contains("c_segments")
            .then(|| answer("403 Forbidden", "", ""))
    })
    .await;
    let bytes = FileContents::from_bytes("short");
    let options = SaveOptions::default();
    store.save_file(&name(), bytes, &options).await.unwrap();
    store.delete_file(&name()).await.unwrap();
    assert_eq!(count(&server, "HEAD"), 1);
}

/// Answers with pages of one row of the names `a` to `e`, and refuses to be asked for more than
/// `most`.
fn capped(line: &str, most: usize) -> Option<String> {
    let query = line.strip_prefix("GET /v1/AUTH_a/c?")?;
    let value = |key| query.split('&').find_map(|part| part.strip_prefix(key));
    if value("limit=").unwrap().parse::<usize>().unwrap() > most {
        return Some(answer("412 Precondition Failed", "", ""));
    }
    let after = value("marker=").unwrap_or_default();
    let rows: Vec<_> = ["a", "b", "c", "d", "e"]
        .into_iter()
        .filter(|name| *name > after)
        .take(1)
        .map(|name| {
            serde_json::json!({
                "name": name, "bytes": 1, "hash": "x", "content_type": "a/b",
                "last_modified": "2026-11-20T15:33:43.958600",
            })
        })
        .collect();
    Some(answer(
        "200 OK",
        "",
        &serde_json::Value::from(rows).to_string(),
    ))
}

#[tokio::test]
async fn a_listing_is_whole_though_the_server_does_not_tell_how_long_its_pages_are() {
    let (server, store) = store(|line| capped(line, 100)).await;
    let options = ListOptions::default().with_limit(300);
    let files = store.get_files_list(&options).await.unwrap();
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    // Two that were too long, one for each name, and the empty one.
    assert_eq!(count(&server, "GET /v1/AUTH_a/c?"), 2 + 5 + 1);
    let three = ListOptions::default().with_limit(3);
    assert_eq!(store.get_files_list(&three).await.unwrap().len(), 3);
    assert_eq!(count(&server, "GET /v1/AUTH_a/c?"), 8 + 3);
    // How long they may be is found out once.
    assert_eq!(store.get_files_list(&options).await.unwrap().len(), 5);
    assert_eq!(count(&server, "GET /v1/AUTH_a/c?"), 11 + 5 + 1);
}

/// Answers as Swift does where the container has `segments`, two old ones that nobody needs among
/// them, and a file of each kind.
fn counted(line: &str) -> Option<String> {
    let row = |name: &str, slo_etag: Option<&str>| {
        serde_json::json!({
            "name": name, "bytes": 1, "hash": "x", "content_type": "a/b", "slo_etag": slo_etag,
            "last_modified": "2026-11-20T15:33:43.958600",
        })
    };
    let page = |rows: &[serde_json::Value]| {
        Some(answer("200 OK", "", &serde_json::to_string(rows).unwrap()))
    };
    let date = "date: Thu, 26 Nov 2026 15:33:44 GMT\r\n";
    let told = "etag: x\r\nlast-modified: Thu, 26 Nov 2026 15:33:44 GMT\r\n";
    let (path, query) = line.split_once('?').unwrap_or((line, ""));
    match path {
        "GET /info" => Some(answer(
            "200 OK",
            "",
            r#"{"swift": {"container_listing_limit": 10000}, "slo": {}}"#,
        )),
        "HEAD /v1/AUTH_a/c_segments" | "HEAD /v1/AUTH_a/c" => {
            Some(answer("204 No Content", date, ""))
        }
        "GET /v1/AUTH_a/c_segments" => page(&[
            row(&format!("{UPLOAD}/gone"), None),
            row(
                ".store/01939b3c-0000-7000-8000-000000000001/000000/gone",
                None,
            ),
        ]),
        "GET /v1/AUTH_a/c" => page(&[row("large", Some("y")), row("short", None)]),
        "HEAD /v1/AUTH_a/c/short" | "GET /v1/AUTH_a/c/short" => Some(answer(
            "200 OK",
            &told.replace("etag: x", "etag: 5d41402abc4b2a76b9719d911017c592"),
            if path.starts_with("GET") { "hello" } else { "" },
        )),
        "GET /v1/AUTH_a/c/large" if query.contains("manifest=get") => {
            Some(answer("200 OK", "x-static-large-object: True\r\n", "[]"))
        }
        _ => None,
    }
}

/// The table of costs in `docs/guides/swift.md`.
#[tokio::test]
async fn calls_take_as_many_requests_as_the_guide_says() {
    let (server, store) = store(counted).await;
    let mut before = 0;
    let mut check = |what: &str, expected: usize| {
        let now = server.seen().len();
        assert_eq!(now - before, expected, "{what}");
        before = now;
    };
    check("opening", 1);
    let short = FileName::new("short").unwrap();
    store.get_file_info(&short).await.unwrap();
    check("info", 1);
    store.get_file_bytes(&short, 5).await.unwrap();
    check("read", 1);
    store.get_files_list(&ListOptions::default()).await.unwrap();
    check("a page of a listing", 1);
    // The container beside it, the rows there, the manifest of the file of each upload; then whether
    // versions are kept, the rows of the files, and the manifest of the one in segments.
    assert_eq!(store.sweep(Duration::ZERO).await.unwrap(), 2);
    check("sweep", (2 + 2) + (2 + 1) + 2);
    let bytes = FileContents::from_bytes("hello");
    let options = SaveOptions::default();
    store.save_file(&short, bytes, &options).await.unwrap();
    check("the first save finds that there are segments", 1 + 2);
    let bytes = FileContents::from_bytes("hello");
    store.save_file(&short, bytes, &options).await.unwrap();
    check("save while there are segments", 2);
    store.delete_file(&short).await.unwrap();
    check("delete while there are segments", 2);
}
