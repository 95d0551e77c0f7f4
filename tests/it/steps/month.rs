//! A month of steps by a clock of its own, against what the calendar alone says.

use std::collections::BTreeSet;

use blastdeck::app::{App, Launch};
use blastdeck::domain::ids::BlastId;
use blastdeck::engine::Moment;
use chrono::{DateTime, TimeDelta, Utc};

use super::{SETUP, add, made, occur, opt_out, people, phone, set};
use crate::recurring::{Chance, engine_app};
use crate::support::Shop;

/// How late engines look: an age in a filter is to the second.
const A_SECOND: TimeDelta = TimeDelta::seconds(1);

/// Somebody of the simulated month, in hours from its beginning.
#[derive(Debug, Clone, Copy)]
struct Life {
    sent: i64,
    read: Option<i64>,
    replied: Option<i64>,
    closed: Option<i64>,
    opted_out: Option<i64>,
}

impl Life {
    fn any(chance: &mut Chance) -> Self {
        let mut after = |from: i64, within: u64| {
            let at = from + 1 + i64::try_from(chance.below(within)).unwrap();
            (chance.below(3) > 0).then_some(at)
        };
        let sent = after(0, 240).unwrap_or(5);
        let read = after(sent, 120);
        let replied = read.and_then(|read| after(read, 150));
        let closed = replied.and_then(|replied| after(replied, 60));
        let opted_out = after(sent, 600).filter(|at| at % 4 == 0);
        Self { sent, read, replied, closed, opted_out }
    }

    fn has(moment: Option<i64>, now: i64) -> bool {
        moment.is_some_and(|moment| moment <= now)
    }

    /// Whether something happens to them at this hour.
    fn changes_at(&self, now: i64) -> bool {
        [Some(self.sent), self.read, self.replied, self.closed, self.opted_out].contains(&Some(now))
    }

    /// Whether a step of 48 hours after *sent* without *read* is for them.
    fn is_unread(&self, now: i64) -> bool {
        self.sent + 48 <= now && !Self::has(self.read, now) && !Self::has(self.opted_out, now)
    }

    /// The same of 72 hours after *read* without a reply.
    fn is_silent(&self, now: i64) -> bool {
        self.read.is_some_and(|read| read + 72 <= now)
            && !Self::has(self.replied, now)
            && !Self::has(self.opted_out, now)
    }
}

/// Has everybody be as far as they are at an hour. Of each hour in turn.
async fn live(shop: &Shop, blast: &str, lives: &[Life], (start, now): (DateTime<Utc>, i64)) {
    for (n, life) in (0..).zip(lives).filter(|(_, life)| life.changes_at(now)) {
        let moment = |hour: i64| format!("'{}'", (start + TimeDelta::hours(hour)).to_rfc3339());
        let known = |hour: Option<i64>| hour.filter(|hour| *hour <= now).map_or("null".to_owned(), moment);
        let status = match () {
            () if Life::has(life.closed, now) => "closed",
            () if Life::has(life.replied, now) => "replied",
            () if Life::has(life.read, now) => "read",
            () => "delivered",
        };
        let standing = if status == "closed" { "replied" } else { status };
        let (sent, read) = (moment(life.sent), known(life.read));
        let (replied, closed) = (known(life.replied), known(life.closed));
        let to = format!(
            "status = '{status}', standing = '{standing}', attempt = 1, sent_at = {sent}, delivered_at = {sent}, read_timestamp = {read},
             replied_marked_at = {replied}, closed_at = {closed}"
        );
        set(shop, blast, n, &to).await;
        if life.opted_out == Some(now) {
            opt_out(shop, n).await;
        }
    }
}

/// Lets engines look after what is due at a moment, one or both at once; every third is killed at a random point. Ends once one came
/// through, and what is to be sent by itself is.
async fn live_through(engines: &[App; 2], shop: &Shop, now: DateTime<Utc>, chance: &mut Chance) {
    for engine in engines {
        engine.engine().clock.observe(Moment::now(), now);
    }
    let waiting =
        "select count(*) from blasts b join blast_steps s on s.blast = b.follows_blast and s.number = b.step_number
                    where b.state = 'draft' and s.at_most is not null";
    for _ in 0..300 {
        let patience = [chance.patience(), chance.patience()];
        let first = usize::try_from(chance.below(2)).unwrap();
        let one = tokio::time::timeout(patience[0], engines[first].occur(now));
        let other = tokio::time::timeout(patience[1], engines[1 - first].occur(now));
        let (one, other) = if chance.below(4) > 0 { (one.await, Ok(Ok(()))) } else { tokio::join!(one, other) };
        let came = [one, other].into_iter().all(|came| came.is_ok_and(|done| done.is_ok()));
        if came && shop.number(waiting).await == 0 {
            return;
        }
    }
    panic!("nobody came through at {now}");
}

/// Who gets which draft of a step that sends by itself, by the calendar alone: whoever is due and had it not yet, once a day.
fn expected(lives: &[Life], is_due: fn(&Life, i64) -> bool, hours: &[i64]) -> Vec<BTreeSet<String>> {
    let (mut had, mut drafts, mut last) = (BTreeSet::new(), Vec::new(), i64::MIN);
    for hour in hours {
        let due = (0..).zip(lives).filter(|(_, life)| is_due(life, *hour)).map(|(n, _)| phone(n));
        let due: BTreeSet<_> = due.filter(|phone| !had.contains(phone)).collect();
        if hour.saturating_sub(last) >= 24 && !due.is_empty() {
            had.extend(due.iter().cloned());
            drafts.push(due);
            last = *hour;
        }
    }
    drafts
}

