//! Compares our statuses with the simulator's log at the end of a headless demo, person by person.

use std::collections::BTreeMap;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde::Deserialize;
use tokio::time::Instant;

use super::environment::DemoEnvironment;
use crate::app::App;
use crate::app::view::{Anchor, BlastView, Order, RecipientQuery};
use crate::cli::output::talk;
use crate::domain::blast::BlastState;
use crate::domain::filter::Filter;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::domain::text::{number, people};

#[derive(Debug, Deserialize)]
struct SimulatorTruth {
    settled: bool,
    posts: Vec<SimulatedPost>,
}

/// A POST as the simulator logged it, and what became of it.
#[derive(Debug, Deserialize)]
struct SimulatedPost {
    phone: String,
    accepted: bool,
    async_failed: bool,
    stage: Option<String>,
    replied_at: Option<String>,
    reply_text: Option<String>,
    buys_amount: Option<String>,
    /// What webhooks said: without those that were lost.
    announced_stage: Option<String>,
    announced_reply: bool,
}

#[derive(Debug, Deserialize)]
struct SettledStats {
    settled: bool,
}

const POLL_INTERVAL: Duration = Duration::from_millis(300);
/// How often it is said how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(5);
/// How long the last statuses may take once nothing more can happen, unless something does.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until the blast is completed and nothing more happens to its people, then compares. Empty when all is equal.
pub(super) async fn until_the_end(environment: &DemoEnvironment, app: &App, blast: BlastId) -> Result<Vec<String>> {
    let mut over_since: Option<Instant> = None;
    let mut told_at: Option<Instant> = None;
    loop {
        tokio::time::sleep(POLL_INTERVAL).await;
        let view = app.blast(blast).await?;
        if told_at.is_none_or(|at| at.elapsed() >= TOLD_EVERY) {
            told_at = Some(Instant::now());
            talk(&progress(&view));
        }
        let state = view.state;
        if matches!(state, BlastState::Paused | BlastState::Cancelled | BlastState::Failed) {
            return Err(eyre!("the blast is {state} before its end"));
        }
        let stats: SettledStats = environment.get("/sim/stats").await?;
        if state != BlastState::Completed || !stats.settled {
            // Whom the last message did not reach got another.
            over_since = None;
            continue;
        }
        let differences = compare(environment, app, blast).await?;
        let since = *over_since.get_or_insert_with(Instant::now);
        if differences.is_empty() || since.elapsed() > PATIENCE {
            return Ok(differences);
        }
    }
}

/// `120 of 250 people are sent to`, and what the others wait for.
fn progress(blast: &BlastView) -> String {
    let all = people(blast.total_recipients);
    let left = blast.counts.queued + blast.counts.sending;
    match &blast.waiting {
        _ if left == 0 => format!("{all} are sent to; what becomes of it is followed"),
        Some(waiting) => format!("{} of {all} are sent to; {waiting}", number(blast.total_recipients - left)),
        None => format!("{} of {all} are sent to", number(blast.total_recipients - left)),
    }
}

async fn compare(environment: &DemoEnvironment, app: &App, blast: BlastId) -> Result<Vec<String>> {
    let truth: SimulatorTruth = environment.get("/sim/truth").await?;
    if !truth.settled {
        return Ok(vec!["the simulator is not done".to_owned()]);
    }
    let ours = statuses(app, blast).await?;
    let mut differences = Vec::new();
    let mut unmatched: BTreeMap<&str, Vec<&SimulatedPost>> = BTreeMap::new();
    for post in &truth.posts {
        unmatched.entry(&post.phone).or_default().push(post);
    }
    for (phone, status) in &ours {
        let posts = unmatched.remove(phone.as_str()).unwrap_or_default();
        // Whoever was throttled is sent to again.
        let accepted: Vec<_> = posts.iter().filter(|post| post.accepted).collect();
        // Whom a message did not reach may get another.
        let arrived = accepted.iter().filter(|post| !post.async_failed).count();
        if arrived > 1 || posts.is_empty() {
            differences.push(format!("{phone} got {} messages in {} POSTs", accepted.len(), posts.len()));
        }
        let expected = accepted
            .last()
            .copied()
            .or(posts.last())
            .map_or(Status::Queued, |post| post.expected(environment.has_webhooks()));
        // The simulator's log does not say which failures are opt-outs.
        let is_opt_out = expected == Status::Failed && *status == Status::OptedOut;
        if expected != *status && !is_opt_out {
            differences.push(format!("{phone} is {status}; the simulator says {expected}"));
        }
    }
    differences.extend(unmatched.keys().map(|phone| format!("{phone} got a POST and is not in the blast")));
    Ok(differences)
}

impl SimulatedPost {
    /// The status that this person must have. What no webhook announced is not known.
    fn expected(&self, by_webhook: bool) -> Status {
        let (stage, replied) = if by_webhook {
            (self.announced_stage.as_deref(), self.announced_reply)
        } else {
            (self.stage.as_deref(), self.replied_at.is_some())
        };
        if !self.accepted || (self.async_failed && (!by_webhook || stage == Some("failed"))) {
            return Status::Failed;
        }
        let wrote = replied && self.reply_text.as_deref() != Some("STOP");
        // The demo's cashier sees every sale, whether or not a webhook said that somebody wrote.
        let bought = self.replied_at.is_some() && self.buys_amount.is_some();
        match (bought, wrote, stage) {
            (true, _, _) => Status::Closed,
            (_, true, _) => Status::Replied,
            (_, _, Some("read")) => Status::Read,
            (_, _, Some("delivered")) => Status::Delivered,
            (_, _, Some("failed")) => Status::Failed,
            _ => Status::Sent,
        }
    }
}

/// Everybody's phone digits and status.
async fn statuses(app: &App, blast: BlastId) -> Result<BTreeMap<String, Status>> {
    let mut all = BTreeMap::new();
    let mut anchor = Anchor::Start;
    loop {
        let filter = Filter::default();
        let query = RecipientQuery { blast, filter, order: Order::Row, as_of: None, anchor, limit: 500 };
        let window = app.recipients(&query).await?;
        let Some(last) = window.last() else { return Ok(all) };
        anchor = Anchor::After(last.place());
        all.extend(window.iter().map(|row| (row.phone.digits().to_owned(), row.status)));
    }
}
