//! Test support: a simulator on loopback, and a client that reads raw bytes.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Options, serve};

/// Settles within a twentieth of a second.
pub const FAST: f64 = 100_000.0;

/// Meta's call that sends, for the simulator's own number.
pub const MESSAGES: &str = "/v24.0/106540352242922/messages";
/// Meta's list of templates, for the simulator's own account.
pub const TEMPLATES: &str = "/v24.0/102290129340398/message_templates";
pub const BEARER: (&str, &str) = ("authorization", "Bearer secret");
pub const JSON: (&str, &str) = ("content-type", "application/json");

pub struct Sim {
    pub address: SocketAddr,
    _stop: DropGuard,
}

/// A raw response; code 0 and nothing else when the connection was closed without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawReply {
    pub code: u16,
    pub head: String,
    pub body: String,
}

impl RawReply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    pub fn is_hang_up(&self) -> bool {
        self.code == 0 && self.head.is_empty() && self.body.is_empty()
    }

    /// The code of an error of Meta's.
    pub fn graph_code(&self) -> u64 {
        self.json()["error"]["code"].as_u64().unwrap_or_else(|| panic!("no code in {}", self.body))
    }

    pub fn message_id(&self) -> String {
        self.json()["data"]["key"]["id"].as_str().expect("a message id").to_owned()
    }
}

/// Options with no latency and a high speed, so that tests do not wait.
pub fn options(seed: u64) -> Options {
    Options { seed, speed: FAST, latency: Duration::ZERO, ..Options::default() }
}

/// The nth made-up number.
pub fn phone(n: usize) -> String {
    format!("6010{:07}", n % 1_000_000)
}

impl Sim {
    pub async fn start(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, options, stop.clone()));
        Self { address, _stop: stop.drop_guard() }
    }

    pub async fn send(&self, phone: &str) -> RawReply {
        self.post("/v1/sendMessage2", &send_body(phone)).await
    }

    pub async fn status(&self, message_id: &str) -> RawReply {
        let body = format!(r#"{{"device":"5850","messageId":"{message_id}"}}"#);
        self.post("/v1/getMessageStatus", &body).await
    }

    pub async fn post(&self, path: &str, body: &str) -> RawReply {
        self.call("POST", path, &[("x-wsapme-token", "secret"), ("content-type", "application/json")], body).await
    }

    pub async fn get(&self, path: &str) -> RawReply {
        self.call("GET", path, &[("x-wsapme-token", "secret")], "").await
    }

    pub async fn graph(&self, path: &str, body: &Value) -> RawReply {
        self.call("POST", path, &[BEARER, JSON], &body.to_string()).await
    }

    pub async fn graph_get(&self, path: &str) -> Value {
        self.call("GET", path, &[BEARER], "").await.json()
    }

    pub async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> RawReply {
        call(self.address, method, path, headers, body).await
    }

    pub async fn truth(&self) -> Value {
        self.get("/sim/truth").await.json()
    }

    pub async fn stats(&self) -> Value {
        self.get("/sim/stats").await.json()
    }

    /// The log once nothing more will happen.
    pub async fn settled_truth(&self) -> Value {
        self.until("settled", |stats| stats["settled"] == true).await;
        self.truth().await
    }

    pub async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !holds(&self.stats().await) {
            assert!(Instant::now() < deadline, "never came: {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

pub fn send_body(phone: &str) -> String {
    format!(r#"{{"device":"5850","to":"{phone}","message":"Salam, kuih raya dah siap"}}"#)
}

pub async fn call(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> RawReply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    // A server that rejects a large body may close before it has read all of it.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> RawReply {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return RawReply { code: 0, head: String::new(), body: text.into_owned() };
    };
    let head = head.to_ascii_lowercase();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = if head.contains("transfer-encoding: chunked") { unchunk(body) } else { body.to_owned() };
    RawReply { code, head, body }
}

fn unchunk(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        body.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    body
}
