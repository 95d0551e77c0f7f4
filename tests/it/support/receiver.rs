//! Another system that takes outgoing webhooks: it keeps every call, and answers as it is told to.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use blastdeck::domain::hook::HookSecret;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One call as it came.
#[derive(Debug, Clone)]
pub struct Call {
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The status that it was answered with.
    pub status: u16,
}

impl Call {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn sequence(&self) -> i64 {
        self.json()["data"]["sequence"].as_i64().unwrap()
    }

    pub fn events(&self) -> Vec<Value> {
        self.json()["data"]["events"].as_array().unwrap().clone()
    }

    /// Whether one of its signatures is this secret's.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = HookSecret::parse(secret).unwrap();
        let wanted = key.sign(self.header("webhook-id"), self.header("webhook-timestamp").parse().unwrap(), &self.body);
        self.header("webhook-signature").split(' ').any(|signature| signature == wanted)
    }
}

type Answering = Arc<dyn Fn(usize) -> u16 + Send + Sync>;

#[derive(Clone)]
struct Shared {
    calls: Arc<Mutex<Vec<Call>>>,
    answering: Arc<Mutex<Answering>>,
}

/// Listens on a loopback port. Gone when dropped.
pub struct Receiver {
    pub url: String,
    shared: Shared,
    listening: JoinHandle<()>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/in", listener.local_addr().unwrap());
        let always: Answering = Arc::new(|_| 204);
        let shared = Shared { calls: Arc::default(), answering: Arc::new(Mutex::new(always)) };
        let router = Router::new().fallback(take).with_state(shared.clone());
        let listening = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, listening }
    }

    /// From now on the `n`-th call, counted from 0 over all, is answered so.
    pub fn answer(&self, with: impl Fn(usize) -> u16 + Send + Sync + 'static) {
        *self.shared.answering.lock().unwrap() = Arc::new(with);
    }

    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// Those that were taken.
    pub fn taken(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.status < 300).collect()
    }

    /// The events of the calls that were taken, in their order.
    pub fn events(&self) -> Vec<Value> {
        self.taken().iter().flat_map(Call::events).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn take(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut calls = shared.calls.lock().unwrap();
    let answering = shared.answering.lock().unwrap().clone();
    let status = answering(calls.len());
    calls.push(Call { headers, body, status });
    StatusCode::from_u16(status).unwrap()
}
