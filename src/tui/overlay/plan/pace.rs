//! How fast a plan goes, and until when.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::super::{clock, wrapped};
use crate::app;
use crate::domain::blast::BlastState;
use crate::domain::pace::{Forecast, ForecastShare, UnreadableLimit};
use crate::domain::waiting::hours_of_plan;
use crate::domain::zone::words::{by_own_clocks_first, city, has_same_time};
use crate::tui::format::{TimeFormat, number};
use crate::tui::model::{Model, config_place};
use crate::tui::pace_words;
use crate::tui::theme::TextRole;
use crate::tui::widget::{TextLine, width as display_width};

pub(super) fn pace(model: &Model, loaded: &app::Plan, width: u16) -> Vec<TextLine> {
    let line = TextLine::plain(format!("  {}", loaded.pace));
    let mut lines = match limits_place(model, loaded) {
        Some(place) if line.width() + 2 + display_width(&place) <= width => vec![line.right(place)],
        // Where it is set is said below, where it has no room beside it.
        Some(place) => vec![line, TextLine::dim(format!("  {place}"))],
        None => vec![line],
    };
    let within = |words: &String| wrapped(words, width.saturating_sub(4));
    let plain = limits(model, loaded);
    lines.extend(plain.iter().flat_map(within).map(|line| TextLine::plain(format!("  {line}"))));
    if let Some(why) = &loaded.stopped {
        let words = format!("the sender sends nothing until this is fixed: {why}");
        lines.extend(within(&words).into_iter().map(|line| TextLine::of(format!("  {line}"), TextRole::Trouble)));
    } else {
        let forecast = forecast(model, loaded);
        lines.extend(forecast.iter().flat_map(within).map(|line| TextLine::plain(format!("  {line}"))));
    }
    lines
}

/// Its hours, what is left of the day's cap, and what its sender sends meanwhile.
fn limits(model: &Model, loaded: &app::Plan) -> Vec<String> {
    let clock = clock(model);
    let left = loaded.left_today.map(|left| left.sentence_in(clock.zone, &clock.long(left.until)));
    let shared = app::sharing_lines(loaded, clock.zone, |at| clock.long(at)).into_iter();
    hours(model, loaded).into_iter().chain(left).chain(shared.map(|words| format!("shared {words}"))).collect()
}

/// How many go when.
fn forecast(model: &Model, loaded: &app::Plan) -> Vec<String> {
    let times = ForecastTimes::new(model, loaded);
    let Forecast { today, tomorrow, later, done_at } = loaded.forecast;
    let first = loaded.first.map(|first| first_words(loaded, first, &times));
    let repeats = loaded.repeat.as_ref().map(|_| "the first time:".to_owned());
    let days = loaded.left_today.filter(|_| tomorrow.is_some() || later.is_some());
    let days = days.and_then(|left| left.days_in(times.clock.zone)).map(|days| format!("{days}:"));
    let nobody = loaded.nobody_today(times.clock.now).map(|why| format!("nobody today{why}"));
    let shares = [("today", today), ("tomorrow", tomorrow), ("later", later)];
    let shares = shares.into_iter().filter_map(|(day, share)| Some((day, share?)));
    let cap_days = loaded.left_today.map(|left| left.zone);
    let shares =
        shares.map(|(name, share)| share_of(&day_name((name, share.from), cap_days, times.clock), share, &times));
    let done = done_at.map(|done| format!("done about {} if nothing holds it up", times.both(done)));
    let night = loaded.at_night().map(str::to_owned);
    let behind = loaded.falls_behind().map(str::to_owned);
    let whole = days.into_iter().chain(repeats).chain(nobody).chain(shares).chain(night).chain(done).chain(behind);
    first.into_iter().chain(whole).collect()
}

/// The others' times count from a yes that comes at once, and those who get it first are among them.
fn first_words(loaded: &app::Plan, first: app::FirstShare, times: &ForecastTimes) -> String {
    let until = first.until.map(|until| format!(", until about {}", times.here(until))).unwrap_or_default();
    let all = number(loaded.people);
    let waits = match first.people {
        0 => "nobody more before it waits for you: the last of its first people are in flight".to_owned(),
        people => format!("{} of {all} first{until}; then it waits for you", number(people)),
    };
    format!("{waits}. If you go on at once, all {all} go like this:")
}

