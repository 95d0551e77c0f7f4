//! What is said of an event and of a blast: whole words, no signs that a screen reader spells out.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::app::view::{ActivityEvent, ActivityRow, BlastView};
use crate::domain::act::{Act, Actor};
use crate::domain::amount::in_currency;
use crate::domain::blast::BlastState;
use crate::domain::order::OrderState;
use crate::domain::status::Status;
use crate::domain::text::{number, people};
use crate::domain::waiting::Waiting;
use crate::domain::zone::words::{day_and_time, start_words};

/// Sentences with times in a zone, and amounts in a currency.
pub(super) struct Sentences {
    zone: Tz,
    currency: String,
}

impl Sentences {
    pub(super) fn new(zone: Tz, currency: &str) -> Self {
        Self { zone, currency: currency.to_owned() }
    }

    pub(super) fn clock(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%H:%M:%S").to_string()
    }

    /// `24 November 2026`.
    pub(super) fn day(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%-d %B %Y").to_string()
    }

    /// The same with its day, where that is another one.
    fn moment(&self, at: DateTime<Utc>, now: DateTime<Utc>) -> String {
        if self.is_today(at, now) { self.clock(at) } else { day_and_time(at, self.zone, now) }
    }

    fn minute(&self, at: DateTime<Utc>, now: DateTime<Utc>) -> String {
        if self.is_today(at, now) {
            at.with_timezone(&self.zone).format("%H:%M").to_string()
        } else {
            day_and_time(at, self.zone, now)
        }
    }

    fn is_today(&self, at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        at.with_timezone(&self.zone).date_naive() == now.with_timezone(&self.zone).date_naive()
    }

    /// A moment within the next hour by its clock, a later one by the clocks that the blast goes by.
    fn start(&self, at: DateTime<Utc>, zone: Tz, now: DateTime<Utc>) -> String {
        if at - now < TimeDelta::hours(1) { self.clock(at) } else { start_words(at, (zone, self.zone), now) }
    }

    /// `Raya promo: Siti Aminah, +60 12-345 6789, replied: YA`.
    pub(super) fn event(&self, row: &ActivityRow) -> String {
        let place = row.blast_name().map_or_else(String::new, |name| format!("{name}: "));
        let who = who(row);
        let what = match &row.event {
            ActivityEvent::Reply { kind, text, written_at, .. } => {
                let what = if kind == "text" { "wrote".to_owned() } else { format!("sent a {kind}") };
                let late = row.place.at - *written_at > LATE;
                let when = if late { format!(" at {}", self.clock(*written_at)) } else { String::new() };
                format!("{who} {what}{when}: {text}")
            }
            ActivityEvent::OptOut { source, by, reason } => {
                let by = by
                    .as_ref()
                    .filter(|_| source != "person")
                    .map_or_else(String::new, |by| format!(", noted by {by}"));
                format!("{who} opted out{by}{}", because(reason.as_deref()))
            }
            ActivityEvent::Trouble { status: Status::Uncertain, why } => {
                format!("{who} is uncertain: they may have the message or not{}", because(why.as_deref()))
            }
            ActivityEvent::Trouble { status, why } => format!("{who} {status}{}", because(why.as_deref())),
            ActivityEvent::Act { act, by, order: Some(order), .. } => {
                let by = if by == Actor::ENGINE { String::new() } else { format!(" by {by}") };
                let what = order.state.map_or_else(|| order_word(act), OrderState::word);
                format!("{who}: {order}, {what}{by}")
            }
            ActivityEvent::Act { act, by, detail, people: several, .. } => {
                let person = (row.name.is_some() || row.phone.is_some()).then_some(who);
                let of = several.map(people).or(person).map_or_else(String::new, |of| format!(", {of}"));
                let detail = detail.as_ref().map(|detail| self.detail(act, detail));
                format!("{by}: {}{of}{}", act_words(act), because(detail.as_deref()))
            }
            ActivityEvent::Change { from, to, by, reason, starts_at } => {
                let by = by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
                let to = match starts_at {
                    Some(at) => format!("starts {}{by}", self.clock(*at)),
                    None => format!("{to}{by}"),
                };
                format!("{to}, was {from}{}", because(reason.as_deref()))
            }
            ActivityEvent::Notice { words, effect, .. } => {
                format!("the provider says: {words}{}", because(effect.as_deref()))
            }
        };
        place + &what
    }

    /// `RM 1,240.00`.
    fn money(&self, sum: Decimal) -> String {
        in_currency(sum, &self.currency)
    }