#[tokio::test]
async fn in_a_month_with_engines_killed_at_random_everybody_who_is_due_gets_each_step_once() {
    let shop = Shop::open(SETUP).await;
    let mut chance = Chance(23);
    let lives: Vec<_> = (0..40).map(|_| Life::any(&mut chance)).collect();
    let blast = shop.blast(0..40).await;
    let start = Utc::now() - TimeDelta::days(1);
    add(&shop, &blast, &["--after", "48h", "--until", "read", "--auto", "--at-most", "100"]).await;
    add(&shop, &blast, &["--after", "72h", "--since", "read", "--auto", "--at-most", "100"]).await;
    let engines = [engine_app(&shop, "one").await, engine_app(&shop, "two").await];

    let hours: Vec<i64> = (0..30 * 8).map(|tick| tick * 3).collect();
    for hour in &hours {
        // Everything that happens does so at full hours.
        for passed in hour - 2..=*hour {
            live(&shop, &blast, &lives, (start, passed)).await;
        }
        let now = start + TimeDelta::hours(*hour) + A_SECOND;
        Box::pin(live_through(&engines, &shop, now, &mut chance)).await;
    }

    for (step, is_due) in [(1, Life::is_unread as fn(&Life, i64) -> bool), (2, Life::is_silent)] {
        let expected = expected(&lives, is_due, &hours);
        assert!(expected.len() > 5, "{expected:?}");
        let mut got = Vec::new();
        for draft in made(&shop, &blast, step).await {
            assert_eq!(shop.state(&draft).await, "sending");
            got.push(people(&shop, &draft).await.into_iter().collect::<BTreeSet<_>>());
        }
        assert_eq!(got, expected, "step {step}");
    }
}

/// What an operator may do with a draft that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Waits,
    Sends,
    Deletes,
    SendsAndCancels,
    SendsAndDeletesLater,
}

async fn operate(app: &App, draft: BlastId, what: Operator) {
    if what == Operator::Deletes {
        return app.delete(draft).await.unwrap();
    }
    app.renew_audience(draft).await.unwrap();
    let plan = app.plan(draft).await.unwrap();
    if plan.people == 0 {
        return app.delete(draft).await.unwrap();
    }
    let launch =
        Launch { blast: draft, version: plan.blast.version, people: plan.people, armed_for: TimeDelta::zero() };
    app.launch(launch).await.unwrap();
    if what == Operator::SendsAndCancels {
        app.cancel(draft).await.unwrap();
    }
}

#[tokio::test]
async fn whatever_an_operator_does_with_its_drafts_nobody_gets_a_step_twice_and_nobody_is_lost() {
    let shop = Shop::open(SETUP).await;
    let mut chance = Chance(5);
    let lives: Vec<_> = (0..60).map(|_| Life::any(&mut chance)).collect();
    let blast = shop.blast(0..60).await;
    let start = Utc::now() - TimeDelta::days(1);
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;
    let (mut had, mut open, mut last) = (BTreeSet::<u32>::new(), None::<BlastId>, i64::MIN);
    let (mut done, mut turn) = (Vec::new(), 0);

    for hour in (0..30 * 4).map(|tick| tick * 6) {
        for passed in hour - 5..=hour {
            live(&shop, &blast, &lives, (start, passed)).await;
        }
        occur(&app, start + TimeDelta::hours(hour) + A_SECOND).await;
        let due: BTreeSet<u32> =
            (0..).zip(&lives).filter(|(n, life)| life.is_unread(hour) && !had.contains(n)).map(|(n, _)| n).collect();
        if open.is_none() && hour.saturating_sub(last) >= 24 && !due.is_empty() {
            last = hour;
            let newest = made(&shop, &blast, 1).await.pop().unwrap();
            let drafted: Vec<_> = due.iter().map(|n| phone(*n)).collect();
            assert_eq!(
                people(&shop, &newest).await.into_iter().collect::<BTreeSet<_>>(),
                drafted.into_iter().collect()
            );
            open = Some(BlastId(newest.parse().unwrap()));
        }
        let Some(draft) = open else { continue };
        turn += 1;
        let what = [
            Operator::Waits,
            Operator::SendsAndCancels,
            Operator::Sends,
            Operator::Deletes,
            Operator::SendsAndDeletesLater,
        ][turn % 5];
        if what == Operator::Waits {
            continue;
        }
        operate(&app, draft, what).await;
        open = None;
        if matches!(what, Operator::Sends | Operator::SendsAndDeletesLater) && !due.is_empty() {
            let got: BTreeSet<_> = people(&shop, &draft.to_string()).await.into_iter().collect();
            assert_eq!(got, due.iter().map(|n| phone(*n)).collect(), "at {hour}");
            had.extend(due);
            shop.execute(&format!(
                "update blast_recipients set status = 'sent', standing = 'sent', attempt = 1, sent_at = now() where blast_id = {draft};
                 update blasts set state = 'completed', completed_at = now() where id = {draft}"
            ))
            .await;
        }
        if what == Operator::SendsAndDeletesLater && shop.state(&draft.to_string()).await == "completed" {
            app.delete(draft).await.unwrap();
        }
        done.push(what);
    }

    assert!(done.len() > 8 && had.len() > 5, "{done:?} {had:?}");
    assert!(done.contains(&Operator::SendsAndCancels) && done.contains(&Operator::SendsAndDeletesLater), "{done:?}");
}
