//! A lease as its holder keeps it: renewed every third of its life, and not trusted past two thirds of it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::clock::{DatabaseClock, Moment};
use super::fence::Fence;
use crate::store::lease::{self, Lease};

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

    /// Older than this since its last renewal was *asked for*, nothing is sent.
    fn trusted_for(self) -> Duration {
        self.valid * 2 / 3
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
}

impl HeldLease {
    /// `asked_at` is the moment before the lease was asked for.
    pub fn new(lease: Lease, terms: LeaseTerms, asked_at: Moment) -> Self {
        Self { lease, terms, asked_at: Mutex::new(asked_at), lost: AtomicBool::new(false) }
    }

    /// How long each renewal is good for.
    pub fn valid(&self) -> TimeDelta {
        self.terms.valid()
    }

    /// Whether a POST may start now.
    pub fn is_fresh(&self) -> bool {
        let age = self.asked_at.lock().map_or(Duration::MAX, |moment| moment.age());
        !self.lost.load(Ordering::Acquire) && age < self.terms.trusted_for()
    }

    /// The database says that somebody else has it.
    pub fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Renews until told to stop, or until the lease turns out to be lost.
    pub async fn keep(&self, pool: &PgPool, clock: &DatabaseClock, fence: &Fence, stop: &CancellationToken) {
        while !self.is_lost() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.terms.renew_every()) => self.renew(pool, clock, fence).await,
            }
        }
    }

    /// One renewal. A failed one changes nothing: the lease simply ages.
    async fn renew(&self, pool: &PgPool, clock: &DatabaseClock, fence: &Fence) {
        let asked_at = Moment::now();
        match lease::renew(pool, self.lease, self.terms.valid()).await {
            Ok(Some(renewed)) => {
                clock.heard(asked_at, renewed.at);
                fence.saw(self.lease.sender, renewed.renewals);
                if let Ok(mut held) = self.asked_at.lock() {
                    *held = asked_at;
                }
            }
            Ok(None) => self.lose(),
            Err(error) => tracing::warn!(sender = self.lease.sender.0, %error, "the lease could not be renewed"),
        }
    }
}
