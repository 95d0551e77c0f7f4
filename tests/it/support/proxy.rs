//! A proxy between the program and Postgres, for what `kill -9` cannot show: replies that come late, that never come though
//! the commit was made, and connections that break at any byte. It reads the client's side of the protocol, so that a trouble
//! can be aimed at one kind of transaction.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream, tcp, unix};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Which transactions a trouble is for: those with a statement that has this text in it. Empty: all.
pub type Of = &'static str;

/// A claim's statement.
pub const CLAIMS: Of = "insert into claims";
/// The statement of evidence with the provider's answer.
pub const EVIDENCE: Of = "insert into provider_message";
/// A lease's renewal.
pub const RENEWALS: Of = "update sender_leases set expires_at";
pub const ALL: Of = "";

/// Listens on a loopback port and connects to a Postgres by its socket. Gone when dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

/// What all connections share.
struct Shared {
    socket: PathBuf,
    troubles: Mutex<Troubles>,
    /// Grows with each cut.
    cuts: watch::Sender<u64>,
    swallowed: AtomicUsize,
    connections: AtomicUsize,
    transactions: AtomicUsize,
    halted: AtomicBool,
    /// Round trips since `halt_after`.
    trips: AtomicUsize,
}

#[derive(Default)]
struct Troubles {
    delay: Option<Delay>,
    /// How many replies to a COMMIT are still to be swallowed.
    swallow: Option<(Of, usize)>,
    /// How many more round trips reach the server; from then on nothing does.
    halt_after: Option<usize>,
    /// The commit at which nothing reaches the server any more.
    halt_at: Option<(Of, Side)>,
}

/// A side of a COMMIT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    Before,
    After,
}

#[derive(Clone, Copy)]
struct Delay {
    of: Of,
    by: Duration,
    /// A COMMIT is acknowledged at once.
    is_before_commit: bool,
}