    /// What an act says beside what it was: an amount in its currency, a note as it is.
    fn detail(&self, act: &Act, detail: &str) -> String {
        match act {
            Act::Closed => detail.parse().map_or_else(|_| detail.to_owned(), |sum| self.money(sum)),
            _ => detail.to_owned(),
        }
    }

    /// `142 of 287 sent, 136 received, 88 read, 21 replied, 6 closed, RM 1,240.00, 3 failed`.
    pub(super) fn numbers(&self, blast: &BlastView) -> String {
        let funnel = blast.counts.funnel();
        let mut words = format!(
            "{} of {} sent, {} received, {} read, {} replied, {} closed, {}",
            number(funnel.sent),
            number(blast.total_recipients),
            number(funnel.received),
            number(funnel.read),
            number(funnel.replied),
            number(funnel.closed),
            self.money(blast.counts.amount),
        );
        for status in [Status::Queued, Status::Uncertain, Status::Failed, Status::OptedOut, Status::Skipped] {
            let count = blast.counts.get(status);
            if count > 0 {
                let _ = write!(words, ", {} {status}", number(count));
            }
        }
        words
    }

    /// What a line about a blast is news by: its numbers; of what repeats, whose numbers stay nothing, its next time and what it waits for.
    pub(super) fn news(blast: &BlastView, numbers: &str) -> String {
        if rule_of(blast).is_none() {
            return numbers.to_owned();
        }
        let next = blast.scheduled_for.map(|at| at.to_rfc3339()).unwrap_or_default();
        let why = unless_its_time(blast).map(ToString::to_string).unwrap_or_default();
        format!("{next} {why}")
    }

    /// `zone`: whose clocks the blast goes by.
    pub(super) fn progress(&self, (blast, zone): (&BlastView, Tz), numbers: &str) -> String {
        let now = Utc::now();
        let waits =
            |why: &Waiting| format!("; {}", why.sentence_by((Some(zone), self.zone), |at| self.moment(at, now)));
        // What repeats is itself never sent: its numbers stay nothing.
        if let Some(rule) = rule_of(blast) {
            // A time that came is no next one.
            let next = blast.scheduled_for.filter(|at| *at > now && !blast.is_not_made());
            let next = next.map_or_else(String::new, |at| format!(", next {}", self.start(at, zone, now)));
            let why = unless_its_time(blast).map_or_else(String::new, waits);
            return format!("{} repeats {rule}{next}{why}", blast.name());
        }
        let waiting = |why: &Waiting| match why {
            Waiting::Scheduled { until } => format!("; starts {}", self.start(*until, zone, now)),
            _ => waits(why),
        };
        let waiting = blast.waiting.as_ref().map_or_else(String::new, waiting);
        let done =
            blast.estimate.done_at.map_or_else(String::new, |at| format!("; done about {}", self.minute(at, now)));
        // What asks for a person reads so in every list; it is no pause that somebody made.
        let state = if blast.asks_for_person() { blast.state_words().to_owned() } else { blast.state.to_string() };
        format!("{}, {state}: {numbers}{waiting}{done}", blast.name())
    }
}

/// The rule of what repeats.
fn rule_of(blast: &BlastView) -> Option<&str> {
    blast.origin.repeat.rule.as_deref().filter(|_| blast.state == BlastState::Scheduled)
}

/// What a blast waits for, unless that is its time alone.
fn unless_its_time(blast: &BlastView) -> Option<&Waiting> {
    blast.waiting.as_ref().filter(|why| !matches!(why, Waiting::Scheduled { .. }))
}

/// `Siti Aminah, +60 12-345 6789`, as far as that is known.
fn who(row: &ActivityRow) -> String {
    match (&row.name, &row.phone) {
        (Some(name), Some(phone)) => format!("{name}, {phone}"),
        (Some(name), None) => name.clone(),
        (None, Some(phone)) => phone.to_string(),
        (None, None) => "somebody".to_owned(),
    }
}

fn because(why: Option<&str>) -> String {
    why.filter(|why| !why.is_empty()).map_or_else(String::new, |why| format!(": {why}"))
}

/// What became of an order.
/// A reply that was received so long after it was written says when that was.
const LATE: TimeDelta = TimeDelta::seconds(60);

const fn order_word(act: &Act) -> &'static str {
    match act {
        Act::Undo => "cancelled",
        Act::Edit => "edited",
        _ => "written",
    }
}

