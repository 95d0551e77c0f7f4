//! `bench`: measures what this machine and this database can do, in its own schema or a throwaway Postgres. The
//! simulator is a separate process, so that its work is not counted as ours.

mod bare_loop;
mod database;
mod environment;
mod events;
mod frame;
mod import;
mod ingest;
mod process;
mod send;
mod server;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Subcommand;
use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::Global;
use super::output::{after_tidying, json, line, talk};
use crate::config::BaseUrl;
use crate::domain::pace::parse_span;
use crate::domain::sender::ProviderKind;
use environment::{BenchEnvironment, BenchSender};

#[derive(Debug, Subcommand)]
pub(super) enum BenchVerb {
    /// Send to made-up people through the simulator, then once more with answers after 1 ms.
    Send {
        /// How many people.
        #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        count: u32,
        /// The provider's response time.
        #[arg(long, default_value = "50ms", value_parser = span)]
        latency: Duration,
        /// POSTs in flight at once.
        #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4_096))]
        in_flight: u32,
        /// Over whose API.
        #[arg(long, default_value = "wsapme")]
        provider: ProviderKind,
        /// Send to another stand-in on this machine than the simulator, such as `http://127.0.0.1:9000`, and once only. It has to
        /// accept any token and any number.
        #[arg(long, value_parser = stand_in)]
        provider_url: Option<BaseUrl>,
    },
    /// Receive signed webhooks of Meta's and apply them.
    Ingest(ingest::IngestArgs),
    /// The receiving process of `bench ingest`.
    #[command(hide = true)]
    Receiving,
    /// The sending process of `bench send`.
    #[command(hide = true)]
    Sending(send::SenderProcessArgs),
    /// Let viewers watch a blast's events while it is sent.
    Events(events::EventsArgs),
    /// The serving process of `bench events`.
    #[command(hide = true)]
    Watched,
    /// Import a list, compared with one plain COPY of the same rows into the same table.
    Import {
        /// How many people.
        #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        count: u32,
    },
    /// Watch the dashboard over a large blast whose people change: how soon a key shows, and what it costs.
    Frame(frame::FrameArgs),
    /// Read the funnel of a blast.
    Funnel {
        /// How many people.
        #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        count: u32,
    },
}

/// The second measurement of `bench send`: a provider that answers at once, and as many POSTs as keep it busy.
const ANSWERS_AT_ONCE: Duration = Duration::from_millis(1);
const AT_ONCE: u32 = 256;

/// The bench's people are made up, but their numbers may be somebody's.
fn stand_in(text: &str) -> Result<BaseUrl, &'static str> {
    let url: BaseUrl = text.parse()?;
    if url.is_loopback() { Ok(url) } else { Err("a bench sends to this machine only") }
}

fn span(text: &str) -> Result<Duration, String> {
    parse_span(text).map_err(|error| error.to_string())
}

