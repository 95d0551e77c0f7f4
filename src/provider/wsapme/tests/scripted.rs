//! A gateway on loopback that does with each request what the test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with one request.
#[derive(Clone)]
pub enum ServerAct {
    Answer(Vec<u8>),
    /// Reads the request, then closes without a response.
    HangUp,
    /// Sends this and then nothing more, keeping the connection.
    Stall(Vec<u8>),
    /// Sends this, then closes.
    Cut(Vec<u8>),
    /// Answers, and once more when the next request comes on the same connection.
    Repeat(Vec<u8>),
    /// Says something that nobody asked for, and answers 30 ms later.
    Preceded(Vec<u8>, Vec<u8>),
}

/// A server that performs one act per request, in order, and records the requests.
pub struct Scripted {
    pub address: SocketAddr,
    seen: Arc<Mutex<SeenRequest>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct SeenRequest {
    connections: usize,
    requests: Vec<String>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scripted {
    pub async fn new(acts: Vec<ServerAct>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(SeenRequest::default()));
        let task = tokio::spawn(serve(listener, acts, Arc::clone(&seen)));
        Self { address, seen, task }
    }

    /// How many connections were opened to it.
    pub fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    pub fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }
}

async fn serve(listener: TcpListener, acts: Vec<ServerAct>, seen: Arc<Mutex<SeenRequest>>) {
    let acts = Arc::new(Mutex::new(acts.into_iter()));
    let mut served = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        seen.lock().unwrap().connections += 1;
        served.spawn(serve_one(stream, Arc::clone(&acts), Arc::clone(&seen)));
    }
}

async fn serve_one(
    mut stream: TcpStream,
    acts: Arc<Mutex<std::vec::IntoIter<ServerAct>>>,
    seen: Arc<Mutex<SeenRequest>>,
) {
    let mut once_more = Vec::new();
    while let Some(request) = read_request(&mut stream).await {
        seen.lock().unwrap().requests.push(request);
        stream.write_all(&std::mem::take(&mut once_more)).await.unwrap();
        let act = acts.lock().unwrap().next().unwrap_or(ServerAct::HangUp);
        match act {
            // After an answer that came twice the client may have gone.
            ServerAct::Answer(bytes) => drop(stream.write_all(&bytes).await),
            ServerAct::Repeat(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                once_more = bytes;
            }
            ServerAct::Preceded(unasked, bytes) => {
                stream.write_all(&unasked).await.unwrap();
                tokio::time::sleep(Duration::from_millis(30)).await;
                drop(stream.write_all(&bytes).await);
            }
            ServerAct::HangUp => return,
            ServerAct::Cut(bytes) => return stream.write_all(&bytes).await.unwrap(),
            ServerAct::Stall(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                std::future::pending::<()>().await;
            }
        }
    }
}

/// One request, head and body; `None` when the client has gone.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text.into_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
