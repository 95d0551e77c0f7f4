//! `sim`: runs the fake WhatsApp on this machine.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use color_eyre::eyre::eyre;
use color_eyre::{Report, Result};
use serde_json::json;

use super::Global;
use super::output::{json, line};
use crate::domain::pace::{Speed, parse_span};
use crate::shutdown::{SecondInterrupt, Shutdown};
use crate::sim::{Fault, Options, StopWhen, run};

#[derive(Debug, clap::Args)]
pub(super) struct SimVerb {
    /// The address to listen on; loopback only.
    #[arg(long, default_value = "127.0.0.1:0")]
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
    /// Make this share of sends fail: throttle, error, accept-then-hangup, slow, offline, html.
    #[arg(long = "fault", value_name = "NAME=RATE")]
    faults: Vec<Fault>,
    /// Refuse every token but the one in this environment variable.
    #[arg(long, value_name = "VARIABLE")]
    token_env: Option<String>,
    /// End when standard input closes.
    #[arg(long, hide = true)]
    while_stdin: bool,
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

impl SimVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        let shutdown = Shutdown::new();
        shutdown.on_signals(SecondInterrupt::Exit)?;
        let token = match &self.token_env {
            Some(variable) => Some(std::env::var(variable).map_err(|_| {
                super::exit::UsageError(format!("{variable} is not set: export it, or leave --token-env out"))
            })?),
            None => None,
        };
        let options = Options {
            seed: self.seed,
            speed: self.speed.factor(),
            faults: self.faults,
            latency: self.latency,
            token: token.map(Into::into),
            ..Options::default()
        };
        let stop = if self.while_stdin {
            StopWhen::CancelledOrInputCloses(shutdown.token())
        } else {
            StopWhen::Cancelled(shutdown.token())
        };
        let is_json = global.json;
        run(self.listen, options, stop, move |address| {
            let url = format!("http://{address}");
            let _ = if is_json { json(&json!({ "base_url": url })) } else { line(&url) };
        })
        .await
        .map_err(|error| cannot_run(error, self.listen))?;
        Ok(ExitCode::SUCCESS)
    }
}
