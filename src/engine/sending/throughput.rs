//! What exists only for fast senders, up to some 20,000 messages a second; a sender of twenty a minute would do without it.
//!
//! * Where the rate does not bind, POSTs run on a thread of their own. A thousand of them in flight are a thousand tasks that are ready
//!   at once; on the same threads the next step of claims and evidence to the database would queue behind them, and the
//!   screen too. What a POST allocates is also freed where it was made, which is cheaper.
//! * The next people are claimed while those before are being sent to, so that the database's time does not come on top
//!   of the pace.
//! * So many people are claimed that POSTs do not wait for the database, by how long the provider takes to answer.
//! * Answers gather for a moment while many come in, so that the loop wakes once for all of them.
//! * Evidence about somebody of whom this process knows all is written without being read: see
//!   [`ClaimSnapshot`](crate::store::claim::ClaimSnapshot) and `store::evidence`.

use std::sync::LazyLock;
use std::time::Duration;
use std::{io, thread};

use tokio::runtime::{Builder, Handle};

use super::Sender;
use super::bottleneck::Bottleneck;
use super::claiming::{AT_ONCE_MAX, BATCH_MAX};
use super::next_action::BlastQueue;
use super::starting::is_soon;
use crate::domain::ids::BlastId;
use crate::domain::pace::{Pace, PaceReason};

/// Claims are made ahead from this rate on, per second: the wait for each POST is then a part of a moment.
const FAST: f64 = 4.0;
/// As many answers at once are part of a stream.
const STREAM: usize = 32;
/// About how long somebody's claim and evidence take on a busy machine (measured on two cores, PROOF.md).
const DATABASE_TAKES: Duration = Duration::from_millis(30);
/// At most so many times more people than POSTs in flight hold a slot.
const MOST_AHEAD: u32 = 2;
/// A longer answer counts as this long.
const SLOW_ANSWER: Duration = Duration::from_secs(1);
/// So long the answers of a stream gather.
const GATHER: Duration = Duration::from_millis(1);

/// Made with the first POST, and never shut down: connections live in it.
static POSTS: LazyLock<Option<Handle>> = LazyLock::new(|| start_post_runtime().ok());

fn start_post_runtime() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new().name("posts".to_owned()).spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
}

/// The POSTs' own thread, or the caller's where none can be had.
pub fn post_runtime() -> Handle {
    POSTS.as_ref().map_or_else(Handle::current, Handle::clone)
}

/// Waits for a moment after a batch of answers that was part of a stream.
pub(super) async fn gather(answers: usize) {
    if answers >= STREAM {
        tokio::time::sleep(GATHER).await;
    }
}

/// How long the provider takes to answer, as the last few dozen answers show.
pub(super) struct AnswerTime(Duration);

impl Default for AnswerTime {
    fn default() -> Self {
        Self(DATABASE_TAKES * 4)
    }
}

impl AnswerTime {
    pub(super) fn observe(&mut self, took: Duration) {
        self.0 = (self.0 * 31 + took.min(SLOW_ANSWER)) / 32;
    }

    /// How many people hold a slot so that so many POSTs can be in flight: more, by the time that the database takes beside an
    /// answer. A provider that answers after 120 ms takes a quarter more; one that answers at once would wait for the database. No
    /// more than that: a crash leaves everybody in a slot uncertain.
    fn slots(&self, in_flight: usize) -> usize {
        let answer = self.0.max(DATABASE_TAKES / MOST_AHEAD);
        let ahead = in_flight as u128 * DATABASE_TAKES.as_micros() / answer.as_micros();
        in_flight + usize::try_from(ahead).unwrap_or(0)
    }
}

/// The slots of a sender for people between their claim and their durable evidence.
pub(super) struct Slots {
    pub free: usize,
    /// With fewer free ones, the next claim waits: a claim of a few people costs the database about as much as one of many.
    pub worth_a_claim: usize,
}

