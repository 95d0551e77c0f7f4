//! Calls to Meta's Graph API: addresses, headers, and what an answer that is no success means.

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Body, Method, Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use thiserror::Error;

use super::super::IsWanted;
use super::super::http::{BuildError, ExchangeError, HttpAnswer, HttpConnections, KeepAlive};
use super::super::lenient::{describe, json, short};
use super::codes;
use super::error::MetaError;
use crate::domain::retry::ErrorClass;
use crate::domain::sender::is_api_version;
use crate::domain::text::clean;
use crate::provider::BODY_MAX;

/// The longest page of a list, in bytes: 80 KB for each of a hundred templates.
const LIST_MAX: usize = 8 * 1024 * 1024;

/// The largest file that somebody sent takes this long on a slow line.
const FILE_TIMEOUT: Duration = Duration::from_secs(2 * 60);

/// The calls of one sender.
#[derive(Debug)]
pub(super) struct GraphClient {
    connections: HttpConnections,
    /// With the version.
    base: Url,
    /// The headers of every call. The token is marked as sensitive, so that it is not printed.
    headers: HeaderMap,
    /// To be masked where Meta repeats it.
    token: SecretString,
}

/// Why a call that sends nothing has no result.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GraphError {
    #[error("Meta cannot be reached: {0}")]
    Unreachable(String),
    /// With Meta's own code, or the HTTP status where it gave none.
    #[error("Meta refuses ({code}): {message}")]
    Refused { code: String, message: String },
    #[error("Meta's answer cannot be read: {0}")]
    Unreadable(String),
    #[error("the file came with the id `{0}`, which is none of Meta's (those are digits): it cannot be fetched")]
    NotAMediaId(String),
    #[error("the file has more than {limit} bytes, which are the most that are fetched")]
    TooLarge { limit: usize },
    #[error("Meta names an address that is not its own, `{0}`: the token is not sent there")]
    Elsewhere(String),
}

impl GraphError {
    /// Whether Meta refuses what was asked for, whoever asks: not for the token, the pace or a fault of its own.
    pub fn is_about_the_object(&self) -> bool {
        let Self::Refused { code, .. } = self else { return false };
        let is_missing = matches!(code.as_str(), "404" | "410");
        is_missing || codes::class(code) == Some(ErrorClass::FailRecipient)
    }

    /// Whether the token is not taken, or may not do this.
    pub fn refuses_token(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if codes::refuses_token(code) || matches!(code.as_str(), "401" | "403"))
    }

    /// Whether it leaves open what was asked: the answer cannot be read, something in between gave it, or Meta is in trouble or
    /// throttles the calls.
    pub fn says_nothing(&self) -> bool {
        match self {
            Self::Unreadable(_) => true,
            Self::Refused { code, .. } => {
                let passes = matches!(codes::class(code), Some(ErrorClass::Retry | ErrorClass::SlowSender));
                passes || code.starts_with("http_") && !self.refuses_token()
            }
            Self::Unreachable(_) | Self::NotAMediaId(_) | Self::TooLarge { .. } | Self::Elsewhere(_) => false,
        }
    }

    /// What an operator can do about it.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            // No template is in these calls.
            Self::Refused { code, .. } if code == "100" => Some("check `phone_number_id` and `waba_id`"),
            Self::Refused { code, .. } => codes::of_text(code).map(|entry| entry.advice),
            Self::Unreachable(_)
            | Self::Unreadable(_)
            | Self::NotAMediaId(_)
            | Self::TooLarge { .. }
            | Self::Elsewhere(_) => None,
        }
    }
}

