//! `bench send`: the whole path, against a bare loop in the same run. Both take place in a process of their own, so that
//! what an import takes of memory is not counted as sending's.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use color_eyre::Result;
use color_eyre::eyre::{WrapErr, eyre};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::ground::{self, Ground};
use super::round;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::engine::{self, Launch, RunOptions, Until};

/// What the process that sends is told.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Sending {
    #[arg(long)]
    blast: i64,
    #[arg(long)]
    count: u32,
    #[arg(long)]
    latency_ms: u32,
    #[arg(long)]
    in_flight: u32,
    #[arg(long)]
    base_url: String,
    #[arg(long)]
    room: PathBuf,
}

/// Imports the people, and has them sent to.
pub(super) async fn measure(ground: &Ground, count: u32, latency: Duration, in_flight: u32) -> Result<Value> {
    let blast = ground.draft(count).await?;
    let mut sending = Command::new(std::env::current_exe()?);
    sending
        .args(["bench", "sending", "--blast", &blast.0.to_string(), "--count", &count.to_string()])
        .args(["--latency-ms", &latency.as_millis().to_string(), "--in-flight", &in_flight.to_string()])
        .args(["--base-url", ground.base_url(), "--room"])
        .arg(ground.room()?)
        // Not among the arguments, which everybody on this machine can read.
        .env("DATABASE_URL", ground.url())
        .stdin(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let mut sending = sending.stdout(Stdio::piped()).spawn()?;
    // It lives as long as this is open.
    let input = sending.stdin.take();
    let said = sending.wait_with_output().await?;
    drop(input);
    if !said.status.success() {
        return Err(eyre!("the process that sends ended with {}", said.status));
    }
    serde_json::from_slice(&said.stdout).wrap_err("the process that sends did not say what it measured")
}

/// The process that sends: a bare loop, then the blast.
pub(super) async fn sending(of: &Sending) -> Result<Value> {
    end_with_the_input()?;
    let Sending { blast, count, latency_ms, in_flight, base_url, room } = of;
    let (blast, count, in_flight) = (BlastId(*blast), *count, *in_flight);
    let latency = Duration::from_millis((*latency_ms).into());
    let url = std::env::var("DATABASE_URL").wrap_err("this is a part of `bench send`")?;
    let app = ground::open(base_url, room, in_flight, &url).await?;
    let sender = app.sender_id("bench").ok_or_else(|| eyre!("the bench has no sender"))?;
    let bare_cpu = cpu()?;
    let bare = app.bare_loop(sender, u64::from(count.min(40_000))).await.ok_or_else(|| eyre!("no sender"))?;
    let bare_cpu = cpu()?.saturating_sub(bare_cpu).as_secs_f64();
    let plan = app.plan(blast).await?;
    let launch = Launch { blast, version: plan.blast.version, people: plan.people, armed_for: TimeDelta::zero() };
    let stop = CancellationToken::new();
    let cpu_before = cpu()?;
    let began = Instant::now();
    app.launch(launch).await?;
    let options = RunOptions { until: Until::Stopped, standby: None };
    let engine = tokio::spawn(engine::run(app.clone(), options, stop.clone()));
    let mut news = app.news();
    while app.state(blast).await? != BlastState::Completed {
        let _ = tokio::time::timeout(Duration::from_millis(100), news.changed()).await;
    }
    let took = began.elapsed().as_secs_f64();
    let cpu = cpu()?.saturating_sub(cpu_before).as_secs_f64();
    let peak_memory = peak_memory()?;
    stop.cancel();
    engine.await?;

    let (p50, p99) = app.durable_after(blast).await?;
    app.close().await;
    let rate = f64::from(count) / took;
    let bare_rate = f64::from(u32::try_from(bare.accepted)?) / bare.took.as_secs_f64();
    let ideal = f64::from(in_flight) / latency.as_secs_f64().max(0.001);
    Ok(json!({
        "people": count, "seconds": round(took), "per_second": round(rate),
        "ideal_per_second": round(ideal), "share_of_ideal": round(rate / ideal),
        "bare_loop_per_second": round(bare_rate), "share_of_bare_loop": round(rate / bare_rate),
        "bare_loop_cpu_us_per_send": round(bare_cpu * 1e6 / f64::from(count.min(40_000))),
        "cpu_us_per_send": round(cpu * 1e6 / f64::from(count)), "peak_memory_mb": round(peak_memory),
        "durable_p50_ms": round(p50), "durable_p99_ms": round(p99),
    }))
}

/// However the bench ends, so does this process: nobody else would clear up after it.
fn end_with_the_input() -> std::io::Result<()> {
    let watch = || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(1);
    };
    std::thread::Builder::new().name("bench-stdin".to_owned()).spawn(watch).map(drop)
}

/// Processor time of this process so far. Linux only.
fn cpu() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").wrap_err("processor time is read from /proc")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second()))
}

/// The most memory this process ever held, in MB. Linux only.
fn peak_memory() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").wrap_err("memory is read from /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1_024.0)
}
