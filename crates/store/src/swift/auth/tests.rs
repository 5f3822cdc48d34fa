use serde_json::{Value, json};

use super::*;
use crate::swift::fake_server::{FakeServer, answer};

/// Asks for a token as a client does that has asked nobody before.
async fn ask(auth: impl Into<SwiftAuth>, account: Option<&str>) -> Result<Grant> {
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(
            crate::swift::tls::client_config(&crate::SwiftTls::System).unwrap(),
        )
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    auth.into().ask(&http, account).await
}

#[track_caller]
fn check_refused(result: Result<Grant>, kind: ErrorKind, message: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(message), "{error}");
    assert!(!format!("{error:?}").contains("swordfish"), "{error:?}");
}

fn left(grant: &Grant) -> Option<u64> {
    // Rounded up, for a moment has passed.
    let left = grant.ends?.saturating_duration_since(Instant::now());
    Some((left + Duration::from_millis(999)).as_secs())
}

async fn v1(status: &'static str, headers: &'static str) -> (FakeServer, SwiftAuth) {
    let server = FakeServer::start(move |_| answer(status, headers, "")).await;
    let auth = SwiftAuth::v1(server.url("/auth/v1.0"), "account:user", "swordfish");
    (server, auth)
}

const TOKEN: &str = "x-auth-token: t1\r\nx-storage-url: http://host/v1/AUTH_a/\r\n";

#[tokio::test]
async fn swifts_own_authentication_gives_a_token_and_an_account() {
    let headers = concat!(
        "x-auth-token: t1\r\nx-storage-url: http://host/v1/AUTH_a/\r\n",
        "x-auth-token-expires: 4000\r\n"
    );
    let (server, auth) = v1("200 OK", headers).await;
    let grant = ask(auth.clone(), None).await.unwrap();
    assert_eq!(
        (grant.token.to_str().unwrap(), left(&grant)),
        ("t1", Some(4000))
    );
    assert!(grant.token.is_sensitive());
    assert_eq!(grant.storage_url, "http://host/v1/AUTH_a");
    let grant = ask(auth, Some("http://other/v1/AUTH_b/")).await.unwrap();
    assert_eq!(grant.storage_url, "http://other/v1/AUTH_b");
    let seen = &server.seen()[0];
    assert!(seen.has("GET /auth/v1.0 "), "{seen:?}");
    assert!(seen.has("x-auth-user: account:user\r\n"), "{seen:?}");
    assert!(seen.has("x-auth-key: swordfish\r\n"), "{seen:?}");
    let (_server, auth) = v1("204 No Content", TOKEN).await;
    assert_eq!(left(&ask(auth, None).await.unwrap()), None);
}

#[tokio::test]
async fn what_swifts_own_authentication_refuses_has_its_kind() {
    for (status, headers, kind, message) in [
        (
            "401 Unauthorized",
            "",
            ErrorKind::Unauthenticated,
            "the key were not accepted",
        ),
        (
            "403 Forbidden",
            "",
            ErrorKind::Unauthenticated,
            "the key were not accepted",
        ),
        (
            "404 Not Found",
            "",
            ErrorKind::Configuration,
            "answered 404",
        ),
        (
            "302 Found",
            "location: http://other/\r\n",
            ErrorKind::Configuration,
            "302",
        ),
        ("200 OK", "", ErrorKind::Configuration, "without one"),
        (
            "200 OK",
            "x-auth-token: swordfish\r\n",
            ErrorKind::Configuration,
            "without one",
        ),
        (
            "503 Service Unavailable",
            "",
            ErrorKind::Unavailable,
            "answered 503",
        ),
        (
            "429 Too Many Requests",
            "retry-after: 3\r\n",
            ErrorKind::RateLimited,
            "429",
        ),
        ("498 Rate Limited", "", ErrorKind::RateLimited, "498"),
    ] {
        let (_server, auth) = v1(status, headers).await;
        check_refused(ask(auth, None).await, kind, message);
    }
    let (_server, auth) = v1("429 Too Many Requests", "retry-after: 3\r\n").await;
    let error = ask(auth, None).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
}

#[tokio::test]
async fn a_server_of_tokens_that_is_not_there_is_unavailable() {
    let server = FakeServer::start(|_| String::new()).await;
    let url = server.url("/auth/v1.0");
    let auth = SwiftAuth::v1(&url, "account:user", "swordfish");
    check_refused(
        ask(auth.clone(), None).await,
        ErrorKind::Unavailable,
        "broke",
    );
    drop(server);
    tokio::task::yield_now().await;
    check_refused(
        ask(auth, None).await,
        ErrorKind::Unavailable,
        "cannot reach http://127",
    );
}

