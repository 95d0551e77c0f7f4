//! A sender as this process can use it: its id, its limits, its provider.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono_tz::Tz;
use secrecy::SecretString;
use sqlx::PgPool;

use super::machine_memory::SenderKey;
use super::people_readings::PeopleReadings;
use super::sender_token::SenderToken;
use crate::config;
use crate::domain::ids::SenderId;
use crate::domain::opt_out::StopWords;
use crate::domain::pace::{self, Limits, PairGap, Rate, Speed};
use crate::domain::phone::Region;
use crate::domain::polling::default_polls_per_second;
use crate::domain::retry::{CodeRetry, CodeRule, NEXT_DAY_TRIES};
use crate::domain::sender::{ProviderKind, SenderDevice};
use crate::provider::meta::{Meta, MetaOptions};
use crate::provider::wsapme::{KeepAlive, Wsapme, WsapmeOptions};
use crate::provider::{Provider, ProviderStage, SendOutcome};
use crate::store::sender::SenderRegistration;
use crate::store::{self, StoreError};

/// A configured sender.
#[derive(Clone)]
pub struct ConfiguredSender {
    pub id: SenderId,
    pub name: String,
    /// Which phone it is by this process's configuration.
    pub device: SenderDevice,
    pub region: Region,
    pub limits: Limits,
    /// Between two messages to the same number.
    pub pair_gap: Option<PairGap>,
    /// POSTs in flight at once.
    pub in_flight: usize,
    /// Status queries a second.
    pub polls_per_second: f64,
    pub provider: Arc<dyn Provider>,
    /// Whether *not now* is tried again by itself after a day.
    pub retry_next_day: bool,
    /// Whether its configuration accepts webhooks.
    pub receives_webhooks: bool,
    /// The same as `provider`, for what only Meta has: templates, uploads, subscriptions.
    pub meta: Option<Arc<Meta>>,
    pub token: Arc<SenderToken>,
    /// Meta's limit of people, as it was last read for forecasts.
    pub people_readings: PeopleReadings,
    is_elsewhere: Arc<AtomicBool>,
}

impl ConfiguredSender {
    /// Whose memory is kept of it.
    pub fn key(&self) -> SenderKey<'_> {
        SenderKey { id: self.id, name: &self.name }
    }

    pub fn kind(&self) -> ProviderKind {
        if self.meta.is_some() { ProviderKind::Meta } else { ProviderKind::Wsapme }
    }

    /// Compares with the database, where the sender may have been moved to another phone since this process was started.
    /// Returns whether this process may send for it.
    pub async fn is_current(&self, pool: &PgPool) -> Result<bool, StoreError> {
        let known = store::sender::device(pool, self.id).await?;
        let is_elsewhere = known.as_ref().is_some_and(|known| *known != self.device);
        if self.is_elsewhere.swap(is_elsewhere, Ordering::Relaxed) != is_elsewhere && is_elsewhere {
            tracing::warn!(sender = %self.name, why = self.elsewhere(), "nothing is sent for it here any more");
        }
        Ok(!is_elsewhere)
    }

    /// Whether the sender was another phone when the database was last asked.
    pub fn is_elsewhere(&self) -> bool {
        self.is_elsewhere.load(Ordering::Relaxed)
    }

    /// Why this process does not send for a sender that was moved.
    pub fn elsewhere(&self) -> String {
        format!(
            "sender {} was moved to another phone and is no longer {}: start again with the configuration in force",
            self.name, self.device
        )
    }

    /// Whether its configuration names another token by now, as a file does that was rewritten.
    pub fn has_newer_token(&self, sender: &config::SenderConfig) -> bool {
        let token = sender.token.read(&self.name).map(|token| SenderToken::new(&self.device, &token));
        token.is_ok_and(|token| token.fingerprint() != self.token.fingerprint())
    }

    pub const fn zone(&self) -> Tz {
        self.limits.zone
    }

    /// Whether neither gap nor rate of its own binds it.
    pub fn is_unlimited(&self) -> bool {
        self.limits.gap.is_none() && self.limits.rate == Rate::Unlimited
    }
}

impl ConfiguredSender {
    /// The same sender with a rate of at most so many messages a second.
    #[must_use]
    pub fn capped(&self, per_second: Option<u32>) -> Self {
        Self { limits: self.limits.capped(per_second), ..self.clone() }
    }

    /// When a code is tried again: as its provider says, and as the sender is set.
    pub fn code_rule(&self, code: &str) -> CodeRule {
        let rule = self.provider.code_rule(code);
        match rule.retry {
            CodeRetry::OnRequest { after } if self.retry_next_day && !after.is_zero() => {
                CodeRule { retry: CodeRetry::Automatic { tries: NEXT_DAY_TRIES, after }, ..rule }
            }
            _ => rule,
        }
    }

    /// Whether a status word says that the message failed.
    pub fn is_failure(&self, word: &str) -> bool {
        self.provider.stage_of(word) == Some(ProviderStage::Failed)
    }

    /// Whether a message was accepted and reported as failed in one answer.
    pub fn has_failed(&self, outcome: &SendOutcome) -> bool {
        let SendOutcome::Accepted { provider_status: Some(word), .. } = outcome else { return false };
        self.is_failure(word)
    }
}

/// The rate that binds a sender, in messages an hour on average; `None` where none does.
pub fn per_hour(limits: &Limits) -> Option<i64> {
    whole(pace::per_hour(limits, &Limits::none(limits.zone)))
}

/// Messages an hour, as a whole number.
#[expect(clippy::cast_possible_truncation, reason = "far below 2^63: a rehearsal's fastest rate is 4e13")]
pub fn whole(per_hour: Option<f64>) -> Option<i64> {
    per_hour.map(|per_hour| per_hour.round() as i64)
}

