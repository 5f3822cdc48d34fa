//! What is logged on the way of a request, down to the last detail.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::swift::auth::{KeystoneAuth, KeystoneName};

/// All that was logged, by whatever crate and in whatever way.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}\n", record.target(), record.args());
        self.0.lock().unwrap().extend_from_slice(line.as_bytes());
    }

    fn flush(&self) {}
}

const SECRETS: [&str; 5] = [
    "secret-key",
    "secret-password",
    "secret-token-1",
    "secret-token-2",
    "secret-ready",
];

/// A server of tokens and of files, which gives out secrets and refuses all but one file.
async fn server(authority: &Authority) -> FakeServer {
    authority
        .server(|seen| {
            let host = seen
                .head
                .lines()
                .find_map(|line| line.strip_prefix("host: "));
            let url = format!("https://{}/v1/AUTH_a", host.unwrap());
            if seen.has("GET /auth/v1.0") {
                let headers = format!("x-auth-token: secret-token-1\r\nx-storage-url: {url}\r\n");
                return answer("200 OK", &headers, "");
            }
            if seen.has("POST /v3/auth/tokens") {
                let endpoint = json!({ "interface": "public", "url": url });
                let catalog = json!([{ "type": "object-store", "endpoints": [endpoint] }]);
                let body = json!({ "token": { "catalog": catalog } }).to_string();
                return answer("201 Created", "x-subject-token: secret-token-2\r\n", &body);
            }
            if seen.has("/good ") {
                return answer("200 OK", "", "yes");
            }
            answer("401 Unauthorized", "", "no")
        })
        .await
}

#[tokio::test]
async fn no_secret_is_in_a_log_an_error_or_what_debug_shows() {
    let log = Log::default();
    log::set_boxed_logger(Box::new(log.clone())).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let authority = Authority::new();
    let server = server(&authority).await;
    let url = |path: &str| format!("https://localhost:{}{path}", server.port());
    let user = KeystoneName::new("user");
    let ways: [SwiftAuth; 3] = [
        SwiftAuth::v1(url("/auth/v1.0"), "account:user", "secret-key"),
        KeystoneAuth::password(url("/v3"), user, "secret-password").into(),
        SwiftAuth::ready_token(url("/v1/AUTH_a"), "secret-ready"),
    ];
    for auth in ways {
        // Another test may have come to one of these lines just while the subscriber was set, and
        // then the line is taken for one that nobody listens to.
        tracing::callsite::rebuild_interest_cache();
        let tls = SwiftTls::CaFile(authority.file());
        let options = SwiftOptions::new("c", auth).with_tls(tls);
        let client = Client::new(&options).unwrap();
        let good = send(&client, Request::object(Method::GET, "c", "good"))
            .await
            .unwrap();
        tracing::trace!(?options, ?client, ?good, "all that has a token");
        let bad = send(&client, get()).await.unwrap_err();
        assert_eq!(bad.kind(), ErrorKind::Unauthenticated);
        tracing::trace!(%bad, ?bad, ?client, "a failure");
    }
    // What the secrets went through is logged at all.
    let text = log.text();
    for crate_name in ["reqwest", "hyper_util", "rustls", "store"] {
        assert!(text.contains(crate_name), "nothing of {crate_name}");
    }
    let sent = format!("{:?}", server.seen());
    for secret in SECRETS {
        assert!(sent.contains(secret), "{secret} was not sent");
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}
