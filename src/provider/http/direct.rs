//! The hot path: HTTP/1.1 without a client around it. A connection is read and written by the exchange that uses it, in its own task:
//! nobody is woken for another's sake, whoever drops an exchange has closed its connection, and one that waits keeps no buffers. Those
//! of hyper's connections took 26 KB each, of the memory of a fast blast a quarter.

mod connection;
mod pool;
mod wire;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use hyper::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::header::HeaderValue;
use reqwest::{Request, Url};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout, timeout_at};
use tower_service::Service;

use self::connection::Connection;
pub(in crate::provider) use self::pool::UsedConnection;
use self::pool::{Pool, TakenConnection};
use self::wire::encode;
use super::super::IsWanted;
use super::{
    BuildError, ExchangeError, HttpAnswer, KEPT_ALIVE, KeepAlive, Via, chain, connect_timeout, retry_after, tls,
};

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

    /// Sends one request and reads the complete response, up to so many bytes. A request may have longer than the others: while a large
    /// body goes forward TCP's own timeout, which is about bytes that nobody confirms, does not end it. Where a connection had to be made,
    /// only if it is still wanted: others may have that connection.
    pub async fn exchange(
        &self,
        request: &Request,
        body_max: usize,
        is_wanted: IsWanted<'_>,
    ) -> Result<HttpAnswer, ExchangeError> {
        let deadline = Instant::now() + request.timeout().copied().unwrap_or(self.timeout);
        let taken = self.connection(deadline).await?;
        if taken.idle_for.is_none() && !is_wanted() {
            drop(UsedConnection::new(taken, Arc::clone(&self.pool)));
            return Err(ExchangeError::NotSent { why: "not wanted any more".to_owned() });
        }
        let TakenConnection { mut connection, idle_for, generation } = taken;
        let since = Instant::now();
        let outcome = connection.exchange(encode(request, &self.host), body_max, deadline).await;
        if let (Err(ExchangeError::MayHaveSent { raw, .. }), Some(idle_for)) = (&outcome, idle_for)
            && raw.http_status.is_none()
            && connection.is_over()
        {
            self.pool.note_closed_after(idle_for);
        }
        let (head, body) = outcome?;
        self.pool.note_answered_in(since.elapsed());
        let used = UsedConnection::new(TakenConnection { connection, idle_for, generation }, Arc::clone(&self.pool));
        Ok(HttpAnswer {
            status: head.status,
            retry_after: retry_after(&head.headers, Utc::now()),
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

    /// One that is open as far as can be seen: the last that was used, else a new one.
    async fn connection(&self, deadline: Instant) -> Result<TakenConnection, ExchangeError> {
        loop {
            let (kept, generation) = self.pool.take();
            let Some((mut connection, idle_for)) = kept else {
                let connection = Box::pin(self.connect(deadline)).await?;
                return Ok(TakenConnection { connection, idle_for: None, generation });
            };
            if connection.is_open().await {
                return Ok(TakenConnection { connection, idle_for: Some(idle_for), generation });
            }
            if connection.has_said_more() {
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
            Self::Plain(mut http) => {
                http.call(origin).await.map(MaybeHttpsStream::Http).map_err(|error| chain(&error))?
            }
            Self::Tls(mut https) => https.call(origin).await.map_err(|error| chain(&*error))?,
        };
        Ok(Connection::new(stream))
    }
}

/// How long an answer is looked for after its time is over.
const LAST_LOOK: Duration = Duration::from_millis(50);

/// A future's output, if it comes in time. When the time is over it is looked for once more, for a moment: in a process that was stopped for
/// long, timers may fire before the sockets are read in which the answer has been for long.
async fn in_time<F: Future>(deadline: Instant, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    match timeout_at(deadline, future.as_mut()).await {
        Ok(output) => Ok(output),
        Err(_) => timeout(LAST_LOOK, future).await,
    }
}

#[cfg(test)]
mod tests;
