mod authority;
mod logs;

use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::Method;

use super::*;
use crate::SwiftTls;
use crate::swift::auth::SwiftAuth;
use crate::swift::fake_server::{FakeServer, answer};

use self::authority::Authority;

/// A server that gives numbered tokens for itself, and whose answers to requests with a token
/// `requests` makes.
async fn server(
    requests: impl Fn(&str) -> String + Send + Sync + 'static,
) -> (FakeServer, SwiftOptions) {
    let count = AtomicU32::new(0);
    let server = FakeServer::start(move |seen| {
        let header = |name| seen.head.lines().find_map(|line| line.strip_prefix(name));
        let Some(token) = header("x-auth-token: ") else {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            let host = header("host: ").unwrap();
            let headers = format!(
                "x-auth-token: token-{number}\r\nx-storage-url: http://{host}/v1/AUTH_a\r\n"
            );
            return answer("200 OK", &headers, "");
        };
        requests(token)
    })
    .await;
    let auth = SwiftAuth::v1(server.url("/auth/v1.0"), "account:user", "swordfish");
    (server, SwiftOptions::new("c", auth))
}

fn get() -> Request {
    Request::object(Method::GET, "c", "a b/ü?#%")
}

async fn send(client: &Client, request: Request) -> Result<Response> {
    client
        .send(Operation::GetFileContents, Some("a"), request)
        .await
}

#[tokio::test]
async fn names_are_encoded_and_the_token_goes_along() {
    let (server, options) = server(|_| answer("200 OK", "", "contents")).await;
    let client = Client::new(&options).unwrap();
    let request = get()
        .query("format", "a b&c=/")
        .body(Body::Bytes("sent".into()));
    let response = send(&client, request).await.unwrap();
    assert_eq!(response.bytes(8).await.unwrap(), "contents");
    let seen = server.seen().pop().unwrap();
    assert!(
        seen.has("GET /v1/AUTH_a/c/a%20b/%C3%BC%3F%23%25?format=a%20b%26c%3D%2F HTTP/1.1\r\n"),
        "{seen:?}"
    );
    assert!(seen.has("x-auth-token: token-1\r\n"), "{seen:?}");
    assert_eq!(seen.body, "sent");
}

#[tokio::test]
async fn after_a_refused_token_the_request_is_sent_again_with_another() {
    let (server, options) = server(|token| match token {
        "token-1" => answer("401 Unauthorized", "", "no"),
        _ => answer("200 OK", "", "yes"),
    })
    .await;
    let client = Client::new(&options).unwrap();
    let sending = (0..20).map(|_| send(&client, get().body(Body::Bytes("sent".into()))));
    for response in futures_util::future::join_all(sending).await {
        assert_eq!(response.unwrap().bytes(3).await.unwrap(), "yes");
    }
    let asked = server
        .seen()
        .iter()
        .filter(|seen| seen.has("GET /auth"))
        .count();
    assert_eq!(
        asked, 2,
        "one for the first token, and one for all that met its refusal"
    );
    let again = server.seen().into_iter().filter(|seen| seen.has("token-2"));
    assert!(again.clone().all(|seen| seen.body == "sent"));
    assert_eq!(again.count(), 20);
}

