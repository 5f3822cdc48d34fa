//! What the server itself takes: requests without a client, as it were.
//!
//! The bytes of a request are ready before it is sent, and of its answer only the status and the
//! length are looked at. Nothing is checked, and a long file is one plain object.

use std::cell::RefCell;

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PIECE: usize = 1 << 20;

/// What a long object is made of.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// Open connections to the server, and a token.
#[derive(Debug)]
pub(super) struct Floor {
    host: String,
    /// The path of the container.
    path: String,
    token: String,
    connections: RefCell<Vec<Connection>>,
}

impl Floor {
    /// Gets a token, and makes the container.
    pub(super) async fn open(
        auth_url: &str,
        user: &str,
        key: &str,
        container: &str,
    ) -> Result<Self> {
        let (host, path) = split(auth_url)?;
        let mut connection = Connection::open(host).await?;
        let headers = format!("X-Auth-User: {user}\r\nX-Auth-Key: {key}\r\n");
        let question = head("GET", host, path, &headers, 0);
        let answer = connection.exchange(&question, 0).await?;
        let account = answer.header("x-storage-url")?;
        let (host, path) = split(account)?;
        let floor = Self {
            host: host.to_owned(),
            path: format!("{path}/{container}"),
            token: answer.header("x-auth-token")?.to_owned(),
            connections: RefCell::default(),
        };
        let make = floor.request("PUT", "", 0);
        connection.exchange(&make, 0).await?;
        Ok(floor)
    }

    /// Puts so many small objects.
    pub(super) async fn put(&self, files: usize, at_once: usize, contents: &[u8]) -> Result<()> {
        let request = |number| {
            let mut request = self.request("PUT", &format!("/small-{number}"), contents.len());
            request.extend_from_slice(contents);
            request
        };
        self.each(files, at_once, request).await
    }

    /// Gets them.
    pub(super) async fn get(&self, files: usize, at_once: usize) -> Result<()> {
        let request = |number| self.request("GET", &format!("/small-{number}"), 0);
        self.each(files, at_once, request).await
    }

    /// Puts one long object.
    pub(super) async fn up(&self, bytes: usize) -> Result<()> {
        let request = self.request("PUT", "/long", bytes);
        let mut connection = self.connection().await?;
        connection.exchange(&request, bytes).await?;
        self.connections.borrow_mut().push(connection);
        Ok(())
    }

    /// Gets it.
    pub(super) async fn down(&self, bytes: usize) -> Result<()> {
        let request = self.request("GET", "/long", 0);
        let mut connection = self.connection().await?;
        let answer = connection.exchange(&request, 0).await?;
        ensure!(answer.length == bytes, "the object is of another length");
        self.connections.borrow_mut().push(connection);
        Ok(())
    }

    async fn each(
        &self,
        files: usize,
        at_once: usize,
        request: impl Fn(usize) -> Vec<u8>,
    ) -> Result<()> {
        let request = &request;
        let lanes = (0..at_once).map(|lane| async move {
            let mut connection = self.connection().await?;
            for number in (lane..files).step_by(at_once) {
                connection.exchange(&request(number), 0).await?;
            }
            self.connections.borrow_mut().push(connection);
            Ok::<_, anyhow::Error>(())
        });
        try_join_all(lanes).await?;
        Ok(())
    }

    fn request(&self, method: &str, object: &str, length: usize) -> Vec<u8> {
        let token = format!("X-Auth-Token: {}\r\n", self.token);
        let path = format!("{}{object}", self.path);
        head(method, &self.host, &path, &token, length)
    }

    /// One that is kept, or a new one.
    async fn connection(&self) -> Result<Connection> {
        let kept = self.connections.borrow_mut().pop();
        match kept {
            Some(connection) => Ok(connection),
            None => Connection::open(&self.host).await,
        }
    }
}

/// A request to its empty line.
fn head(method: &str, host: &str, path: &str, headers: &str, length: usize) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\r\n")
        .into_bytes()
}

fn split(url: &str) -> Result<(&str, &str)> {
    let rest = url.strip_prefix("http://").context("no http")?;
    let at = rest.find('/').context("no path")?;
    Ok(rest.split_at(at))
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What is looked at of an answer.
#[derive(Debug)]
struct Answer {
    head: String,
    length: usize,
}

impl Connection {
    async fn open(host: &str) -> Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; PIECE],
        })
    }

    /// Sends a request and so many bytes after it, and reads the answer to its end.
    async fn exchange(&mut self, request: &[u8], bytes: usize) -> Result<Answer> {
        self.stream.write_all(request).await?;
        let mut left = bytes;
        while left > 0 {
            let count = left.min(ZEROS.len());
            self.stream.write_all(&ZEROS[..count]).await?;
            left -= count;
        }
        let mut filled = 0;
        let end = loop {
            let count = self.stream.read(&mut self.buffer[filled..]).await?;
            ensure!(count > 0, "the server ended the connection");
            filled += count;
            let found = self.buffer[..filled]
                .windows(4)
                .position(|four| four == b"\r\n\r\n");
            if let Some(place) = found {
                break place + 4;
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        ensure!(head.starts_with("HTTP/1.1 2"), "the server answered {head}");
        let mut answer = Answer { head, length: 0 };
        answer.length = answer.header("content-length")?.parse()?;
        let mut left = answer.length.saturating_sub(filled - end);
        while left > 0 {
            let count = self.stream.read(&mut self.buffer).await?;
            ensure!(count > 0, "the server ended the connection");
            left = left.saturating_sub(count);
        }
        Ok(answer)
    }
}

impl Answer {
    fn header(&self, name: &str) -> Result<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .with_context(|| format!("the server's answer has no {name}"))
    }
}
