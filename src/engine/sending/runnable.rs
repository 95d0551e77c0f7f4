//! What a sender may send for now.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Sender;
use super::next_action::{self, BlastQueue};
use crate::store::blast::{self, RunnableBlast};
use crate::store::{StoreError, sender};

/// Without an order, blasts are read again this often.
const REFRESH_EVERY: Duration = Duration::from_secs(1);
/// The same while a launch can be taken back: that nobody can is noticed while there is time for it.
const REFRESH_ARMED_EVERY: Duration = Duration::from_millis(250);
/// The same while everything waits for long.
pub(super) const REFRESH_AT_REST_EVERY: Duration = Duration::from_secs(5);

/// How long the database had the loop wait since it was read last, and of late.
#[derive(Debug)]
pub(super) struct DatabaseContact {
    read_at: Instant,
    /// What the loop waited for other things since.
    waited: Duration,
    usual: Duration,
}

/// A database that takes longer than this, and far longer than of late, was away.
const OUTAGE: Duration = Duration::from_secs(1);

impl Default for DatabaseContact {
    fn default() -> Self {
        Self { read_at: Instant::now(), waited: Duration::ZERO, usual: Duration::ZERO }
    }
}

impl DatabaseContact {
    pub(super) const fn waited(&mut self, pause: Duration) {
        self.waited = self.waited.saturating_add(pause);
    }

    /// Learns how long this read took. Returns whether the database was away: it took far longer than of late, so that a slow link does not
    /// count as one that is cut.
    fn observe_read(&mut self) -> bool {
        self.observe(self.read_at.elapsed().saturating_sub(self.waited))
    }

    fn observe(&mut self, took: Duration) -> bool {
        let patience = self.patience();
        let usual = self.usual;
        // One outage does not make the next one usual.
        self.usual = (usual * 3 + took.min((usual + OUTAGE) * 2)) / 4;
        took > patience
    }

    /// What takes longer was an outage.
    pub(super) fn patience(&self) -> Duration {
        OUTAGE + self.usual * 3
    }

    fn read(&mut self) {
        (self.read_at, self.waited) = (Instant::now(), Duration::ZERO);
    }
}

impl Sender {
    /// Reads what there is to send for, after an order or now and then.
    pub(super) async fn refresh(&mut self) -> Result<(), StoreError> {
        let is_ordered = self.refreshed_at.is_none() || self.is_ordered();
        if !is_ordered && self.refreshed_at.is_some_and(|at| at.elapsed() < self.refresh_every()) {
            return Ok(());
        }
        self.orders.mark_unchanged();
        let recovered = self.pace.recover_step(self.context.sender.limits, self.context.clock.now());
        self.failures.slowed(recovered);
        self.pace.read_people(&self.context, self.context.clock.now()).await?;
        let runnable = self.reached_runnable().await?;
        let runnable = self.without_paused(runnable).await?;
        self.stopped = sender::stopped(&self.context.pool, self.context.sender.id).await?;
        if self.context.sender.token.is_refused() {
            // Whoever lifts the stop means another process: this one is about to give the sender up.
            self.stopped.get_or_insert_with(|| "the provider refused the token".to_owned());
        }
        let now = self.context.clock.now();
        let known = std::mem::take(&mut self.queues);
        self.queues = next_action::renew_queues(known, runnable, &self.context, now).await?;
        for queue in &self.queues {
            self.failures.load(queue.id).await?;
        }
        if self.context.recorder.trouble().is_some() {
            self.write_report().await?;
        }
        if is_ordered {
            self.pace.lift(&self.context).await?;
            let slowed = self.pace.apply_webhooks(&self.context, self.context.clock.now()).await?;
            self.failures.slowed(slowed);
            for queue in &mut self.queues {
                (queue.nobody_due_before, queue.refused) = (None, None);
            }
        }
        self.refreshed_at = Some(Instant::now());
        self.reached_at = self.context.clock.now();
        self.contact.read();
        Ok(())
    }

    /// Whether something was ordered (a pause, an opt-out) since the blasts were last read.
    pub(super) fn is_ordered(&self) -> bool {
        self.orders.has_changed().unwrap_or(true)
    }

    /// Orders are obeyed at once; whoever waits for long reads less often beside that.
    pub(super) fn refresh_every(&self) -> Duration {
        if self.queues.iter().any(BlastQueue::is_armed) {
            return REFRESH_ARMED_EVERY;
        }
        if self.context.rests.load(Ordering::Relaxed) { REFRESH_AT_REST_EVERY } else { REFRESH_EVERY }
    }

    /// What there is to send, as it is once whatever could not be taken back has its time for that anew.
    async fn reached_runnable(&mut self) -> Result<Vec<RunnableBlast>, StoreError> {
        let runnable = self.runnable().await?;
        if self.contact.observe_read() {
            self.unreached_since.get_or_insert(self.reached_at);
        }
        if self.arm_again().await? { self.runnable().await } else { Ok(runnable) }
    }

    /// What was launched and could not be taken back while the database did not answer gets its time for that anew.
    async fn arm_again(&mut self) -> Result<bool, StoreError> {
        let Some(since) = self.unreached_since else { return Ok(false) };
        let (pool, sender) = (&self.context.pool, &self.context.sender);
        let armed = blast::arm_again(pool, sender.id, since).await?;
        for &blast in &armed {
            tracing::info!(sender = %sender.name, blast = blast.0, "it starts in ten seconds: nobody could take it back before");
            self.context.notifier.order(pool, Some(blast)).await?;
        }
        self.unreached_since = None;
        Ok(!armed.is_empty())
    }

    /// What is being sent; what is due to start by itself is started first, and everybody is notified.
    async fn runnable(&self) -> Result<Vec<RunnableBlast>, StoreError> {
        let (pool, sender) = (&self.context.pool, self.context.sender.id);
        let runnable = blast::runnable(pool, sender).await?;
        if !runnable.iter().any(|blast| blast.is_due) {
            return Ok(runnable);
        }
        for blast in blast::start_scheduled(pool, sender, self.deps.engine.settings.too_late).await? {
            tracing::info!(blast = blast.0, "its time has come");
            self.context.notifier.order(pool, Some(blast)).await?;
        }
        let runnable = blast::runnable(pool, sender).await?;
        Ok(runnable.into_iter().filter(|blast| !blast.is_due).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_link_is_not_one_that_is_cut_again_and_again() {
        let seconds = Duration::from_secs;
        let mut contact = DatabaseContact::default();

        assert_eq!([1, 1, 2, 2].map(|took| contact.observe(seconds(took))), [false; 4]);
        let mut quick = DatabaseContact::default();
        assert!(quick.observe(seconds(6)), "an outage");
        let lost = (0..20).filter(|_| quick.observe(seconds(6))).count();
        assert!(lost <= 2, "then it is slow: {lost}");
        assert!(
            (0..20).all(|_| !quick.observe(Duration::from_millis(20))) && quick.observe(seconds(3)),
            "it is quick again"
        );
        let mut is_lost_again =
            || [5, 5, 3_200].map(|took| quick.observe(Duration::from_millis(took))) == [false, false, true];
        assert!((0..3).all(|_| is_lost_again()), "outages one after the other");
        let mut fresh = DatabaseContact::default();
        let long_then_short = [120_000, 5, 5, 4_000].map(|took| fresh.observe(Duration::from_millis(took)));
        assert_eq!(long_then_short, [true, false, false, true], "a long outage hides no short one");
    }
}
