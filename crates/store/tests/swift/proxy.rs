//! A network that fails: a TCP proxy in front of a server, which slows down, stops and cuts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A proxy on the loopback interface, until it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    weather: Arc<Weather>,
    _connections: JoinSet<()>,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Requests,
    Replies,
}

/// How bytes are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Free,
    /// So many bytes in a second.
    Slow(u32),
    /// None at all.
    Stopped,
}

/// The most bytes that go at once where bytes go slowly.
const DROP: usize = 8 * 1024;

/// What happens to all connections.
#[derive(Debug)]
struct Weather {
    pace: watch::Sender<Pace>,
    cuts: Mutex<Option<Cuts>>,
}

/// Cuts to come.
#[derive(Clone, Copy, Debug)]
struct Cuts {
    way: Way,
    /// Bytes from one cut to the next, over all connections.
    every: usize,
    until_next: usize,
    left: usize,
}

impl Proxy {
    /// A proxy in front of that port of the loopback interface; it lets everything through.
    pub(crate) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let weather = Arc::new(Weather {
            pace: watch::Sender::new(Pace::Free),
            cuts: Mutex::new(None),
        });
        let mut connections = JoinSet::new();
        connections.spawn(serve(
            listener,
            ([127, 0, 0, 1], port).into(),
            Arc::clone(&weather),
        ));
        Self {
            port: own,
            weather,
            _connections: connections,
        }
    }

    /// The port that clients connect to.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Cuts a connection after each `every` bytes that went that way, `times` times.
    pub(crate) fn cut(&self, way: Way, every: usize, times: usize) {
        *self.weather.cuts.lock().unwrap() = Some(Cuts {
            way,
            every,
            until_next: every,
            left: times,
        });
    }

    /// How many of the cuts are still to come.
    pub(crate) fn cuts_left(&self) -> usize {
        self.weather
            .cuts
            .lock()
            .unwrap()
            .map_or(0, |cuts| cuts.left)
    }

    /// Lets `bytes` through in a second, each way and on each connection.
    pub(crate) fn slow_down(&self, bytes: u32) {
        self.weather.pace.send_replace(Pace::Slow(bytes));
    }

    /// Lets nothing through, and keeps connections open.
    pub(crate) fn stop(&self) {
        self.weather.pace.send_replace(Pace::Stopped);
    }

    /// Lets everything through again.
    pub(crate) fn clear(&self) {
        *self.weather.cuts.lock().unwrap() = None;
        self.weather.pace.send_replace(Pace::Free);
    }
}

async fn serve(listener: TcpListener, target: SocketAddr, weather: Arc<Weather>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let weather = Arc::clone(&weather);
        connections.spawn(async move {
            // A server that is down refuses: the client then sees its connection end.
            if let Ok(server) = TcpStream::connect(target).await {
                carry(client, server, &weather).await;
            }
        });
    }
}

/// Both ways, until one of them ends or is cut.
async fn carry(client: TcpStream, server: TcpStream, weather: &Weather) {
    // A cut is a reset, not an end that a client could take for the server's own.
    client.set_zero_linger().unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::select! {
        () = pump(Way::Requests, &mut from_client, &mut to_server, weather) => {}
        () = pump(Way::Replies, &mut from_server, &mut to_client, weather) => {}
    }
}

async fn pump(
    way: Way,
    from: &mut (impl tokio::io::AsyncRead + Unpin),
    to: &mut (impl tokio::io::AsyncWrite + Unpin),
    weather: &Weather,
) {
    let mut pace = weather.pace.subscribe();
    let mut buffer = vec![0; 64 * 1024];
    // When the bytes that have gone are due: a machine that is busy for a while makes up for it.
    let mut due = Instant::now();
    loop {
        let now = *pace.borrow_and_update();
        let most = match now {
            Pace::Free => buffer.len(),
            Pace::Slow(_) => DROP,
            Pace::Stopped => {
                if pace.changed().await.is_err() {
                    return;
                }
                continue;
            }
        };
        let Ok(count @ 1..) = from.read(&mut buffer[..most]).await else {
            return;
        };
        let (passed, is_cut) = weather.pass(way, count);
        if to.write_all(&buffer[..passed]).await.is_err() || is_cut {
            return;
        }
        if let (Pace::Slow(bytes), Ok(passed)) = (now, u32::try_from(passed)) {
            due += Duration::from_secs(1) * passed / bytes;
            tokio::time::sleep_until(due).await;
        }
    }
}

impl Weather {
    /// How many of `count` bytes get through, and whether the connection is cut behind them.
    fn pass(&self, way: Way, count: usize) -> (usize, bool) {
        let mut cuts = self.cuts.lock().unwrap();
        let Some(next) = cuts
            .as_mut()
            .filter(|cuts| cuts.way == way && cuts.left > 0)
        else {
            return (count, false);
        };
        if count < next.until_next {
            next.until_next -= count;
            return (count, false);
        }
        let passed = next.until_next;
        next.until_next = next.every;
        next.left -= 1;
        (passed, true)
    }
}
