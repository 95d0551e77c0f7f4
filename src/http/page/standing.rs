//! What a blast does at this moment, in the words of whoever pays for it: nothing of machines, providers' codes or keys.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::blast::{Audience, when};
use super::mask::masked;
use crate::app::view::{BlastView, ErrorRow};
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::text::{number, people};
use crate::domain::waiting::{HoursWords, Waiting};

/// The word on a blast's pill, and the class of its colour. A blast whose messages do not go out at this moment is not called
/// `sending`.
pub(super) fn pill(blast: &BlastView) -> (&'static str, &'static str) {
    match (blast.state, &blast.waiting) {
        (BlastState::Sending, Some(waiting)) => waiting_pill(waiting),
        (BlastState::Scheduled, _) if blast.origin.repeat.rule.is_some() => ("repeats", "scheduled"),
        (BlastState::Completed, _) if blast.origin.repeat.rule.is_some() => ("over", "completed"),
        (BlastState::Cancelled, _) if blast.origin.repeat.rule.is_some() => ("ended", "cancelled"),
        (BlastState::Scheduled, _) if blast.starts_with_sender(Utc::now()) => ("waiting", "paused"),
        _ => (blast.state.word(), blast.state.word()),
    }
}

const fn waiting_pill(waiting: &Waiting) -> (&'static str, &'static str) {
    match waiting {
        Waiting::Gap { .. } | Waiting::Rate { .. } | Waiting::Answers { .. } | Waiting::SlowDatabase => {
            ("sending", "sending")
        }
        Waiting::Armed { .. } | Waiting::Scheduled { .. } => ("starting", "scheduled"),
        Waiting::DailyCap { .. }
        | Waiting::PeopleLimit { .. }
        | Waiting::Window { .. }
        | Waiting::Throttled { .. }
        | Waiting::Provider { .. }
        | Waiting::Backoff { .. }
        | Waiting::PairGap { .. }
        | Waiting::OwnTime { .. }
        | Waiting::FirstPeople { .. }
        | Waiting::PhoneInUse { .. }
        | Waiting::Silent { .. } => ("waiting", "paused"),
        Waiting::Uncertain { .. } => ("to check", "paused"),
        Waiting::NoEngine
        | Waiting::TokenRefused { .. }
        | Waiting::SenderStopped { .. }
        | Waiting::Clock { .. }
        | Waiting::Database { .. }
        | Waiting::Unreadable { .. }
        | Waiting::NotMade { .. } => ("interrupted", "failed"),
    }
}

/// Where it stands, and why it goes no faster.
pub(super) fn note(blast: &BlastView, zone: Tz, audience: Audience) -> String {
    match &blast.origin.repeat.rule {
        Some(_) if blast.state != BlastState::Draft => repeats(blast, zone, audience),
        _ => stands(blast, zone, audience),
    }
}

/// What repeats is itself never sent: its numbers stay nothing, whatever went out at its times.
fn repeats(blast: &BlastView, zone: Tz, audience: Audience) -> String {
    let stands = match (blast.state, blast.scheduled_for) {
        (BlastState::Scheduled, _) if blast.is_not_made() => {
            "Repeats. Its time came, and nothing was sent: something needs the shop's attention.".to_owned()
        }
        (BlastState::Scheduled, Some(at)) => format!("Repeats, next {}.", when(at, zone)),
        (BlastState::Scheduled, None) => "Repeats.".to_owned(),
        (BlastState::Completed, _) => "Repeated, and is over.".to_owned(),
        (BlastState::Cancelled, _) => stopped(blast, audience, "Ended"),
        _ => stands(blast, zone, audience),
    };
    let pages = match blast.origin.repeat.seen {
        0 if blast.state.is_over() => "None of its times had come.",
        0 => "Each time gets a page of its own.",
        _ => "What was sent at its times so far is on pages of their own.",
    };
    format!("{stands} {pages}")
}

fn stands(blast: &BlastView, zone: Tz, audience: Audience) -> String {
    match (blast.state, &blast.waiting) {
        (BlastState::Scheduled, _) if blast.send_after.is_some() => starts(blast, zone),
        (BlastState::Draft | BlastState::Scheduled, _) => "Nothing is sent yet.".to_owned(),
        (BlastState::Paused, _) => stopped(blast, audience, "Paused"),
        (BlastState::Cancelled, _) => stopped(blast, audience, "Cancelled"),
        (BlastState::Failed, _) => "Nothing could be sent.".to_owned(),
        (BlastState::Completed, _) => finished(blast),
        (BlastState::Sending, None) => "Messages go out now.".to_owned(),
        (BlastState::Sending, Some(waiting)) => waiting_words(waiting, zone, audience),
    }
}

