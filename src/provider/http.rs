//! One HTTP exchange: its response, or whether the request may have been sent. Knows no provider.
//!
//! Calls to a provider's own address go by `direct`, with which a message costs less processor time and memory; what goes through a proxy
//! or to another address goes by `by_reqwest`. What counts as sent is the same for both.

mod by_reqwest;
mod direct;

use std::error::Error;
use std::num::IntErrorKind;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Request, Url};
use rustls_platform_verifier::ConfigVerifierExt;
use thiserror::Error;

use self::by_reqwest::ReqwestConnections;
use self::direct::{DirectConnections, UsedConnection};
use super::{BODY_MAX, IsWanted, RawResponse};
use crate::domain::text::{clean, without_details};

/// The longest pause that a provider may ask for. Afterwards it may ask for another one.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);

/// What this program calls itself.
const PROGRAM: &str = concat!("blastdeck/", env!("CARGO_PKG_VERSION"));

/// How often a connection shows that it lives.
const KEPT_ALIVE: Duration = Duration::from_secs(30);

/// How many bytes are kept of a body that is longer than [`BODY_MAX`].
const OVERLONG_KEPT: usize = 16 * 1024;

/// How long a sender's connections live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAlive {
    /// One connection per call. For senders that are in no hurry: a stale idle connection would leave the next message's outcome
    /// unknown.
    PerCall,
    /// Connections are pooled, at most `at_rest` of them idle: a burst opens more than are ever reused.
    Pooled { at_rest: usize },
}

/// Why no client can be created.
#[derive(Debug, Error)]
pub enum BuildError {
    #[error("`{0}` is not a valid address: write https://host as base_url")]
    Address(String),
    #[error("`{0}` is not a valid id at Meta: write its digits")]
    MetaId(String),
    #[error("`{0}` is not a version of Meta's API: write it as v24.0")]
    MetaVersion(String),
    #[error("the token contains characters that are not valid in an HTTP header: copy it again")]
    Token,
    #[error(
        "cannot create a TLS client ({0}): are this machine's CA certificates installed (package ca-certificates)?"
    )]
    Tls(String),
}

/// The connections to one address, made on first use.
#[derive(Debug)]
pub(super) struct HttpConnections {
    base: Url,
    timeout: Duration,
    keep_alive: KeepAlive,
    /// `None`: a proxy stands before the address.
    direct: OnceLock<Option<DirectConnections>>,
    reqwest: ReqwestConnections,
}

/// Which connections an answer came on: the direct ones or those of a client, all of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    Direct(u64),
    Reqwest(u64),
}

impl HttpConnections {
    /// Creates no client and opens no connection yet.
    pub fn new(base: Url, timeout: Duration, keep_alive: KeepAlive) -> Self {
        let reqwest = ReqwestConnections::new(base.clone(), timeout, keep_alive);
        Self { base, timeout, keep_alive, direct: OnceLock::new(), reqwest }
    }

    /// Sends one request and reads the complete response, up to [`BODY_MAX`].
    pub async fn exchange(&self, request: Request) -> Result<HttpAnswer, ExchangeError> {
        self.exchange_within(request, BODY_MAX).await
    }

    /// Sends one request and reads the complete response, up to so many bytes.
    pub async fn exchange_within(&self, request: Request, body_max: usize) -> Result<HttpAnswer, ExchangeError> {
        self.exchange_by(request, body_max, &|| true).await
    }

    /// The same of a request that is not sent if it is not wanted any more once a new connection was made for it.
    pub async fn exchange_if(&self, request: Request, is_wanted: IsWanted<'_>) -> Result<HttpAnswer, ExchangeError> {
        self.exchange_by(request, BODY_MAX, is_wanted).await
    }

    async fn exchange_by(
        &self,
        request: Request,
        body_max: usize,
        is_wanted: IsWanted<'_>,
    ) -> Result<HttpAnswer, ExchangeError> {
        match self.direct(&request).map_err(|error| no_client(&error))? {
            Some(direct) => direct.exchange(&request, body_max, is_wanted).await,
            // Rare, and larger than the other. When its connection is made cannot be seen from here.
            None => Box::pin(self.reqwest.exchange(request, body_max)).await,
        }
    }

    /// Stops using the connection that a response came on. Nobody knows which one it is by then, so all that are idle are closed;
    /// requests in flight on the others still get their responses.
    pub fn abandon(&self, answer: &HttpAnswer) {
        match answer.via {
            Via::Direct(generation) => {
                if let Some(Some(direct)) = self.direct.get() {
                    direct.abandon(generation);
                }
            }
            Via::Reqwest(generation) => self.reqwest.abandon(generation),
        }
    }

