//! `bench frame`: the dashboard as an operator has it, in a process and a terminal of its own, over a large blast whose people change
//! all the time. What is measured is what reaches the terminal.

mod terminal;

use std::time::{Duration, Instant};

use color_eyre::Result;
use color_eyre::eyre::{ensure, eyre};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::database::{Changes, sent_blast};
use super::environment::BenchEnvironment;
use super::process::{memory_now, time_on_cpu};
use super::{percentile, round};
use crate::domain::pace::parse_span;
use terminal::WatchedDashboard;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct FrameArgs {
    /// How many people the blast has.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    count: u32,
    /// How many of them change every second while keys are pressed.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    changes: u32,
    /// How many keys are pressed.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    keys: u32,
    /// How long nothing happens, to see what that costs.
    #[arg(long, default_value = "60s", value_parser = span)]
    idle: Duration,
    /// The terminal's columns.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(40..=400))]
    columns: u16,
    /// The terminal's rows.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(10..=200))]
    rows: u16,
}

fn span(text: &str) -> Result<Duration, String> {
    parse_span(text).map_err(|error| error.to_string())
}

/// Between two keys: two frames after them have room.
const BETWEEN_KEYS: Duration = Duration::from_millis(80);
/// After so long without a byte everything that was asked for is drawn.
const SETTLED: Duration = Duration::from_millis(1_500);
/// The same of the first frames: what is read in the background has come by then.
const OPENED: Duration = Duration::from_secs(5);
/// The funnel is seen to tick so many times.
const TICKS: u32 = 9;

pub(super) async fn measure(environment: &BenchEnvironment, of: &FrameArgs) -> Result<Value> {
    let sender = environment.app().senders().await?.first().map(|sender| sender.id);
    let sender = sender.ok_or_else(|| eyre!("the bench has no sender"))?;
    let blast = sent_blast(environment.url(), sender, of.count).await?;
    let mut dashboard = WatchedDashboard::start(environment, (of.columns, of.rows)).await?;
    dashboard.settle(OPENED).await?;
    let first_paint = dashboard.bytes();
    let (idle_bytes, idle_cpu) = idle(&mut dashboard, of.idle).await?;
    let mut changes = Changes::of(environment.url(), blast).await?;
    let ticks = ticks(&mut dashboard, &mut changes).await?;
    let times = keys(&mut dashboard, changes, of).await?;
    let memory = memory_now(&dashboard.pid())?;
    dashboard.end().await?;
    Ok(json!({
        "people": of.count, "changes_per_second": of.changes, "columns": of.columns, "rows": of.rows,
        "key_to_frame_ms": round(percentile(&times, 50)), "key_to_frame_p95_ms": round(percentile(&times, 95)),
        "keys": times.len(), "first_paint_bytes": first_paint,
        "funnel_tick_bytes": ticks.get(ticks.len() / 2), "idle_seconds": of.idle.as_secs(), "idle_bytes": idle_bytes,
        "idle_cpu_ms": round(idle_cpu.as_secs_f64() * 1_000.0), "memory_mb": round(memory),
    }))
}

/// What a time costs in which nothing happens.
async fn idle(dashboard: &mut WatchedDashboard, time: Duration) -> Result<(u64, Duration)> {
    let (bytes, cpu) = (dashboard.bytes(), time_on_cpu(&dashboard.pid())?);
    tokio::time::sleep(time).await;
    Ok((dashboard.bytes() - bytes, time_on_cpu(&dashboard.pid())?.saturating_sub(cpu)))
}

/// The bytes of the funnel alone when one more person received their message, in ascending order.
async fn ticks(dashboard: &mut WatchedDashboard, changes: &mut Changes) -> Result<Vec<u64>> {
    dashboard.press(b"2z")?;
    dashboard.settle(SETTLED).await?;
    let mut bytes = Vec::new();
    for _ in 0..TICKS {
        let before = dashboard.bytes();
        changes.next(1).await?;
        dashboard.settle(SETTLED).await?;
        bytes.push(dashboard.bytes() - before);
    }
    dashboard.press(b"z")?;
    dashboard.settle(SETTLED).await?;
    bytes.sort_unstable();
    Ok(bytes)
}

/// From each key to the frame in which the cursor has moved, in milliseconds and ascending order.
async fn keys(dashboard: &mut WatchedDashboard, changes: Changes, of: &FrameArgs) -> Result<Vec<f64>> {
    dashboard.press(b"3")?;
    dashboard.settle(SETTLED).await?;
    let stop = CancellationToken::new();
    let changing = tokio::spawn(changes.every_second(of.changes, stop.clone()));
    let mut times = Vec::new();
    for n in 0..of.keys {
        tokio::time::sleep(BETWEEN_KEYS).await;
        // Up and down over the first screen: the list is not read anew.
        let key = if n / 20 % 2 == 0 { b"j" } else { b"k" };
        let began = Instant::now();
        dashboard.press(key)?;
        times.extend(dashboard.cursor_moved(began).await.map(|took| took.as_secs_f64() * 1_000.0));
    }
    stop.cancel();
    changing.await??;
    ensure!(!times.is_empty(), "no key was answered by a frame");
    times.sort_by(f64::total_cmp);
    Ok(times)
}
