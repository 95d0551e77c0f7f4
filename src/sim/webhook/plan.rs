//! What is announced about a message, and when: a pure function of the message and the faults drawn for it.

use std::time::Duration;

use super::super::{
    chance::{Chance, Draw},
    fate::{Channel, Fate, Population, SimDelivery, WireStatus},
    fault::{EventKnob, FaultKind},
    post_log::Accepted,
};

/// What happened to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence {
    Sent,
    Delivered,
    Read,
    Failed,
    Reply,
    /// The person stopped marketing messages in their settings, after a reply.
    Preference,
}

/// One event of a message as it is announced. Times are real and from acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announcement {
    pub due: Duration,
    pub occurred: Duration,
    pub what: Occurrence,
    /// Whether the request that carries it is sent once more after its 200.
    pub is_repeated: bool,
}

/// How late a reordered event comes, in simulated seconds.
const LATE: (f64, f64) = (1.0, 3_600.0);
/// How late a duplicate comes, in simulated seconds.
const AGAIN: (f64, f64) = (0.5, 600.0);
/// The share of people who, having written STOP, also stop marketing messages in their settings.
const STOPS_MARKETING: f64 = 0.5;
/// When they do so after the reply, in simulated seconds.
const STOPS_MARKETING_AFTER: f64 = 5.0;

/// Everything that is announced about a message, in the order in which it goes out. `answered` is when the response to
/// the send has gone out.
pub fn plan(accepted: &Accepted, population: Population, answered: Duration) -> Vec<Announcement> {
    let planner = Planner { accepted, population, answered };
    let mut plan: Vec<_> = planner.occurrences().into_iter().flat_map(|event| planner.announced(event)).collect();
    plan.sort_by_key(|announcement| announcement.due);
    plan
}

/// The highest status that is announced by `elapsed` after acceptance, and whether a reply is.
pub fn announced_by(plan: &[Announcement], elapsed: Duration) -> (Option<WireStatus>, bool) {
    let come = plan.iter().filter(|announcement| announcement.due <= elapsed);
    let rank = |what| match what {
        Occurrence::Sent => Some((1, WireStatus::ServerAck)),
        Occurrence::Delivered => Some((2, WireStatus::DeliveryAck)),
        Occurrence::Read => Some((3, WireStatus::Read)),
        Occurrence::Failed => Some((4, WireStatus::Error)),
        Occurrence::Reply | Occurrence::Preference => None,
    };
    let status = come.clone().filter_map(|announcement| rank(announcement.what)).max_by_key(|(rank, _)| *rank);
    (status.map(|(_, status)| status), come.into_iter().any(|announcement| announcement.what == Occurrence::Reply))
}

struct Planner<'a> {
    accepted: &'a Accepted,
    population: Population,
    answered: Duration,
}