/// When it starts by itself, or was to start while its sender is stopped.
fn starts(blast: &BlastView, zone: Tz) -> String {
    let at = blast.send_after.map(|at| when(at, zone)).unwrap_or_default();
    if blast.starts_with_sender(Utc::now()) {
        return format!("Was to start {at}: something needs the shop's attention.");
    }
    format!("Starts {at}.")
}

/// A person's own reason is shown to those who signed in; an engine's is for whoever runs it.
fn stopped(blast: &BlastView, audience: Audience, word: &str) -> String {
    let by_itself = blast.state_by == Some(Actor::Engine);
    match blast.state_reason.as_deref().filter(|_| audience == Audience::SignedIn) {
        _ if by_itself => format!("{word}: something needs the shop's attention."),
        Some(reason) => format!("{word}: {}", masked(reason)),
        None => format!("{word} by the shop."),
    }
}

fn finished(blast: &BlastView) -> String {
    let (sent, total) = (blast.counts.funnel().sent, blast.total_recipients);
    match sent {
        0 => "Nobody could be written to.".to_owned(),
        _ if sent >= total => "Everybody was written to. Replies still count.".to_owned(),
        _ => format!("{} of {} were written to. Replies still count.", number(sent), people(total)),
    }
}

fn waiting_words(waiting: &Waiting, zone: Tz, audience: Audience) -> String {
    let goes_on = |why: &str, until: &DateTime<Utc>| format!("{why}. Goes on {}.", when(*until, zone));
    let interrupted = |why: &str| match audience {
        Audience::SignedIn => format!("Sending is interrupted: {why}."),
        Audience::Stranger => "Sending is interrupted.".to_owned(),
    };
    let words = match waiting {
        Waiting::Armed { until } | Waiting::Scheduled { until } => format!("Starts {}.", when(*until, zone)),
        Waiting::Gap { .. } => "Messages go out one by one, with a pause after each.".to_owned(),
        Waiting::Rate { rate, .. } => format!("Messages go out now, at most {rate}."),
        Waiting::FirstPeople { people: first } => {
            format!("The first {} were written to. The shop looks before the others.", people(i64::from(*first)))
        }
        Waiting::Answers { .. } | Waiting::SlowDatabase => "Messages go out now.".to_owned(),
        Waiting::DailyCap { cap, until, .. } => {
            goes_on(&format!("Today's limit of {} messages is reached", number(*cap)), until)
        }
        Waiting::PeopleLimit { people: limit, until } => {
            goes_on(&format!("WhatsApp's limit, {} a day, is reached", people(*limit)), until)
        }
        Waiting::Window { window, until } => {
            let HoursWords { hours, begins_there } = HoursWords::of(window, *until, zone);
            match begins_there {
                Some(there) => format!("Outside its hours, {hours}. Goes on {there} there."),
                None => goes_on(&format!("Outside the hours for messages, {hours}"), until),
            }
        }
        Waiting::Throttled { until } => goes_on("WhatsApp asked for a pause", until),
        // Also where this machine has no connection.
        Waiting::Provider { until, .. } => {
            format!("Messages do not get through to WhatsApp now. Tried again {}.", when(*until, zone))
        }
        Waiting::Backoff { people: again, until } => {
            format!("{} to be tried again, from {}.", people(*again), when(*until, zone))
        }
        Waiting::PairGap { people: left, until } => {
            goes_on(&format!("{} left had another message a moment ago", people(*left)), until)
        }
        Waiting::OwnTime { people: left, until, .. } => {
            format!("{} left get it at a time of their own, from {}.", people(*left), when(*until, zone))
        }
        Waiting::Silent { until: Some(until), .. } => goes_on("Sending is interrupted for a moment", until),
        Waiting::Silent { until: None, .. } => "Sending is interrupted for a moment.".to_owned(),
        Waiting::Uncertain { people: unknown } => {
            format!("Whether {} got it is not known. The shop decides.", people(*unknown))
        }
        Waiting::PhoneInUse { .. } => "Another blast is sent from the same phone first.".to_owned(),
        Waiting::NoEngine => interrupted("nothing is running that sends"),
        Waiting::SenderStopped { .. } | Waiting::TokenRefused { .. } => {
            interrupted("the WhatsApp account needs the shop's attention")
        }
        Waiting::Clock { .. } | Waiting::Database { .. } => interrupted("the server needs the shop's attention"),
        Waiting::Unreadable { .. } | Waiting::NotMade { .. } => interrupted("this blast needs the shop's attention"),
    };
    masked(&words)
}

/// So many reasons are named.
const REASONS: usize = 3;

