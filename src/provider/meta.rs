//! Meta's WhatsApp Cloud API. `docs/META.md` has the facts that this client relies on.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Url;
use reqwest::header::HeaderValue;
use secrecy::SecretString;

use super::http::{ExchangeError, HttpAnswer};
use super::{
    Health, HealthVerdict, IsWanted, MessageContent, NOT_CONNECTED, Outgoing, Provider, ProviderStage, QuotaPressure,
    RawResponse, SendOutcome, SendReply, StatusFinding, StatusQuery, StatusReply,
};
use crate::domain::retry::{CodeRule, ErrorClass};
pub use crate::domain::sender::SendEdge;

pub mod callback;
pub mod catalogue;
pub mod codes;
mod download;
pub mod error;
mod graph;
pub mod limit;
pub mod preflight;
mod send;
pub mod usage;
pub mod webhook;

pub use download::FetchedMedia;
pub use graph::GraphError;
pub use send::wa_id;

pub use super::http::{BuildError, KeepAlive};

/// The options of a client.
#[derive(Debug)]
pub struct MetaOptions {
    /// `https://graph.facebook.com`, or this machine for a rehearsal.
    pub base_url: String,
    /// `v24.0`.
    pub api_version: String,
    pub phone_number_id: String,
    /// The WhatsApp business account's id: templates and subscriptions are its own.
    pub waba_id: String,
    pub token: SecretString,
    /// The total timeout of one call, including connecting and reading.
    pub timeout: Duration,
    pub keep_alive: KeepAlive,
    pub send_edge: SendEdge,
}

/// One sender's client of Meta.
#[derive(Debug)]
pub struct Meta {
    graph: graph::GraphClient,
    /// For templates. Parsed once, as the other.
    send_url: Url,
    /// For text, which only `messages` takes.
    text_url: Url,
    phone_number_id: String,
    waba_id: String,
    send_edge: SendEdge,
    /// As the last answer to a send put it.
    usage: Mutex<usage::LastUsage>,
    /// What follows from it, until somebody asks.
    pressure: Mutex<Option<QuotaPressure>>,
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl Meta {
    /// Validates the options. The HTTP client is created on first use.
    pub fn new(options: &MetaOptions) -> Result<Self, BuildError> {
        let client = (options.timeout, options.keep_alive);
        let graph = graph::GraphClient::new(&options.base_url, &options.api_version, &options.token, client)?;
        let phone_number_id = graph::valid_id(&options.phone_number_id)?.to_owned();
        let edge = match options.send_edge {
            SendEdge::Messages => "messages",
            SendEdge::MarketingMessages => "marketing_messages",
        };
        Ok(Self {
            send_url: graph.url(&format!("{phone_number_id}/{edge}")),
            text_url: graph.url(&format!("{phone_number_id}/messages")),
            graph,
            phone_number_id,
            waba_id: graph::valid_id(&options.waba_id)?.to_owned(),
            send_edge: options.send_edge,
            usage: Mutex::default(),
            pressure: Mutex::default(),
        })
    }

    /// How much of the quota of calls is used, as far as answers to sends have said.
    pub fn usage(&self) -> usage::ApiUsage {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner).usage
    }

    /// Whether it takes marketing templates only.
    pub fn is_for_marketing(&self) -> bool {
        self.send_edge == SendEdge::MarketingMessages
    }

    /// The WhatsApp business account's id.
    pub fn waba_id(&self) -> &str {
        &self.waba_id
    }

    async fn send_once(&self, message: &Outgoing, is_wanted: IsWanted<'_>) -> SendReply {
        let url = match &message.content {
            MessageContent::Text(_) => &self.text_url,
            MessageContent::Template(_) => &self.send_url,
        };
        let request = self.graph.post(url.clone(), JSON, send::body(message));
        match self.graph.exchange_if(request, is_wanted).await {
            Ok(mut answer) => {
                self.note_usage(&answer);
                let outcome = send::classify(&answer, &message.to).map(|outcome| self.without_token(outcome));
                let outcome = outcome.unwrap_or_else(|| self.mixed_up(&answer));
                SendReply { outcome: outcome.unless_followed(&mut answer, "Meta").await, raw: answer.raw() }
            }
            Err(ExchangeError::NoClient { why }) => {
                SendReply { outcome: send::no_client(why), raw: RawResponse::default() }
            }
            Err(ExchangeError::NotSent { why }) => {
                SendReply { outcome: send::not_connected(why), raw: RawResponse::default() }
            }
            Err(ExchangeError::MayHaveSent { why, raw } | ExchangeError::Overlong { why, raw }) => {
                SendReply { outcome: SendOutcome::Unknown { why }, raw }
            }
        }
    }

