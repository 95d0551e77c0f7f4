//! `bench send`: the whole path, compared with a bare loop in the same run. Each runs in its own process with its own
//! connections, so that the memory of the import and of the other is not counted.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use color_eyre::Result;
use color_eyre::eyre::{WrapErr, eyre};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::environment::{self, BenchEnvironment, BenchSender};
use super::process::{OWN, cpu, end_with_the_input, peak_memory};
use super::server::ServerCost;
use super::{bare_loop, database, round};
use crate::app::{App, Launch};
use crate::domain::blast::BlastState;
use crate::domain::content::BlastContent;
use crate::domain::engine_role::EngineRole;
use crate::domain::ids::BlastId;
use crate::domain::sender::ProviderKind;
use crate::engine::{self, RunOptions, Until};

/// The arguments of the sending process.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SenderProcessArgs {
    /// The blast; a bare loop without one.
    #[arg(long)]
    blast: Option<i64>,
    #[arg(long)]
    count: u32,
    #[arg(long)]
    in_flight: u32,
    #[arg(long)]
    provider: ProviderKind,
    #[arg(long)]
    base_url: String,
    #[arg(long)]
    sender_dir: PathBuf,
}

/// What one way of sending cost.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Measured {
    people: u32,
    pub(super) seconds: f64,
    /// CPU time of the process, in seconds.
    cpu: f64,
    peak_memory_mb: f64,
    /// From claim to durable result, in milliseconds: median and 99th percentile. `None` for a bare loop.
    durable: Option<(f64, f64)>,
}

impl Measured {
    pub(super) fn per_second(&self) -> f64 {
        f64::from(self.people) / self.seconds
    }

    fn cpu_us(&self) -> f64 {
        self.cpu * 1e6 / f64::from(self.people)
    }
}

/// Imports the people, and sends messages in both ways. What the server spends is counted from the launch to its end.
pub(super) async fn measure(environment: &BenchEnvironment, count: u32, latency: Duration) -> Result<Value> {
    let (in_flight, pool) = (environment.sender().in_flight, &environment.app().engine().pool);
    let blast = environment.draft(count).await?;
    let bare = in_a_process(environment, &[], count.min(40_000)).await?;
    let before = ServerCost::so_far(pool).await?;
    let whole = in_a_process(environment, &["--blast", &blast.0.to_string()], count).await?;
    let server = ServerCost::so_far(pool).await?.since(&before, count);
    let (p50, p99) = whole.durable.unwrap_or_default();
    let ideal = f64::from(in_flight) / latency.as_secs_f64().max(0.001);
    let mut figures = json!({
        "provider": environment.sender().provider.to_string(), "people": count, "seconds": round(whole.seconds), "per_second": round(whole.per_second()),
        "ideal_per_second": round(ideal), "share_of_ideal": round(whole.per_second() / ideal),
        "bare_loop_per_second": round(bare.per_second()),
        "share_of_bare_loop": round(whole.per_second() / bare.per_second()),
        "bare_loop_cpu_us_per_send": round(bare.cpu_us()), "cpu_us_per_send": round(whole.cpu_us()),
        "peak_memory_mb": round(whole.peak_memory_mb), "bare_loop_peak_memory_mb": round(bare.peak_memory_mb),
        "durable_p50_ms": round(p50), "durable_p99_ms": round(p99),
    });
    if let (Some(figures), Value::Object(server)) = (figures.as_object_mut(), server) {
        figures.extend(server);
    }
    Ok(figures)
}

async fn in_a_process(environment: &BenchEnvironment, which: &[&str], count: u32) -> Result<Measured> {
    let BenchSender { provider, in_flight } = environment.sender();
    let mut sending = Command::new(std::env::current_exe()?);
    sending
        .args(["bench", "sending", "--count", &count.to_string(), "--in-flight", &in_flight.to_string()])
        .args(["--provider", &provider.to_string()])
        .args(which)
        .args(["--base-url", environment.base_url(), "--sender-dir"])
        .arg(environment.sender_dir()?)
        // Not among the arguments, which every user of this machine can read.
        .env("DATABASE_URL", environment.url())
        .stdin(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let mut sending = sending.stdout(Stdio::piped()).spawn()?;
    // The process lives as long as this is open.
    let input = sending.stdin.take();
    let said = sending.wait_with_output().await?;
    drop(input);
    if !said.status.success() {
        return Err(eyre!("the sending process ended with {}", said.status));
    }
    serde_json::from_slice(&said.stdout).wrap_err("the sending process did not report its measurements")
}

/// Runs the sending process.
pub(super) async fn sending(of: &SenderProcessArgs) -> Result<Value> {
    end_with_the_input()?;
    let url = std::env::var("DATABASE_URL").wrap_err("this is a part of `bench send`")?;
    let sender = BenchSender { provider: of.provider, in_flight: of.in_flight };
    let app = environment::open(&of.base_url, &of.sender_dir, sender, &url).await?;
    let measured = match of.blast {
        Some(blast) => blast_to(&app, BlastId(blast), of.count).await?,
        None => without_promises(&app, &sender.content()?, of.count).await?,
    };
    app.close().await;
    Ok(serde_json::to_value(measured)?)
}

async fn without_promises(app: &App, content: &BlastContent, count: u32) -> Result<Measured> {
    let sender = app.engine().senders.first().ok_or_else(|| eyre!("the bench has no sender"))?;
    let before = cpu(OWN)?;
    let done = bare_loop::run(sender, content, count.into()).await?;
    let cpu = cpu(OWN)?.saturating_sub(before).as_secs_f64();
    let (people, seconds) = (u32::try_from(done.accepted)?, done.took.as_secs_f64());
    if people < count {
        // A blast to a provider that refuses waits for somebody, for ever.
        return Err(eyre!("it accepted {people} of {count} messages: a stand-in takes any token and any number"));
    }
    Ok(Measured { people, seconds, cpu, peak_memory_mb: peak_memory(OWN)?, durable: None })
}

/// From the launch until the blast is complete.
pub(super) async fn blast_to(app: &App, blast: BlastId, people: u32) -> Result<Measured> {
    let plan = app.plan(blast).await?;
    let launch = Launch { blast, version: plan.blast.version, people: plan.people, armed_for: TimeDelta::zero() };
    let stop = CancellationToken::new();
    let (before, began) = (cpu(OWN)?, Instant::now());
    app.launch(launch).await?;
    database::lift_throughput(&app.engine().pool).await?;
    let options =
        RunOptions { role: EngineRole::Engine, until: Until::Stopped, standby: None, local: None, watcher: None };
    let engine = tokio::spawn(engine::run(app.engine().clone(), options, stop.clone()));
    let mut news = app.news();
    while app.state(blast).await? != BlastState::Completed {
        let _ = tokio::time::timeout(Duration::from_millis(100), news.changed()).await;
    }
    let (seconds, cpu) = (began.elapsed().as_secs_f64(), cpu(OWN)?.saturating_sub(before).as_secs_f64());
    let peak_memory_mb = peak_memory(OWN)?;
    stop.cancel();
    engine.await?;
    let durable = Some(database::durable_after(&app.engine().pool, blast).await?);
    Ok(Measured { people, seconds, cpu, peak_memory_mb, durable })
}
