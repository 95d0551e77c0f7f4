//! The hot path: hyper's connections without a client around them. A connection is driven by the exchange that uses it, in its own
//! task: nobody is woken for another's sake, and whoever drops an exchange has closed its connection.

use std::error::Error;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::Utc;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use reqwest::Url;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tower_service::Service;

use super::{
    BuildError, ExchangeError, HttpAnswer, KEPT_ALIVE, KeepAlive, OVERLONG_KEPT, PROGRAM, Via, chain, connect_timeout,
    no_response_in_time, retry_after, tls,
};
use crate::provider::RawResponse;

/// Idle for longer, a connection is closed instead of used: whoever is between us and the provider may have forgotten it.
const IDLE_FOR_AT_MOST: Duration = Duration::from_secs(90);

/// How long a connection is listened to after a refusal, for a second answer: three times as long as an answer takes, within these.
const SILENT_FOR_AT_LEAST: Duration = Duration::from_millis(100);
const SILENT_FOR_AT_MOST: Duration = Duration::from_secs(3);

/// What is read of a socket at once. An answer to a send has a few hundred bytes, and a connection keeps its buffer.
const READ_BUFFER: usize = 4 * 1024;

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// The connections to one origin.
#[derive(Debug)]
pub(super) struct DirectConnections {
    connector: Connector,
    origin: Uri,
    host: HeaderValue,
    timeout: Duration,
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    /// So many are kept while nobody uses them.
    at_rest: usize,
    idle: Mutex<Idle>,
}

/// Connections that nobody uses, the one that was used last at the end.
#[derive(Debug, Default)]
struct Idle {
    /// How often all connections were given up.
    generation: u64,
    connections: Vec<(Connection, Instant)>,
    /// How long an answer takes, on average over the last few.
    answered_in: Duration,
    /// Closes those that nobody uses any more.
    sweeper: Option<JoinHandle<()>>,
}

impl Pool {
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> (Option<Connection>, u64) {
        let mut idle = self.idle();
        let last = idle.connections.pop().filter(|(_, since)| since.elapsed() < IDLE_FOR_AT_MOST);
        (last.map(|(connection, _)| connection), idle.generation)
    }

    fn put_back(self: &Arc<Self>, connection: Connection, generation: u64) {
        let mut idle = self.idle();
        if connection.driver.is_over() || idle.generation != generation || idle.connections.len() >= self.at_rest {
            return;
        }
        idle.connections.push((connection, Instant::now()));
        if idle.sweeper.as_ref().is_none_or(JoinHandle::is_finished) {
            idle.sweeper = Some(tokio::spawn(sweep(Arc::downgrade(self))));
        }
    }

    fn note_answered_in(&self, took: Duration) {
        let mut idle = self.idle();
        idle.answered_in = if idle.answered_in.is_zero() { took } else { (idle.answered_in * 7 + took) / 8 };
    }
}

/// A connection of which one exchange makes use.
#[derive(Debug)]
struct Taken {
    connection: Connection,
    /// By another exchange: its provider may have more to say about that.
    was_used_before: bool,
    generation: u64,
}

/// The connection of a complete answer, which others may use once this is dropped.
#[derive(Debug)]
pub(in crate::provider) struct UsedConnection {
    /// `None` once it was given back.
    taken: Option<Taken>,
    pool: Arc<Pool>,
}

impl UsedConnection {
    /// Whether nothing follows the answer. On a connection that was used before it is waited for as long as an answer may take: the first
    /// may be one that nobody asked for.
    pub async fn stays_silent(&mut self) -> bool {
        let Some(Taken { connection, was_used_before, .. }) = self.taken.as_mut() else { return true };
        if *was_used_before {
            let patience = (self.pool.idle().answered_in * 3).clamp(SILENT_FOR_AT_LEAST, SILENT_FOR_AT_MOST);
            _ = timeout(patience, connection.driver.until_over()).await;
        }
        !connection.driver.has_said_more()
    }
}

impl Drop for UsedConnection {
    fn drop(&mut self) {
        if let Some(taken) = self.taken.take() {
            self.pool.put_back(taken.connection, taken.generation);
        }
    }
}

/// Closes connections that were idle for too long, as long as there are any.
async fn sweep(pool: Weak<Pool>) {
    loop {
        sleep(IDLE_FOR_AT_MOST).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle();
        idle.connections.retain(|(_, since)| since.elapsed() < IDLE_FOR_AT_MOST);
        if idle.connections.is_empty() {
            idle.sweeper = None;
            return;
        }
    }
}

#[derive(Debug, Clone)]
enum Connector {
    Plain(HttpConnector),
    Tls(Box<HttpsConnector<HttpConnector>>),
}

