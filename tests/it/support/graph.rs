//! A stand-in for Meta's Graph API on a bare socket, which shares nothing with the sender or the simulator: it keeps what was
//! posted, and accepts it.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The id that every uploaded file gets.
pub const MEDIA_ID: &str = "1037543291543636";

/// One request as it came.
#[derive(Debug, Clone)]
pub struct GraphCall {
    pub method: String,
    pub path: String,
    /// In lower case, without the body.
    pub head: String,
    pub body: Vec<u8>,
}

impl GraphCall {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Listens on a loopback port. Gone when dropped.
pub struct FakeGraph {
    pub url: String,
    calls: Arc<Mutex<Vec<GraphCall>>>,
    listening: JoinHandle<()>,
}

/// By which digits Meta knows whoever is sent to by these.
type Knows = fn(&str) -> String;

impl FakeGraph {
    pub async fn start() -> Self {
        Self::knowing(str::to_owned).await
    }

    pub async fn knowing(wa_id: Knows) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let noted = calls.clone();
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let calls = noted.clone();
                tokio::spawn(async move { serve(stream, &calls, wa_id).await.unwrap_or_default() });
            }
        });
        Self { url, calls, listening }
    }

    /// The POSTs so far, in their order.
    pub fn posts(&self) -> Vec<GraphCall> {
        self.calls.lock().unwrap().iter().filter(|call| call.method == "POST").cloned().collect()
    }
}

impl Drop for FakeGraph {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Answers one connection's requests.
async fn serve(mut stream: TcpStream, calls: &Mutex<Vec<GraphCall>>, wa_id: Knows) -> std::io::Result<()> {
    let mut read = Vec::new();
    while let Some(call) = next_call(&mut stream, &mut read).await? {
        let (status, body) = answer_to(&call, wa_id);
        calls.lock().unwrap().push(call);
        let text = body.to_string();
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", text.len());
        stream.write_all((head + &text).as_bytes()).await?;
    }
    Ok(())
}

/// What cannot be read says nothing about a template: it is sent unchecked.
fn answer_to(call: &GraphCall, wa_id: Knows) -> (&'static str, Value) {
    match (call.method.as_str(), call.path.rsplit('/').next().unwrap_or_default()) {
        ("POST", "media") => ("200 OK", json!({ "id": MEDIA_ID })),
        ("POST", "messages" | "marketing_messages") => {
            let to = call.json()["to"].as_str().unwrap_or_default().to_owned();
            let id = format!("wamid.{}", to.trim_start_matches('+'));
            let contact = json!({ "input": to, "wa_id": wa_id(to.trim_start_matches('+')) });
            let message = json!({ "id": id, "message_status": "accepted" });
            ("200 OK", json!({ "messaging_product": "whatsapp", "contacts": [contact], "messages": [message] }))
        }
        _ => ("503 Service Unavailable", json!({})),
    }
}

/// The next request; `None` when the client has closed the connection. `read` has what came of it before.
async fn next_call(stream: &mut TcpStream, read: &mut Vec<u8>) -> std::io::Result<Option<GraphCall>> {
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
            let whole = end + 4 + length.unwrap_or(0);
            if read.len() >= whole {
                let mut words = head.split(' ').map(str::to_owned);
                let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                let body = read[end + 4..whole].to_vec();
                read.drain(..whole);
                return Ok(Some(GraphCall { method, path, head: head.to_lowercase(), body }));
            }
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}
