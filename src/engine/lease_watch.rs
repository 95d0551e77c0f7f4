//! What an engine sees of leases that others hold: whether the holder is alive, by this machine's own clock.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::clock::Moment;
use crate::domain::ids::SenderId;
use crate::store::lease::{LeaseCounters, RivalLease};

/// The leases that this process waits for.
#[derive(Debug, Default)]
pub struct LeaseWatch {
    seen: HashMap<SenderId, Sight>,
    /// The senders that this process asked somebody to confirm; and since when one is confirmed that still has no record here, so that
    /// it was on another machine.
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
    /// When the server was started that was asked last.
    server_started_at: DateTime<Utc>,
    /// The server on which it was seen to move: its holder was alive while this process watched.
    alive_on: Option<DateTime<Utc>>,
}

/// A sender of which this machine has no record.
#[derive(Debug, Clone, Copy)]
pub struct UnknownSender {
    pub id: SenderId,
    /// Nobody sends for it until somebody has looked.
    pub is_stopped: bool,
    /// Another process held it until a moment ago, as one does that restarts for a new configuration.
    pub was_held_lately: bool,
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
        let RivalLease { counters, server_started_at, .. } = *held;
        let first = Sight { counters, furthest: counters, since: now, server_started_at, alive_on: None };
        let sight = self.seen.entry(sender).or_insert(first);
        if sight.counters != counters {
            // What a restore put back is no sign of life; nor is what moved before the server was started anew, which may lack all that
            // was committed since.
            if server_started_at == sight.server_started_at && !counters.is_before(sight.furthest) {
                sight.alive_on = Some(server_started_at);
                self.asked.remove(&sender);
            }
            sight.furthest = sight.furthest.furthest(counters);
            (sight.counters, sight.since) = (counters, now);
        }
        sight.server_started_at = server_started_at;
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

    /// This process has somebody confirm a sender.
    pub fn asks(&mut self, sender: SenderId) {
        self.asked.insert(sender, None);
    }

    /// Whether a sender without a record here is asked about already; or is left to an engine of another machine for `patience`, since it
    /// was confirmed there, was held there until a moment ago, or was seen alive there before the server was started anew. Asking
    /// would stop the sender before that engine has its turn.
    pub fn is_left_to_others(&mut self, unknown: UnknownSender, patience: Duration) -> bool {
        let was_alive = self.seen.get(&unknown.id).is_some_and(|sight| sight.alive_on.is_some());
        let confirmed = match self.asked.entry(unknown.id) {
            Entry::Occupied(asked) => asked.into_mut(),
            Entry::Vacant(asked) if was_alive || unknown.was_held_lately => asked.insert(None),
            Entry::Vacant(_) => return false,
        };
        if unknown.is_stopped {
            *confirmed = None;
            return true;
        }
        let now = Moment::now();
        confirmed.get_or_insert(now).boot_age_at(now) < patience
    }

    /// What was last seen of a holder elsewhere.
    pub fn seen(&self, sender: SenderId) -> Option<Seen> {
        self.seen.get(&sender).map(|sight| Seen { furthest: sight.furthest, alive_on: sight.alive_on })
    }
}

