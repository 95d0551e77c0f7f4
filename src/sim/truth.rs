//! The log as JSON, to compare what happened with what a client believes.
//!
//! Written page by page, without the lock in between: a million POSTs block nobody.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::stream;
use serde::{Serialize, Serializer};

use super::{
    fate::{Cents, Fate, Population, WireStatus},
    post_log::{Accepted, Answered, LoggedPost, SimTime, TokenCheck},
    webhook::plan::{announced_by, plan},
    world::World,
};

/// POSTs per acquisition of the lock.
const PAGE: usize = 512;

/// The state at one point in time.
#[derive(Debug, Serialize)]
struct TruthHead {
    seed: u64,
    speed: f64,
    settled: bool,
    next_event_ms: Option<u128>,
    people: PeopleCounts,
}

/// How many people reached each stage; each counted once, however often posted to.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct PeopleCounts {
    accepted: usize,
    delivered: usize,
    read: usize,
    replied: usize,
    stopped: usize,
    bought: usize,
    failed: usize,
}

/// One POST as JSON.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "a document: each is a key of its own")]
struct TruthLine<'a> {
    seq: usize,
    #[serde(serialize_with = "millis")]
    at: DateTime<Utc>,
    provider: &'static str,
    phone: &'a str,
    device: &'a str,
    token_ok: bool,
    accepted: bool,
    answered: Answered,
    message_id: Option<&'a str>,
    body: &'a str,
    content_type: &'a str,
    async_failed: bool,
    stage: Option<&'static str>,
    /// The highest stage that webhooks have announced or would have: what was lost is not in it.
    announced_stage: Option<&'static str>,
    announced_reply: bool,
    #[serde(serialize_with = "optional_millis")]
    delivered_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "optional_millis")]
    read_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "optional_millis")]
    replied_at: Option<DateTime<Utc>>,
    reply_text: Option<&'static str>,
    buys_amount: Option<String>,
}

/// What has become of one message so far.
#[derive(Debug, Default)]
struct SoFar {
    stage: Option<WireStatus>,
    delivered: Option<SimTime>,
    read: Option<SimTime>,
    replied: Option<SimTime>,
    text: Option<&'static str>,
    buys: Option<Cents>,
}

impl SoFar {
    fn of(accepted: &Accepted, population: Population, now: SimTime) -> Self {
        let fate = population.fate(accepted.message);
        let stage = Some(fate.status(now.saturating_sub(accepted.at)));
        let Fate::Delivered(delivery) = fate else { return Self { stage, ..Self::default() } };
        let come = |after: Duration| Some(accepted.at.saturating_add(after)).filter(|at| *at <= now);
        let reply = delivery.reply.filter(|reply| come(reply.after).is_some());
        Self {
            stage,
            delivered: come(delivery.delivered),
            read: delivery.read.and_then(come),
            replied: reply.as_ref().and_then(|reply| come(reply.after)),
            text: reply.as_ref().map(|reply| reply.text),
            buys: reply.and_then(|reply| reply.buys),
        }
    }
}

/// Our stage for WhatsApp's status.
fn stage(status: WireStatus) -> &'static str {
    match status {
        WireStatus::Pending | WireStatus::ServerAck => "sent",
        WireStatus::DeliveryAck => "delivered",
        WireStatus::Read => "read",
        WireStatus::Error => "failed",
    }
}

/// `GET /sim/truth`: everything as of now, with the POSTs after number `after`.
pub async fn body(world: Arc<World>, after: usize) -> Body {
    let now = world.now();
    let (head, total) = survey(&world, now).await;
    let opening = opening(&head);
    Body::from_stream(stream::iter(Pages { world, now, written: Some(after), total, opening: Some(opening) }))
}

/// The head object up to and including the bracket that opens the array of POSTs.
fn opening(head: &TruthHead) -> Vec<u8> {
    let mut text = serde_json::to_vec(head).unwrap_or_else(|_| b"{}".to_vec());
    text.pop();
    text.extend_from_slice(b",\"posts\":[");
    text
}

/// The document in pages, and how far it is written.
struct Pages {
    world: Arc<World>,
    now: SimTime,
    /// The number of the last POST written; `None` once all are.
    written: Option<usize>,
    total: usize,
    /// Present until written.
    opening: Option<Vec<u8>>,
}

impl Iterator for Pages {
    type Item = Result<Bytes, Infallible>;

    fn next(&mut self) -> Option<Self::Item> {
        let after = self.written?;
        let (mut text, separator) = match self.opening.take() {
            Some(opening) => (opening, ""),
            None => (Vec::new(), ","),
        };
        let count = PAGE.min(self.total.saturating_sub(after));
        self.write_page(&mut text, after, count, separator);
        self.written = Some(after + count).filter(|written| *written < self.total);
        if self.written.is_none() {
            text.extend_from_slice(b"]}");
        }
        Some(Ok(text.into()))
    }
}

impl Pages {
    fn write_page(&self, text: &mut Vec<u8>, after: usize, count: usize, mut separator: &'static str) {
        let state = self.world.state();
        for (seq, post) in state.post_log.page(after, count) {
            text.extend_from_slice(separator.as_bytes());
            separator = ",";
            // Writing to memory does not fail.
            let _ = serde_json::to_writer(&mut *text, &self.line(seq, post));
        }
    }

    fn announced(&self, accepted: &Accepted) -> (Option<WireStatus>, bool) {
        let plan = plan(accepted, self.world.population, self.world.answered());
        announced_by(&plan, self.now.saturating_sub(accepted.at))
    }