fn keystone_answer() -> Value {
    let endpoint = |interface: &str, region: &str, host: &str| {
        json!({
            "interface": interface, "region": region, "region_id": region,
            "url": format!("http://{host}/v1/AUTH_a"), "id": "e1",
        })
    };
    json!({ "token": {
        "methods": ["password"],
        "issued_at": "2026-11-23T22:58:14.000000Z",
        "expires_at": "2026-11-23T23:58:20.000000Z",
        "catalog": [
            { "type": "identity", "endpoints": [endpoint("public", "north", "identity")] },
            { "type": "object-store", "endpoints": [
                endpoint("admin", "north", "admin"),
                endpoint("public", "south", "south"),
                endpoint("public", "north", "north"),
                endpoint("internal", "north", "inside"),
            ] },
        ],
    } })
}

async fn keystone(status: &'static str, body: Value) -> FakeServer {
    FakeServer::start(move |_| answer(status, "x-subject-token: t1\r\n", &body.to_string())).await
}

fn by_password(server: &FakeServer) -> KeystoneAuth {
    KeystoneAuth::password(server.url("/v3/"), KeystoneName::new("user"), "swordfish")
}

#[tokio::test]
async fn each_way_to_ask_keystone_is_spelled_as_it_expects() {
    let server = keystone("201 Created", keystone_answer()).await;
    let (url, user) = (server.url(""), || {
        KeystoneName::new("user").in_domain("people")
    });
    let named_user = json!({ "name": "user", "domain": { "name": "people" } });
    let mut with_password = named_user.clone();
    with_password["password"] = json!("swordfish");
    let ways = [
        (
            KeystoneAuth::password(&url, user(), "swordfish"),
            json!({ "methods": ["password"], "password": { "user": with_password } }),
        ),
        (
            KeystoneAuth::password(&url, KeystoneName::from_id("u1"), "swordfish"),
            json!({ "methods": ["password"],
                "password": { "user": { "id": "u1", "password": "swordfish" } } }),
        ),
        (
            KeystoneAuth::application_credential(&url, "c1", "swordfish"),
            json!({ "methods": ["application_credential"],
                "application_credential": { "id": "c1", "secret": "swordfish" } }),
        ),
        (
            KeystoneAuth::named_application_credential(&url, user(), "deployer", "swordfish"),
            json!({ "methods": ["application_credential"], "application_credential":
                { "name": "deployer", "user": named_user, "secret": "swordfish" } }),
        ),
        (
            KeystoneAuth::token(&url, "swordfish"),
            json!({ "methods": ["token"], "token": { "id": "swordfish" } }),
        ),
    ];
    for (auth, identity) in ways {
        let project = KeystoneName::new("releases").in_domain_id("d1");
        for (auth, expected) in [
            (auth.clone(), json!({ "auth": { "identity": identity } })),
            (
                auth.with_project(project),
                json!({ "auth": { "identity": identity, "scope": { "project":
                    { "name": "releases", "domain": { "id": "d1" } } } } }),
            ),
        ] {
            assert!(!format!("{auth:?}").contains("swordfish"), "{auth:?}");
            ask(auth.with_region("north"), None).await.unwrap();
            let seen = server.seen().pop().unwrap();
            assert!(seen.has("POST /v3/auth/tokens "), "{seen:?}");
            assert!(seen.has("content-type: application/json"), "{seen:?}");
            let body: Value = serde_json::from_str(&seen.body).unwrap();
            assert_eq!(body, expected);
        }
    }
}

