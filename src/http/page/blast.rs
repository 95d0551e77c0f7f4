//! One blast's page: its funnel, where people stop, what they bought, when they replied, and why it waits.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::html::{bar, escaped, live_text, pill};
use super::mask::masked;
use super::standing::{self, failures, note};
use crate::app::view::{BlastView, ErrorRow, RepliedHour};
use crate::domain::amount::money;
use crate::domain::funnel::percent_words;
use crate::domain::status::Status;
use crate::domain::text::number;
use crate::domain::zone::words::city;

/// Hours on the page.
pub(in crate::http) const HOURS: u32 = 24;
/// How high the columns of the hours are, in units of their drawing.
const COLUMN: f64 = 40.0;

/// The stages: key, name, and what whoever stops there has not done.
const STAGES: [(&str, &str, &str); 5] = [
    ("sent", "Sent", "not delivered yet"),
    ("received", "Received", "have not read it"),
    ("read", "Read", "have not replied"),
    ("replied", "Replied", "have not bought"),
    ("closed", "Closed", ""),
];

/// What the page shows of a blast at one moment, in words.
#[derive(Debug, Clone)]
pub(in crate::http) struct BlastPage {
    title: String,
    stage: String,
    date: String,
    /// By whose clocks its times are.
    clocks: String,
    is_rehearsal: bool,
    values: PageValues,
    /// The same sentence for whoever has nothing but a link: nothing of machines and accounts.
    note_for_strangers: String,
}

/// What the script puts into a page: texts, widths of bars, states, and heights of columns, each by its place.
#[derive(Debug, Clone, Default, Serialize)]
pub(in crate::http) struct PageValues {
    /// Which page these are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<String>,
    pub text: BTreeMap<String, String>,
    pub bar: BTreeMap<String, f64>,
    pub state: BTreeMap<String, &'static str>,
    pub column: Vec<f64>,
}

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    SignedIn,
    Stranger,
}

impl BlastPage {
    pub(in crate::http) fn new(
        blast: &BlastView,
        (hours, errors): (&[RepliedHour], &[ErrorRow]),
        (zone, currency): (Tz, &str),
    ) -> Self {
        let mut values = PageValues::default();
        funnel(&mut values, blast);
        figures(&mut values, blast, zone, currency);
        others(&mut values, blast);
        columns(&mut values, blast, hours, zone);
        values.text.insert("failures".to_owned(), failures(errors));
        values.text.insert("note".to_owned(), note(blast, zone, Audience::SignedIn));
        Self {
            title: masked(&blast.tag),
            stage: masked(&blast.follow_up_stage),
            date: blast.blast_date.with_timezone(&zone).format("%-d %b %Y").to_string(),
            clocks: format!("times in {}", city(zone)),
            is_rehearsal: blast.rehearsal,
            values,
            note_for_strangers: note(blast, zone, Audience::Stranger),
        }
    }

    pub(in crate::http) fn values(&self) -> &PageValues {
        &self.values
    }

    pub(in crate::http) fn values_for_strangers(&self) -> PageValues {
        let mut values = self.values.clone();
        values.text.insert("note".to_owned(), self.note_for_strangers.clone());
        values
    }

    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// The HTML of its main part.
    pub(super) fn render(&self, audience: Audience) -> String {
        let text = |key: &str| self.values.text.get(key).map_or("", String::as_str);
        let note = if audience == Audience::SignedIn { text("note") } else { &self.note_for_strangers };
        let state = (text("state"), self.values.state.get("state").copied().unwrap_or_default());
        let rehearsal = if self.is_rehearsal { "<span class=\"pill demo\">rehearsal</span>" } else { "" };
        let back = match audience {
            Audience::SignedIn => "<a class=\"back\" href=\"/\">← All blasts</a>",
            Audience::Stranger => "",
        };
        let mut html = format!(
            "<section class=\"head\">{back}<h1>{}</h1>\n<p class=\"meta\">{} <span>{}</span> <span>{}</span> <span>{}</span> {rehearsal}</p>\n\
             {}\n<div class=\"progress\">{}{}</div></section>\n",
            escaped(&self.title),
            pill("state", state),
            escaped(&self.stage),
            escaped(&self.date),
            escaped(&self.clocks),
            live_text("p", "note", "note", note),
            bar("done", self.values.bar.get("done").copied().unwrap_or_default()),
            live_text("span", "", "done", text("done")),
        );
        html.push_str("<section class=\"figures\">\n");
        for (key, label) in [("amount", "Revenue"), ("replied_share", "Replied"), ("people", "People"), ("end", "Done")]
        {
            // Writing to memory does not fail.
            _ = writeln!(
                html,
                "<div><span class=\"label\">{label}</span>{}</div>",
                live_text("strong", "", key, text(key))
            );
        }
        html.push_str("</section>\n");
        let (funnel, hours, others) = (self.render_funnel(), self.render_hours(), self.render_others());
        // Writing to memory does not fail.
        _ = writeln!(html, "<div class=\"look\"><div>\n{funnel}</div>\n<div>\n{hours}{others}</div></div>");
        html
    }

