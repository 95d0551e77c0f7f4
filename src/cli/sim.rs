//! `sim`: runs the fake WhatsApp on this machine.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use color_eyre::eyre::eyre;
use color_eyre::{Report, Result};
use serde_json::json;

use super::Global;
use super::exit::UsageError;
use super::output::{json, line};
use crate::domain::pace::{Speed, parse_span};
use crate::shutdown::{SecondInterrupt, Shutdown};
use crate::sim::{CloudAccount, Fault, Options, StopWhen, WebhookTargets, receiver, run};

#[derive(Debug, clap::Args)]
pub(super) struct SimVerb {
    /// The address to listen on; loopback only.
    #[arg(long, default_value = "127.0.0.1:0", value_parser = loopback)]
    listen: SocketAddr,
    /// The same seed gives the same people the same fates.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How much faster than real time its people react.
    #[arg(long, default_value = "1")]
    speed: Speed,
    /// The response time of a send, in real time.
    #[arg(long, default_value = "50ms", value_parser = span)]
    latency: Duration,
    /// Make this share of sends, messages or webhooks misbehave; an unknown name lists all of them.
    ///
    /// Answers to sends: throttle, throttle-429, pair-limit, error, offline, html, slow, accept-then-hangup. Messages at
    /// Meta: async-131026, async-131049, async-131050, async-130472, async-131053, pacing-hold, pacing-drop,
    /// marketing-off, no-message-status, wa-id-rewritten. Webhooks: webhook-lost, webhook-repeated, webhook-duplicate, webhook-reorder,
    /// webhook-early, webhook-v23, webhook-outage (a share of the time, a minute each), no-delivered, no-phone.
    #[arg(long = "fault", value_name = "NAME=RATE")]
    faults: Vec<Fault>,
    /// Refuse every token but the one in this environment variable.
    #[arg(long, value_name = "VARIABLE")]
    token_env: Option<String>,
    /// Send Meta's webhooks here, signed.
    #[arg(long, value_name = "URL", value_parser = receiver)]
    webhook_url: Option<String>,
    /// Send WSAPME's webhooks here; the secret is in the path.
    #[arg(long, value_name = "URL", value_parser = receiver)]
    wsapme_webhook_url: Option<String>,
    /// What Meta's webhooks are signed with.
    #[arg(long, value_name = "SECRET", default_value_t = CloudAccount::default().app_secret_text())]
    app_secret: String,
    /// What the handshake of Meta's webhooks asks for.
    #[arg(long, value_name = "TOKEN", default_value_t = CloudAccount::default().verify_token)]
    verify_token: String,
    /// A number that can send through Meta; may be given several times.
    #[arg(long = "phone-number-id", value_name = "ID", default_values_t = CloudAccount::default().phone_number_ids)]
    phone_number_ids: Vec<String>,
    /// The most events in one of Meta's webhooks.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    webhook_batch: u16,
    /// End when standard input closes.
    #[arg(long, hide = true)]
    while_stdin: bool,
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| format!("`{text}` is not an address: write 127.0.0.1:PORT"))?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("the simulator listens on loopback only: write 127.0.0.1:PORT".to_owned())
    }
}

fn span(text: &str) -> Result<Duration, String> {
    parse_span(text).map_err(|error| error.to_string())
}

fn cannot_run(error: std::io::Error, listen: SocketAddr) -> Report {
    if error.kind() == std::io::ErrorKind::AddrInUse {
        return eyre!("{listen} is used by another program: name another port with --listen, or 0 for any free one");
    }
    error.into()
}

/// Prints what a sender's configuration needs: the address first, then the account at Meta.
fn announce(url: &str, (account, token_env): (&CloudAccount, Option<&str>), is_json: bool) -> Result<()> {
    let secret = account.app_secret_text();
    if is_json {
        return json(&json!({
            "base_url": url,
            "meta": {
                "base_url": url,
                "phone_number_id": account.phone_number_ids.first(),
                "phone_number_ids": account.phone_number_ids,
                "waba_id": account.waba_id,
                "app_secret": secret,
                "verify_token": account.verify_token,
            },
        }));
    }
    line(url)?;
    let token = token_env.map_or_else(|| "any token".to_owned(), |variable| format!("the token in ${variable}"));
    line(&format!("WSAPME: base_url {url}  {token}; device 5850, or another, which checks call doubtful"))?;
    line(&format!(
        "Meta: base_url {url}  phone_number_id {}  waba_id {}  app_secret {secret}  verify_token {}",
        account.phone_number_ids.join(" or "),
        account.waba_id,
        account.verify_token,
    ))
}

/// What is wrong with faults is known before anything listens, and before its address is printed.
pub(super) fn check_together(faults: &[Fault]) -> Result<(), UsageError> {
    Fault::check_together(faults).map_err(|error| UsageError(format!("--fault: {error}")))
}

impl SimVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        check_together(&self.faults)?;
        let shutdown = Shutdown::new();
        shutdown.on_signals(SecondInterrupt::Exit)?;
        let token = match &self.token_env {
            Some(variable) => Some(
                std::env::var(variable)
                    .map_err(|_| UsageError(format!("{variable} is not set: export it, or leave --token-env out")))?,
            ),
            None => None,
        };
        let account = CloudAccount {
            app_secret: self.app_secret.into(),
            verify_token: self.verify_token,
            phone_number_ids: self.phone_number_ids,
            webhook_batch: usize::from(self.webhook_batch),
            ..CloudAccount::default()
        };
        let options = Options {
            seed: self.seed,
            speed: self.speed.factor(),
            faults: self.faults,
            latency: self.latency,
            token: token.map(Into::into),
            account: account.clone(),
            webhooks: WebhookTargets { meta: self.webhook_url, wsapme: self.wsapme_webhook_url },
            ..Options::default()
        };
        let stop = if self.while_stdin {
            StopWhen::CancelledOrInputCloses(shutdown.token())
        } else {
            StopWhen::Cancelled(shutdown.token())
        };
        let is_json = global.json;
        run(self.listen, options, stop, move |address| {
            // Nobody may be reading; the simulator runs all the same.
            let _ = announce(&format!("http://{address}"), (&account, self.token_env.as_deref()), is_json);
        })
        .await
        .map_err(|error| cannot_run(error, self.listen))?;
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use clap::Args;

    use super::*;

    #[test]
    fn the_help_and_the_document_name_every_fault() {
        let help = SimVerb::augment_args(clap::Command::new("sim")).render_long_help().to_string();
        let document = include_str!("../../docs/SIMULATOR.md");

        for name in Fault::names().split(", ") {
            assert!(help.split([' ', ',', '.', ':', '\n']).any(|listed| listed == name), "{name} is not in the help");
            assert!(document.contains(&format!("`{name}`")), "{name} is not in docs/SIMULATOR.md");
        }
    }
}
