//! `bench events`: viewers of one blast's events, at `serve` in a process of its own, while this process sends the blast.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use color_eyre::Result;
use color_eyre::eyre::eyre;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::environment::BenchEnvironment;
use super::ingest::receiver::Receiver;
use super::process::{cpu, end_with_the_input, memory_now, peak_memory};
use super::round;
use super::send::blast_to;
use crate::app::TokenRequest;
use crate::cli::Global;
use crate::cli::serve::ServeVerb;
use crate::domain::api_token::TokenScope;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct EventsArgs {
    /// How many watch.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
    viewers: u32,
    /// How many people are sent to meanwhile.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    count: u32,
    /// POSTs in flight at once.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub(super) in_flight: u32,
}

/// The provider's response time.
pub(super) const LATENCY: Duration = Duration::from_millis(50);

/// Runs the serving process, until the bench ends.
pub(super) async fn watched(global: &Global) -> Result<ExitCode> {
    end_with_the_input()?;
    ServeVerb::on(([127, 0, 0, 1], 0).into()).without_engine().run(global).await
}

pub(super) async fn measure(environment: &BenchEnvironment, of: &EventsArgs) -> Result<Value> {
    let app = environment.app();
    let blast = environment.draft(of.count).await?;
    let name = "bench".parse().map_err(|why: String| eyre!(why))?;
    let request = TokenRequest { name, scope: TokenScope::Read, sender: None, expires_at: None };
    let token = app.create_token(request).await?.secret;
    let server = Receiver::start(environment, "watched").await?;
    // One answer, so that its connections are open before memory is compared.
    let path = format!("/api/blasts/{blast}/events");
    drop(open(server.address(), &path, &token).await?);
    let (pid, before) = (server.pid(), memory_now(&server.pid())?);
    let (stop, mut viewers) = (CancellationToken::new(), JoinSet::new());
    for _ in 0..of.viewers {
        let stream = open(server.address(), &path, &token).await?;
        viewers.spawn(count_events(stream, stop.clone()));
    }
    let (cpu_before, began) = (cpu(&pid)?, Instant::now());
    let sent = blast_to(app, blast, of.count).await?;
    let (seconds, busy) = (began.elapsed().as_secs_f64(), cpu(&pid)?.saturating_sub(cpu_before).as_secs_f64());
    let more = peak_memory(&pid)? - before;
    stop.cancel();
    let seen: Vec<u32> = viewers.join_all().await;
    server.end().await?;
    let most = seen.iter().copied().max().unwrap_or_default();
    Ok(json!({
        "viewers": of.viewers, "people": of.count, "seconds": round(sent.seconds), "per_second": round(sent.per_second()),
        "server_cores": round(busy / seconds), "server_memory_mb": round(before), "more_memory_mb": round(more),
        "states_a_second": round(f64::from(most) / seconds), "fewest_states": seen.iter().min(), "most_states": most,
    }))
}

async fn open(address: SocketAddr, path: &str, token: &str) -> Result<Response> {
    let client = Client::builder().tls_certs_only([]).no_proxy().build()?;
    Ok(client.get(format!("http://{address}{path}")).bearer_auth(token).send().await?.error_for_status()?)
}

/// Counts the states of a stream until the stop, or its end.
async fn count_events(mut stream: Response, stop: CancellationToken) -> u32 {
    let mut states = 0;
    while let Some(Ok(Some(chunk))) = stop.run_until_cancelled(stream.chunk()).await {
        let text = String::from_utf8_lossy(&chunk);
        states += u32::try_from(text.matches("event: blast\n").count()).unwrap_or_default();
    }
    states
}
