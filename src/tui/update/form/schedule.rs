//! When it is sent, as it is typed: by which rule it repeats and until when, and what goes by each person's own clock.

use std::num::NonZeroU32;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use crate::app::{DraftForm, RepeatOrder};
use crate::domain::blast::PersonClocks;
use crate::domain::recurrence::Recurrence;
use crate::domain::start_at::StartAt;
use crate::domain::text::clean;
use crate::tui::model::{BlastForm, FormLine};

/// Said where a start and a rule are given both.
const IT_REPEATS: &str = "a blast that repeats has no other start: empty Repeat first";
const IT_STARTS: &str = "a blast that repeats has no other start: empty Start first";

/// Said of an end that cannot be read.
const WRITE_ENDS: &str = "write its last day as 2026-12-31, or how often as 10 times, or both, or nothing";

/// Said of a time of people's own that cannot be read.
const WRITE_OWN_TIME: &str = "write a time as 10:00, the word hours, both, or nothing for the sender's clock";

/// Has the hours of the line above hold by each person's own clock.
const HOURS: &str = "hours";

/// Said of what was confirmed with the number of people.
pub(super) const FIXED: &str =
    "this stays as it was confirmed when it was sent: ⟨d⟩ makes a new one like it, ⟨X⟩ cancels this one";

/// Why a line of what is scheduled has nothing to be typed.
pub(super) fn fixed(form: &BlastForm) -> Option<&'static str> {
    let is_fixed = match form.line {
        FormLine::Sender
        | FormLine::People
        | FormLine::Columns
        | FormLine::Country
        | FormLine::Repeat
        | FormLine::Ends
        | FormLine::OwnTime
        | FormLine::First => true,
        // Its times follow its rule.
        FormLine::Start => form.values.repeat.is_some(),
        _ => false,
    };
    (is_fixed && form.is_scheduled()).then_some(FIXED)
}

/// Why a line has nothing to be typed: a start and a rule exclude each other.
pub(super) fn excluded(line: FormLine, values: &DraftForm) -> Option<&'static str> {
    match line {
        FormLine::Start => values.repeat.as_ref().map(|_| IT_REPEATS),
        FormLine::Repeat => values.start.as_ref().map(|_| IT_STARTS),
        _ => None,
    }
}

pub(super) fn set_start(values: &mut DraftForm, start: Option<StartAt>) -> Result<(), String> {
    if start.is_some() && values.repeat.is_some() {
        return Err(IT_REPEATS.to_owned());
    }
    values.start = start;
    Ok(())
}

/// The rule; its end stays where there was one.
pub(super) fn set_repeat(values: &mut DraftForm, typed: &str, (zone, now): (Tz, DateTime<Utc>)) -> Result<(), String> {
    if typed.is_empty() {
        values.repeat = None;
        return Ok(());
    }
    if values.start.is_some() {
        return Err(IT_STARTS.to_owned());
    }
    let rule: Recurrence = typed.parse().map_err(|error| format!("{error}"))?;
    let order = match values.repeat.clone() {
        Some(before) => RepeatOrder { rule, ..before },
        None => RepeatOrder { rule, until: None, times: None, at_most: None },
    };
    order.first_after(zone, now)?;
    values.repeat = Some(order);
    Ok(())
}

/// Its last day, or how often in all, in any order; nothing is without an end.
pub(super) fn set_ends(values: &mut DraftForm, typed: &str, (zone, now): (Tz, DateTime<Utc>)) -> Result<(), String> {
    let Some(before) = values.repeat.clone() else { return Ok(()) };
    let (mut until, mut times) = (None, None);
    let words = typed.split([' ', ',']).filter(|word| !matches!(*word, "" | "until" | "times" | "time"));
    for word in words {
        match (NaiveDate::parse_from_str(word, "%Y-%m-%d"), word.parse::<NonZeroU32>()) {
            (Ok(day), _) if until.is_none() => until = Some(day),
            (_, Ok(number)) if times.is_none() && i32::try_from(number.get()).is_ok() => times = Some(number),
            _ => return Err(format!("{}: {WRITE_ENDS}", clean(word))),
        }
    }
    let order = RepeatOrder { until, times, ..before };
    order.first_after(zone, now)?;
    values.repeat = Some(order);
    Ok(())
}

/// A time of day, whether the hours hold by people's own clocks, or both.
pub(super) fn set_own_time(values: &mut DraftForm, typed: &str) -> Result<(), String> {
    let mut clocks = PersonClocks::default();
    for word in typed.split([' ', ',']).filter(|word| !word.is_empty()) {
        match NaiveTime::parse_from_str(word, "%H:%M") {
            Ok(time) if clocks.local_time.is_none() => clocks.local_time = Some(time),
            Err(_) if word.eq_ignore_ascii_case(HOURS) => clocks.window_local = true,
            _ => return Err(format!("{}: {WRITE_OWN_TIME}", clean(word))),
        }
    }
    if clocks.window_local && values.window.is_none() && values.weekdays.is_none() {
        return Err("hours are those of Window: write some there first".to_owned());
    }
    values.clocks = clocks;
    Ok(())
}

/// The rule as it is typed.
pub(super) fn repeat_text(values: &DraftForm) -> String {
    values.repeat.as_ref().map(|order| order.rule.to_string()).unwrap_or_default()
}

/// Its end as it is typed.
pub(super) fn ends_text(values: &DraftForm) -> String {
    let Some(order) = &values.repeat else { return String::new() };
    let until = order.until.map(|day| day.to_string());
    let times = order.times.map(|times| format!("{times} times"));
    until.into_iter().chain(times).collect::<Vec<_>>().join(", ")
}

/// People's own time as it is typed.
pub(super) fn own_time_text(values: &DraftForm) -> String {
    let time = values.clocks.local_time.map(|time| time.format("%H:%M").to_string());
    let hours = values.clocks.window_local.then(|| HOURS.to_owned());
    time.into_iter().chain(hours).collect::<Vec<_>>().join(" ")
}
