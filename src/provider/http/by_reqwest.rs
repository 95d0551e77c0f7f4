//! The way by reqwest: through a proxy, and to addresses that are not the provider's own.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::Utc;
use reqwest::{Client, ClientBuilder, Request, Response, Url, redirect, retry};

use super::{
    BuildError, ExchangeError, HttpAnswer, KEPT_ALIVE, KeepAlive, OVERLONG_KEPT, PROGRAM, Via, chain, connect_timeout,
    no_client, no_response_in_time, retry_after, tls,
};
use crate::provider::RawResponse;

/// A client that is created on first use, and can be replaced.
#[derive(Debug)]
pub(super) struct ReqwestConnections {
    base: Url,
    timeout: Duration,
    keep_alive: KeepAlive,
    current: RwLock<Generation>,
}

/// A client, and the number of its predecessors.
#[derive(Debug, Clone)]
struct Generation {
    number: u64,
    client: Option<Client>,
}

impl ReqwestConnections {
    pub fn new(base: Url, timeout: Duration, keep_alive: KeepAlive) -> Self {
        Self { base, timeout, keep_alive, current: RwLock::new(Generation { number: 0, client: None }) }
    }

    /// Sends one request and reads the complete response, up to so many bytes.
    pub async fn exchange(&self, request: Request, body_max: usize) -> Result<HttpAnswer, ExchangeError> {
        let (number, client) = self.client().map_err(|error| no_client(&error))?;
        let mut response = client.execute(request).await.map_err(|error| trouble(&error, RawResponse::default()))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let retry_after = retry_after(&headers, Utc::now());
        let body = read_body(response, body_max).await?;
        Ok(HttpAnswer { status, retry_after, headers, body, via: Via::Reqwest(number), used: None })
    }

    /// The current client and its generation.
    fn client(&self) -> Result<(u64, Client), BuildError> {
        if let Generation { number, client: Some(client) } =
            &*self.current.read().unwrap_or_else(PoisonError::into_inner)
        {
            return Ok((*number, client.clone()));
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let client = match &current.client {
            Some(client) => client.clone(),
            None => self.make()?,
        };
        current.client = Some(client.clone());
        Ok((current.number, client))
    }

    /// A client without a pool is shared by all senders of a host. A client with one belongs to one sender, so that a
    /// late response on a pooled connection is never taken for that of another sender's message.
    fn make(&self) -> Result<Client, BuildError> {
        static PER_CALL: Mutex<Option<HashMap<(String, Duration), Client>>> = Mutex::new(None);
        if self.keep_alive != KeepAlive::PerCall {
            return client(&self.base, self.timeout, self.keep_alive);
        }
        let mut clients = PER_CALL.lock().unwrap_or_else(PoisonError::into_inner);
        let clients = clients.get_or_insert_default();
        let key = (self.base.origin().ascii_serialization(), self.timeout);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let client = client(&self.base, self.timeout, self.keep_alive)?;
        clients.insert(key, client.clone());
        Ok(client)
    }

    /// The HTTP client cannot close a single idle connection, so that it is replaced.
    pub fn abandon(&self, number: u64) {
        if self.keep_alive == KeepAlive::PerCall {
            return;
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // Hundreds of requests may be in flight: the first to get here replaces the client for all of them.
        if current.number != number {
            return;
        }
        *current = Generation { number: current.number + 1, client: None };
    }
}

/// A client that never repeats a request, follows no redirect (which would get the token) and has a timeout.
fn client(base: &Url, timeout: Duration, keep_alive: KeepAlive) -> Result<Client, BuildError> {
    crate::provider::init();
    let mut builder = Client::builder()
        .user_agent(PROGRAM)
        .retry(retry::never())
        .redirect(redirect::Policy::none())
        .referer(false)
        // One message per connection at a time: a broken connection leaves one outcome unknown, not a batch.
        .http1_only()
        .timeout(timeout)
        .connect_timeout(connect_timeout(timeout))
        .tcp_nodelay(true)
        .tcp_keepalive(KEPT_ALIVE);
    builder = builder.pool_max_idle_per_host(match keep_alive {
        KeepAlive::PerCall => 0,
        KeepAlive::Pooled { at_rest } => at_rest,
    });
    builder = if base.scheme() == "http" {
        // Plain HTTP is for the simulator on this machine: no proxy may see the token, and building a client must not
        // fail on systems without certificates.
        builder.no_proxy().tls_certs_only([])
    } else {
        builder.tls_backend_preconfigured(tls()?)
    };
    user_timeout(builder, timeout).build().map_err(|error| BuildError::Tls(chain(&error)))
}

/// Unacknowledged bytes end the connection no later than the call times out.
#[cfg(target_os = "linux")]
fn user_timeout(builder: ClientBuilder, timeout: Duration) -> ClientBuilder {
    builder.tcp_user_timeout(timeout)
}

#[cfg(not(target_os = "linux"))]
fn user_timeout(builder: ClientBuilder, _timeout: Duration) -> ClientBuilder {
    builder
}

async fn read_body(mut response: Response, body_max: usize) -> Result<Bytes, ExchangeError> {
    let http_status = Some(response.status().as_u16());
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(body.freeze()),
            Ok(Some(chunk)) => {
                let room = body_max - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    let why = format!("HTTP {} with more than {body_max} bytes", response.status().as_u16());
                    // Its beginning shows what it is; whole bodies, of hundreds in flight, would fill the memory.
                    let body = Bytes::copy_from_slice(&body[..body.len().min(OVERLONG_KEPT)]);
                    return Err(ExchangeError::Overlong { why, raw: RawResponse { http_status, body } });
                }
            }
            Err(error) => return Err(trouble(&error, RawResponse { http_status, body: body.freeze() })),
        }
    }
}

fn trouble(error: &reqwest::Error, raw: RawResponse) -> ExchangeError {
    // A request that cannot be built was not sent.
    if error.is_connect() || error.is_builder() {
        return ExchangeError::NotSent { why: format!("no connection: {}", chain(error)) };
    }
    if error.is_timeout() {
        return no_response_in_time(raw);
    }
    ExchangeError::MayHaveSent {
        why: format!("the connection broke after the request was sent: {}", chain(error)),
        raw,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_made_when_first_used_and_again_after_it_was_given_up() {
        let base = Url::parse("http://127.0.0.1:1").unwrap();
        let kept = ReqwestConnections::new(base, Duration::from_secs(7), KeepAlive::Pooled { at_rest: 1 });
        assert!(kept.current.read().unwrap().client.is_none());

        let (before, _) = kept.client().unwrap();
        let again = kept.client().unwrap().0;
        kept.abandon(before);

        assert_eq!((again, kept.client().unwrap().0), (before, before + 1));
    }
}
