//! Webhooks as Meta posts them, made and signed before the time begins, and their way over plain sockets: an HTTP client
//! would take more of the machine than the server.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use chrono::Utc;
use color_eyre::Result;
use color_eyre::eyre::eyre;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::database::BenchMessage;
use super::super::environment::{APP_SECRET, NUMBER};
use crate::domain::ids::BlastId;
use crate::provider::meta::callback::{CallbackAttempt, CallbackData};

/// How many messages lie between two statuses of one message.
const APART: usize = 1_500;
/// The longest head of an answer, in bytes.
const HEAD_MAX: usize = 4 * 1024;

/// Statuses in the order in which they come.
pub(super) struct StatusList {
    statuses: Vec<Value>,
    people: usize,
}

impl StatusList {
    /// Sent, delivered and read of each message, each some time after the one before and between those of others.
    pub(super) fn of(people: &[BenchMessage], blast: BlastId, installation: &str) -> Result<Self> {
        let apart = APART.min(people.len());
        let mut statuses = Vec::with_capacity(3 * people.len());
        for at in 0..people.len() + 2 * apart {
            for (step, word) in ["sent", "delivered", "read"].into_iter().enumerate() {
                if let Some(message) = at.checked_sub(step * apart).and_then(|at| people.get(at)) {
                    let (recipient, claimed_at) = (message.recipient, message.claimed_at);
                    let of = CallbackAttempt { blast, recipient, attempt: 1, claimed_at };
                    let callback = CallbackData::new(installation, of)?;
                    statuses.push(status(message, word, &callback.to_string()));
                }
            }
        }
        Ok(Self { statuses, people: people.len() })
    }

    pub(super) const fn len(&self) -> usize {
        self.statuses.len()
    }

    pub(super) const fn people(&self) -> usize {
        self.people
    }

    /// As requests with so many statuses each, signed.
    pub(super) fn requests(&self, per_post: usize, to: SocketAddr) -> Result<Vec<Vec<u8>>> {
        self.statuses.chunks(per_post).map(|statuses| request(&body(statuses), to)).collect()
    }
}

/// In the shape of v24. A price comes with the first two.
fn status(message: &BenchMessage, word: &str, callback: &str) -> Value {
    let digits = message.phone_number.trim_start_matches('+');
    let mut status = json!({
        "id": message.message_id, "status": word, "timestamp": Utc::now().timestamp().to_string(),
        "recipient_id": digits, "recipient_user_id": format!("MY.1a2B3c4D{digits}"),
        "biz_opaque_callback_data": callback,
    });
    if word != "read" {
        status["pricing"] =
            json!({ "billable": true, "pricing_model": "PMP", "type": "regular", "category": "marketing" });
    }
    status
}

fn body(statuses: &[Value]) -> String {
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "60122222222", "phone_number_id": NUMBER },
        "statuses": statuses,
    });
    let changes = json!([{ "field": "messages", "value": value }]);
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "102290129340398", "changes": changes }] })
        .to_string()
}

fn request(body: &str, to: SocketAddr) -> Result<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(APP_SECRET.as_bytes())?;
    mac.update(body.as_bytes());
    let mut signature = String::new();
    for byte in mac.finalize().into_bytes() {
        write!(signature, "{byte:02x}")?;
    }
    let head = format!(
        "POST /api/webhook/meta HTTP/1.1\r\nHost: {to}\r\nContent-Type: application/json\r\n\
         X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Ok([head.as_bytes(), body.as_bytes()].concat())
}

/// What posting came to.
pub(super) struct Delivered {
    /// Of the answers, in milliseconds, ascending.
    pub latencies: Vec<f64>,
}

/// Posts all requests, each connection one after the other. Any answer but 200 is an error.
pub(super) async fn deliver(to: SocketAddr, requests: Vec<Vec<u8>>, connections: usize) -> Result<Delivered> {
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
    let posting = (0..connections).map(|_| tokio::spawn(post_some(to, requests.clone(), next.clone())));
    let mut latencies = Vec::with_capacity(requests.len());
    for posting in posting.collect::<Vec<_>>() {
        latencies.extend(posting.await??);
    }
    latencies.sort_by(f64::total_cmp);
    Ok(Delivered { latencies })
}

async fn post_some(to: SocketAddr, requests: Arc<Vec<Vec<u8>>>, next: Arc<AtomicUsize>) -> Result<Vec<f64>> {
    let mut stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let (mut latencies, mut answer) = (Vec::new(), Vec::new());
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let began = Instant::now();
        stream.write_all(request).await?;
        read_answer(&mut stream, &mut answer).await?;
        latencies.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(latencies)
}

/// Reads an answer, which must be a 200 without a body.
async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<()> {
    answer.clear();
    while !answer.ends_with(b"\r\n\r\n") {
        if stream.read_buf(answer).await? == 0 || answer.len() > HEAD_MAX {
            break;
        }
    }
    if answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(b"\r\n\r\n") {
        return Ok(());
    }
    Err(eyre!("a webhook was answered with {}", String::from_utf8_lossy(answer)))
}