    fn line<'a>(&self, seq: usize, post: &'a LoggedPost) -> TruthLine<'a> {
        let so_far = post.accepted.as_ref().map(|accepted| SoFar::of(accepted, self.world.population, self.now));
        let so_far = so_far.unwrap_or_default();
        let announced = post.accepted.as_ref().map(|accepted| self.announced(accepted)).unwrap_or_default();
        let wall = |moment: Option<SimTime>| moment.map(|moment| self.world.wall(moment));
        TruthLine {
            seq,
            at: self.world.wall(post.at),
            provider: post.kind.provider(),
            phone: post.phone(),
            device: post.device(),
            token_ok: post.token == TokenCheck::Right,
            accepted: post.accepted.is_some(),
            answered: post.answered,
            message_id: post.accepted.as_ref().map(|accepted| &*accepted.id),
            body: post.body(),
            content_type: post.content_type(),
            async_failed: so_far.stage == Some(WireStatus::Error),
            stage: so_far.stage.map(stage),
            announced_stage: announced.0.map(stage),
            announced_reply: announced.1,
            delivered_at: wall(so_far.delivered),
            read_at: wall(so_far.read),
            replied_at: wall(so_far.replied),
            reply_text: so_far.text,
            buys_amount: so_far.buys.map(|cents| cents.to_string()),
        }
    }
}

/// Scans all POSTs: how many people reached each stage, and when the next event happens. Also returns how many POSTs it
/// scanned.
async fn survey(world: &World, now: SimTime) -> (TruthHead, usize) {
    let population = world.population;
    let (settled, total) = {
        let state = world.state();
        (state.settled(now), state.post_log.len())
    };
    let mut survey = Survey { population, now, next_event: None, people: HashMap::new() };
    for from in (0..total).step_by(PAGE) {
        survey.page(world, from, PAGE.min(total - from));
        tokio::task::yield_now().await;
    }
    let next_event_ms = survey.next_event.map(|at| at.saturating_sub(now).as_millis());
    let people = survey.count();
    (TruthHead { seed: population.seed, speed: population.speed, settled, next_event_ms, people }, total)
}

struct Survey {
    population: Population,
    now: SimTime,
    next_event: Option<SimTime>,
    people: HashMap<u64, PersonProgress>,
}

/// The stages that one person reached, over all messages, as bits.
#[derive(Debug, Default, Clone, Copy)]
struct PersonProgress(u8);

impl PersonProgress {
    const DELIVERED: u8 = 1;
    const READ: u8 = 2;
    const REPLIED: u8 = 4;
    const STOPPED: u8 = 8;
    const BOUGHT: u8 = 16;
    const FAILED: u8 = 32;

    fn add(&mut self, so_far: &SoFar) {
        let facts = [
            (so_far.delivered.is_some(), Self::DELIVERED),
            (so_far.read.is_some(), Self::READ),
            (so_far.replied.is_some(), Self::REPLIED),
            (so_far.text == Some("STOP"), Self::STOPPED),
            (so_far.buys.is_some(), Self::BOUGHT),
            (so_far.stage == Some(WireStatus::Error), Self::FAILED),
        ];
        self.0 |= facts.into_iter().filter(|(is, _)| *is).map(|(_, bit)| bit).sum::<u8>();
    }
}

impl Survey {
    fn page(&mut self, world: &World, from: usize, count: usize) {
        let state = world.state();
        for accepted in state.post_log.page(from, count).filter_map(|(_, post)| post.accepted.as_ref()) {
            self.add(accepted);
        }
    }

    fn add(&mut self, accepted: &Accepted) {
        let fate = self.population.fate(accepted.message);
        let next = fate.next_event(self.now.saturating_sub(accepted.at)).map(|event| accepted.at.saturating_add(event));
        self.next_event = self.next_event.into_iter().chain(next).min();
        let so_far = SoFar::of(accepted, self.population, self.now);
        self.people.entry(accepted.message.phone).or_default().add(&so_far);
    }

    fn count(&self) -> PeopleCounts {
        let count = |bit| self.people.values().filter(|standing| standing.0 & bit != 0).count();
        PeopleCounts {
            accepted: self.people.len(),
            delivered: count(PersonProgress::DELIVERED),
            read: count(PersonProgress::READ),
            replied: count(PersonProgress::REPLIED),
            stopped: count(PersonProgress::STOPPED),
            bought: count(PersonProgress::BOUGHT),
            failed: count(PersonProgress::FAILED),
        }
    }
}

/// One reply as JSON.
#[derive(Debug, Serialize)]
struct ReplyLine {
    seq: usize,
    phone: String,
    text: &'static str,
    #[serde(serialize_with = "millis")]
    at: DateTime<Utc>,
    message_id: String,
    buys_amount: Option<String>,
}

/// `GET /sim/replies`.
#[derive(Debug, Serialize)]
pub struct RepliesBody {
    replies: Vec<ReplyLine>,
}

/// The replies that are due, after number `after`.
pub fn replies(world: &World, after: usize) -> RepliesBody {
    let mut state = world.state();
    let now = world.now();
    let come = state.post_log.replies(now, after);
    RepliesBody { replies: come.filter_map(|(seq, post)| reply_line(world, seq, post)).collect() }
}

fn reply_line(world: &World, seq: usize, post: &LoggedPost) -> Option<ReplyLine> {
    let accepted = post.accepted.as_ref()?;
    let fate = world.population.fate(accepted.message);
    let reply = fate.reply()?;
    Some(ReplyLine {
        seq,
        phone: post.phone().to_owned(),
        text: reply.text,
        at: world.wall(accepted.at.saturating_add(reply.after)),
        message_id: accepted.id.to_string(),
        buys_amount: reply.buys.map(|cents| cents.to_string()),
    })
}

fn millis<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[expect(clippy::ref_option, reason = "serde hands the field over like this")]
fn optional_millis<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => millis(at, serializer),
        None => serializer.serialize_none(),
    }
}