impl Planner<'_> {
    /// What happens, and when.
    fn occurrences(&self) -> Vec<(Occurrence, Duration)> {
        match self.population.fate(self.accepted.message) {
            Fate::Unreachable => Vec::new(),
            Fate::Refused { after, .. } => vec![(Occurrence::Failed, after)],
            Fate::Delivered(delivery) => self.of_delivery(&delivery),
        }
    }

    fn of_delivery(&self, delivery: &SimDelivery) -> Vec<(Occurrence, Duration)> {
        let skips_delivered = delivery.read.is_some() && self.accepted.knobs.has(FaultKind::NoDelivered);
        let mut events = vec![(Occurrence::Sent, delivery.server_ack)];
        if !skips_delivered {
            events.push((Occurrence::Delivered, delivery.delivered));
        }
        events.extend(delivery.read.map(|at| (Occurrence::Read, at)));
        if let Some(reply) = &delivery.reply {
            events.push((Occurrence::Reply, reply.after));
            let is_cloud = matches!(self.accepted.message.channel, Channel::Cloud(_));
            if is_cloud && reply.text == "STOP" && self.chance().happens(Draw::Preference, STOPS_MARKETING) {
                let after = self.population.real(STOPS_MARKETING_AFTER);
                events.push((Occurrence::Preference, reply.after.saturating_add(after)));
            }
        }
        events
    }

    /// The announcements of one event: none when it is lost, several when it is duplicated.
    fn announced(&self, (what, occurred): (Occurrence, Duration)) -> Vec<Announcement> {
        let (knobs, event) = (self.accepted.knobs, what as u32);
        if knobs.event(EventKnob::Lost, event) {
            return Vec::new();
        }
        let mut first = if self.is_early(what) { Duration::ZERO } else { occurred.max(self.answered) };
        if knobs.event(EventKnob::Reorder, event) {
            first = first.saturating_add(self.delay(event, 0, LATE));
        }
        let announcement =
            |due| Announcement { due, occurred, what, is_repeated: knobs.event(EventKnob::Repeated, event) };
        let mut all = vec![announcement(first)];
        if knobs.event(EventKnob::Duplicate, event) {
            all.push(announcement(first.saturating_add(self.delay(event, 1, AGAIN))));
            if self.unit(event, 3) < 0.5 {
                all.push(announcement(first.saturating_add(self.delay(event, 2, AGAIN))));
            }
        }
        all
    }

    fn is_early(&self, what: Occurrence) -> bool {
        matches!(what, Occurrence::Sent | Occurrence::Failed) && self.accepted.knobs.has(FaultKind::WebhookEarly)
    }

    fn delay(&self, event: u32, copy: u32, (low, high): (f64, f64)) -> Duration {
        self.population.real(low * (high / low).powf(self.unit(event, copy)))
    }

    fn unit(&self, event: u32, nth: u32) -> f64 {
        self.chance().nth_unit(Draw::NewsDelay, u64::from(event * 4 + nth))
    }

    fn chance(&self) -> Chance {
        let message = self.accepted.message;
        Chance::of(self.population.seed, message.phone, message.nth)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{
        fate::{CloudEnding, NthMessage},
        fault::{FaultRates, MessageKnobs},
        post_log::SimTime,
    };
    use super::*;

    const PEOPLE: u64 = 3_000;
    const POPULATION: Population = Population { seed: 7, speed: 1.0 };

    fn accepted(n: u64, faults: &[&str]) -> Accepted {
        let faults: Vec<_> = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        let rates = FaultRates::new(&faults).unwrap();
        let phone = 60_100_000_000 + n;
        let message = NthMessage { phone, nth: 1, channel: Channel::Cloud(CloudEnding::Usual) };
        let knobs = MessageKnobs::draw(&rates, Chance::of(7, phone, 0), Chance::of(7, phone, 1));
        Accepted { id: "wamid.X".into(), message, at: SimTime::ZERO, knobs }
    }

    fn plans(faults: &[&str]) -> Vec<Vec<Announcement>> {
        (0..PEOPLE).map(|n| plan(&accepted(n, faults), POPULATION, Duration::ZERO)).collect()
    }

    fn count(plans: &[Vec<Announcement>], what: Occurrence) -> usize {
        plans.iter().flatten().filter(|announcement| announcement.what == what).count()
    }

    #[test]
    fn without_faults_everything_is_announced_once_when_it_happens() {
        let plans = plans(&[]);

        assert!(plans.iter().flatten().all(|announcement| announcement.due == announcement.occurred));
        assert_eq!(count(&plans, Occurrence::Sent) + count(&plans, Occurrence::Failed), 3_000);
        assert!(count(&plans, Occurrence::Read) > 1_800 && count(&plans, Occurrence::Reply) > 20);
        assert!(count(&plans, Occurrence::Preference) > 0);
    }

    #[test]
    fn a_lost_event_is_never_announced_and_the_others_are() {
        assert_eq!(plans(&["webhook-lost=1"]).concat(), []);
        let half = count(&plans(&["webhook-lost=0.5"]), Occurrence::Sent);
        assert!((1_250..1_600).contains(&half), "{half}");
    }

    #[test]
    fn duplicates_come_two_or_three_times_and_reordered_events_come_late() {
        let (once, twice) = (plans(&[]), plans(&["webhook-duplicate=1"]));
        let copies = count(&twice, Occurrence::Sent);

        assert!(copies > 2 * count(&once, Occurrence::Sent) && copies < 3 * count(&once, Occurrence::Sent));
        let shuffled = plans(&["webhook-reorder=1"]);
        let in_order = |plan: &&Vec<Announcement>| plan.is_sorted_by_key(|announcement| announcement.occurred);
        assert!(shuffled.iter().filter(in_order).count() < 2_400);
    }

    #[test]
    fn delivered_is_left_out_only_for_messages_that_are_read() {
        let plans = plans(&["no-delivered=1"]);

        for plan in &plans {
            let has = |what| plan.iter().any(|announcement| announcement.what == what);
            assert!(!has(Occurrence::Sent) || has(Occurrence::Delivered) != has(Occurrence::Read));
        }
    }

    #[test]
    fn nothing_goes_out_before_the_answer_unless_it_shall() {
        let answered = Duration::from_secs(50);
        let first = |faults: &[&str]| plan(&accepted(3, faults), POPULATION, answered)[0].due;

        assert_eq!((first(&[]), first(&["webhook-early=1"])), (answered, Duration::ZERO));
    }
}