impl BenchVerb {
    /// `stop_on_signals` is for the bench itself: its processes end with it.
    pub(super) async fn run(
        self,
        global: &Global,
        stop_on_signals: impl FnOnce() -> Result<CancellationToken>,
    ) -> Result<ExitCode> {
        match &self {
            Self::Sending(sending) => {
                json(&send::sending(sending).await?)?;
                return Ok(ExitCode::SUCCESS);
            }
            Self::Receiving => return ingest::receiving(global).await,
            Self::Watched => return events::watched(global).await,
            Self::Send { .. }
            | Self::Ingest(_)
            | Self::Events(_)
            | Self::Frame(_)
            | Self::Import { .. }
            | Self::Funnel { .. } => {}
        }
        let stop = stop_on_signals()?;
        let (latency, sender) = self.needs();
        let mut environment = BenchEnvironment::make(global, latency, sender).await?;
        if let Self::Send { provider_url, .. } = &self {
            environment.send_to(provider_url.clone());
        }
        let figures = unless_stopped(&stop, Box::pin(self.measure(&environment, latency))).await;
        let mut figures = after_tidying(figures, |_| true, environment.clear().await)?;
        if let (Self::Send { count, provider, provider_url: None, .. }, Value::Object(figures)) = (self, &mut figures) {
            figures.insert("nothing_waits".to_owned(), nothing_waits(global, provider, count, &stop).await?);
        }
        print(global, &figures)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn measure(&self, environment: &BenchEnvironment, latency: Duration) -> Result<Value> {
        match self {
            Self::Send { count, .. } => send::measure(environment, *count, latency).await,
            Self::Ingest(ingest) => ingest::measure(environment, ingest).await,
            Self::Events(events) => events::measure(environment, events).await,
            Self::Frame(frame) => frame::measure(environment, frame).await,
            Self::Import { count } => import::measure(environment, *count).await,
            Self::Funnel { count } => funnel(environment, *count).await,
            Self::Sending(_) | Self::Receiving | Self::Watched => Ok(Value::Null),
        }
    }

    /// The provider's response time, and the sender.
    const fn needs(&self) -> (Duration, BenchSender) {
        match self {
            Self::Send { latency, in_flight, provider, .. } => {
                (*latency, BenchSender { provider: *provider, in_flight: *in_flight })
            }
            Self::Ingest(_) => (Duration::ZERO, BenchSender { provider: ProviderKind::Meta, in_flight: 1 }),
            Self::Events(events) => {
                (events::LATENCY, BenchSender { provider: ProviderKind::Wsapme, in_flight: events.in_flight })
            }
            _ => (Duration::ZERO, BenchSender { provider: ProviderKind::Wsapme, in_flight: 1 }),
        }
    }
}

/// A bench that is stopped ends as one that failed: its schema is removed all the same.
async fn unless_stopped(stop: &CancellationToken, measured: impl Future<Output = Result<Value>>) -> Result<Value> {
    tokio::select! {
        figures = measured => figures,
        () = stop.cancelled() => Err(eyre!("the bench was stopped: nothing of it is left")),
    }
}

/// The same sending to a provider that answers at once: nothing but the work itself takes time.
async fn nothing_waits(global: &Global, provider: ProviderKind, count: u32, stop: &CancellationToken) -> Result<Value> {
    let sender = BenchSender { provider, in_flight: AT_ONCE };
    let environment = BenchEnvironment::make(global, ANSWERS_AT_ONCE, sender).await?;
    let measured = Box::pin(send::measure(&environment, count, ANSWERS_AT_ONCE));
    let figures = unless_stopped(stop, measured).await;
    let mut figures = after_tidying(figures, |_| true, environment.clear().await)?;
    if let Value::Object(figures) = &mut figures {
        figures.insert("latency_ms".to_owned(), json!(ANSWERS_AT_ONCE.as_millis()));
        figures.insert("in_flight".to_owned(), json!(AT_ONCE));
    }
    Ok(figures)
}

/// The median and 99th percentile of many reads, in milliseconds.
async fn funnel(environment: &BenchEnvironment, count: u32) -> Result<Value> {
    let blast = environment.draft(count).await?;
    // The first read opens the connection and plans the statement.
    environment.app().counts(blast).await?;
    let mut times = Vec::new();
    for _ in 0..1_000 {
        let began = Instant::now();
        environment.app().counts(blast).await?;
        times.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(json!({ "people": count, "median_ms": round(percentile(&times, 50)), "p99_ms": round(percentile(&times, 99)) }))
}

/// Of figures in ascending order.
fn percentile(sorted: &[f64], share: usize) -> f64 {
    sorted.get(sorted.len() * share / 100).copied().unwrap_or_default()
}

/// Three decimal places are precise enough.
fn round(figure: f64) -> f64 {
    (figure * 1_000.0).round() / 1_000.0
}

/// A line each; those of a second measurement below its name.
fn print_fields(figures: &Value, indent: &str) -> Result<()> {
    let Value::Object(fields) = figures else { return Ok(()) };
    let (own, further): (Vec<_>, Vec<_>) = fields.iter().partition(|(_, figure)| !figure.is_object());
    for (name, figure) in own {
        line(&format!("{indent}{:<26} {figure}", name.replace('_', " ")))?;
    }
    for (name, figures) in further {
        line(&name.replace('_', " "))?;
        print_fields(figures, "  ")?;
    }
    Ok(())
}

fn print(global: &Global, figures: &Value) -> Result<()> {
    if global.json {
        return json(figures);
    }
    print_fields(figures, "")?;
    talk("figures differ from run to run; compare ratios within one");
    Ok(())
}