    fn without_token(&self, outcome: SendOutcome) -> SendOutcome {
        match outcome {
            SendOutcome::Rejected { class, code, message, retry_after } => {
                SendOutcome::Rejected { class, code, message: self.graph.without_token(message), retry_after }
            }
            SendOutcome::Unknown { why } => SendOutcome::Unknown { why: self.graph.without_token(why) },
            accepted @ SendOutcome::Accepted { .. } => accepted,
        }
    }

    fn note_usage(&self, answer: &HttpAnswer) {
        let seen = self.usage.lock().unwrap_or_else(PoisonError::into_inner).read(&answer.headers);
        if seen.is_known() {
            *self.pressure.lock().unwrap_or_else(PoisonError::into_inner) = seen.pressure();
        }
    }

    /// The answer belongs to another request: later answers on its connection would be off by one as well.
    fn mixed_up(&self, answer: &HttpAnswer) -> SendOutcome {
        self.graph.abandon(answer);
        let why = format!("Meta answers HTTP {} about another person: the connection is closed", answer.status);
        SendOutcome::Unknown { why }
    }

    async fn examine(&self) -> Health {
        match self.number().await {
            Ok(number) => number.health(),
            Err(error) => {
                let advice = error.advice().map(|advice| format!("; {advice}")).unwrap_or_default();
                let verdict = match () {
                    () if error.refuses_token() => HealthVerdict::TokenRefused,
                    () if error.says_nothing() => HealthVerdict::Unknown,
                    () => HealthVerdict::Bad,
                };
                Health { verdict, detail: format!("{error}{advice}") }
            }
        }
    }
}

/// The stage of a webhook's status; `None` for one that changes nothing, such as `deleted`.
pub fn stage_of(status: &str) -> Option<ProviderStage> {
    match status.trim().to_ascii_lowercase().as_str() {
        "sent" => Some(ProviderStage::Sent),
        "delivered" => Some(ProviderStage::Delivered),
        "read" | "played" => Some(ProviderStage::Read),
        "failed" => Some(ProviderStage::Failed),
        _ => None,
    }
}

/// Whether Meta keeps an accepted message back: until it is `sent`, or fails with 132015.
pub fn is_held(provider_status: &str) -> bool {
    matches!(provider_status, "held_for_quality_assessment" | "paused")
}

/// What an operator can do about a code of ours.
fn own_advice(code: &str) -> Option<&'static str> {
    Some(match code {
        NOT_CONNECTED => "Meta could not be reached: check the network and base_url",
        "client" => "this machine cannot create a TLS client: install its CA certificates",
        "message" => "no message could be built for them: correct their row, and send to them in a new blast",
        _ => return None,
    })
}

impl Provider for Meta {
    fn send_if<'a>(&'a self, message: &'a Outgoing, is_wanted: IsWanted<'a>) -> BoxFuture<'a, SendReply> {
        self.send_once(message, is_wanted).boxed()
    }

    fn sends_templates(&self) -> bool {
        true
    }

    fn returns_callback_data(&self) -> bool {
        true
    }

    fn answers_status(&self) -> bool {
        false
    }

    fn status<'a>(&'a self, _asked: StatusQuery<'a>) -> BoxFuture<'a, StatusReply> {
        let finding = StatusFinding::Nothing { why: "Meta reports statuses by webhook only".to_owned() };
        std::future::ready(StatusReply { finding, raw: RawResponse::default() }).boxed()
    }

    fn stage_of(&self, status: &str) -> Option<ProviderStage> {
        stage_of(status)
    }

    fn advice(&self, code: &str) -> Option<&'static str> {
        advice(code)
    }

    fn failure_class(&self, code: Option<&str>) -> ErrorClass {
        failure_class(code)
    }

    fn quota_pressure(&self) -> Option<QuotaPressure> {
        self.pressure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn code_rule(&self, code: &str) -> CodeRule {
        code_rule(code)
    }

    fn health(&self) -> BoxFuture<'_, Health> {
        self.examine().boxed()
    }
}

pub(super) fn code_rule(code: &str) -> CodeRule {
    codes::rule(code)
}

pub(super) fn advice(code: &str) -> Option<&'static str> {
    codes::of_text(code).map(|entry| entry.advice).or_else(|| own_advice(code))
}

pub(super) fn refusal_class(code: &str) -> Option<ErrorClass> {
    codes::class(code)
}

pub(super) fn refuses_token(code: &str) -> bool {
    codes::refuses_token(code)
}

pub(super) fn is_shown_by_health(code: &str) -> bool {
    codes::is_shown_by_health(code)
}

pub(super) fn failure_class(code: Option<&str>) -> ErrorClass {
    codes::after_acceptance(code)
}

#[cfg(test)]
mod tests;