impl Sender {
    /// How many more people may be claimed now. Claims run ahead of POSTs only where neither gap nor rate binds.
    pub(super) fn slots(&self) -> Slots {
        let sender = &self.context.sender;
        let all = if sender.is_unlimited() { self.answer_time.slots(sender.in_flight) } else { sender.in_flight };
        let free = all.saturating_sub(self.context.in_flight.len());
        // While the next claim waits, three quarters of those who are claimed ahead are left to send to.
        Slots { free, worth_a_claim: ((all - sender.in_flight) / 4).clamp(1, BATCH_MAX / 2) }
    }

    /// Where a POST runs. Where a rate binds, on the threads that have waited for its moment: another one may be late, and then
    /// as many as were due meanwhile would arrive together.
    pub(super) fn runtime_for(&self, blast: BlastId) -> Handle {
        if self.rate_of(blast).is_some() { Handle::current() } else { post_runtime() }
    }

    /// The blast to claim from while others are still ready to be sent to, if it is time for that. Not while a blast with a
    /// pace of its own goes out beside others: it might be chosen again, and they would wait for its pace.
    pub(super) fn blast_ahead(&mut self) -> Option<BlastId> {
        let now_sending = self.ready.front()?.claim.blast;
        let has_own_pace = |queue: &BlastQueue| queue.id == now_sending && queue.has_own_pace();
        if self.obstacle().is_some() || (self.queues.len() > 1 && self.queues.iter().any(has_own_pace)) {
            return None;
        }
        let blast = self.least_served_or_paced()?;
        let has_room = self.people_left() != Some(0);
        let is_time = has_room && !self.has_gap(blast) && self.ready.len() <= self.lead(blast);
        (is_time && self.waits_for_its_rate_at_most()).then_some(blast)
    }

    /// With so many left to send to, it is time for the next claim: where a rate binds, sooner would only fill slots.
    fn lead(&self, blast: BlastId) -> usize {
        let takes = (self.claim_takes * 2).min(AT_ONCE_MAX).as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a moment of at most 10,000 a second"
        )]
        match self.rate_of(blast) {
            None => usize::MAX,
            Some(rate) if rate < FAST => 0,
            Some(rate) => (rate * takes).ceil() as usize + 1,
        }
    }

    /// Whether the sender may send now, or in a moment of its rate.
    fn waits_for_its_rate_at_most(&mut self) -> bool {
        match self.next_pace() {
            Pace::Go => true,
            Pace::Wait { until, reason } => {
                matches!(reason, PaceReason::Rate(_)) && is_soon(until, self.context.clock.now())
            }
        }
    }

    /// The blast to claim from next, though its own rate may make it wait for a moment.
    fn least_served_or_paced(&mut self) -> Option<BlastId> {
        let now = self.context.clock.now();
        self.least_served().or_else(|| {
            let paced = self.queues.iter().filter(|queue| {
                queue.hold.as_ref().is_some_and(|hold| {
                    matches!(hold.bottleneck, Some(Bottleneck::Blast(PaceReason::Rate(_)))) && is_soon(hold.until, now)
                })
            });
            paced.min_by_key(|queue| queue.served).map(|queue| queue.id)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::AnswerTime;

    fn slots_after(answers: usize, took: Duration) -> usize {
        let mut time = AnswerTime::default();
        (0..answers).for_each(|_| time.observe(took));
        time.slots(256)
    }

    #[test]
    fn the_sooner_a_provider_answers_the_more_people_hold_a_slot() {
        assert_eq!(slots_after(0, Duration::ZERO), 320, "a quarter more before the first answer");
        assert_eq!(slots_after(500, Duration::from_millis(150)), 307);
        assert_eq!(slots_after(500, Duration::from_millis(50)), 409);
        assert_eq!(slots_after(500, Duration::from_micros(500)), 768, "three times as many at most");
        assert_eq!(slots_after(500, Duration::from_secs(3600)), 263);
    }

    #[test]
    fn one_answer_that_took_long_changes_little() {
        let mut time = AnswerTime::default();
        (0..500).for_each(|_| time.observe(Duration::from_millis(20)));
        time.observe(Duration::from_secs(60));
        assert!((370..576).contains(&time.slots(256)), "{}", time.slots(256));
    }
}
