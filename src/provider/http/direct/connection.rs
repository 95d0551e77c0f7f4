//! One connection, and one exchange on it at a time.

use std::io::{Error, ErrorKind, Result as IoResult};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::super::{ExchangeError, OVERLONG_KEPT, chain, no_response_in_time};
use super::in_time;
use super::wire::{ResponseHead, ResponseReader};
use crate::provider::RawResponse;

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// How many bytes are read at once.
const READ_AT_ONCE: usize = 8 * 1024;

/// A connection with one request at a time: one that breaks leaves one outcome unknown, not several. Closed when it is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TokioIo<Stream>,
    state: ConnectionState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConnectionState {
    Open,
    /// Of no further use: closed, broken, or in the middle of an exchange.
    Over,
    /// Something was said that nobody had asked for.
    SaidMore,
}

impl Connection {
    pub fn new(stream: Stream) -> Self {
        Self { stream: TokioIo::new(stream), state: ConnectionState::Open }
    }

    pub fn is_over(&self) -> bool {
        self.state != ConnectionState::Open
    }

    pub fn has_said_more(&self) -> bool {
        self.state == ConnectionState::SaidMore
    }

    /// Whether the provider has neither closed it while it was idle nor said anything that nobody asked for.
    pub async fn is_open(&mut self) -> bool {
        std::future::poll_fn(|context| {
            _ = self.poll_over(context);
            Poll::Ready(())
        })
        .await;
        !self.is_over()
    }

    /// Until the provider closes it or says more.
    pub async fn until_over(&mut self) {
        std::future::poll_fn(|context| self.poll_over(context)).await;
    }

    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_over() {
            return Poll::Ready(());
        }
        let mut has_said_more = false;
        let read = ready!(poll_read(&mut self.stream, context, |bytes| has_said_more = !bytes.is_empty()));
        self.state = if read.is_ok() && has_said_more { ConnectionState::SaidMore } else { ConnectionState::Over };
        Poll::Ready(())
    }

    /// Sends a request and reads its response, up to so many bytes of a body. Nothing is known to be unsent once this has begun.
    pub async fn exchange(
        &mut self,
        request: Vec<u8>,
        body_max: usize,
        deadline: Instant,
    ) -> Result<(ResponseHead, Bytes), ExchangeError> {
        let mut exchange =
            Exchange { request, written: 0, is_written: false, incoming: ResponseReader::default(), body_max };
        let polled = std::future::poll_fn(|context| exchange.poll(&mut self.stream, context));
        match in_time(deadline, polled).await {
            Ok(Ok(())) => {
                self.state = exchange.leaves();
                exchange
                    .incoming
                    .into_parts()
                    .ok_or_else(|| may_have_sent("no response".to_owned(), RawResponse::default()))
            }
            Ok(Err(broken)) => {
                self.state = ConnectionState::Over;
                Err(exchange.failed(&broken))
            }
            // Nobody has seen the connection end.
            Err(_) => Err(no_response_in_time(exchange.raw())),
        }
    }
}

const fn may_have_sent(why: String, raw: RawResponse) -> ExchangeError {
    ExchangeError::MayHaveSent { why, raw }
}

/// A request on its way and what came of its response.
#[derive(Debug)]
struct Exchange {
    request: Vec<u8>,
    written: usize,
    /// Also out of TLS's own buffer.
    is_written: bool,
    incoming: ResponseReader,
    body_max: usize,
}

/// Why there is no complete response.
#[derive(Debug)]
enum Broken {
    Io(Error),
    Overlong,
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Io(error)
    }
}

impl Exchange {
    /// Writes and reads at once: a response may come before its request was read.
    fn poll(&mut self, stream: &mut TokioIo<Stream>, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let unwritten = match self.poll_write(stream, context) {
            Poll::Ready(Err(error)) => Some(error),
            _ => None,
        };
        match (self.poll_response(stream, context), unwritten) {
            (Poll::Pending, Some(error)) => Poll::Ready(Err(error.into())),
            (response, _) => response,
        }
    }

    fn poll_write(&mut self, stream: &mut TokioIo<Stream>, context: &mut Context<'_>) -> Poll<IoResult<()>> {
        while self.written < self.request.len() {
            let rest = &self.request[self.written..];
            match ready!(Pin::new(&mut *stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        if !self.is_written {
            ready!(Pin::new(stream).poll_flush(context))?;
            self.is_written = true;
            // What waits for its response keeps nothing.
            self.request = Vec::new();
            self.written = 0;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_response(&mut self, stream: &mut TokioIo<Stream>, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        loop {
            let (mut is_closed, mut is_complete) = (false, Ok(false));
            ready!(poll_read(stream, context, |bytes| {
                is_closed = bytes.is_empty();
                is_complete = if is_closed { self.incoming.end().map(|()| true) } else { self.incoming.push(bytes) };
            }))?;
            let is_complete = is_complete.map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
            if self.incoming.body().len() > self.body_max {
                return Poll::Ready(Err(Broken::Overlong));
            }
            if is_complete {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// What becomes of the connection after a complete response.
    fn leaves(&self) -> ConnectionState {
        match (self.incoming.is_followed(), self.is_written && self.incoming.keeps_alive()) {
            (true, _) => ConnectionState::SaidMore,
            (false, true) => ConnectionState::Open,
            (false, false) => ConnectionState::Over,
        }
    }

    fn failed(&self, broken: &Broken) -> ExchangeError {
        let raw = self.raw();
        match broken {
            Broken::Io(error) => {
                may_have_sent(format!("the connection broke after the request was sent: {}", chain(error)), raw)
            }
            Broken::Overlong => {
                let status = raw.http_status.unwrap_or_default();
                let why = format!("HTTP {status} with more than {} bytes", self.body_max);
                ExchangeError::Overlong { why, raw }
            }
        }
    }

    /// What came. Of a body that is too long, what shows what it is: whole bodies, of hundreds in flight, would fill the memory.
    fn raw(&self) -> RawResponse {
        let body = self.incoming.body();
        let kept = if body.len() > self.body_max { OVERLONG_KEPT.min(body.len()) } else { body.len() };
        RawResponse { http_status: self.incoming.status(), body: Bytes::copy_from_slice(&body[..kept]) }
    }
}

/// Hands over what can be read; nothing at the end of the stream. It is read into memory of this call: a connection that waits has none.
fn poll_read(stream: &mut TokioIo<Stream>, context: &mut Context<'_>, take: impl FnOnce(&[u8])) -> Poll<IoResult<()>> {
    let mut memory = [MaybeUninit::uninit(); READ_AT_ONCE];
    let mut buffer = ReadBuf::uninit(&mut memory);
    ready!(Pin::new(stream).poll_read(context, &mut buffer))?;
    take(buffer.filled());
    Poll::Ready(Ok(()))
}