impl DirectConnections {
    /// `None`: a proxy stands before this address, which the direct way knows nothing of.
    pub fn new(base: &Url, timeout: Duration, keep_alive: KeepAlive) -> Result<Option<Self>, BuildError> {
        let address = || BuildError::Address(base.to_string());
        let origin: Uri = base.origin().ascii_serialization().parse().map_err(|_| address())?;
        let host = origin.authority().ok_or_else(address)?.as_str();
        let host = HeaderValue::from_str(host).map_err(|_| address())?;
        let is_plain = base.scheme() == "http";
        // Plain HTTP is for the simulator on this machine: no proxy may see the token.
        if !is_plain && Matcher::from_system().intercept(&origin).is_some() {
            return Ok(None);
        }
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_keepalive(Some(KEPT_ALIVE));
        #[cfg(target_os = "linux")]
        http.set_tcp_user_timeout(Some(timeout));
        let connector = if is_plain { Connector::Plain(http) } else { Connector::Tls(Box::new((http, tls()?).into())) };
        let at_rest = match keep_alive {
            KeepAlive::PerCall => 0,
            KeepAlive::Pooled { at_rest } => at_rest,
        };
        let pool = Arc::new(Pool { at_rest, idle: Mutex::default() });
        Ok(Some(Self { connector, origin, host, timeout, pool }))
    }

    /// Sends one request and reads the complete response, up to so many bytes.
    pub async fn exchange(&self, request: Request<Full<Bytes>>, body_max: usize) -> Result<HttpAnswer, ExchangeError> {
        let deadline = Instant::now() + self.timeout;
        let Taken { mut connection, was_used_before, generation } = self.connection(deadline).await?;
        let since = Instant::now();
        let response = connection.send(self.complete(request), deadline).await?;
        let (head, body) = connection.answer(response, body_max, deadline).await?;
        self.pool.note_answered_in(since.elapsed());
        let taken = Taken { connection, was_used_before, generation };
        let used = UsedConnection { taken: Some(taken), pool: Arc::clone(&self.pool) };
        let retry_after = retry_after(&head.headers, Utc::now());
        Ok(HttpAnswer {
            status: head.status.as_u16(),
            retry_after,
            headers: head.headers,
            body,
            via: Via::Direct(generation),
            used: Some(used),
        })
    }

    /// Closes what is idle, and what is in use when it is done, unless that was done since that generation.
    pub fn abandon(&self, generation: u64) {
        let mut idle = self.pool.idle();
        if idle.generation == generation {
            idle.generation += 1;
            idle.connections.clear();
        }
    }

    fn complete(&self, mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
        request.headers_mut().insert(HOST, self.host.clone());
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(PROGRAM));
        request
    }

    /// One that is open as far as can be seen: the last that was used, else a new one.
    async fn connection(&self, deadline: Instant) -> Result<Taken, ExchangeError> {
        loop {
            let (kept, generation) = self.pool.take();
            let Some(mut connection) = kept else {
                let connection = Box::pin(self.connect(deadline)).await?;
                return Ok(Taken { connection, was_used_before: false, generation });
            };
            if timeout_at(deadline, connection.is_open()).await.unwrap_or(false) {
                return Ok(Taken { connection, was_used_before: true, generation });
            }
        }
    }

    /// Nothing is sent by it yet. A host that is down counts as not connected well before the call times out.
    async fn connect(&self, deadline: Instant) -> Result<Connection, ExchangeError> {
        let until = deadline.min(Instant::now() + connect_timeout(self.timeout));
        match timeout_at(until, self.connector.open(self.origin.clone())).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(why)) => Err(ExchangeError::NotSent { why: format!("no connection: {why}") }),
            Err(_) => Err(ExchangeError::NotSent { why: "no connection in time".to_owned() }),
        }
    }
}

impl Connector {
    async fn open(&self, origin: Uri) -> Result<Connection, String> {
        let stream = match self.clone() {
            Self::Plain(mut http) => http.call(origin).await.map(Stream::Http).map_err(|error| chain(&error))?,
            Self::Tls(mut https) => https.call(origin).await.map_err(|error| chain(&*error))?,
        };
        let handshake = http1::Builder::new().read_buf_exact_size(Some(READ_BUFFER)).handshake(stream);
        let (sender, driver) = handshake.await.map_err(|error| chain(&error))?;
        Ok(Connection { sender, driver: Driver::Open(Box::new(driver)) })
    }
}

/// A connection with one request at a time: one that breaks leaves one outcome unknown, not several. Closed when it is dropped.
#[derive(Debug)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
}

/// What reads and writes a connection while somebody waits for it.
#[derive(Debug)]
enum Driver {
    Open(Box<http1::Connection<Stream, Full<Bytes>>>),
    Over {
        /// Something was said that nobody had asked for.
        said_more: bool,
    },
}

