//! How fast a plan goes, and until when.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::super::clock;
use crate::app;
use crate::domain::pace::{Forecast, ForecastShare};
use crate::domain::waiting::{also_there, hours_of_plan};
use crate::domain::zone::words::{city, has_same_time};
use crate::tui::format::{TimeFormat, number};
use crate::tui::model::{Model, config_place};
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

pub(super) fn pace(model: &Model, loaded: &app::Plan) -> Vec<TextLine> {
    let (clock, window) = (clock(model), loaded.window.as_deref());
    let line = TextLine::plain(format!("  {}", loaded.pace));
    let mut lines = vec![match limits_place(model, loaded) {
        Some(place) => line.right(place),
        None => line,
    }];
    lines.extend(hours(model, loaded).map(|hours| TextLine::plain(format!("  {hours}"))));
    if let Some(left) = loaded.left_today {
        lines.push(TextLine::plain(format!("  {}", left.sentence_in(clock.zone, &clock.long(left.until)))));
    }
    lines.extend(
        loaded
            .shared_with
            .iter()
            .map(|other| format!("  shared {}", other.sentence_in(clock.zone, |at| clock.long(at))))
            .map(TextLine::plain),
    );
    if let Some(why) = &loaded.stopped {
        let words = format!("  the sender sends nothing until this is fixed: {why}");
        lines.push(TextLine::of(words, TextRole::Trouble));
        return lines;
    }
    if let Some(first) = loaded.first {
        let until = first.until.map(|until| format!(", until about {}", clock.long(until))).unwrap_or_default();
        let words = format!("  {} first{until}; then it waits for you. If you say yes at once:", number(first.people));
        lines.push(TextLine::plain(words));
    }
    let Forecast { today, tomorrow, later, done_at } = loaded.forecast;
    if loaded.repeat.is_some() {
        lines.push(TextLine::plain("  the first time:"));
    }
    if tomorrow.is_some() || later.is_some() {
        let days = loaded.left_today.and_then(|left| left.days_in(clock.zone));
        lines.extend(days.map(|days| TextLine::plain(format!("  {days}:"))));
    }
    if today.is_none() && (tomorrow.is_some() || later.is_some()) {
        lines.push(TextLine::plain("  nobody today"));
    }
    let shares = [("today", today), ("tomorrow", tomorrow), ("later", later)];
    let shares = shares.into_iter().filter_map(|(day, share)| Some((day, share?)));
    let cap_days = loaded.left_today.map(|left| left.zone);
    let day = |(name, share): (&str, ForecastShare)| (day_name((name, share.from), cap_days, clock), share);
    let shares = shares.map(day).map(|(day, share)| format!("  {}", share_of(&day, share, (clock, window))));
    lines.extend(shares.map(TextLine::plain));
    if let Some(done) = done_at {
        lines.push(TextLine::plain(format!("  done about {} if nothing holds it up", clock.long(done))));
    }
    lines
}

/// Where its sender's limits are set, of those that the plan names.
fn limits_place(model: &Model, loaded: &app::Plan) -> Option<String> {
    let sender = model.senders.iter().find(|sender| sender.id == loaded.blast.sender_id)?;
    let limits = &loaded.blast.limits;
    let is_own = limits.gap.is_some() || limits.rate.is_some();
    let pace = if sender.usage.gap.is_some() { "gap" } else { "rate" };
    let cap = loaded.left_today.map(|_| "daily_cap");
    let keys: Vec<_> = (!is_own).then_some(pace).into_iter().chain(cap).collect();
    (!keys.is_empty()).then(|| config_place(sender, &keys))
}

/// Its hours; where it has none and goes out at once, what time that is where its people are.
fn hours(model: &Model, loaded: &app::Plan) -> Option<String> {
    let TimeFormat { zone, now } = clock(model);
    if let Some(window) = &loaded.window {
        return Some(format!("hours {}", hours_of_plan(window, now, zone)));
    }
    let is_now = |share: ForecastShare| share.from - now <= TimeDelta::minutes(1);
    let goes_now = loaded.forecast.today.is_some_and(is_now) && loaded.stopped.is_none() && loaded.zones.is_empty();
    let is_set = loaded.start.as_ref().is_some_and(|start| start.at > now) || loaded.repeat.is_some();
    let there = model.zone_of(&loaded.blast).filter(|_| goes_now && !is_set)?;
    let time = now.with_timezone(&there).format("%H:%M");
    Some(format!("no hours set: goes out now, {time} in {}", city(there)))
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
fn share_of(day: &str, share: ForecastShare, (clock, window): (TimeFormat, Option<&str>)) -> String {
    let is_now = share.from - clock.now <= TimeDelta::minutes(1);
    let there = also_there(window, share.from, clock.zone);
    let from = if is_now { String::new() } else { format!(", from {}{there}", clock.long(share.from)) };
    let until = share.until.map_or_else(String::new, |until| {
        let is_same_day = clock.date(until) == clock.date(share.from);
        let until = if is_same_day { clock.minute(until) } else { clock.long(until) };
        format!("{} until about {until}", if is_now { "," } else { "" })
    });
    format!("{} {day}{from}{until}", number(i64::try_from(share.people).unwrap_or(i64::MAX)))
}