#[tokio::test]
async fn keystones_answer_tells_the_account_and_how_long_the_token_lasts() {
    let server = keystone("201 Created", keystone_answer()).await;
    let auth = by_password(&server);
    let account = async |auth: &KeystoneAuth| ask(auth.clone(), None).await.unwrap().storage_url;
    let inside = auth.clone().with_interface(SwiftInterface::Internal);
    let grant = ask(inside.clone(), None).await.unwrap();
    assert_eq!(
        (grant.token.to_str().unwrap(), left(&grant)),
        ("t1", Some(3606))
    );
    assert!(grant.token.is_sensitive());
    let unnamed = ask(auth.clone(), None).await;
    check_refused(unnamed, ErrorKind::Configuration, "several: north, south");
    let south = auth.clone().with_region("south");
    assert_eq!(account(&south).await, "http://south/v1/AUTH_a");
    let north = auth.clone().with_region("north");
    assert_eq!(account(&north).await, "http://north/v1/AUTH_a");
    assert_eq!(account(&inside).await, "http://inside/v1/AUTH_a");
    let admin = auth.clone().with_interface(SwiftInterface::Admin);
    assert_eq!(account(&admin).await, "http://admin/v1/AUTH_a");
    let west = ask(auth.clone().with_region("west"), None).await;
    check_refused(
        west,
        ErrorKind::Configuration,
        "`west`, but in north, south",
    );
    let south = inside.with_region("south");
    check_refused(
        ask(south, None).await,
        ErrorKind::Configuration,
        "but in north",
    );
}

#[tokio::test]
async fn a_catalog_is_not_needed_where_the_account_is_told() {
    let mut body = keystone_answer();
    body["token"]["catalog"] = json!([]);
    let server = keystone("201 Created", body).await;
    let auth = by_password(&server);
    check_refused(
        ask(auth.clone(), None).await,
        ErrorKind::Configuration,
        "no project",
    );
    let account = Some("http://host/v1/AUTH_b");
    assert_eq!(
        ask(auth, account).await.unwrap().storage_url,
        "http://host/v1/AUTH_b"
    );
    let mut body = keystone_answer();
    body["token"]["catalog"][1]["type"] = json!("volume");
    let server = keystone("201 Created", body).await;
    let result = ask(by_password(&server), None).await;
    check_refused(
        result,
        ErrorKind::Configuration,
        "no public address of Swift",
    );
}

#[tokio::test]
async fn what_keystone_refuses_has_its_kind() {
    let wrong = json!({ "error": { "code": 401, "message": "swordfish is wrong" } });
    for (status, kind, message) in [
        (
            "401 Unauthorized",
            ErrorKind::Unauthenticated,
            "the password were not accepted",
        ),
        ("400 Bad Request", ErrorKind::Configuration, "answered 400"),
        ("404 Not Found", ErrorKind::Configuration, "answered 404"),
        (
            "503 Service Unavailable",
            ErrorKind::Unavailable,
            "answered 503",
        ),
        ("201 Created", ErrorKind::Configuration, "without one"),
    ] {
        let server = keystone(status, wrong.clone()).await;
        check_refused(ask(by_password(&server), None).await, kind, message);
        let token = KeystoneAuth::token(server.url("/v3"), "swordfish");
        // Keystone knows no more of a token that has ended.
        let kind = if status.starts_with("404") {
            ErrorKind::Unauthenticated
        } else {
            kind
        };
        assert_eq!(ask(token, None).await.unwrap_err().kind(), kind);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_of_tokens_that_does_not_answer_is_not_waited_for_for_ever() {
    // It takes connections, and reads nothing.
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}/auth/v1.0", listener.local_addr().unwrap());
    let result = ask(SwiftAuth::v1(url, "account:user", "swordfish"), None).await;
    check_refused(result, ErrorKind::Timeout, "within 30s");
}

#[test]
fn what_cannot_be_right_is_refused_before_anybody_is_asked() {
    let user = KeystoneName::new("user");
    let check = |auth: SwiftAuth, key| {
        let error = auth.check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert_eq!(error.name(), Some(key));
        assert!(!format!("{error:?}").contains("swordfish"), "{error:?}");
    };
    check(SwiftAuth::v1("host", "a:b", "swordfish"), "st_auth");
    check(SwiftAuth::v1("http://host/", "", "swordfish"), "st_user");
    check(
        SwiftAuth::v1("http://host/", "a\nb", "swordfish"),
        "st_user",
    );
    check(
        SwiftAuth::v1("http://host/", "a:b", "swordfish\n"),
        "st_key",
    );
    check(SwiftAuth::v1("http://host/", "a:b", ""), "st_key");
    check(SwiftAuth::ready_token("file:/a", "swordfish"), "swift_url");
    check(
        SwiftAuth::ready_token("http://host/", "swordfish\n"),
        "swift_token",
    );
    let v2 = KeystoneAuth::password("http://host/v2.0", user, "swordfish");
    check(v2.into(), "os_auth_url");
}
