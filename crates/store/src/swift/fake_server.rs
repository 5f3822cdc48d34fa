//! A server that answers as a test says.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A server on the loopback interface, until it is dropped.
#[derive(Debug)]
pub(super) struct FakeServer {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

type Early = dyn Fn(&str) -> Option<String> + Send + Sync;

/// What a server answers.
struct Answers {
    /// Of the head alone, before the body was taken; then the body is thrown away.
    early: Box<Early>,
    /// Of the whole request, when it is time.
    usual: Box<dyn Fn(Seen) -> BoxFuture<'static, String> + Send + Sync>,
    /// While a body is thrown away, other requests wait.
    throwing: AsyncMutex<()>,
}

/// A request that came in.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The request line and the headers.
    pub(super) head: String,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn has(&self, text: &str) -> bool {
        self.head.contains(text)
    }
}

/// An answer, with a body whose length is told.
pub(super) fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

impl Answers {
    fn new(
        early: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        usual: impl Fn(Seen) -> BoxFuture<'static, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            early: Box::new(early),
            usual: Box::new(usual),
            throwing: AsyncMutex::new(()),
        }
    }
}

impl FakeServer {
    pub(super) async fn start(answer: impl Fn(&Seen) -> String + Send + Sync + 'static) -> Self {
        let usual = move |seen: Seen| ready(answer(&seen)).boxed();
        Self::start_early(|_| None, usual).await
    }

    /// A server that answers some requests by their head, and throws away what comes then until the
    /// body or the connection ends; other requests it answers after that.
    pub(super) async fn start_early(
        early: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        usual: impl Fn(Seen) -> BoxFuture<'static, String> + Send + Sync + 'static,
    ) -> Self {
        Self::listen(None, Answers::new(early, usual)).await
    }

    pub(super) async fn start_tls(
        tls: TlsAcceptor,
        answer: impl Fn(&Seen) -> String + Send + Sync + 'static,
    ) -> Self {
        let usual = move |seen: Seen| ready(answer(&seen)).boxed();
        Self::listen(Some(tls), Answers::new(|_| None, usual)).await
    }

    async fn listen(tls: Option<TlsAcceptor>, answers: Answers) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answers, notes) = (Arc::new(answers), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (answers, notes, tls) = (Arc::clone(&answers), Arc::clone(&notes), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &answers, &notes).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &answers, &notes).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { port, seen, task }
    }

    /// The URL of a path on this server.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// What came in so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers the requests of one connection, until it ends.
async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answers: &Answers,
    notes: &Mutex<Vec<Seen>>,
) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        if let Some(answer) = (answers.early)(&head) {
            let _throwing = answers.throwing.lock().await;
            stream.write_all(answer.as_bytes()).await.ok()?;
            let mut body = (&mut stream).take(length as u64);
            tokio::io::copy(&mut body, &mut tokio::io::sink())
                .await
                .ok()?;
            continue;
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        let body = String::from_utf8(body).unwrap();
        let seen = Seen { head, body };
        drop(answers.throwing.lock().await);
        let answer = (answers.usual)(seen.clone()).await;
        notes.lock().unwrap().push(seen);
        if answer.is_empty() {
            return None;
        }
        stream.write_all(answer.as_bytes()).await.ok()?;
        // As a test says that breaks an answer off.
        let head = answer.split("\r\n\r\n").next().unwrap();
        if head.contains("connection: close") {
            return None;
        }
    }
}