/// The times of a forecast, by the reader's clocks. Where the plan names others, these are said to be the reader's.
struct ForecastTimes {
    clock: TimeFormat,
    /// Whose clocks show another time, of the blast or of its sender's daily cap.
    there: Option<Tz>,
}

impl ForecastTimes {
    fn new(model: &Model, loaded: &app::Plan) -> Self {
        let clock = clock(model);
        let named = [model.zone_of(&loaded.blast), loaded.left_today.map(|left| left.zone)];
        let there = named.into_iter().flatten().find(|zone| !has_same_time(*zone, clock.zone, clock.now));
        Self { clock, there }
    }

    fn both(&self, at: DateTime<Utc>) -> String {
        by_own_clocks_first(at, (self.there, self.clock.zone), &self.clock.long(at))
    }

    fn here(&self, at: DateTime<Utc>) -> String {
        format!("{}{}", self.clock.long(at), if self.there.is_some() { " here" } else { "" })
    }
}

/// Where its sender's limits are set, of those that the plan names.
fn limits_place(model: &Model, loaded: &app::Plan) -> Option<String> {
    let sender = model.senders.iter().find(|sender| sender.id == loaded.blast.sender_id)?;
    let limits = &loaded.blast.limits;
    let own = (set(limits.gap.as_ref()), set(limits.rate.as_ref()));
    let has_own = limits.gap.is_some() || limits.rate.is_some();
    let is_own = loaded.is_paced_by_meta || has_own && pace_words::sender_binds(own, sender).is_none();
    let pace = pace_words::binding_key(sender);
    let cap = loaded.left_today.map(|_| "daily_cap");
    let keys: Vec<_> = (!is_own).then_some(pace).into_iter().chain(cap).collect();
    (!keys.is_empty()).then(|| config_place(sender, &keys))
}

/// A limit of the blast that can be read.
fn set<T: Copy>(limit: Option<&Result<T, UnreadableLimit>>) -> Option<T> {
    limit.and_then(|limit| limit.as_ref().ok()).copied()
}

fn hours(model: &Model, loaded: &app::Plan) -> Option<String> {
    let TimeFormat { zone, now } = clock(model);
    loaded.window.as_ref().map(|window| format!("hours {}", hours_of_plan(window, now, zone)))
}

/// When a blast starts: at its time, or as soon as the number is typed. What is scheduled already goes now, where somebody sends it again.
pub(super) fn set_start(model: &Model, loaded: &app::Plan) -> Option<DateTime<Utc>> {
    let set = loaded.start.as_ref().map(|start| start.at);
    let first = loaded.repeat.as_ref().and_then(|repeat| repeat.next.first().copied());
    let is_scheduled = loaded.blast.state == BlastState::Scheduled;
    first.or(set).filter(|at| !is_scheduled && *at > clock(model).now)
}

/// When the first message goes, where a blast does not send as soon as it starts: its hours are closed, or the day's cap is used up.
pub(super) fn opens_at(model: &Model, loaded: &app::Plan) -> Option<DateTime<Utc>> {
    let starts = set_start(model, loaded).unwrap_or(clock(model).now);
    let is_used_up = loaded.stopped.is_none() && loaded.left_today.is_some_and(|left| left.messages == 0);
    let may_wait = loaded.window.is_some() || is_used_up;
    if !may_wait || !loaded.zones.is_empty() {
        return None;
    }
    if loaded.blast.state == BlastState::Scheduled {
        let own = loaded.blast.limits.own_window(model.zone_of(&loaded.blast)?)?;
        return (!own.is_open(starts)).then(|| own.next_open(starts));
    }
    let Forecast { today, tomorrow, later, .. } = loaded.forecast;
    let first = today.or(tomorrow).or(later)?.from;
    (first - starts > TimeDelta::minutes(1)).then_some(first)
}