    /// The direct way, for what is sent to this very address.
    fn direct(&self, request: &Request) -> Result<Option<&DirectConnections>, BuildError> {
        let of = |url: &Url| (url.scheme() == self.base.scheme(), url.port_or_known_default());
        let is_ours = request.url().host_str() == self.base.host_str() && of(request.url()) == of(&self.base);
        let is_in_memory = request.body().is_none_or(|body| body.as_bytes().is_some());
        if !is_ours || !is_in_memory || by_reqwest() {
            return Ok(None);
        }
        if let Some(made) = self.direct.get() {
            return Ok(made.as_ref());
        }
        super::init();
        let made = DirectConnections::new(&self.base, self.timeout, self.keep_alive)?;
        Ok(self.direct.get_or_init(|| made).as_ref())
    }
}

/// Whether everything goes by reqwest: for whoever suspects the direct way, and for tests of both.
fn by_reqwest() -> bool {
    static BY_REQWEST: OnceLock<bool> = OnceLock::new();
    *BY_REQWEST.get_or_init(|| std::env::var_os("BLASTDECK_CLIENT").is_some_and(|client| client == "reqwest"))
}

fn no_client(error: &BuildError) -> ExchangeError {
    ExchangeError::NoClient { why: error.to_string() }
}

/// Shorter than the total timeout, so that a host that is down counts as not connected, and hence as not sent.
fn connect_timeout(timeout: Duration) -> Duration {
    (timeout / 2).min(Duration::from_secs(10))
}

/// Loads the platform's certificates once: for thousands of clients they take most of the time and memory.
pub(super) fn tls() -> Result<rustls::ClientConfig, BuildError> {
    static TLS: OnceLock<rustls::ClientConfig> = OnceLock::new();
    if let Some(made) = TLS.get() {
        return Ok(made.clone());
    }
    let mut made = rustls::ClientConfig::with_platform_verifier().map_err(|error| BuildError::Tls(chain(&error)))?;
    made.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TLS.get_or_init(|| made).clone())
}

/// A complete response.
#[derive(Debug)]
pub(super) struct HttpAnswer {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub headers: HeaderMap,
    /// As received.
    pub body: Bytes,
    pub via: Via,
    /// `None`: not by a direct connection.
    pub used: Option<UsedConnection>,
}

impl HttpAnswer {
    /// Whether this is the answer to the request that it came after, as far as can be known of one that names nobody: a second one that
    /// follows it on its connection gives away that one of them was not asked for.
    pub async fn is_the_only_one(&mut self) -> bool {
        match self.used.as_mut() {
            Some(used) => used.stays_silent().await,
            None => true,
        }
    }

    pub fn raw(&self) -> RawResponse {
        RawResponse { http_status: Some(self.status), body: self.body.clone() }
    }
}

/// Why there is no complete response.
#[derive(Debug)]
pub(super) enum ExchangeError {
    /// No client can be created on this machine: nothing is sent until that is fixed.
    NoClient { why: String },
    /// No byte of the request was sent: DNS, connection or TLS failed.
    NotSent { why: String },
    /// The request may have arrived. `raw` is the part of the response that was received.
    MayHaveSent { why: String, raw: RawResponse },
    /// There is a response, and it is longer than whatever was to be read of it. `raw` is its beginning.
    Overlong { why: String, raw: RawResponse },
}

impl ExchangeError {
    pub fn into_parts(self) -> (String, RawResponse) {
        match self {
            Self::NoClient { why } | Self::NotSent { why } => (why, RawResponse::default()),
            Self::MayHaveSent { why, raw } | Self::Overlong { why, raw } => (why, raw),
        }
    }
}

fn no_response_in_time(raw: RawResponse) -> ExchangeError {
    ExchangeError::MayHaveSent { why: "no response in time, after the request was sent".to_owned(), raw }
}

/// The causes in one line, without the outermost, which repeats the address.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    let inner = if causes.len() > 1 { &causes[1..] } else { &causes[..] };
    without_details(&clean(&inner.join(": "))).chars().take(300).collect()
}

/// `Retry-After` in seconds or as a date, at most an hour.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => RETRY_AFTER_MAX,
        Err(_) => (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now).to_std().unwrap_or_default(),
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Option<Duration> {
        let headers = [(RETRY_AFTER, text.parse().unwrap())].into_iter().collect();
        retry_after(&headers, "2026-06-15T04:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_by_a_date_and_is_never_endless() {
        assert_eq!(asked("17"), Some(Duration::from_secs(17)));
        assert_eq!(asked("Mon, 15 Jun 2026 04:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(asked("Mon, 15 Jun 2026 03:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(asked("99999999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(asked("99999999999999999999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(asked("soon"), None);
        assert_eq!(asked("-1"), None);
    }
}