impl Driver {
    /// Drives the connection until a future that depends on it is done.
    async fn drive<T>(&mut self, what: impl Future<Output = T>) -> T {
        let mut what = pin!(what);
        std::future::poll_fn(|context| {
            // Whoever waits for the future is told by it when the connection is over.
            _ = self.poll_over(context);
            what.as_mut().poll(context)
        })
        .await
    }

    async fn until_over(&mut self) {
        std::future::poll_fn(|context| self.poll_over(context)).await;
    }

    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Self::Open(connection) = self else { return Poll::Ready(()) };
        let over = ready!(Pin::new(connection).poll(context));
        *self = Self::Over { said_more: over.is_err_and(|error| !is_broken(&error)) };
        Poll::Ready(())
    }

    const fn is_over(&self) -> bool {
        matches!(self, Self::Over { .. })
    }

    const fn has_said_more(&self) -> bool {
        matches!(self, Self::Over { said_more: true })
    }
}

/// Whether a connection ended by itself, and not because of what was read from it.
fn is_broken(error: &hyper::Error) -> bool {
    error.source().is_some_and(<dyn Error>::is::<std::io::Error>)
}

impl Connection {
    /// Whether the provider has neither closed it while it was idle nor said anything that nobody asked for.
    async fn is_open(&mut self) -> bool {
        let Self { sender, driver } = self;
        driver.drive(std::future::ready(())).await;
        !driver.is_over() && driver.drive(sender.ready()).await.is_ok()
    }

    async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Response<Incoming>, ExchangeError> {
        let response = self.sender.try_send_request(request);
        match timeout_at(deadline, self.driver.drive(response)).await {
            Ok(Ok(response)) => Ok(response),
            // hyper gives a request back of which it has written nothing.
            Ok(Err(mut error)) => Err(match error.take_message() {
                Some(_) => ExchangeError::NotSent { why: format!("no connection: {}", chain(error.error())) },
                None => broken(error.error(), RawResponse::default()),
            }),
            Err(_) => Err(no_response_in_time(RawResponse::default())),
        }
    }

    async fn answer(
        &mut self,
        response: Response<Incoming>,
        body_max: usize,
        deadline: Instant,
    ) -> Result<(hyper::http::response::Parts, Bytes), ExchangeError> {
        let (head, mut incoming) = response.into_parts();
        let (status, mut body) = (head.status.as_u16(), Whole::default());
        loop {
            let raw = |body: Bytes| RawResponse { http_status: Some(status), body };
            match timeout_at(deadline, self.driver.drive(incoming.frame())).await {
                Ok(None) => return Ok((head, body.into_bytes())),
                Ok(Some(Ok(frame))) => {
                    let data = frame.into_data().unwrap_or_default();
                    if body.len() + data.len() > body_max {
                        let why = format!("HTTP {status} with more than {body_max} bytes");
                        return Err(ExchangeError::MayHaveSent { why, raw: raw(body.beginning(&data)) });
                    }
                    body.push(data);
                }
                Ok(Some(Err(error))) => return Err(broken(&error, raw(body.into_bytes()))),
                Err(_) => return Err(no_response_in_time(raw(body.into_bytes()))),
            }
        }
    }
}

/// A body as it comes: most come in one piece, which is not copied.
#[derive(Default)]
struct Whole {
    first: Bytes,
    all: Option<BytesMut>,
}

impl Whole {
    fn len(&self) -> usize {
        self.all.as_ref().map_or(self.first.len(), BytesMut::len)
    }

    fn push(&mut self, data: Bytes) {
        match &mut self.all {
            Some(all) => all.extend_from_slice(&data),
            None if self.first.is_empty() => self.first = data,
            None => {
                let mut all = BytesMut::from(&*self.first);
                all.extend_from_slice(&data);
                self.all = Some(all);
            }
        }
    }

    fn into_bytes(self) -> Bytes {
        self.all.map_or(self.first, BytesMut::freeze)
    }

    /// Of one that is too long, what shows what it is: whole bodies, of hundreds in flight, would fill the memory.
    fn beginning(mut self, more: &[u8]) -> Bytes {
        self.push(Bytes::copy_from_slice(&more[..more.len().min(OVERLONG_KEPT)]));
        let body = self.into_bytes();
        Bytes::copy_from_slice(&body[..body.len().min(OVERLONG_KEPT)])
    }
}

fn broken(error: &hyper::Error, raw: RawResponse) -> ExchangeError {
    let why = format!("the connection broke after the request was sent: {}", chain(error));
    ExchangeError::MayHaveSent { why, raw }
}

#[cfg(test)]
mod tests;
