//! The hot path: hyper's connections without a client around them. A connection is driven by the exchange that uses it, in its own
//! task: nobody is woken for another's sake, and whoever drops an exchange has closed its connection.

mod pool;

use std::error::Error;
use std::pin::{Pin, pin};
use std::sync::Arc;
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
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use tower_service::Service;

pub(in crate::provider) use self::pool::UsedConnection;
use self::pool::{Pool, TakenConnection};
use super::{
    BuildError, ExchangeError, HttpAnswer, KEPT_ALIVE, KeepAlive, OVERLONG_KEPT, PROGRAM, Via, chain, connect_timeout,
    no_response_in_time, retry_after, tls,
};
use crate::provider::RawResponse;

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
        Ok(Some(Self { connector, origin, host, timeout, pool: Pool::new(at_rest) }))
    }

    /// Sends one request and reads the complete response, up to so many bytes.
    pub async fn exchange(&self, request: Request<Full<Bytes>>, body_max: usize) -> Result<HttpAnswer, ExchangeError> {
        let deadline = Instant::now() + self.timeout;
        let TakenConnection { mut connection, idle_for, generation } = self.connection(deadline).await?;
        let since = Instant::now();
        let mut deadline = Deadline::at(deadline);
        let sent = connection.send(self.complete(request), &mut deadline).await;
        if let (Err(_), Some(idle_for)) = (&sent, idle_for)
            && connection.driver.is_over()
        {
            self.pool.note_closed_after(idle_for);
        }
        let response = sent?;
        let (head, body) = connection.answer(response, body_max, &mut deadline).await?;
        self.pool.note_answered_in(since.elapsed());
        let taken = TakenConnection { connection, idle_for, generation };
        let used = UsedConnection::new(taken, Arc::clone(&self.pool));
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

    /// Stops using the connections of a generation.
    pub fn abandon(&self, generation: u64) {
        self.pool.abandon(generation);
    }

    fn complete(&self, mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
        request.headers_mut().insert(HOST, self.host.clone());
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(PROGRAM));
        request
    }

    /// One that is open as far as can be seen: the last that was used, else a new one.
    async fn connection(&self, deadline: Instant) -> Result<TakenConnection, ExchangeError> {
        loop {
            let (kept, generation) = self.pool.take();
            let Some((mut connection, idle_for)) = kept else {
                let connection = Box::pin(self.connect(deadline)).await?;
                return Ok(TakenConnection { connection, idle_for: None, generation });
            };
            if timeout_at(deadline, connection.is_open()).await.unwrap_or(false) {
                return Ok(TakenConnection { connection, idle_for: Some(idle_for), generation });
            }
            if connection.driver.has_said_more() {
                self.pool.give_up();
            }
            self.pool.note_closed_after(idle_for);
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
        let handshake = http1::Builder::new().handshake(stream);
        let (sender, driver) = handshake.await.map_err(|error| chain(&error))?;
        Ok(Connection { sender, driver: Driver::Open(Box::new(driver)) })
    }
}

/// How long an answer is looked for after its time is over.
const LAST_LOOK: Duration = Duration::from_millis(50);

/// When an exchange must be over. After that it looks once more, for a moment: in a process that was stopped for long, timers may fire
/// before the sockets are read in which the answer has been for long.
struct Deadline {
    at: Instant,
    is_last_look: bool,
}

impl Deadline {
    const fn at(at: Instant) -> Self {
        Self { at, is_last_look: false }
    }

    async fn wait<F: Future>(&mut self, future: F) -> Result<F::Output, Elapsed> {
        let mut future = pin!(future);
        let ended = timeout_at(self.at, future.as_mut()).await;
        if ended.is_ok() || self.is_last_look {
            return ended;
        }
        // Once for all that is left of the exchange: a body that comes in drops does not prolong it.
        *self = Self { at: Instant::now() + LAST_LOOK, is_last_look: true };
        timeout_at(self.at, future).await
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
            // This wakes whoever waits for the future when the connection is over.
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
        deadline: &mut Deadline,
    ) -> Result<Response<Incoming>, ExchangeError> {
        let response = self.sender.try_send_request(request);
        match deadline.wait(self.driver.drive(response)).await {
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
        deadline: &mut Deadline,
    ) -> Result<(hyper::http::response::Parts, Bytes), ExchangeError> {
        let (head, mut incoming) = response.into_parts();
        let (status, mut body) = (head.status.as_u16(), Whole::default());
        loop {
            let raw = |body: Bytes| RawResponse { http_status: Some(status), body };
            match deadline.wait(self.driver.drive(incoming.frame())).await {
                Ok(None) => return Ok((head, body.into_bytes())),
                Ok(Some(Ok(frame))) => {
                    let data = frame.into_data().unwrap_or_default();
                    if body.len() + data.len() > body_max {
                        let why = format!("HTTP {status} with more than {body_max} bytes");
                        return Err(ExchangeError::MayHaveSent { why, raw: raw(body.beginning(&data)) });
                    }
                    body.push(&data);
                }
                Ok(Some(Err(error))) => return Err(broken(&error, raw(body.into_bytes()))),
                Err(_) => return Err(no_response_in_time(raw(body.into_bytes()))),
            }
        }
    }
}

/// A body as it comes. It is kept until its outcome is durable, and is copied out of the connection's buffer, which would be kept with it:
/// that costs less than a new buffer for each exchange.
#[derive(Default)]
struct Whole {
    first: Bytes,
    all: Option<BytesMut>,
}

impl Whole {
    fn len(&self) -> usize {
        self.all.as_ref().map_or(self.first.len(), BytesMut::len)
    }

    fn push(&mut self, data: &[u8]) {
        match &mut self.all {
            Some(all) => all.extend_from_slice(data),
            None if self.first.is_empty() => self.first = Bytes::copy_from_slice(data),
            None => {
                let mut all = BytesMut::from(&*self.first);
                all.extend_from_slice(data);
                self.all = Some(all);
            }
        }
    }

    fn into_bytes(self) -> Bytes {
        self.all.map_or(self.first, BytesMut::freeze)
    }

    /// Of one that is too long, what shows what it is: whole bodies, of hundreds in flight, would fill the memory.
    fn beginning(mut self, more: &[u8]) -> Bytes {
        self.push(&more[..more.len().min(OVERLONG_KEPT)]);
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