impl ConfiguredSender {
    /// From the configuration; the reason as a sentence when it cannot be used.
    pub fn build(sender: &config::SenderConfig, id: SenderId, config: &config::Config) -> Result<Self, String> {
        let token = sender.token.read(&sender.name).map_err(|error| error.to_string())?;
        let meta = match sender.provider {
            ProviderKind::Wsapme => None,
            ProviderKind::Meta => Some(Arc::new(meta(sender, &token)?)),
        };
        let own_token = SenderToken::new(&sender.identity(), &token);
        let provider: Arc<dyn Provider> = match &meta {
            Some(meta) => meta.clone(),
            None => Arc::new(wsapme(sender, token)?),
        };
        Ok(Self {
            id,
            name: sender.name.clone(),
            device: sender.identity(),
            region: sender.region,
            limits: sender.limits(config.engine.speed),
            pair_gap: sender.pair_gap,
            in_flight: usize::try_from(sender.in_flight).unwrap_or(1),
            polls_per_second: config.polling.per_second.unwrap_or_else(|| default_polls_per_second(may_send(sender))),
            provider,
            retry_next_day: sender.meta.as_ref().is_some_and(|meta| meta.retry_next_day),
            receives_webhooks: meta.is_some() || sender.webhook_secret.is_some(),
            meta,
            token: Arc::new(own_token),
            people_readings: PeopleReadings::default(),
            is_elsewhere: Arc::default(),
        })
    }
}

/// A sender as the database is to know it.
pub fn registration(sender: &config::SenderConfig, stop_words: &StopWords) -> SenderRegistration {
    SenderRegistration {
        name: sender.name.clone(),
        business: sender.business().to_owned(),
        rehearsal: sender.is_rehearsal(),
        device: sender.identity(),
        account: sender.meta.as_ref().map(|meta| meta.waba_id.clone()),
        stop_words: stop_words.words().to_vec(),
    }
}

/// Why a sender cannot be used that has this name in the database too, but is another phone there: two configurations on
/// one database, or one that was edited.
pub fn is_another_phone(sender: &config::SenderConfig, device: &SenderDevice) -> String {
    let (name, ours) = (&sender.name, sender.identity());
    format!(
        "in this database sender {name} is {device}, in this configuration {ours}: \
         to send from this one from now on, run `blastdeck sender move {name}`, and start again what is open: windows, engines, serve"
    )
}

/// How many messages a second a sender may send; `None`: no limit.
fn may_send(sender: &config::SenderConfig) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "at most 36 million an hour")]
    per_hour(&sender.limits(Speed::REAL)).map(|messages| messages as f64 / 3_600.0)
}

fn wsapme(sender: &config::SenderConfig, token: SecretString) -> Result<Wsapme, String> {
    let options = WsapmeOptions {
        base_url: sender.base_url.as_str().to_owned(),
        device: sender.device.clone(),
        token,
        timeout: sender.timeout,
        keep_alive: keep_alive(sender),
        status_call: sender.status_call,
    };
    Wsapme::new(options).map_err(|error| error.to_string())
}

fn meta(sender: &config::SenderConfig, token: &SecretString) -> Result<Meta, String> {
    let Some(meta) = &sender.meta else { return Err(format!("sender {} has no phone_number_id", sender.name)) };
    let options = MetaOptions {
        base_url: sender.base_url.as_str().to_owned(),
        api_version: meta.api_version.clone(),
        phone_number_id: meta.phone_number_id.clone(),
        waba_id: meta.waba_id.clone(),
        token: token.clone(),
        timeout: sender.timeout,
        keep_alive: keep_alive(sender),
        send_edge: meta.send_edge,
    };
    Meta::new(&options).map_err(|error| error.to_string())
}

/// Up to so many messages a second, a connection for each call costs nothing that anybody would notice.
const UNHURRIED: f64 = 1.0;

/// A kept connection that has gone stale since the last message would end as *unknown*, and an answer that nobody asked for on it would
/// be taken for the next one's: only a sender that is in a hurry keeps any.
fn keep_alive(sender: &config::SenderConfig) -> KeepAlive {
    let is_unhurried = sender.rate.per_second().is_some_and(|rate| rate <= UNHURRIED);
    if sender.gap.is_some() || is_unhurried { KeepAlive::PerCall } else { pooled(sender.in_flight) }
}

/// As many idle connections as POSTs may be in flight: with fewer, each burst would open the rest again.
fn pooled(in_flight: u32) -> KeepAlive {
    KeepAlive::Pooled { at_rest: usize::try_from(in_flight).unwrap_or(usize::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn kept(pace: &str) -> KeepAlive {
        let config = format!(
            "[[senders]]\nname = \"sales\"\nprovider = \"wsapme\"\ndevice = \"1\"\ntoken = {{ env = \"T\" }}\nin_flight = 7\n{pace}\n"
        );
        keep_alive(&Config::from_toml_str(&config).unwrap().senders[0])
    }

    #[test]
    fn only_a_sender_that_is_in_a_hurry_keeps_connections() {
        for unhurried in
            ["rate = \"20/min\"", "rate = \"1/s\"", "rate = \"3600/h\"", "rate = \"unlimited\"\ngap = \"1s..2s\""]
        {
            assert_eq!(kept(unhurried), KeepAlive::PerCall, "{unhurried}");
        }
        for hurried in ["rate = \"2/s\"", "rate = \"unlimited\""] {
            assert_eq!(kept(hurried), KeepAlive::Pooled { at_rest: 7 }, "{hurried}");
        }
    }
}
