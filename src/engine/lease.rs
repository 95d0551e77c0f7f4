//! A lease as its holder keeps it: renewed every third of its life, not trusted past two thirds of it, and before it ends
//! whatever is under way on it is dropped.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::clock::{DatabaseClock, Moment};
use super::fence::Fence;
use crate::store::StoreError;
use crate::store::lease::{self, Lease, Pulse};

/// How long leases live.
#[derive(Debug, Clone, Copy)]
pub struct LeaseTerms {
    /// By the database's clock; 15 s unless configured.
    pub valid: Duration,
}

impl LeaseTerms {
    pub fn valid(self) -> TimeDelta {
        TimeDelta::from_std(self.valid).unwrap_or(TimeDelta::seconds(15))
    }

    fn renew_every(self) -> Duration {
        self.valid / 3
    }

    /// A renewal that failed is tried again sooner: the database may be back.
    fn renew_again_after(self) -> Duration {
        self.valid / 15
    }

    /// Older than this since its last renewal was *asked for*, nothing is sent.
    fn trusted_for(self) -> Duration {
        self.valid * 2 / 3
    }

    /// Older than this, what is under way is dropped: a look before its end by the database's clock, which began to count
    /// later than ours.
    fn over_after(self) -> Duration {
        self.valid * 9 / 10
    }

    /// How often its age is looked at.
    fn look_every(self) -> Duration {
        self.valid / 60
    }
}

/// The lease this process holds on one sender.
#[derive(Debug)]
pub struct HeldLease {
    pub lease: Lease,
    terms: LeaseTerms,
    /// When the newest renewal that succeeded was asked for: its age counts from before the request.
    asked_at: Mutex<Moment>,
    lost: AtomicBool,
    /// One bell for all POSTs under way: a timer each would cost more than the POST's own checks.
    over: Notify,
}

impl HeldLease {
    /// `asked_at` is the moment before the lease was asked for.
    pub fn new(lease: Lease, terms: LeaseTerms, asked_at: Moment) -> Self {
        Self { lease, terms, asked_at: Mutex::new(asked_at), lost: AtomicBool::new(false), over: Notify::new() }
    }

    /// How long each renewal is good for.
    pub fn valid(&self) -> TimeDelta {
        self.terms.valid()
    }

    /// Whether a POST may start now.
    pub fn is_fresh(&self) -> bool {
        !self.is_lost() && self.age() < self.terms.trusted_for()
    }

    /// Rings when the lease ends under what is under way. Counts from now on, also before it is first polled: taken before
    /// [`Self::is_fresh`] is asked, it misses no end.
    pub fn over(&self) -> Notified<'_> {
        self.over.notified()
    }

    /// The database says that somebody else has it.
    pub fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    fn age(&self) -> Duration {
        self.asked_at.lock().map_or(Duration::MAX, |moment| moment.age())
    }

    /// Renews until told to stop, or until the lease turns out to be lost.
    pub async fn keep(&self, keeping: Keeping<'_>, stop: &CancellationToken) {
        tokio::select! {
            () = self.renew_again_and_again(keeping, stop) => {}
            () = self.watch() => {}
        }
    }

    /// By a clock that goes on while the machine sleeps: after a sleep, or a step of the wall's clock, it is asked at once.
    async fn renew_again_and_again(&self, keeping: Keeping<'_>, stop: &CancellationToken) {
        let (mut tried_at, mut wait) = (Moment::now(), self.terms.renew_every());
        let mut renewals = self.lease.renewals;
        while !self.is_lost() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(self.terms.look_every()) => {}
            }
            if tried_at.age() < wait {
                continue;
            }
            tried_at = Moment::now();
            let before = wait;
            wait = match self.renew(keeping, renewals).await {
                Ok(newest) => {
                    renewals = newest;
                    self.terms.renew_every()
                }
                Err(error) => {
                    if before == self.terms.renew_every() {
                        tracing::warn!(sender = self.lease.sender.0, %error, "the lease could not be renewed yet");
                    }
                    self.terms.renew_again_after()
                }
            };
        }
    }

    /// Ends what is under way when no renewal got through. One look later than it shows: a process that was frozen, or
    /// whose clock was set, hears from the database first, and reads the answers that came meanwhile.
    async fn watch(&self) {
        loop {
            sleep(self.terms.look_every()).await;
            if self.age() >= self.terms.over_after() {
                sleep(self.terms.look_every()).await;
                if self.age() >= self.terms.over_after() {
                    self.over.notify_waiters();
                }
            }
        }
    }

    /// Ends what is under way on a lost lease, a look later as well.
    pub async fn end_posts(&self) {
        sleep(self.terms.look_every()).await;
        self.over.notify_waiters();
    }

    /// One renewal, after which there were so many; `before` it there were fewer. A failed one changes nothing: the lease
    /// simply ages. A database that counts fewer than before has gone back in time, and one whose renewal this machine
    /// cannot remember is not to be sent from: either way the lease is lost, and whoever acquires it again finds out.
    async fn renew(&self, keeping: Keeping<'_>, before: i64) -> Result<i64, StoreError> {
        let asked_at = Moment::now();
        let Some(renewed) = lease::renew(keeping.pool, self.lease, self.terms.valid()).await? else {
            self.lose();
            return Ok(before);
        };
        if renewed.renewals <= before || !self.is_remembered(keeping.fence, renewed.renewals).await {
            self.lose();
            return Ok(before);
        }
        keeping.clock.heard(asked_at, renewed.at);
        if let Ok(mut held) = self.asked_at.lock() {
            *held = asked_at;
        }
        Ok(renewed.renewals)
    }

    async fn is_remembered(&self, fence: &Fence, renewals: i64) -> bool {
        let (fence, sender, pulse) = (fence.clone(), self.lease.sender, Pulse { epoch: self.lease.epoch, renewals });
        match spawn_blocking(move || fence.renewed(sender, pulse)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(sender = sender.0, %error, "nothing is sent that this machine cannot remember");
                false
            }
            Err(_) => false,
        }
    }
}

/// What a lease is kept with.
#[derive(Clone, Copy)]
pub struct Keeping<'a> {
    pub pool: &'a PgPool,
    pub clock: &'a DatabaseClock,
    pub fence: &'a Fence,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::SenderId;

    fn held(valid: Duration) -> HeldLease {
        let now = chrono::Utc::now();
        let lease = Lease {
            sender: SenderId(1),
            epoch: 1,
            granted_at: now,
            idle_since: None,
            renewals: 1,
            server_started_at: now,
        };
        HeldLease::new(lease, LeaseTerms { valid }, Moment::now())
    }

    #[test]
    fn what_is_under_way_is_over_before_the_lease_is() {
        let terms = LeaseTerms { valid: Duration::from_secs(15) };

        assert!(terms.renew_every() + terms.renew_again_after() < terms.trusted_for());
        assert!(terms.trusted_for() < terms.over_after());
        assert!(terms.over_after() + 2 * terms.look_every() < terms.valid);
    }

    #[tokio::test]
    async fn the_end_of_a_lease_is_told_once_it_comes_and_to_those_who_waited_before() {
        let lease = held(Duration::from_millis(600));
        let (over, began) = (lease.over(), tokio::time::Instant::now());

        let ended = async {
            sleep(Duration::from_millis(50)).await;
            over.await;
        };
        tokio::select! { () = lease.watch() => {}, () = ended => {} }

        assert!(began.elapsed() >= Duration::from_millis(540), "{:?}", began.elapsed());
        assert!(!lease.is_fresh());
    }
}
