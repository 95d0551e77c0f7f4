//! Sessions of the run's server that one program leaves to the next. A session reads the catalogue for what it is asked, which takes a
//! command's statements ten times as long as what they do: a run of all tests would be that for the most part.
//! A program that says goodbye leaves its session as `DISCARD ALL` makes it. One that goes without (killed, or with its work unfinished)
//! ends it, as without this.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Builder;

/// The port in the name of the socket, beside the server's own.
pub const PORT: u16 = 5433;

/// What each frame begins with: its kind, and its length without the kind.
const HEADER: usize = 5;
const RESET: &[u8] = b"Q\0\0\0\x10DISCARD ALL\0";

/// Listens beside a server's socket until the process ends.
pub fn listen_beside(server: PathBuf) {
    let socket = server.with_file_name(format!(".s.PGSQL.{PORT}"));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let listener = {
        let _inside = runtime.enter();
        UnixListener::bind(socket).unwrap()
    };
    thread::spawn(move || runtime.block_on(listen(listener, &server)));
}

async fn listen(listener: UnixListener, server: &Path) {
    let left = Arc::new(LeftSessions::default());
    while let Ok((client, _)) = listener.accept().await {
        let (left, server) = (left.clone(), server.to_owned());
        tokio::spawn(async move {
            // Whichever side went: the other one learns of it by the end of its stream.
            let _ = serve(client, &server, &left).await;
        });
    }
}

/// Sessions that wait for a program, by how they were begun: database, role and settings.
#[derive(Default)]
struct LeftSessions(Mutex<HashMap<BytesMut, Vec<Session>>>);

impl LeftSessions {
    fn take(&self, startup: &BytesMut) -> Option<Session> {
        let mut left = self.0.lock().unwrap();
        let sessions = left.get_mut(startup)?;
        while let Some(session) = sessions.pop() {
            if session.is_open() {
                return Some(session);
            }
        }
        None
    }

    /// Those of databases that are gone by now are forgotten.
    fn leave(&self, startup: BytesMut, session: Session) {
        let mut left = self.0.lock().unwrap();
        left.entry(startup).or_default().push(session);
        left.retain(|_, sessions| {
            sessions.retain(Session::is_open);
            !sessions.is_empty()
        });
    }
}

/// A session of the server with nothing on its way.
struct Session {
    stream: UnixStream,
    /// What it said when it began.
    greeting: BytesMut,
}

impl Session {
    async fn begin(server: &Path, startup: &[u8]) -> io::Result<Self> {
        let mut stream = UnixStream::connect(server).await?;
        stream.write_all(startup).await?;
        let greeting = read_until_ready(&mut stream).await?;
        Ok(Self { stream, greeting })
    }