    fn render_funnel(&self) -> String {
        let text = |key: &str| self.values.text.get(key).map_or("", String::as_str);
        let mut html = "<section class=\"card\"><h2>Funnel</h2>\n<ol class=\"funnel\">\n".to_owned();
        for (key, name, _) in STAGES {
            let (share, stuck) = (format!("{key}_share"), format!("{key}_stuck"));
            // Writing to memory does not fail.
            _ = writeln!(
                html,
                "<li><span class=\"stage\">{name}</span>{}{}{}{}</li>",
                live_text("span", "count", key, text(key)),
                live_text("span", "share", &share, text(&share)),
                bar(key, self.values.bar.get(key).copied().unwrap_or_default()),
                live_text("span", "stuck", &stuck, text(&stuck)),
            );
        }
        _ = writeln!(html, "</ol>\n{}</section>", live_text("p", "most", "most", text("most")));
        html
    }

    fn render_hours(&self) -> String {
        let text = |key: &str| self.values.text.get(key).map_or("", String::as_str);
        let mut html = format!(
            "<section class=\"card\"><h2>Replied, per hour</h2>\n{}\n\
             <svg class=\"hours\" viewBox=\"0 0 240 {COLUMN}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\n",
            live_text("p", "sub", "peak", text("peak")),
        );
        for (at, height) in self.values.column.iter().enumerate() {
            let (x, y) = (at * 10 + 1, COLUMN - height);
            // Writing to memory does not fail.
            _ = writeln!(
                html,
                "<rect class=\"track\" x=\"{x}\" width=\"8\" height=\"{COLUMN}\"/>\
                 <rect class=\"fill\" data-column=\"{at}\" x=\"{x}\" y=\"{y:.1}\" width=\"8\" height=\"{height:.1}\"/>"
            );
        }
        _ = writeln!(
            html,
            "</svg>\n<p class=\"axis\">{}{}</p></section>",
            live_text("span", "", "hours_from", text("hours_from")),
            live_text("span", "", "hours_to", text("hours_to"))
        );
        html
    }

    fn render_others(&self) -> String {
        let text = |key: &str| self.values.text.get(key).map_or("", String::as_str);
        let mut html = "<section class=\"card\"><h2>Not in the funnel</h2>\n<dl class=\"others\">\n".to_owned();
        for (status, label) in OTHERS {
            // Writing to memory does not fail.
            _ = writeln!(
                html,
                "<div><dt>{label}</dt>{}</div>",
                live_text("dd", "", status.word(), text(status.word()))
            );
        }
        _ = writeln!(html, "</dl>\n{}</section>", live_text("p", "sub why", "failures", text("failures")));
        html
    }
}

/// The statuses outside the funnel, in words of whoever pays.
const OTHERS: [(Status, &str); 6] = [
    (Status::Queued, "Waiting to be sent"),
    (Status::Sending, "Being sent"),
    (Status::Uncertain, "Perhaps sent"),
    (Status::Failed, "Failed"),
    (Status::OptedOut, "Opted out"),
    (Status::Skipped, "Left out"),
];

fn funnel(values: &mut PageValues, blast: &BlastView) {
    let (funnel, stuck) = (blast.counts.funnel(), blast.stuck());
    let counts = [funnel.sent, funnel.received, funnel.read, funnel.replied, funnel.closed];
    let stuck = [stuck.sent, stuck.delivered, stuck.read, stuck.replied, 0];
    for (((key, _, undone), count), stuck) in STAGES.into_iter().zip(counts).zip(stuck) {
        values.text.insert(key.to_owned(), number(count));
        values.text.insert(format!("{key}_share"), percent_words(count, funnel.sent));
        values.bar.insert(key.to_owned(), share(count, funnel.sent));
        let words = if stuck == 0 { String::new() } else { stopped(stuck, undone) };
        values.text.insert(format!("{key}_stuck"), words);
    }
    let most = STAGES.into_iter().zip(stuck).max_by_key(|(_, stuck)| *stuck).filter(|(_, stuck)| *stuck > 0);
    let words = most.map_or_else(String::new, |((_, name, undone), stuck)| {
        format!("Most people stop at {name}: {}.", stopped(stuck, undone))
    });
    values.text.insert("most".to_owned(), words);
}

