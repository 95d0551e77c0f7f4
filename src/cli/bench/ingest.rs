//! `bench ingest`: signed webhooks of Meta's, posted to `serve` in a process of its own, and applied by the engine in it.

mod load;
pub(super) mod receiver;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde_json::{Value, json};

use super::environment::{BenchEnvironment, SENDER};
use super::process::{cpu, end_with_the_input, peak_memory};
use super::{database, percentile, round};
use crate::cli::Global;
use crate::cli::serve::ServeVerb;
use crate::domain::ids::BlastId;
use load::{Delivered, StatusList};
use receiver::Receiver;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct IngestArgs {
    /// How many people were sent to before.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    recipients: u32,
    /// Statuses that come many in one POST: sent, delivered and read of a third as many messages.
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u32).range(3..=10_000_000))]
    statuses: u32,
    /// How many of them in one POST.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    per_post: u32,
    /// Statuses that come one in a POST.
    #[arg(long, default_value_t = 6_000, value_parser = clap::value_parser!(u32).range(3..=10_000_000))]
    posts: u32,
    /// Connections for those; the others come on four.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=512))]
    connections: u32,
}

/// Connections of the webhooks with many statuses.
const WIDE_CONNECTIONS: usize = 4;
/// How long all of a measurement may take to be applied.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Runs the receiving process: `serve`, until the bench ends.
pub(super) async fn receiving(global: &Global) -> Result<ExitCode> {
    end_with_the_input()?;
    ServeVerb::on(([127, 0, 0, 1], 0).into()).run(global).await
}

pub(super) async fn measure(environment: &BenchEnvironment, of: &IngestArgs) -> Result<Value> {
    let (wide, single) = (of.statuses / 3, of.posts / 3);
    if wide + single + 1 > of.recipients {
        return Err(eyre!("{} statuses are of more than {} people", of.statuses + of.posts, of.recipients));
    }
    let sender = environment.app().sender_id(SENDER).ok_or_else(|| eyre!("the bench has no sender"))?;
    let blast = database::sent_blast(environment.url(), sender, of.recipients).await?;
    let installation = environment.app().engine().installation.clone();
    let people = database::newest(&environment.app().engine().pool, blast, wide + single + 1).await?;
    let (first, others) = people.split_at(1);
    let (wide, single) = others.split_at(wide as usize);
    let list = |people| StatusList::of(people, blast, &installation);
    let receiver = Receiver::start(environment, "receiving").await?;
    let trial = Trial { environment, blast, receiver: &receiver };
    // Connections are open, and statements planned, when the time begins.
    trial.run(&list(first)?, 1, 1).await?;
    let many = trial.run(&list(wide)?, of.per_post as usize, WIDE_CONNECTIONS).await?;
    let one = trial.run(&list(single)?, 1, of.connections as usize).await?;
    let figures = json!({
        "recipients": of.recipients, "statuses": many.statuses, "statuses_per_post": of.per_post,
        "statuses_durable_per_second": round(many.durable_per_second()),
        "statuses_applied_per_second": round(many.applied_per_second()),
        "many_p50_ms": round(many.percentile(50)), "many_p99_ms": round(many.percentile(99)),
        "many_cpu_us_per_status": round(many.cpu_us()),
        "posts": one.statuses, "connections": of.connections,
        "posts_per_second": round(one.durable_per_second()),
        "posts_applied_per_second": round(one.applied_per_second()),
        "one_p50_ms": round(one.percentile(50)), "one_p99_ms": round(one.percentile(99)),
        "one_cpu_us_per_post": round(one.cpu_us()),
        "peak_memory_mb": round(peak_memory(&receiver.pid())?),
    });
    receiver.end().await?;
    Ok(figures)
}

/// Where statuses go, and where they arrive.
struct Trial<'a> {
    environment: &'a BenchEnvironment,
    blast: BlastId,
    receiver: &'a Receiver,
}

impl Trial<'_> {
    /// Posts all of a list, so many statuses at once, and waits until they are applied.
    async fn run(&self, list: &StatusList, per_post: usize, connections: usize) -> Result<IngestTimes> {
        let pool = &self.environment.app().engine().pool;
        let requests = list.requests(per_post, self.receiver.address())?;
        let read_before = database::read_count(pool, self.blast).await?;
        let (cpu_before, began) = (cpu(&self.receiver.pid())?, Instant::now());
        let Delivered { latencies } = load::deliver(self.receiver.address(), requests, connections).await?;
        let durable = began.elapsed();
        while database::has_unapplied_webhooks(pool).await? {
            if began.elapsed() > PATIENCE {
                return Err(eyre!("webhooks are still not applied after {} minutes", PATIENCE.as_secs() / 60));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        let (applied, cpu) = (began.elapsed(), cpu(&self.receiver.pid())?.saturating_sub(cpu_before));
        let read = database::read_count(pool, self.blast).await? - read_before;
        if usize::try_from(read)? != list.people() {
            return Err(eyre!("{read} messages are read now; {} were announced", list.people()));
        }
        Ok(IngestTimes { statuses: list.len(), durable, applied, cpu, latencies })
    }
}

/// How long one kind of load took.
struct IngestTimes {
    statuses: usize,
    /// Until the last was answered.
    durable: Duration,
    /// Until the last was applied.
    applied: Duration,
    /// CPU time of the receiving process.
    cpu: Duration,
    /// Of the answers, in milliseconds, ascending.
    latencies: Vec<f64>,
}

impl IngestTimes {
    #[expect(clippy::cast_precision_loss, reason = "a count of statuses is far below 2^52")]
    fn per_second(&self, took: Duration) -> f64 {
        self.statuses as f64 / took.as_secs_f64()
    }

    fn durable_per_second(&self) -> f64 {
        self.per_second(self.durable)
    }

    fn applied_per_second(&self) -> f64 {
        self.per_second(self.applied)
    }

    fn percentile(&self, share: usize) -> f64 {
        percentile(&self.latencies, share)
    }

    fn cpu_us(&self) -> f64 {
        1e6 / self.per_second(self.cpu)
    }
}