impl GraphClient {
    /// Validates address, version and token.
    pub fn new(
        base_url: &str,
        version: &str,
        token: &SecretString,
        (timeout, keep_alive): (Duration, KeepAlive),
    ) -> Result<Self, BuildError> {
        let url = Url::parse(base_url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| BuildError::Address(clean(base_url).into_owned()))?;
        if !is_api_version(version) {
            return Err(BuildError::MetaVersion(clean(version).into_owned()));
        }
        let bearer = format!("Bearer {}", token.expose_secret());
        let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| BuildError::Token)?;
        bearer.set_sensitive(true);
        let headers = [(AUTHORIZATION, bearer), (ACCEPT, HeaderValue::from_static("application/json"))];
        Ok(Self {
            connections: HttpConnections::new(url.clone(), timeout, keep_alive),
            base: under(&url, version),
            headers: HeaderMap::from_iter(headers),
            token: token.clone(),
        })
    }

    /// The address of a call: `/{id}` or `/{id}/{edge}`.
    pub fn url(&self, path: &str) -> Url {
        under(&self.base, path)
    }

    pub fn post(&self, url: Url, content_type: HeaderValue, body: impl Into<Body>) -> Request {
        let mut request = Request::new(Method::POST, url);
        self.headers.clone_into(request.headers_mut());
        request.headers_mut().insert(CONTENT_TYPE, content_type);
        *request.body_mut() = Some(body.into());
        request
    }

    pub async fn exchange_if(&self, request: Request, is_wanted: IsWanted<'_>) -> Result<HttpAnswer, ExchangeError> {
        self.connections.exchange_if(request, is_wanted).await
    }

    /// Stops using the connection of an answer that is about another request.
    pub fn abandon(&self, answer: &HttpAnswer) {
        self.connections.abandon(answer);
    }

    /// The JSON of a `GET`. A page of a hundred templates is longer than any other answer.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, GraphError> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.call_within(self.get_request(url), LIST_MAX).await
    }

    fn get_request(&self, url: Url) -> Request {
        let mut request = Request::new(Method::GET, url);
        self.headers.clone_into(request.headers_mut());
        request
    }

    /// A file at an address of Meta's, of so many bytes at most.
    pub async fn file(&self, address: &str, limit: usize) -> Result<HttpAnswer, GraphError> {
        let request = self.file_request(address)?;
        let answer = Box::pin(self.connections.exchange_within(request, limit)).await;
        let answer = answer.map_err(|error| match error {
            ExchangeError::Overlong { raw, .. } if raw.http_status == Some(200) => GraphError::TooLarge { limit },
            error => no_answer(error),
        })?;
        if answer.status == 200 {
            return Ok(answer);
        }
        let refusal = self.success(&answer).err();
        Err(refusal.unwrap_or_else(|| GraphError::Unreadable(format!("HTTP {}", answer.status))))
    }

    fn file_request(&self, address: &str) -> Result<Request, GraphError> {
        let url = Url::parse(address).ok().filter(|url| self.is_metas(url));
        let url = url.ok_or_else(|| GraphError::Elsewhere(short(address)))?;
        let mut request = self.get_request(url);
        request.headers_mut().remove(ACCEPT);
        *request.timeout_mut() = Some(FILE_TIMEOUT);
        Ok(request)
    }

    /// Whether the token may be sent there: Meta's own hosts over TLS, or where the API itself is.
    fn is_metas(&self, url: &Url) -> bool {
        const HOSTS: [&str; 4] = ["facebook.com", "fbsbx.com", "fbcdn.net", "whatsapp.net"];
        let is_under =
            |host: &str| HOSTS.iter().any(|own| host.strip_suffix(own).is_some_and(|rest| rest.ends_with('.')));
        url.origin() == self.base.origin() || url.scheme() == "https" && url.host_str().is_some_and(is_under)
    }

    /// The JSON of a call that sends no message.
    pub async fn call(&self, request: Request) -> Result<Value, GraphError> {
        self.call_within(request, BODY_MAX).await
    }

    async fn call_within(&self, request: Request, limit: usize) -> Result<Value, GraphError> {
        let answer = Box::pin(self.connections.exchange_within(request, limit)).await.map_err(no_answer)?;
        self.success(&answer)
    }

    fn success(&self, answer: &HttpAnswer) -> Result<Value, GraphError> {
        let status = answer.status;
        let body = json(&answer.body);
        if let Some(error) = body.as_ref().and_then(MetaError::of_answer) {
            let code = error.code.map_or_else(|| format!("http_{status}"), |code| code.to_string());
            let message = if error.message.is_empty() { format!("HTTP {status}") } else { error.message };
            return Err(GraphError::Refused { code, message: self.without_token(message) });
        }
        if !(200..300).contains(&status) {
            let message = describe(&answer.body).to_owned();
            return Err(GraphError::Refused { code: format!("http_{status}"), message });
        }
        body.ok_or_else(|| GraphError::Unreadable(describe(&answer.body).to_owned()))
    }

    /// Masks this sender's token in a sentence of Meta's, which goes to logs and screens. Tokens of others are recognised
    /// by their form where errors are read.
    pub fn without_token(&self, sentence: String) -> String {
        let token = self.token.expose_secret();
        if token.is_empty() || !sentence.contains(token) { sentence } else { sentence.replace(token, "…") }
    }
}

fn no_answer(error: ExchangeError) -> GraphError {
    match error.into_parts() {
        (why, raw) if raw.http_status.is_some() => GraphError::Unreadable(why),
        (why, _) => GraphError::Unreachable(why),
    }
}

/// An id in a path: digits only, so that it is never taken for another call.
pub(super) fn valid_id(id: &str) -> Result<&str, BuildError> {
    let is_valid = (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    if is_valid { Ok(id) } else { Err(BuildError::MetaId(clean(id).into_owned())) }
}

fn under(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_longer_than_other_calls() {
        let options = (Duration::from_secs(30), KeepAlive::PerCall);
        let client = GraphClient::new("https://graph.facebook.com", "v24.0", &SecretString::from("s3cret"), options);

        let request = client.unwrap().file_request("https://lookaside.fbsbx.com/file").unwrap();

        assert_eq!(request.timeout(), Some(&FILE_TIMEOUT));
    }
}
