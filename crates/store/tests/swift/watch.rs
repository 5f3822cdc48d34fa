//! A look at what goes to a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Stands before a server, hands everything on, and counts the requests of one kind; until it is
/// dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    url: String,
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Counts {
    asked: AtomicU32,
    waiting: AtomicU32,
    most: AtomicU32,
}

impl Watch {
    /// Stands before the server of the URL, and counts the requests that begin so.
    pub(crate) async fn before(url: &str, kind: &'static str) -> Self {
        let (host, path) = url
            .strip_prefix("http://")
            .unwrap()
            .split_once('/')
            .unwrap();
        let host = host.to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/{path}", listener.local_addr().unwrap());
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&host).await.unwrap();
                tokio::spawn(hand_on(client, server, kind, Arc::clone(&shared)));
            }
        });
        Self { url, counts, task }
    }

    /// The URL that leads through here.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> u32 {
        self.counts.asked.load(Ordering::SeqCst)
    }

    /// The most of them that waited for an answer at a time.
    pub(crate) fn most_at_a_time(&self) -> u32 {
        self.counts.most.load(Ordering::SeqCst)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Hands on until one of the two is done.
async fn hand_on(mut client: TcpStream, mut server: TcpStream, kind: &str, counts: Arc<Counts>) {
    let (mut question, mut reply) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut is_waiting = false;
    loop {
        tokio::select! {
            read = client.read(&mut question) => match read {
                Ok(0) | Err(_) => break,
                Ok(read) => {
                    if question[..read].starts_with(kind.as_bytes()) {
                        is_waiting = true;
                        counts.asked.fetch_add(1, Ordering::SeqCst);
                        let now = counts.waiting.fetch_add(1, Ordering::SeqCst) + 1;
                        counts.most.fetch_max(now, Ordering::SeqCst);
                    }
                    if server.write_all(&question[..read]).await.is_err() {
                        break;
                    }
                }
            },
            read = server.read(&mut reply) => match read {
                Ok(0) | Err(_) => break,
                Ok(read) => {
                    if std::mem::take(&mut is_waiting) {
                        counts.waiting.fetch_sub(1, Ordering::SeqCst);
                    }
                    if client.write_all(&reply[..read]).await.is_err() {
                        break;
                    }
                }
            },
        }
    }
    if is_waiting {
        counts.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}