fn act_words(act: &Act) -> &str {
    match act {
        Act::Replied => "marked as replied",
        Act::Closed => "marked as closed",
        Act::Note => "wrote a note",
        Act::Resolve => "said what became of the message",
        Act::Undo => "took a mark back",
        Act::Answer => "answered",
        Act::Retry => "tried again",
        Act::Unsuppress => "may be messaged again",
        Act::Delete => "deleted",
        Act::StopSender => "stopped",
        Act::ResumeSender => "resumes",
        act => act.word(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::app::view::{ActivityOrder, ActivityPosition, ActivitySource};
    use crate::domain::ids::{OrderId, ReplyId};

    fn said(event: ActivityEvent) -> String {
        let at = Utc.with_ymd_and_hms(2026, 11, 20, 6, 2, 41).unwrap();
        let row = ActivityRow {
            place: ActivityPosition { at, source: ActivitySource::Reply, id: 1 },
            blast: None,
            tag: Some("Raya promo".to_owned()),
            stage: None,
            recipient: None,
            phone: Some(serde_json::from_value(serde_json::json!("+60123456789")).unwrap()),
            name: Some("Siti Aminah".to_owned()),
            event,
        };
        let sentences = Sentences::new(chrono_tz::Asia::Kuala_Lumpur, "MYR");
        assert_eq!(sentences.clock(at), "14:02:41");
        sentences.event(&row)
    }

    #[test]
    fn a_start_of_another_day_is_said_with_its_day_and_its_zone() {
        let now = Utc.with_ymd_and_hms(2026, 11, 20, 6, 2, 51).unwrap();
        let sentences = Sentences::new(chrono_tz::UTC, "MYR");
        let starts = |hours| sentences.start(now + TimeDelta::hours(hours), chrono_tz::Asia::Kuala_Lumpur, now);

        assert_eq!(starts(0), "06:02:51");
        assert_eq!(starts(20), "Sat 21 Nov 10:02 Asia/Kuala_Lumpur (02:02 UTC)");
        assert_eq!(sentences.minute(now + TimeDelta::hours(20), now), "Sat 21 Nov 02:02");
    }

    #[test]
    fn each_event_is_a_sentence_that_can_be_read_aloud() {
        let reply = ActivityEvent::Reply {
            id: ReplyId(1),
            kind: "text".into(),
            text: "YA".into(),
            file: None,
            no_file: None,
            written_at: chrono::Utc::now(),
        };
        let paused = ActivityEvent::Change {
            from: BlastState::Sending,
            to: BlastState::Paused,
            by: Some("ben".to_owned()),
            reason: None,
            starts_at: None,
        };
        let armed = ActivityEvent::Change {
            from: BlastState::Draft,
            to: BlastState::Sending,
            by: Some("ben".to_owned()),
            reason: None,
            starts_at: Some(Utc.with_ymd_and_hms(2026, 11, 20, 6, 2, 51).unwrap()),
        };
        let act = |act, detail: &str| ActivityEvent::Act {
            act,
            by: "ben".to_owned(),
            detail: Some(detail.to_owned()),
            people: None,
            order: None,
            left: None,
            taken_back_by: None,
            answer: None,
        };
        let lost = ActivityEvent::Trouble { status: Status::Failed, why: Some("not on WhatsApp".to_owned()) };

        assert_eq!(said(reply), "Raya promo: Siti Aminah, +60 12-345 6789 wrote: YA");
        assert_eq!(said(paused), "Raya promo: paused by ben, was sending");
        assert_eq!(said(armed), "Raya promo: starts 14:02:51 by ben, was draft");
        let sold = said(act(Act::Closed, "1240"));
        assert_eq!(sold, "Raya promo: ben: marked as closed, Siti Aminah, +60 12-345 6789: RM 1,240.00");
        let undone = said(act(Act::Undo, "closed"));
        assert_eq!(undone, "Raya promo: ben: took a mark back, Siti Aminah, +60 12-345 6789: closed");
        let (total, currency) = (Some("7.5".parse().unwrap()), Some("MYR".to_owned()));
        let order = ActivityOrder { id: OrderId(8), total, currency, state: None };
        let of_order = |act, by: &str| ActivityEvent::Act {
            act,
            by: by.to_owned(),
            detail: None,
            people: None,
            order: Some(order.clone()),
            left: None,
            taken_back_by: None,
            answer: None,
        };
        let edited = said(of_order(Act::Edit, "ben"));
        assert_eq!(edited, "Raya promo: Siti Aminah, +60 12-345 6789: order 8, RM 7.50, edited by ben");
        let came = said(of_order(Act::Closed, "engine"));
        assert_eq!(came, "Raya promo: Siti Aminah, +60 12-345 6789: order 8, RM 7.50, written");
        assert_eq!(said(lost), "Raya promo: Siti Aminah, +60 12-345 6789 failed: not on WhatsApp");
    }
}
