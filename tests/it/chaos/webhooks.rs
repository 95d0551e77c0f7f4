//! The same over Meta's wire: statuses arrive as signed webhooks, late, twice, early, not at all and out of order, at a process
//! that is killed as well. Who was in doubt is settled by what a webhook says of their attempt.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Blow, Round, SLOTS, Trial, rounds, seed};
use crate::support::closed::address_to_return_to;
use crate::support::serve::Serve;
use crate::support::{Shop, Wire, eventually_async, figure};

/// What befalls webhooks all the time.
const FAULTS: [&str; 6] = [
    "webhook-lost=0.05",
    "webhook-repeated=0.2",
    "webhook-duplicate=0.3",
    "webhook-reorder=0.3",
    "webhook-early=0.1",
    "no-delivered=0.2",
];

#[tokio::test]
async fn over_meta_nobody_is_messaged_twice_or_lost_and_whom_a_webhook_named_is_not_left_in_doubt() {
    let mut trial = Trial::begin(Wire::Meta, seed()).await;
    let endless = trial.begin_endless_blast().await;
    trial.faults(&[]).await;

    for number in 0..rounds().unwrap_or(2) {
        let round = if rounds().is_some() { trial.plan(number) } else { ordinary(number) };
        figure(&format!("round {number} over Meta: {round}"));
        trial.play(&round).await;
    }

    trial.end(&endless).await;
}

/// The rounds of an ordinary run: what only webhooks can settle.
fn ordinary(number: usize) -> Round {
    let blows = [vec![Blow::HangUps, Blow::Receiver], vec![Blow::Kill]];
    Round { blows: blows[number].clone(), ends_in_a_kill: number == 1 }
}

/// Where webhooks go.
pub(super) struct Webhooks {
    /// Host and port, the same for each receiver.
    address: String,
    receiver: Option<Receiver>,
    /// When the database last went back in time: what was applied in the time that was lost is not sent again.
    lost_until: Option<DateTime<Utc>>,
}

struct Receiver {
    serve: Serve,
    has_engine: bool,
}

impl Webhooks {
    pub(super) async fn to_nobody_yet(shop: &Shop) -> Self {
        let address = address_to_return_to();
        shop.sim.meta_webhooks_to(&format!("http://{address}/api/webhook/meta")).await;
        Self { address, receiver: None, lost_until: None }
    }
}

impl Trial {
    /// These faults, beside those of webhooks.
    pub(super) async fn faults(&self, further: &[&str]) {
        let of_webhooks: &[&str] = if self.webhooks.is_some() { &FAULTS } else { &[] };
        self.shop.sim.faults(&[of_webhooks, further].concat()).await;
    }

    /// Receives webhooks, by chance with an engine inside.
    pub(super) async fn receive(&mut self) {
        if self.webhooks.is_some() {
            let has_engine = self.dice.up_to(2) == 0;
            self.start_receiver(has_engine).await;
        }
    }

    /// Receives webhooks in a process that does not send.
    pub(super) async fn receive_apart(&mut self) {
        let Some(webhooks) = &mut self.webhooks else { return };
        match webhooks.receiver.take_if(|receiver| receiver.has_engine) {
            Some(receiver) => receiver.serve.stop().await,
            None if webhooks.receiver.is_some() => return,
            None => {}
        }
        self.start_receiver(false).await;
    }

    async fn start_receiver(&mut self, has_engine: bool) {
        let Some(webhooks) = &mut self.webhooks else { return };
        let at = ["--listen", &webhooks.address];
        let apart: &[&str] = if has_engine { &[] } else { &["--no-engine"] };
        let serve = Serve::start(&self.shop, &[&at[..], apart].concat()).await;
        webhooks.receiver = Some(Receiver { serve, has_engine });
    }

    pub(super) fn receives_with_engine(&self) -> bool {
        self.webhooks
            .as_ref()
            .and_then(|webhooks| webhooks.receiver.as_ref())
            .is_some_and(|receiver| receiver.has_engine)
    }

