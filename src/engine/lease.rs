//! A lease as its holder keeps it: renewed every third of its life and not trusted past two thirds of it. POSTs that are
//! still in flight shortly before its end are dropped.

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
use super::fence::{Fence, FenceRefusal};
use super::machine_memory::SenderKey;
use crate::store::StoreError;
use crate::store::lease::{self, Lease, LeaseCounters};

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

    /// A failed renewal is retried sooner: the database may be back.
    fn renew_again_after(self) -> Duration {
        self.valid / 15
    }

    /// If its last renewal was *requested* longer ago than this, nothing is sent.
    fn trusted_for(self) -> Duration {
        self.valid * 2 / 3
    }

    /// Older than this, POSTs in flight are dropped: before its end by the database's clock, which began to count later than
    /// ours.
    fn over_after(self) -> Duration {
        self.valid * 9 / 10
    }

    /// How often its age is checked.
    fn check_every(self) -> Duration {
        self.valid / 60
    }
}

/// The lease this process holds on one sender.
#[derive(Debug)]
pub struct HeldLease {
    pub lease: Lease,
    terms: LeaseTerms,
    /// When the newest successful renewal was requested: its age counts from before the request.
    asked_at: Mutex<Moment>,
    lost: AtomicBool,
    /// One notification for all POSTs in flight: a timer for each would cost more than the POST's own checks.
    over: Notify,
}

impl HeldLease {
    /// `asked_at` is the moment before the lease was requested.
    pub fn new(lease: Lease, terms: LeaseTerms, asked_at: Moment) -> Self {
        Self { lease, terms, asked_at: Mutex::new(asked_at), lost: AtomicBool::new(false), over: Notify::new() }
    }

    /// How long each renewal is valid.
    pub fn valid(&self) -> TimeDelta {
        self.terms.valid()
    }

    /// Whether a POST may start now.
    pub fn is_fresh(&self) -> bool {
        !self.is_lost() && self.age() < self.terms.trusted_for()
    }

    /// Resolves when the lease ends while POSTs are in flight. It counts from now on, even before it is first polled: whoever
    /// takes it before asking [`Self::is_fresh`] misses no end.
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

    /// Renews until `stop`, or until the lease turns out to be lost. At a stop the memory notes how far its record of posts goes,
    /// so that an older copy of the record is recognised, however short the lease was.
    pub async fn keep(&self, keeping: RenewalDeps<'_>, stop: &CancellationToken) {
        tokio::select! {
            () = self.renew_again_and_again(keeping, stop) => {}
            () = self.watch() => {}
        }
    }

    /// By a clock that goes on while the machine sleeps: after a sleep, or a step of the wall clock, it renews at once.
    async fn renew_again_and_again(&self, keeping: RenewalDeps<'_>, stop: &CancellationToken) {
        let (mut tried_at, mut wait) = (Moment::now(), self.terms.renew_every());
        let mut renewals = self.lease.renewals;
        while !self.is_lost() {
            tokio::select! {
                () = stop.cancelled() => {
                    self.remember_renewal(keeping, renewals).await;
                    return;
                }
                () = sleep(self.terms.check_every()) => {}
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

    /// Drops POSTs in flight when no renewal got through, one check after that shows: a process that was frozen, or whose
    /// clock was set, first reads the database's answer and whatever else arrived meanwhile.
    async fn watch(&self) {
        loop {
            sleep(self.terms.check_every()).await;
            if self.age() >= self.terms.over_after() {
                sleep(self.terms.check_every()).await;
                if self.age() >= self.terms.over_after() {
                    self.over.notify_waiters();
                }
            }
        }
    }

    /// Drops POSTs in flight on a lost lease, one check later as well.
    pub async fn end_posts(&self) {
        sleep(self.terms.check_every()).await;
        self.over.notify_waiters();
    }

    /// Renews once and returns the number of renewals, which was `before`. A failed one changes nothing: the lease
    /// simply ages. A database that counts fewer than before has gone back in time, and one whose renewal this machine
    /// cannot remember is not to be sent from: either way the lease is lost, and whoever acquires it next verifies the database.
    async fn renew(&self, keeping: RenewalDeps<'_>, before: i64) -> Result<i64, StoreError> {
        let asked_at = Moment::now();
        let Some(renewed) = lease::renew(keeping.pool, self.lease, (self.terms.valid(), keeping.too_late)).await?
        else {
            self.lose();
            return Ok(before);
        };
        let is_as_remembered = renewed.renewals > before
            && self.remember_renewal(keeping, renewed.renewals).await
            && self.restore_missing_opt_outs(keeping).await?;
        if !is_as_remembered {
            self.lose();
            return Ok(before);
        }
        keeping.clock.observe(asked_at, renewed.at);
        if let Ok(mut held) = self.asked_at.lock() {
            *held = asked_at;
        }
        Ok(renewed.renewals)
    }

    /// A restored database may have forgotten opt-outs and nothing else: those that this machine remembers are noted in it again.
    /// Returns whether the two agree.
    async fn restore_missing_opt_outs(&self, keeping: RenewalDeps<'_>) -> Result<bool, StoreError> {
        match keeping.fence.compare_opt_outs(keeping.pool).await {
            Ok(()) => Ok(true),
            Err(FenceRefusal::Store(error)) => Err(error),
            Err(error) => {
                tracing::warn!(sender = self.lease.sender.0, %error, "nothing is sent that this machine cannot remember");
                Ok(false)
            }
        }
    }

    /// Writes the newest counters to this machine's record. Returns whether that worked.
    async fn remember_renewal(&self, keeping: RenewalDeps<'_>, renewals: i64) -> bool {
        let (fence, id, name) = (keeping.fence.clone(), self.lease.sender, keeping.name.to_owned());
        let counters = LeaseCounters { epoch: self.lease.epoch, renewals };
        match spawn_blocking(move || fence.renewed(SenderKey { id, name: &name }, counters)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(sender = id.0, %error, "nothing is sent that this machine cannot remember");
                false
            }
            Err(_) => false,
        }
    }
}

/// What renewals need.
#[derive(Clone, Copy)]
pub struct RenewalDeps<'a> {
    pub pool: &'a PgPool,
    pub clock: &'a DatabaseClock,
    pub fence: &'a Fence,
    /// The sender's.
    pub name: &'a str,
    /// A lease that ended longer ago than this is not renewed.
    pub too_late: TimeDelta,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::SenderId;
    use crate::store::fence::Incarnation;

    fn held(valid: Duration) -> HeldLease {
        let now = chrono::Utc::now();
        let lease = Lease {
            sender: SenderId(1),
            epoch: 1,
            granted_at: now,
            idle_since: None,
            reached_at: None,
            renewals: 1,
            incarnation: Incarnation { server_started_at: now, people_table: 1 },
        };
        HeldLease::new(lease, LeaseTerms { valid }, Moment::now())
    }

    #[test]
    fn what_is_under_way_is_over_before_the_lease_is() {
        let terms = LeaseTerms { valid: Duration::from_secs(15) };

        assert!(terms.renew_every() + terms.renew_again_after() < terms.trusted_for());
        assert!(terms.trusted_for() < terms.over_after());
        assert!(terms.over_after() + 2 * terms.check_every() < terms.valid);
    }

    #[tokio::test]
    async fn the_end_of_a_lease_is_signalled_once_it_comes_and_to_those_who_waited_before() {
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
