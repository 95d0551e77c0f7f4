//! `bench`: measures what this machine and this database can do, in its own schema or a throwaway Postgres. The
//! simulator is a separate process, so that its work is not counted as ours.

mod bare_loop;
mod database;
mod environment;
mod import;
mod send;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Subcommand;
use color_eyre::Result;
use serde_json::{Value, json};

use super::Global;
use super::output::{json, line, talk};
use crate::domain::pace::parse_span;
use environment::BenchEnvironment;

#[derive(Debug, Subcommand)]
pub(super) enum BenchVerb {
    /// Send to made-up people through the simulator.
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
    },
    /// The sending process of `bench send`.
    #[command(hide = true)]
    Sending(send::SenderProcessArgs),
    /// Import a list, compared with one plain COPY of the same rows into the same table.
    Import {
        #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        count: u32,
    },
    /// Read the funnel of a blast.
    Funnel {
        #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        count: u32,
    },
}

fn span(text: &str) -> Result<Duration, String> {
    parse_span(text).map_err(|error| error.to_string())
}

impl BenchVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        let (latency, in_flight) = match &self {
            Self::Send { latency, in_flight, .. } => (*latency, *in_flight),
            Self::Import { .. } | Self::Funnel { .. } => (Duration::ZERO, 1),
            Self::Sending(sending) => {
                json(&send::sending(sending).await?)?;
                return Ok(ExitCode::SUCCESS);
            }
        };
        let environment = BenchEnvironment::make(global, latency, in_flight).await?;
        let figures = match self {
            Self::Send { count, .. } => send::measure(&environment, count, latency, in_flight).await,
            Self::Import { count } => import::measure(&environment, count).await,
            Self::Funnel { count } => funnel(&environment, count).await,
            Self::Sending(_) => Ok(Value::Null),
        };
        environment.clear().await?;
        print(global, &figures?)?;
        Ok(ExitCode::SUCCESS)
    }
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
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    Ok(json!({ "people": count, "median_ms": round(at(50)), "p99_ms": round(at(99)) }))
}

/// Three decimal places are precise enough.
fn round(figure: f64) -> f64 {
    (figure * 1_000.0).round() / 1_000.0
}

fn print(global: &Global, figures: &Value) -> Result<()> {
    if global.json {
        return json(figures);
    }
    let Value::Object(fields) = figures else { return Ok(()) };
    for (name, figure) in fields {
        line(&format!("{:<26} {figure}", name.replace('_', " ")))?;
    }
    talk("figures differ from run to run; compare ratios within one");
    Ok(())
}