    /// Killed in the middle of what it does, once or twice, and started again after a while.
    pub(super) async fn lose_the_receiver(&mut self) {
        for _ in 0..=self.dice.up_to(2) {
            self.kill_receiver().await;
            self.dice.moment(300).await;
            self.receive().await;
            self.until_more_posts(10).await;
        }
    }

    async fn kill_receiver(&mut self) {
        let Some(receiver) = self.webhooks.as_mut().and_then(|webhooks| webhooks.receiver.take()) else { return };
        if receiver.has_engine {
            self.allowed += SLOTS;
        }
        receiver.serve.kill().await;
    }

    /// Killed, or asked to end.
    pub(super) async fn end_receiver(&mut self) {
        if self.webhooks.is_some() && self.dice.up_to(2) == 0 {
            return self.kill_receiver().await;
        }
        if let Some(receiver) = self.webhooks.as_mut().and_then(|webhooks| webhooks.receiver.take()) {
            receiver.serve.stop().await;
        }
    }

    pub(super) fn news_was_lost(&mut self) {
        if let Some(webhooks) = &mut self.webhooks {
            webhooks.lost_until = Some(Utc::now());
        }
    }

    /// After the last webhook nobody is in doubt whom one named.
    pub(super) async fn until_all_news_is_applied(&mut self) {
        if self.webhooks.is_none() {
            return;
        }
        eventually_async("all is announced", async || self.shop.sim.truth().await["settled"] == true).await;
        self.end_receiver().await;
        self.start_receiver(true).await;
        // What somebody uncertain wrote names no message: it waits until somebody decides about them.
        let left = "select count(*) from webhook_inbox w
                     where state = 'new' or state = 'parked' and waits_for is not null
                       and not exists (select from replies p where p.message_id = any (w.waits_for) and p.undecided_attempt is not null)";
        eventually_async("all is applied", async || self.shop.number(left).await == 0).await;
        self.end_receiver().await;
        let truth = self.shop.sim.truth().await;
        let lost_until = self.webhooks.as_ref().and_then(|webhooks| webhooks.lost_until);
        let posts = truth["posts"].as_array().unwrap();
        let named: Vec<String> = last_of_each(posts).filter_map(|post| named(post, lost_until)).collect();
        let left_in_doubt: Vec<String> = sqlx::query_scalar(
            "select concat_ws(' ', phone_number, status, attempt, reason, changed_at) from blast_recipients
              where phone_number = any($1) and status in ('queued', 'sending', 'uncertain')",
        )
        .bind(&named)
        .fetch_all(&self.shop.database.pool)
        .await
        .unwrap();
        let of_them: Vec<&Value> = posts.iter().filter(|post| is_of_any(post, &left_in_doubt)).collect();
        assert!(
            left_in_doubt.is_empty(),
            "named by a webhook, and still in doubt: {left_in_doubt:?}; posted: {of_them:?}"
        );
        let failed = "select count(*) from webhook_inbox where failed_items is not null";
        assert_eq!(self.shop.number(failed).await, 0, "every webhook could be applied");
        figure(&format!("{} were named by webhooks, {} are in doubt", named.len(), self.shop.count("uncertain").await));
    }
}

/// The newest POST to each person: whom a webhook called not reached is tried again, and what was said of an earlier attempt
/// settles no later one.
fn last_of_each(posts: &[Value]) -> impl Iterator<Item = &Value> {
    let last: HashMap<&str, &Value> = posts.iter().map(|post| (post["phone"].as_str().unwrap(), post)).collect();
    last.into_values()
}

/// Whether it went to one of the people whom these lines begin with.
fn is_of_any(post: &Value, lines: &[String]) -> bool {
    let phone = post["phone"].as_str().unwrap().trim_start_matches('+');
    lines.iter().any(|line| line.trim_start_matches('+').starts_with(phone))
}

/// The number of somebody whom a webhook named after the last rollback.
fn named(post: &Value, lost_until: Option<DateTime<Utc>>) -> Option<String> {
    let at: DateTime<Utc> = post["at"].as_str()?.parse().ok()?;
    let is_named = post["announced_stage"].is_string() && lost_until.is_none_or(|until| at > until);
    is_named.then(|| format!("+{}", post["phone"].as_str().unwrap().trim_start_matches('+')))
}
