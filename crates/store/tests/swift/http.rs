//! Single requests, as other programs make them.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer's status line and headers.
#[derive(Debug)]
pub(crate) struct Answer(String);

impl Answer {
    /// Whether it says that something was made.
    pub(crate) fn is_created(&self) -> bool {
        self.0.starts_with("HTTP/1.1 201 ")
    }

    /// The value of a header that has to be there.
    pub(crate) fn header(&self, name: &str) -> String {
        let found = self.0.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        });
        found.unwrap()
    }
}

/// Gets the URL, with these headers.
pub(crate) async fn get(url: &str, headers: &str) -> Answer {
    send("GET", url, headers, "").await
}

/// Posts the value to the URL.
pub(crate) async fn post(url: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let length = body.len();
    let headers = format!("content-type: application/json\r\ncontent-length: {length}\r\n");
    send("POST", url, &headers, &body).await
}

/// Puts the value to the URL, with these headers.
pub(crate) async fn put(url: &str, headers: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let length = body.len();
    let headers = format!("{headers}content-length: {length}\r\n");
    send("PUT", url, &headers, &body).await
}

async fn send(method: &str, url: &str, headers: &str, body: &str) -> Answer {
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!("{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    let request = format!("{head}{headers}\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    Answer(answer.split("\r\n\r\n").next().unwrap().to_owned())
}