/// Why people failed, the most frequent reason first.
pub(super) fn failures(errors: &[ErrorRow]) -> String {
    let mut reasons: Vec<(&str, i64)> = Vec::new();
    for error in errors {
        let why = plain(&error.code);
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, people)) => *people += error.count,
            None => reasons.push((why, error.count)),
        }
    }
    reasons.sort_by_key(|(why, people)| (*why == OTHER, std::cmp::Reverse(*people)));
    let (named, rest) = reasons.split_at(reasons.len().min(REASONS));
    let mut said: Vec<_> = named.iter().map(|(why, people)| format!("{} {why}", number(*people))).collect();
    let rest: i64 = rest.iter().map(|(_, people)| people).sum();
    if rest > 0 {
        said.push(format!("{} {OTHER}", number(rest)));
    }
    if said.is_empty() { String::new() } else { format!("Failed: {}.", said.join("; ")) }
}

const OTHER: &str = "for another reason";

/// A provider's code as a reason that needs no explanation.
fn plain(code: &str) -> &'static str {
    match code {
        "131026" | "error" => "cannot be reached on WhatsApp",
        "131049" | "130472" => "had enough advertising for now, says WhatsApp",
        "131050" => "asked WhatsApp for no advertising",
        "131047" => "wrote to the shop too long ago",
        "refused" | "131009" => "have a number that is not right",
        "message" => "lack something that the message needs",
        "100" | "132000" | "132001" | "132005" | "132007" | "132008" | "132012" | "132015" | "132016" => {
            "because of the message's template"
        }
        "131000" | "131016" | "131052" | "131053" | "connect" => "because WhatsApp had a fault",
        "throttled" | "130429" | "131056" | "131048" | "80007" => "because too much was sent at once",
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use chrono_tz::UTC;

    use super::*;
    use crate::domain::waiting::DatabaseTrouble;

    #[test]
    fn no_waiting_blast_is_told_in_an_operators_words() {
        let until = DateTime::UNIX_EPOCH;
        let every = [
            Waiting::Armed { until },
            Waiting::NotMade { why: "the engine at web1 says: no key".to_owned() },
            Waiting::NoEngine,
            Waiting::TokenRefused { process: "the engine of web1".to_owned(), is_elsewhere: false },
            Waiting::Silent { host: "web1".to_owned(), until: Some(until) },
            Waiting::Silent { host: "web1".to_owned(), until: None },
            Waiting::Gap { gap: "20s..60s".to_owned(), next: None, slowed: 2 },
            Waiting::Rate {
                rate: "20/min".to_owned(),
                next: None,
                whose: crate::domain::waiting::LimitOwner::Sender,
                slowed: 3,
            },
            Waiting::Answers { at_once: 64 },
            Waiting::SlowDatabase,
            Waiting::DailyCap { cap: 500, until, hours: None },
            Waiting::PeopleLimit { people: 1_000, until },
            Waiting::Window { window: "09:00-21:00 (Asia/Kuala_Lumpur)".to_owned(), until },
            Waiting::Throttled { until },
            Waiting::Provider { why: "429 from graph.facebook.com".to_owned(), until },
            Waiting::Backoff { people: 3, until },
            Waiting::PairGap { people: 2, until },
            Waiting::SenderStopped {
                why: "401".to_owned(),
                sender: "sales".to_owned(),
                code: "401".to_owned().into(),
                waits_for_token: false,
            },
            Waiting::Uncertain { people: 1 },
            Waiting::Clock { seconds: 90 },
            Waiting::Database { trouble: DatabaseTrouble::DiskFull },
            Waiting::Unreadable { why: "rate".to_owned() },
        ];
        for waiting in every {
            for audience in [Audience::SignedIn, Audience::Stranger] {
                let words = waiting_words(&waiting, UTC, audience);
                for jargon in
                    ["engine", "database", "POST", "uncertain", "provider", "sales", "web1", "401", "blastdeck"]
                {
                    assert!(!words.contains(jargon), "{words}");
                }
                assert!(words.len() <= 76 && words.ends_with('.'), "two lines of a phone: {words}");
                // A connection that fails is nothing that WhatsApp asked for.
                assert_eq!(words.contains("asked"), matches!(waiting, Waiting::Throttled { .. }), "{words}");
            }
        }
    }

    #[test]
    fn a_blast_whose_first_people_were_written_to_waits_and_is_not_called_sending() {
        let word = |waiting| waiting_pill(&waiting).0;

        assert_eq!(word(Waiting::FirstPeople { people: 25 }), "waiting");
        assert_eq!(word(Waiting::Answers { at_once: 64 }), "sending");
    }

    #[test]
    fn failures_are_told_by_plain_reasons_of_which_each_stands_once() {
        let error = |code: &str, count| ErrorRow { code: code.to_owned(), count, title: "Jargon".to_owned() };

        assert_eq!(failures(&[]), "");
        assert_eq!(
            failures(&[error("999", 5), error("131026", 2), error("error", 1), error("131049", 1)]),
            "Failed: 3 cannot be reached on WhatsApp; 1 had enough advertising for now, says WhatsApp; 5 for another reason."
        );
    }
}
