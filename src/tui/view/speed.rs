//! How long it took to each stage, and which hours were good to send in.

use chrono::TimeDelta;

use super::views::{instead, whole};
use crate::app::view::BlastView;
use crate::domain::funnel::percent_words;
use crate::domain::progress::{BlastProgress, SendingHour, StageSpeed};
use crate::domain::status::Status;
use crate::tui::format::{number, span_words};
use crate::tui::model::{Model, STAGES, stage_label};
use crate::tui::theme::TextRole;
use crate::tui::widget::{TextLine, width};

/// How long it took to each stage, and which hours were good.
pub(super) fn speed(model: &Model, blast: &BlastView) -> Vec<TextLine> {
    if let Some(words) = instead(model, blast) {
        return vec![TextLine::dim(format!("  {words}"))];
    }
    let Some(progress) = model.views.progress_of(blast.id) else { return Vec::new() };
    let funnel = blast.counts.funnel();
    let mut lines = speed_lines(progress, [funnel.received, funnel.read, funnel.replied, funnel.closed]);
    // Where no webhook brings them, somebody read them off a phone.
    if !model.is_over_meta(blast.id) && funnel.replied > 0 {
        lines.push(TextLine::dim("  replied and closed: until a webhook's reply, or somebody's mark"));
    }
    lines
}

pub(super) fn speed_lines(progress: &BlastProgress, counts: [i64; 4]) -> Vec<TextLine> {
    let people = |(speed, count)| timed_people(speed, count);
    let people: Vec<String> = progress.speeds.into_iter().zip(counts).map(people).collect();
    let room = people.iter().map(|words| width(words)).max().unwrap_or_default().max(9) + 3;
    let room = usize::from(room);
    let head = format!("  {:<10}{:>12}{:>14}{:>room$}", "reached", "half within", "90% within", "people");
    let mut lines = vec![TextLine::dim(head)];
    for ((stage, speed), people) in STAGES.into_iter().skip(1).zip(progress.speeds).zip(people) {
        lines.push(speed_line(stage, speed).and(format!("{people:>room$}"), TextRole::Plain));
    }
    if progress.speeds.into_iter().zip(counts).any(|(speed, count)| is_partly_timed(speed, count)) {
        lines.push(TextLine::dim("  where it says \"of\", the times of the others are not known"));
    }
    lines.extend(best_hours(&progress.hours));
    if let Some(people) = progress.sampled {
        let people = number(i64::try_from(people).unwrap_or(i64::MAX));
        lines.push(TextLine::dim(format!("  from {people} people, evenly spread over the list")));
    }
    lines
}

/// Of some who got there the time is not known: those that it is said of are counted.
fn timed_people(speed: Option<StageSpeed>, count: i64) -> String {
    match speed {
        Some(timed) if is_partly_timed(speed, count) => format!("{} of {}", number(timed.people), number(count)),
        _ => number(count),
    }
}

fn speed_line(stage: Status, speed: Option<StageSpeed>) -> TextLine {
    let words = |span: fn(&StageSpeed) -> TimeDelta| {
        speed.as_ref().map_or_else(|| "-".to_owned(), |speed| span_words(rounded_up(span(speed))))
    };
    TextLine::plain("  ")
        .and(format!("{:<12}", stage_label(stage)), TextRole::Stage(stage))
        .and(format!("{:>12}", words(|speed| speed.median)), TextRole::Plain)
        .and(format!("{:>14}", words(|speed| speed.p90)), TextRole::Plain)
}

/// Whether the times of some who got to a stage are not known.
fn is_partly_timed(speed: Option<StageSpeed>, count: i64) -> bool {
    speed.is_some_and(|speed| speed.people < count)
}

/// To the next of the units that it is said in: who took a little longer than that is not within it.
fn rounded_up(span: TimeDelta) -> TimeDelta {
    let unit = match span.num_seconds() {
        ..60 => TimeDelta::seconds(1),
        60..86_400 => TimeDelta::minutes(1),
        _ => TimeDelta::hours(1),
    };
    let (span, unit) = (span.num_milliseconds(), unit.num_milliseconds());
    TimeDelta::milliseconds((span + unit - 1) / unit * unit)
}

/// An hour with fewer messages says nothing.
const HOUR_MIN: f64 = 10.0;

fn best_hours(hours: &[SendingHour]) -> Vec<TextLine> {
    let mut best: Vec<&SendingHour> = hours.iter().filter(|hour| hour.sent >= HOUR_MIN).collect();
    best.sort_by(|a, b| {
        (b.replied / b.sent).total_cmp(&(a.replied / a.sent)).then((b.read / b.sent).total_cmp(&(a.read / a.sent)))
    });
    if best.len() < 2 {
        return vec![TextLine::dim("  best hours: shown once two hours of the day have 10 messages each")];
    }
    let mut lines = vec![TextLine::dim(format!("  {:<12}{:>12}{:>14}{:>12}", "best hours", "replied", "read", "sent"))];
    for hour in best.into_iter().take(4) {
        let words = format!(
            "  {:<12}{:>12}{:>14}{:>12}",
            format!("{:02}:00-{:02}:00", hour.hour, (hour.hour + 1) % 24),
            percent_words(whole(hour.replied), whole(hour.sent)),
            percent_words(whole(hour.read), whole(hour.sent)),
            number(whole(hour.sent)),
        );
        lines.push(TextLine::plain(words));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_half_were_within_is_rounded_up_in_the_unit_it_is_said_in() {
        let words = |milliseconds| span_words(rounded_up(TimeDelta::milliseconds(milliseconds)));

        assert_eq!(words(0), "0 s");
        assert_eq!(words(4_950), "5 s");
        assert_eq!(words(5_000), "5 s");
        assert_eq!(words(59_400), "1 min");
        assert_eq!(words(61_000), "2 min");
        assert_eq!(words(3_599_000), "1 h");
        assert_eq!(words(86_401_000), "1 day 1 h");
    }
}