    /// One that the server ended has the end of its stream to read, or why.
    fn is_open(&self) -> bool {
        matches!(self.stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    async fn reset(&mut self) -> io::Result<()> {
        self.stream.write_all(RESET).await?;
        read_until_ready(&mut self.stream).await?;
        Ok(())
    }
}

/// All frames until the session takes a statement. A refusal among them fails it, with the frames so far for whoever waits.
async fn read_until_ready(stream: &mut UnixStream) -> io::Result<BytesMut> {
    let (mut frames, mut read) = (BytesMut::new(), 0);
    loop {
        while let Some(length) = frame_length(&frames[read..]) {
            let kind = frames[read];
            read += length;
            match kind {
                b'Z' => return Ok(frames),
                b'E' => return Err(io::Error::other(RefusedSession(frames))),
                _ => {}
            }
        }
        if stream.read_buf(&mut frames).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// What the server said of a session that it does not begin.
#[derive(Debug, thiserror::Error)]
#[error("the server began no session")]
struct RefusedSession(BytesMut);

/// The length of the first frame, if all of it is there.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let header = bytes.first_chunk::<HEADER>()?;
    let length = 1 + u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
    (bytes.len() >= length).then_some(length)
}

/// One program's connection, from its first byte to its last.
async fn serve(mut client: UnixStream, server: &Path, left: &LeftSessions) -> io::Result<()> {
    let startup = read_startup(&mut client).await?;
    let mut session = match left.take(&startup) {
        Some(session) => session,
        None => match Session::begin(server, &startup).await {
            Ok(session) => session,
            Err(error) => {
                let refusal = error.get_ref().and_then(|error| error.downcast_ref::<RefusedSession>());
                if let Some(RefusedSession(frames)) = refusal {
                    client.write_all(frames).await?;
                }
                return Err(error);
            }
        },
    };
    client.write_all(&session.greeting).await?;
    if talk(&mut client, &mut session.stream).await? == Farewell::Said {
        session.reset().await?;
        left.leave(startup, session);
    }
    Ok(())
}

async fn read_startup(client: &mut UnixStream) -> io::Result<BytesMut> {
    let mut startup = BytesMut::new();
    loop {
        let length = startup.first_chunk::<4>().map(|length| u32::from_be_bytes(*length) as usize);
        if length.is_some_and(|length| startup.len() >= length) {
            return Ok(startup);
        }
        if client.read_buf(&mut startup).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// How a program leaves.
#[derive(Debug, PartialEq, Eq)]
enum Farewell {
    /// With a goodbye, and every statement of its own answered outside of a transaction.
    Said,
    Missing,
}

/// Passes on what both say, but for the goodbye.
async fn talk(client: &mut UnixStream, session: &mut UnixStream) -> io::Result<Farewell> {
    let (from_client, to_client) = client.split();
    let (from_session, to_session) = session.split();
    let replies = Mutex::new(Replies::default());
    let asked = tokio::select! {
        asked = forward(from_client, to_session) => asked?,
        ended = answer(from_session, to_client, &replies) => return ended.map(|()| Farewell::Missing),
    };
    let replies = replies.into_inner().unwrap();
    Ok(if asked.is_some_and(|asked| replies.are_complete(asked)) { Farewell::Said } else { Farewell::Missing })
}

/// Returns at the goodbye, with how many times the program asked for the session to be ready; `None` where it went without one.
async fn forward(mut client: ReadHalf<'_>, mut session: WriteHalf<'_>) -> io::Result<Option<usize>> {
    let (mut frames, mut asked) = (BytesMut::new(), 0);
    loop {
        let mut whole = 0;
        while let Some(length) = frame_length(&frames[whole..]) {
            match frames[whole] {
                b'X' => {
                    session.write_all(&frames[..whole]).await?;
                    return Ok(Some(asked));
                }
                b'Q' | b'S' | b'F' => asked += 1,
                _ => {}
            }
            whole += length;
        }
        session.write_all(&frames[..whole]).await?;
        frames.advance(whole);
        if client.read_buf(&mut frames).await? == 0 {
            return Ok(None);
        }
    }
}

/// Ends with the session.
async fn answer(mut session: ReadHalf<'_>, mut client: WriteHalf<'_>, replies: &Mutex<Replies>) -> io::Result<()> {
    let mut bytes = BytesMut::new();
    while session.read_buf(&mut bytes).await? > 0 {
        replies.lock().unwrap().note(&bytes);
        client.write_all(&bytes).await?;
        bytes.clear();
    }
    Ok(())
}

/// What the session answered so far.
#[derive(Default)]
struct Replies {
    /// The beginning of a frame of which not even the length is there.
    header: Vec<u8>,
    kind: u8,
    /// So much of the frame is still to come.
    left: usize,
    /// How many times it was ready, and whether outside of a transaction.
    ready: usize,
    is_idle: bool,
}

impl Replies {
    fn note(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left == 0 {
                let (part, rest) = bytes.split_at(bytes.len().min(HEADER - self.header.len()));
                self.header.extend_from_slice(part);
                bytes = rest;
                if let Some([kind, length @ ..]) = self.header.first_chunk::<HEADER>().copied() {
                    (self.kind, self.left) = (kind, u32::from_be_bytes(length) as usize - length.len());
                    self.header.clear();
                }
                continue;
            }
            let (part, rest) = bytes.split_at(bytes.len().min(self.left));
            // The only byte of this frame says it.
            if self.kind == b'Z' {
                (self.ready, self.is_idle) = (self.ready + 1, part == b"I");
            }
            self.left -= part.len();
            bytes = rest;
        }
    }

    fn are_complete(&self, asked: usize) -> bool {
        self.left == 0 && self.header.is_empty() && self.ready == asked && (self.is_idle || asked == 0)
    }
}