/// `25 have not replied`, `1 has not replied`.
fn stopped(people: i64, undone: &str) -> String {
    match undone.strip_prefix("have ") {
        Some(undone) if people == 1 => format!("1 has {undone}"),
        _ => format!("{} {undone}", number(people)),
    }
}

fn figures(values: &mut PageValues, blast: &BlastView, zone: Tz, currency: &str) {
    let settled = blast.settled_percent();
    let end = match (blast.completed_at, blast.estimate.done_at) {
        (Some(at), _) => when(at, zone),
        (None, Some(at)) => format!("≈ {}", when(at, zone)),
        (None, None) => "-".to_owned(),
    };
    let funnel = blast.counts.funnel();
    for (key, text) in [
        ("amount", format!("{currency} {}", money(blast.counts.amount))),
        ("replied_share", percent_words(funnel.replied, funnel.sent)),
        ("people", number(blast.total_recipients)),
        ("end", end),
        ("done", settled.map_or_else(|| "-".to_owned(), |percent| format!("{percent}%"))),
        ("state", standing::pill(blast).0.to_owned()),
    ] {
        values.text.insert(key.to_owned(), text);
    }
    values.bar.insert("done".to_owned(), share(settled.unwrap_or_default(), 100));
    values.state.insert("state".to_owned(), standing::pill(blast).1);
}

fn others(values: &mut PageValues, blast: &BlastView) {
    // Nobody in a pattern is left out when it ends: whoever got it did so from the blasts that it made.
    let repeats = blast.origin.repeat.rule.is_some();
    for (status, _) in OTHERS {
        let people = if repeats && status == Status::Skipped { 0 } else { blast.counts.get(status) };
        let people = number(people);
        let words = match (status, blast.opted_out_later) {
            (Status::OptedOut, later @ 1..) => format!("{people} (+{} later)", number(later)),
            _ => people,
        };
        values.text.insert(status.word().to_owned(), words);
    }
}

/// The day from the launch; of an older blast the day before the newest reply.
fn columns(values: &mut PageValues, blast: &BlastView, hours: &[RepliedHour], zone: Tz) {
    // By whole hours: of what was launched at 9:40 the hour from 9 the day after is the 25th.
    let start = |at: DateTime<Utc>| at.timestamp().div_euclid(3_600);
    let launched = start(blast.launched_at.unwrap_or(blast.blast_date));
    let newest = hours.last().map_or(launched, |hour| start(hour.hour));
    let first = launched.max(newest - i64::from(HOURS) + 1);
    let of = |n: i64| hours.iter().find(|hour| start(hour.hour) == first + n).map_or(0, |hour| hour.people);
    let people: Vec<i64> = (0..i64::from(HOURS)).map(of).collect();
    let peak = people.iter().copied().max().unwrap_or_default();
    values.column = people.iter().map(|people| COLUMN * share(*people, peak) / 100.0).collect();
    let at = |hour: i64| DateTime::from_timestamp(hour * 3_600, 0).unwrap_or_default().with_timezone(&zone);
    let best =
        people.iter().position(|people| *people == peak).and_then(|at| i64::try_from(at).ok()).unwrap_or_default();
    let words = match peak {
        0 => "Nobody has replied yet.".to_owned(),
        _ => format!("Most at {}: {}.", at(first + best).format("%-d %b %H:%M"), number(peak)),
    };
    for (key, text) in [
        ("peak", words),
        ("hours_from", at(first).format("%-d %b %H:%M").to_string()),
        ("hours_to", at(first + i64::from(HOURS)).format("%-d %b %H:%M").to_string()),
    ] {
        values.text.insert(key.to_owned(), text);
    }
}

pub(super) fn when(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%-d %b %H:%M").to_string()
}

/// Of a hundred, with a place after the point.
#[expect(clippy::cast_precision_loss, reason = "a width for the eye; counts stay far below 2^52")]
pub(super) fn share(part: i64, whole: i64) -> f64 {
    if whole <= 0 { 0.0 } else { (part as f64 * 1_000.0 / whole as f64).round().clamp(0.0, 1_000.0) / 10.0 }
}

#[cfg(test)]
mod tests;
