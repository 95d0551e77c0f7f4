//! A provider without manners, on a bare socket: what no HTTP library would send. It writes down every call that came to its
//! end, and when the caller was gone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How a send is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Takes it, and says so.
    Polite,
    /// The same, so much later.
    Late(Duration),
    /// Takes it, and answers with so many bytes of text.
    Huge(usize),
    /// Takes it, and hangs up.
    HangsUp,
    /// Takes it, and hangs up in the middle of the answer.
    BreaksOff,
    /// Hangs up before the request was read.
    Slams,
    /// A header that never ends.
    EndlessHeader,
    /// Takes it, with so many bytes of a header that nobody needs.
    LongHeader(usize),
    /// One byte of the answer a second.
    Drips,
    /// Keeps the connection and answers each send a second time when the next request is there, which takes that for its
    /// own. Takes so many, and reads one more that it does not take before it hangs up.
    Twice { taken: usize },
    /// Keeps the connection, takes everything, and says once more after each answer that it is asked too often: as the next request
    /// comes, which takes that for its own.
    RefusesUnasked,
}

/// One send that was read to its end.
#[derive(Debug, Clone)]
pub struct Call {
    /// Digits.
    pub phone: String,
    pub manner: Manner,
    pub came_at: Instant,
    /// When the caller had closed the connection, as far as that was seen.
    pub gone_at: Option<Instant>,
    /// Bytes of the answer that the caller's side took.
    pub written: usize,
}

/// Listens on a loopback port. Gone when dropped.
pub struct Rude {
    url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    listening: JoinHandle<()>,
}

