//! What an engine sees of leases that others hold: whether the holder is alive, by this machine's own clock.

use std::collections::HashMap;
use std::time::Duration;

use super::clock::Moment;
use crate::domain::ids::SenderId;
use crate::store::lease::{LeaseCounters, RivalLease};

/// The leases that this process waits for.
#[derive(Debug, Default)]
pub struct LeaseWatch {
    seen: HashMap<SenderId, Sight>,
    /// The senders that this process had confirmed, for want of any record of them on its machine; and since when one is confirmed that
    /// still has no record here, so that it was on another machine.
    asked: HashMap<SenderId, Option<Moment>>,
}

/// One lease, observed over time.
#[derive(Debug, Clone, Copy)]
struct Sight {
    counters: LeaseCounters,
    /// The furthest that they were seen to count: a database that is put back counts less, while the lease in it may be valid still.
    furthest: LeaseCounters,
    /// Since when its counter has not moved.
    since: Moment,
    /// Whether it was seen to move: its holder was alive while this process watched.
    has_moved: bool,
}

/// Whether a lease's holder is alive: from a dead one it may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderState {
    Alive,
    /// Its counter did not move for as long as its holder may trust it: whatever `expires_at` says, it is dead.
    Dead(LeaseCounters),
}

impl LeaseWatch {
    /// Observes a lease that another process holds. The database has just answered, so a live holder could have renewed it.
    pub fn look(&mut self, sender: SenderId, held: &RivalLease, own: Duration) -> HolderState {
        let now = Moment::now();
        let seen = Sight { counters: held.counters, furthest: held.counters, since: now, has_moved: false };
        let sight = self.seen.entry(sender).or_insert(seen);
        if sight.counters != held.counters {
            // What a restore put back is no sign of life.
            sight.has_moved |= !held.counters.is_before(sight.furthest);
            sight.furthest = sight.furthest.furthest(held.counters);
            (sight.counters, sight.since) = (held.counters, now);
        }
        if sight.since.boot_age_at(now) > dead_after(held.valid, own) {
            HolderState::Dead(sight.counters)
        } else {
            HolderState::Alive
        }
    }

    /// The database that they were seen in is no longer the same.
    pub fn forget(&mut self, sender: SenderId) {
        self.seen.remove(&sender);
    }

    /// The database did not answer: holders could not renew either, and get their full time again.
    pub fn was_blind(&mut self) {
        let now = Moment::now();
        self.seen.values_mut().for_each(|sight| sight.since = now);
    }

    /// Somebody is asked to confirm a sender of which this machine has no record.
    pub fn asks(&mut self, sender: SenderId) {
        self.asked.insert(sender, None);
    }

    /// Whether a sender without a record here was confirmed on another machine less than `patience` ago: its engine comes first. Asking
    /// again would stop the sender before that engine has its turn.
    pub fn is_confirmed_elsewhere(&mut self, sender: SenderId, patience: Duration) -> bool {
        let Some(confirmed) = self.asked.get_mut(&sender) else { return false };
        let now = Moment::now();
        confirmed.get_or_insert(now).boot_age_at(now) < patience
    }

    /// What was last seen of a holder elsewhere.
    pub fn seen(&self, sender: SenderId) -> Option<Seen> {
        self.seen.get(&sender).map(|sight| Seen { furthest: sight.furthest, was_alive: sight.has_moved })
    }
}

/// A lease as this process itself saw it in another's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The furthest that it counted.
    pub furthest: LeaseCounters,
    /// Its holder renewed it while this process watched.
    pub was_alive: bool,
}

/// The longest lease that can be configured: what a row says beyond it was written by hand.
const LONGEST_LEASE: Duration = Duration::from_secs(300);

/// How long a lease may go without a renewal before its holder is dead: as long as the holder says, and as we would.
fn dead_after(valid: Option<Duration>, own: Duration) -> Duration {
    valid.map_or(own, |valid| valid.min(LONGEST_LEASE)).max(own)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{HolderState, LeaseWatch, Seen, dead_after};
    use crate::domain::ids::SenderId;
    use crate::store::lease::{LeaseCounters, RivalLease};

    #[test]
    fn a_lease_that_counts_back_is_seen_to_have_come_further_and_has_not_lived_by_that() {
        let (mut watch, sender, valid) = (LeaseWatch::default(), SenderId(1), Duration::from_secs(60));
        let counts = |epoch, renewals| LeaseCounters { epoch, renewals };
        let mut look = |counters| {
            let held = RivalLease { holder: "a".to_owned(), counters, valid: Some(valid) };
            (watch.look(sender, &held, valid), watch.seen(sender))
        };
        let seen = |furthest, was_alive| (HolderState::Alive, Some(Seen { furthest, was_alive }));

        assert_eq!(look(counts(1, 7)), seen(counts(1, 7), false));
        assert_eq!(look(counts(1, 4)), seen(counts(1, 7), false));
        assert_eq!(look(counts(1, 5)), seen(counts(1, 7), false), "whoever renews what was put back");
        assert_eq!(look(counts(1, 8)), seen(counts(1, 8), true));
        assert_eq!(look(counts(2, 6)), seen(counts(2, 8), true));
    }

    #[test]
    fn a_sender_is_left_to_whoever_confirmed_it_elsewhere_for_a_while_and_asked_about_again() {
        let (mut watch, sender, lease) = (LeaseWatch::default(), SenderId(1), Duration::from_secs(60));

        assert!(!watch.is_confirmed_elsewhere(sender, lease), "nobody was asked");
        watch.asks(sender);
        assert!(watch.is_confirmed_elsewhere(sender, lease) && watch.is_confirmed_elsewhere(sender, lease));
        assert!(!watch.is_confirmed_elsewhere(sender, Duration::ZERO), "no engine came");
    }

    #[test]
    fn a_lease_of_a_day_that_somebody_wrote_is_dead_after_the_longest_that_can_be() {
        let seconds = Duration::from_secs;

        assert_eq!(dead_after(Some(seconds(86_400)), seconds(15)), seconds(300));
        assert_eq!(dead_after(Some(seconds(60)), seconds(15)), seconds(60));
        assert_eq!(dead_after(Some(seconds(5)), seconds(15)), seconds(15));
        assert_eq!(dead_after(None, seconds(15)), seconds(15));
    }
}