#[tokio::test]
async fn a_second_refusal_is_the_callers() {
    let (server, options) = server(|_| answer("401 Unauthorized", "", "no")).await;
    let error = send(&Client::new(&options).unwrap(), get())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_ready_token_that_is_refused_cannot_be_renewed() {
    let (server, _) = server(|_| answer("401 Unauthorized", "", "no")).await;
    let auth = SwiftAuth::ready_token(server.url("/v1/AUTH_a/"), "swordfish");
    let client = Client::new(&SwiftOptions::new("c", auth)).unwrap();
    let error = send(&client, get()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(!format!("{error:?} {client:?}").contains("swordfish"));
    assert_eq!(server.seen().len(), 1);
    assert!(server.seen()[0].has("GET /v1/AUTH_a/c/a"));
}

#[tokio::test]
async fn a_token_never_goes_where_a_redirection_points() {
    let (other, _) = server(|_| answer("200 OK", "", "")).await;
    let location = format!("location: {}\r\n", other.url("/"));
    let (_server, options) = server(move |_| answer("302 Found", &location, "")).await;
    let response = send(&Client::new(&options).unwrap(), get()).await.unwrap();
    assert_eq!(response.into_error().await.kind(), ErrorKind::Other);
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn each_status_has_its_kind() {
    for (status, kind) in [
        ("400 Bad Request", ErrorKind::InvalidInput),
        ("403 Forbidden", ErrorKind::PermissionDenied),
        ("404 Not Found", ErrorKind::NotFound),
        ("405 Method Not Allowed", ErrorKind::Unsupported),
        ("408 Request Timeout", ErrorKind::Unavailable),
        ("409 Conflict", ErrorKind::Conflict),
        ("412 Precondition Failed", ErrorKind::Conflict),
        ("413 Request Entity Too Large", ErrorKind::TooLarge),
        ("416 Requested Range Not Satisfiable", ErrorKind::OutOfRange),
        ("422 Unprocessable Entity", ErrorKind::Interrupted),
        ("429 Too Many Requests", ErrorKind::RateLimited),
        ("498 Rate Limited", ErrorKind::RateLimited),
        ("499 Client Disconnect", ErrorKind::Unavailable),
        ("500 Internal Error", ErrorKind::Unavailable),
        ("503 Service Unavailable", ErrorKind::Unavailable),
        ("507 Insufficient Storage", ErrorKind::StorageFull),
    ] {
        let headers = "x-trans-id: tx1\r\nretry-after: 3\r\n";
        let (_server, options) = server(move |_| answer(status, headers, "")).await;
        let error = match send(&Client::new(&options).unwrap(), get()).await {
            Ok(response) => response.into_error().await,
            Err(error) => error,
        };
        assert_eq!(error.kind(), kind, "{error}");
        assert!(
            error.to_string().contains("`a`: the server answered"),
            "{error}"
        );
        assert!(error.to_string().contains(&status[..3]), "{error}");
        assert!(error.to_string().contains("tx1"), "{error}");
        let delay = error.is_retryable().then_some(Duration::from_secs(3));
        assert_eq!(error.retry_after(), delay, "{error}");
    }
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_no_file_that_is_too_large() {
    let quota = "Upload exceeds quota.";
    let (_server, options) = server(move |_| answer("413 Too Large", "", quota)).await;
    let response = send(&Client::new(&options).unwrap(), get()).await.unwrap();
    assert_eq!(response.into_error().await.kind(), ErrorKind::StorageFull);
}

#[tokio::test]
async fn an_answer_that_ends_early_is_an_interruption() {
    let (_server, options) =
        server(|_| "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort".to_owned()).await;
    let client = Client::new(&options.with_stall_timeout(Duration::from_millis(50))).unwrap();
    let response = send(&client, get()).await.unwrap();
    let error = response.bytes(100).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let message = "the contents stood still for 50ms";
    assert!(error.to_string().contains(message), "{error}");
    let response = send(&client, get()).await.unwrap();
    let error = response.bytes(3).await.unwrap_err();
    assert!(error.to_string().contains("longer than 3 bytes"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for_for_ever() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}/v1/AUTH_a", listener.local_addr().unwrap());
    let auth = SwiftAuth::ready_token(url, "swordfish");
    let options = SwiftOptions::new("c", auth).with_stall_timeout(Duration::from_millis(50));
    let error = send(&Client::new(&options).unwrap(), get())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(
        error.to_string().contains("stood still for 50ms"),
        "{error}"
    );
}

#[tokio::test]
async fn certificates_are_verified_by_the_ca_file_alone() {
    let authority = Authority::new();
    let server = authority.server(|_| answer("200 OK", "", "yes")).await;
    let url = format!("https://localhost:{}/v1/AUTH_a", server.port());
    let get_by = async |tls: SwiftTls, url: &str| {
        let auth = SwiftAuth::ready_token(url, "swordfish");
        let client = Client::new(&SwiftOptions::new("c", auth).with_tls(tls)).unwrap();
        send(&client, get()).await.map(|response| response.status())
    };
    let by_file = SwiftTls::CaFile(authority.file());
    assert_eq!(get_by(by_file.clone(), &url).await.unwrap(), 200);
    assert_eq!(get_by(SwiftTls::Unverified, &url).await.unwrap(), 200);
    let other_name = url.replace("localhost", "127.0.0.1");
    assert_eq!(
        get_by(SwiftTls::Unverified, &other_name).await.unwrap(),
        200
    );
    let another = Authority::new();
    let other = SwiftTls::CaFile(another.file());
    for (tls, url) in [
        (SwiftTls::System, &url),
        (other, &url),
        (by_file, &other_name),
    ] {
        let error = get_by(tls, url).await.unwrap_err();
        // It would be refused the next time, too.
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert!(
            error.to_string().contains("certificate of https://"),
            "{error}"
        );
    }
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn a_ca_file_that_holds_no_certificate_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (path, message) in [
        (folder.path().join("none"), "cannot be read"),
        (file("empty", ""), "holds no certificate"),
        (file("text", "hello"), "holds no certificate"),
        (file("broken", broken), "holds what is no CA"),
    ] {
        let auth = SwiftAuth::ready_token("https://host/v1/AUTH_a", "swordfish");
        let options = SwiftOptions::new("c", auth).with_tls(SwiftTls::CaFile(path));
        let error = Client::new(&options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert_eq!(error.name(), Some("os_cacert"));
        assert!(error.to_string().contains(message), "{error}");
    }
}