impl Proxy {
    pub async fn start(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            socket,
            troubles: Mutex::default(),
            cuts: watch::Sender::new(0),
            swallowed: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            transactions: AtomicUsize::new(0),
            halted: AtomicBool::new(false),
            trips: AtomicUsize::new(0),
        });
        let listening = tokio::spawn(listen(listener, shared.clone()));
        Self { port, shared, listening }
    }

    /// The address of a database behind the proxy.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://blastdeck@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// From now on replies to these come this much later.
    pub fn delay(&self, of: Of, by: Duration) {
        self.shared.troubles.lock().unwrap().delay = Some(Delay { of, by, is_before_commit: false });
    }

    /// The same while their transaction is open: one whose COMMIT is on its way just now is through.
    pub fn delay_before_commit(&self, of: Of, by: Duration) {
        self.shared.troubles.lock().unwrap().delay = Some(Delay { of, by, is_before_commit: true });
    }

    /// The next so many transactions of this kind are committed, and the connection is cut instead of saying so.
    pub fn swallow_commits(&self, of: Of, how_many: usize) {
        self.shared.troubles.lock().unwrap().swallow = Some((of, how_many));
    }

    /// How many replies to a COMMIT were swallowed so far.
    pub fn swallowed(&self) -> usize {
        self.shared.swallowed.load(Ordering::SeqCst)
    }

    /// How many connections are open now.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many transactions were asked for so far; a statement outside of one is one, too.
    pub fn transactions(&self) -> usize {
        self.shared.transactions.load(Ordering::SeqCst)
    }

    /// From now on the next so many round trips reach the server. The one after them, and everything that follows on whichever
    /// connection, does not, and is never answered.
    pub fn halt_after(&self, round_trips: usize) {
        self.shared.troubles.lock().unwrap().halt_after = Some(round_trips);
        self.shared.halted.store(false, Ordering::SeqCst);
        self.shared.trips.store(0, Ordering::SeqCst);
    }

    /// The next COMMIT of this kind does not reach the server, or is the last that does. Nothing follows it on whichever connection,
    /// and nothing that did not reach the server is ever answered.
    pub fn halt_at_commit(&self, of: Of, side: Side) {
        self.halt_after(usize::MAX);
        self.shared.troubles.lock().unwrap().halt_at = Some((of, side));
    }

    /// How many round trips there were since [`Self::halt_after`].
    pub fn trips(&self) -> usize {
        self.shared.trips.load(Ordering::SeqCst)
    }

    /// Whether something was kept from the server since [`Self::halt_after`].
    pub fn is_halted(&self) -> bool {
        self.shared.halted.load(Ordering::SeqCst)
    }

    /// Ends every connection, whatever is on its way.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|n| *n += 1);
    }

    /// No trouble from now on; replies that were held back go out.
    pub fn calm(&self) {
        *self.shared.troubles.lock().unwrap() = Troubles::default();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
        self.cut();
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            shared.connections.fetch_add(1, Ordering::SeqCst);
            serve(client, &shared).await;
            shared.connections.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// One connection, until either side ends it or it is cut.
async fn serve(client: TcpStream, shared: &Shared) {
    let mut cuts = shared.cuts.subscribe();
    let Ok(server) = UnixStream::connect(&shared.socket).await else { return };
    let _ = client.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let talk = Arc::new(Mutex::new(Talk::default()));
    tokio::select! {
        () = forward(from_client, to_server, shared, &talk) => {}
        () = answer(from_server, to_client, shared, &talk) => {}
        _ = cuts.changed() => {}
    }
}

async fn forward(
    mut client: tcp::OwnedReadHalf,
    mut server: unix::OwnedWriteHalf,
    shared: &Shared,
    talk: &Mutex<Talk>,
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(n @ 1..) = client.read(&mut bytes).await {
        read_on(&bytes[..n], &mut talk.lock().unwrap(), shared);
        if shared.halts(&mut talk.lock().unwrap().asked) {
            shared.until_calm(&mut client).await;
            return;
        }
        if server.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}

fn read_on(bytes: &[u8], talk: &mut Talk, shared: &Shared) {
    let commits = talk.read(bytes);
    if commits {
        shared.halt_at_commit(talk);
    }
    talk.is_swallowed |= commits && shared.takes_commit(&talk.said);
    shared.transactions.fetch_add(std::mem::take(&mut talk.ended), Ordering::SeqCst);
}

async fn answer(mut server: unix::OwnedReadHalf, mut client: tcp::OwnedWriteHalf, shared: &Shared, talk: &Mutex<Talk>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(n @ 1..) = server.read(&mut bytes).await {
        if talk.lock().unwrap().is_swallowed {
            // The server has committed, or it would not have answered.
            shared.swallowed.fetch_add(1, Ordering::SeqCst);
            return;
        }
        shared.hold_back(talk).await;
        if client.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}

impl Shared {
    /// Until the client is gone, or the proxy is calm again: the connection ends with either.
    async fn until_calm(&self, client: &mut tcp::OwnedReadHalf) {
        let mut bytes = vec![0; 1024];
        while self.troubles.lock().unwrap().halt_after.is_some() {
            let read = tokio::time::timeout(Duration::from_millis(10), client.read(&mut bytes)).await;
            if matches!(read, Ok(Ok(0) | Err(_))) {
                return;
            }
        }
    }

    /// Whether the COMMIT that was just read is the one after which, or instead of which, nothing reaches the server.
    fn halt_at_commit(&self, talk: &Talk) {
        let mut troubles = self.troubles.lock().unwrap();
        if let Some((of, side)) = troubles.halt_at
            && talk.said.contains(of)
        {
            troubles.halt_at = None;
            troubles.halt_after = Some(if side == Side::After { talk.asked } else { 0 });
        }
    }

    /// Counts round trips; whether these are to be kept from the server.
    fn halts(&self, asked: &mut usize) -> bool {
        let asked = std::mem::take(asked);
        let mut troubles = self.troubles.lock().unwrap();
        let Some(left) = &mut troubles.halt_after else { return false };
        if *left >= asked {
            *left -= asked;
            self.trips.fetch_add(asked, Ordering::SeqCst);
            return false;
        }
        *left = 0;
        self.halted.store(true, Ordering::SeqCst);
        true
    }

    /// Whether the reply to this transaction's COMMIT is to be swallowed; counts it.
    fn takes_commit(&self, said: &str) -> bool {
        let mut troubles = self.troubles.lock().unwrap();
        match &mut troubles.swallow {
            Some((of, left @ 1..)) if said.contains(*of) => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// Waits as long as replies to what was said last are delayed.
    async fn hold_back(&self, talk: &Mutex<Talk>) {
        let began = Instant::now();
        if !std::mem::take(&mut talk.lock().unwrap().is_asking) {
            return;
        }
        loop {
            let delay = self.troubles.lock().unwrap().delay;
            if delay.is_none_or(|delay| began.elapsed() >= delay.by || !delay.concerns(&talk.lock().unwrap())) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Delay {
    fn concerns(self, talk: &Talk) -> bool {
        talk.said.contains(self.of) && (talk.in_transaction || !self.is_before_commit)
    }
}

/// What a client said so far, as far as it matters.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that are independent of one another")]
struct Talk {
    /// Bytes of a message that is not complete yet.
    pending: Vec<u8>,
    is_started: bool,
    /// Prepared statements by name.
    prepared: HashMap<String, String>,
    in_transaction: bool,
    /// Transactions that came to their end since somebody counted.
    ended: usize,
    /// The statements of the transaction that is open or was the last; outside of one, the last statement.
    said: String,
    /// The next reply is to a statement, not to a mere sign of life.
    is_asking: bool,
    is_swallowed: bool,
    /// Round trips that were begun since somebody counted.
    asked: usize,
}

impl Talk {
    /// Reads on; whether a COMMIT was among it.
    fn read(&mut self, bytes: &[u8]) -> bool {
        self.pending.extend_from_slice(bytes);
        let mut commits = false;
        while let Some((kind, body)) = self.message() {
            // A statement, the end of a few messages, the end of a COPY.
            self.asked += usize::from(matches!(kind, b'Q' | b'S' | b'c'));
            match kind {
                b'Q' => commits |= self.plain(&text(&body)),
                b'P' => {
                    let name = text(&body);
                    self.prepared.insert(name.clone(), text(&body[name.len() + 1..]));
                }
                b'B' => {
                    let portal = text(&body);
                    let statement = self.prepared.get(&text(&body[portal.len() + 1..])).cloned();
                    self.say(&statement.unwrap_or_default());
                }
                _ => {}
            }
        }
        commits
    }

    /// The next complete message. The first one of a connection has no kind.
    fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        let head = usize::from(self.is_started);
        let length = self.pending.get(head..head + 4)?;
        let end = head + usize::try_from(u32::from_be_bytes(length.try_into().unwrap())).unwrap();
        if self.pending.len() < end {
            return None;
        }
        let message: Vec<u8> = self.pending.drain(..end).collect();
        let kind = if self.is_started { message[0] } else { 0 };
        self.is_started = true;
        Some((kind, message[head + 4..].to_vec()))
    }

    fn plain(&mut self, statement: &str) -> bool {
        self.is_asking = true;
        let is = |word: &str| statement.len() >= word.len() && statement[..word.len()].eq_ignore_ascii_case(word);
        if is("begin") {
            self.in_transaction = true;
            self.said.clear();
        } else if is("commit") || is("rollback") {
            self.in_transaction = false;
            self.ended += 1;
        } else {
            self.say(statement);
        }
        is("commit")
    }

    fn say(&mut self, statement: &str) {
        self.is_asking = true;
        if !self.in_transaction {
            self.said.clear();
            self.ended += 1;
        }
        self.said.push_str(statement);
    }
}

/// Text up to its closing zero.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