/// Of a blast that goes out at once, that its hours are open; without hours, what time it is where its people are.
pub(super) fn goes_now(model: &Model, loaded: &app::Plan) -> Option<String> {
    let now = clock(model).now;
    let is_now = |share: ForecastShare| share.from - now <= TimeDelta::minutes(1);
    let goes_now = loaded.forecast.today.is_some_and(is_now) && loaded.stopped.is_none() && loaded.zones.is_empty();
    let is_set = set_start(model, loaded).is_some();
    if loaded.window.is_some() {
        return (goes_now && !is_set).then(|| "within its hours: goes out now".to_owned());
    }
    let there = model.zone_of(&loaded.blast).filter(|_| goes_now && !is_set)?;
    let time = now.with_timezone(&there).format("%H:%M");
    Some(format!("no hours set: goes out now, {time} in {}", city(there)))
}

/// How many go today, where others go on a later day: what is said of them below may be out of sight.
pub(super) fn part_of_today(loaded: &app::Plan) -> Option<i64> {
    let Forecast { today, tomorrow, later, .. } = loaded.forecast;
    let is_part = loaded.stopped.is_none() && loaded.left_today.is_some() && (tomorrow.is_some() || later.is_some());
    let people = today.filter(|_| is_part).and_then(|share| i64::try_from(share.people).ok());
    people.filter(|people| *people < loaded.people)
}

/// `today`; `today in Kuala Lumpur` where the daily cap counts by days there, and it is another day here by then.
fn day_name((name, from): (&str, DateTime<Utc>), days: Option<Tz>, clock: TimeFormat) -> String {
    let here = |at: DateTime<Utc>| at.with_timezone(&clock.zone).date_naive();
    let ahead = match name {
        "today" => TimeDelta::zero(),
        "tomorrow" => TimeDelta::days(1),
        _ => return name.to_owned(),
    };
    let is_that_day = here(from) == here(clock.now) + ahead;
    let elsewhere = days.filter(|zone| !is_that_day && !has_same_time(*zone, clock.zone, from));
    elsewhere.map_or_else(|| name.to_owned(), |zone| format!("{name} in {}", city(zone)))
}

/// `188 today, from 20:00 until about 21:40`; without the *from* where it begins within the minute.
fn share_of(day: &str, share: ForecastShare, times: &ForecastTimes) -> String {
    let clock = times.clock;
    let people = number(i64::try_from(share.people).unwrap_or(i64::MAX));
    if share.from - clock.now <= TimeDelta::minutes(1) {
        let until = share.until.map_or_else(String::new, |until| format!(", until about {}", times.here(until)));
        return format!("{people} {day}{until}");
    }
    let until = share.until.map_or_else(String::new, |until| {
        let day = |at: DateTime<Utc>| at.with_timezone(&clock.zone).date_naive();
        match day(until) == day(share.from) {
            // At that pace they take less: the same time twice would be read as a day.
            true if clock.minute(until) == clock.minute(share.from) => ", within a minute".to_owned(),
            true => format!(" until about {}", clock.minute(until)),
            false => format!(" until about {}", clock.long(until)),
        }
    });
    format!("{people} {day}, from {}{until}", times.both(share.from))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, TimeZone, Utc};
    use chrono_tz::Asia::Kuala_Lumpur;

    use super::{ForecastTimes, share_of};
    use crate::domain::pace::ForecastShare;
    use crate::tui::format::TimeFormat;

    #[test]
    fn the_end_of_a_share_is_never_the_time_that_it_begins_at() {
        let at = |day, hour| Utc.with_ymd_and_hms(2026, 11, day, hour, 0, 0).unwrap() - TimeDelta::hours(8);
        let times = ForecastTimes { clock: TimeFormat { zone: Kuala_Lumpur, now: at(25, 14) }, there: None };
        let words = |until: DateTime<Utc>| {
            share_of("tomorrow", ForecastShare { people: 500, from: at(26, 0), until: Some(until) }, &times)
        };

        assert_eq!(words(at(26, 9)), "500 tomorrow, from 26 Nov 00:00 until about 09:00");
        assert_eq!(words(at(27, 0)), "500 tomorrow, from 26 Nov 00:00 until about 27 Nov 00:00");
        assert_eq!(words(at(26, 0) + TimeDelta::seconds(20)), "500 tomorrow, from 26 Nov 00:00, within a minute");
        assert_eq!(
            words(at(26, 0) + TimeDelta::days(365)),
            "500 tomorrow, from 26 Nov 00:00 until about 26 Nov 2027 00:00"
        );
    }
}