impl Rude {
    /// `manner` decides by the number of the connection, from 0.
    pub async fn start(manner: fn(usize) -> Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let listening = tokio::spawn(listen(listener, manner, calls.clone()));
        Self { url, calls, listening }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The phones that were called more than once.
    pub fn called_again(&self) -> Vec<String> {
        let mut times = BTreeMap::new();
        for call in self.calls() {
            *times.entry(call.phone).or_insert(0) += 1;
        }
        times.into_iter().filter(|(_, times)| *times > 1).map(|(phone, _)| phone).collect()
    }
}

impl Drop for Rude {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, manner: fn(usize) -> Manner, calls: Arc<Mutex<Vec<Call>>>) {
    let mut number = 0;
    while let Ok((stream, _)) = listener.accept().await {
        let connection = Connection { calls: calls.clone(), manner: manner(number) };
        tokio::spawn(async move { connection.serve(stream).await.unwrap_or_default() });
        number += 1;
    }
}

struct Connection {
    calls: Arc<Mutex<Vec<Call>>>,
    manner: Manner,
}

impl Connection {
    /// One connection, one call.
    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        if self.manner == Manner::Slams {
            return Ok(());
        }
        if let Manner::Twice { taken } = self.manner {
            return self.serve_twice(stream, taken).await;
        }
        if self.manner == Manner::RefusesUnasked {
            return self.serve_refusing(stream).await;
        }
        let request = read_request(&mut stream).await?;
        let Some(phone) = phone_of(&request) else {
            return stream.write_all(&answer(r#"{"success":false,"message":"messageInfo "}"#)).await;
        };
        let number = self.note(&phone);
        let said = self.treat(&mut stream, &phone, number).await;
        if said.is_err() {
            self.change(number, |call| call.gone_at = Some(Instant::now()));
        }
        said
    }

    async fn serve_twice(&self, mut stream: TcpStream, taken: usize) -> std::io::Result<()> {
        let mut again: Option<Vec<u8>> = None;
        for n in 0.. {
            // Some of the next request, or the caller's end.
            if stream.peek(&mut [0; 1]).await? == 0 {
                return Ok(());
            }
            if let Some(again) = again.take() {
                stream.write_all(&again).await?;
            }
            let phone = phone_of(&read_request(&mut stream).await?);
            if n == taken {
                return Ok(());
            }
            let body = match &phone {
                Some(phone) => {
                    self.note(phone);
                    accepted_from(phone)
                }
                None => r#"{"success":false,"message":"messageInfo "}"#.to_owned(),
            };
            stream.write_all(&kept(&body)).await?;
            again = Some(kept(&body));
        }
        Ok(())
    }

    async fn serve_refusing(&self, mut stream: TcpStream) -> std::io::Result<()> {
        for n in 0.. {
            if stream.peek(&mut [0; 1]).await? == 0 {
                return Ok(());
            }
            if n > 0 {
                stream.write_all(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\n{}").await?;
            }
            let phone = phone_of(&read_request(&mut stream).await?).unwrap_or_default();
            self.note(&phone);
            tokio::time::sleep(Duration::from_millis(20)).await;
            stream.write_all(&kept(&accepted_from(&phone))).await?;
        }
        Ok(())
    }

    fn note(&self, phone: &str) -> usize {
        let mut calls = self.calls.lock().unwrap();
        let (phone, manner) = (phone.to_owned(), self.manner);
        calls.push(Call { phone, manner, came_at: Instant::now(), gone_at: None, written: 0 });
        calls.len() - 1
    }

    fn change(&self, number: usize, change: impl FnOnce(&mut Call)) {
        change(&mut self.calls.lock().unwrap()[number]);
    }

    async fn treat(&self, stream: &mut TcpStream, phone: &str, number: usize) -> std::io::Result<()> {
        let yes = answer(&accepted(phone));
        match self.manner {
            Manner::Polite => stream.write_all(&yes).await,
            Manner::Late(by) => {
                self.wait_or_lose(stream, number, by).await;
                stream.write_all(&yes).await
            }
            Manner::Huge(bytes) => {
                stream.write_all(head(bytes).as_bytes()).await?;
                self.pour(stream, number, bytes, &[b' '; 8 * 1024]).await
            }
            Manner::HangsUp | Manner::Slams | Manner::Twice { .. } | Manner::RefusesUnasked => Ok(()),
            Manner::BreaksOff => stream.write_all(&yes[..yes.len() / 2]).await,
            Manner::EndlessHeader => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nx-more: ").await?;
                self.pour(stream, number, usize::MAX, &[b'a'; 1024]).await
            }
            Manner::LongHeader(bytes) => {
                let cookie = format!("HTTP/1.1 200 OK\r\nset-cookie: {}\r\n", "a".repeat(bytes));
                let yes = String::from_utf8_lossy(&yes).replacen("HTTP/1.1 200 OK\r\n", &cookie, 1);
                stream.write_all(yes.as_bytes()).await
            }
            Manner::Drips => {
                for byte in yes {
                    stream.write_all(&[byte]).await?;
                    self.change(number, |call| call.written += 1);
                    self.wait_or_lose(stream, number, Duration::from_secs(1)).await;
                }
                Ok(())
            }
        }
    }

    /// Waits; notes when the caller closes meanwhile.
    async fn wait_or_lose(&self, stream: &mut TcpStream, number: usize, wait: Duration) {
        let deadline = tokio::time::Instant::now() + wait;
        if let Ok(Ok(0) | Err(_)) = tokio::time::timeout_at(deadline, stream.read(&mut [0; 1])).await {
            self.change(number, |call| call.gone_at = call.gone_at.or(Some(Instant::now())));
            tokio::time::sleep_until(deadline).await;
        }
    }

    async fn pour(&self, stream: &mut TcpStream, number: usize, bytes: usize, piece: &[u8]) -> std::io::Result<()> {
        let mut left = bytes;
        while left > 0 {
            let written = stream.write(&piece[..piece.len().min(left)]).await?;
            self.change(number, |call| call.written += written);
            left -= written;
        }
        Ok(())
    }
}

async fn read_request(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                return Ok(bytes);
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Whom a send is to; `None` for another call.
fn phone_of(request: &[u8]) -> Option<String> {
    let start = find(request, b"\r\n\r\n")? + 4;
    request.starts_with(b"POST /v1/sendMessage").then_some(())?;
    let body: serde_json::Value = serde_json::from_slice(&request[start..]).ok()?;
    Some(body["to"].as_str()?.to_owned())
}

fn accepted(phone: &str) -> String {
    format!(
        r#"{{"success":true,"message":"Sent Successfully","data":{{"key":{{"id":"3EB0{phone}"}},"status":"PENDING"}}}}"#
    )
}

/// The same, and whom it went to.
fn accepted_from(phone: &str) -> String {
    let key = format!(r#"{{"remoteJid":"{phone}@s.whatsapp.net","fromMe":true,"id":"3EB0{phone}"}}"#);
    format!(r#"{{"success":true,"message":"Sent Successfully","data":{{"key":{key},"status":"PENDING"}}}}"#)
}

/// An answer after which the connection stays.
fn kept(body: &str) -> Vec<u8> {
    head(body.len()).replace("connection: close\r\n", "").into_bytes().into_iter().chain(body.bytes()).collect()
}

fn head(length: usize) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )
}

fn answer(body: &str) -> Vec<u8> {
    [head(body.len()).as_bytes(), body.as_bytes()].concat()
}