/// A lease as this process itself saw it in another's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The furthest that it counted.
    pub furthest: LeaseCounters,
    /// When the server was started on which its holder renewed it while this process watched.
    pub alive_on: Option<DateTime<Utc>>,
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

    use chrono::{DateTime, TimeDelta, Utc};

    use super::{LeaseWatch, Seen, UnknownSender, dead_after};
    use crate::domain::ids::SenderId;
    use crate::store::lease::{LeaseCounters, RivalLease};

    const SENDER: SenderId = SenderId(1);
    const LEASE: Duration = Duration::from_secs(60);
    const STARTED: DateTime<Utc> = DateTime::UNIX_EPOCH;

    const UNKNOWN: UnknownSender = UnknownSender { id: SENDER, is_stopped: false, was_held_lately: false };

    fn counts(epoch: i64, renewals: i64) -> LeaseCounters {
        LeaseCounters { epoch, renewals }
    }

    fn look(watch: &mut LeaseWatch, counters: LeaseCounters, server_started_at: DateTime<Utc>) -> Seen {
        let held = RivalLease { holder: "a".to_owned(), counters, server_started_at, valid: Some(LEASE) };
        watch.look(SENDER, &held, LEASE);
        watch.seen(SENDER).unwrap()
    }

    #[test]
    fn a_lease_that_counts_back_is_seen_to_have_come_further_and_has_not_lived_by_that() {
        let mut watch = LeaseWatch::default();
        let mut look = |counters| look(&mut watch, counters, STARTED);
        let (unseen, alive) =
            (|furthest| Seen { furthest, alive_on: None }, |furthest| Seen { furthest, alive_on: Some(STARTED) });

        assert_eq!(look(counts(1, 7)), unseen(counts(1, 7)));
        assert_eq!(look(counts(1, 4)), unseen(counts(1, 7)));
        assert_eq!(look(counts(1, 5)), unseen(counts(1, 7)), "whoever renews what was put back");
        assert_eq!(look(counts(1, 8)), alive(counts(1, 8)));
        assert_eq!(look(counts(2, 6)), alive(counts(2, 8)));
    }

    #[test]
    fn a_holder_was_alive_on_the_server_on_which_it_was_seen_to_renew() {
        let mut watch = LeaseWatch::default();
        let anew = STARTED + TimeDelta::seconds(1);

        look(&mut watch, counts(1, 7), STARTED);
        assert_eq!(look(&mut watch, counts(1, 8), STARTED).alive_on, Some(STARTED));
        let across = look(&mut watch, counts(1, 9), anew);
        assert_eq!(across.alive_on, Some(STARTED), "it may have renewed before the server was started anew");
        assert_eq!(look(&mut watch, counts(1, 10), anew).alive_on, Some(anew));
    }

    #[test]
    fn a_sender_is_left_to_whoever_confirmed_it_elsewhere_for_a_while_and_asked_about_again() {
        let mut watch = LeaseWatch::default();

        assert!(!watch.is_left_to_others(UNKNOWN, LEASE), "nobody was asked");
        watch.asks(SENDER);
        assert!(
            watch.is_left_to_others(UnknownSender { is_stopped: true, ..UNKNOWN }, Duration::ZERO),
            "nobody has confirmed yet"
        );
        assert!(watch.is_left_to_others(UNKNOWN, LEASE) && watch.is_left_to_others(UNKNOWN, LEASE));
        assert!(!watch.is_left_to_others(UNKNOWN, Duration::ZERO), "no engine came");
    }

    #[test]
    fn a_sender_whose_holder_lived_before_the_server_was_started_anew_is_left_to_it_for_a_while() {
        let mut watch = LeaseWatch::default();

        look(&mut watch, counts(1, 7), STARTED);
        assert!(!watch.is_left_to_others(UNKNOWN, LEASE), "it was not seen alive");
        look(&mut watch, counts(1, 8), STARTED);
        assert!(watch.is_left_to_others(UNKNOWN, LEASE));
        assert!(!watch.is_left_to_others(UNKNOWN, Duration::ZERO), "it did not come back");
        look(&mut watch, counts(1, 9), STARTED);
        assert!(watch.is_left_to_others(UNKNOWN, LEASE), "it came back, and was lost again");
    }

    #[test]
    fn a_sender_that_was_held_elsewhere_until_a_moment_ago_is_left_to_its_engine_that_restarts() {
        let mut watch = LeaseWatch::default();

        let restarting = UnknownSender { was_held_lately: true, ..UNKNOWN };
        assert!(watch.is_left_to_others(restarting, LEASE));
        assert!(watch.is_left_to_others(UNKNOWN, LEASE), "its patience has begun");
        assert!(!watch.is_left_to_others(UNKNOWN, Duration::ZERO), "it did not come back");
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
