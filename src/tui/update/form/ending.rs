//! What was typed on a line becomes a value of the draft, or the reason why not.

use std::num::NonZeroU32;
use std::str::FromStr;

use super::{list_columns, overtaken, saving, schedule, shown, template};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::app::{DraftForm, start_after};
use crate::domain::pace::{Gap, Hours, Rate, Weekdays};
use crate::domain::recurrence::Recurrence;
use crate::domain::start_at::{StartAt, TypedStart};
use crate::domain::text::{clean, clean_name};
use crate::domain::zone;
use crate::tui::effect::Effect;
use crate::tui::format::start_at as shown_start;
use crate::tui::model::{EscLeaves, FormLine, LineEdit, Model};

/// The longest name of a blast or a stage, in characters.
const NAME_MAX: usize = 255;

/// How a line is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// `esc`: a text that is not taken leaves what was there.
    Leave,
    /// `enter` and down: to the next line; a text that is not taken stays to be corrected.
    Next,
    /// Up: the same, to the line before.
    Previous,
}

impl Ending {
    /// Goes to the line that is meant.
    pub(super) fn leave_line(self, model: &mut Model) {
        match self {
            Self::Leave => {}
            Self::Next => super::moved(model, 1),
            Self::Previous => super::moved(model, -1),
        }
    }
}

/// Ends the typing on a line.
pub(super) fn end(model: &mut Model, ending: Ending) -> Vec<Effect> {
    let (now, zone) = (model.now, model.form_zone());
    let Some(form) = shown(model) else { return Vec::new() };
    let Some(edit) = form.edit.take() else { return Vec::new() };
    let line = form.line;
    let (kept, before) = (edit.clone(), form.values.clone());
    let taken = match edit {
        LineEdit::Message(area) => {
            form.values.message = area.text();
            form.wants_list = form.list.is_some();
            Ok(())
        }
        LineEdit::Path { field, .. } => {
            return super::list::take_file(model, field.text().trim(), ending);
        }
        LineEdit::Field(field) => match line {
            // What was only looked at is not written.
            FormLine::Variable(n) if form.variables().get(n).is_some_and(|(_, value)| *value == field.text()) => Ok(()),
            FormLine::Button(n) if form.buttons().get(n).is_some_and(|button| button.text == field.text()) => Ok(()),
            FormLine::Variable(n) => template::set_variable(form, n, &field.text()),
            FormLine::Button(n) => template::set_button(form, n, field.text().trim()),
            FormLine::Country => list_columns::set_country(form, field.text().trim()),
            FormLine::Header => return template::set_header(model, field.text().trim(), ending),
            FormLine::Start => {
                start(field.text().trim(), zone, now).and_then(|start| schedule::set_start(&mut form.values, start))
            }
            FormLine::Repeat => schedule::set_repeat(&mut form.values, field.text().trim(), (zone, now)),
            FormLine::Ends => schedule::set_ends(&mut form.values, field.text().trim(), (zone, now)),
            FormLine::OwnTime => schedule::set_own_time(&mut form.values, field.text().trim()),
            _ => set(&mut form.values, line, field.text().trim()),
        },
    };
    if line == FormLine::Country && !form.asks_country() && (taken.is_ok() || ending == Ending::Leave) {
        form.line = if form.read_columns.is_some() { FormLine::Columns } else { FormLine::People };
    }
    match taken {
        Ok(()) => {
            // A form in which nothing was written yet makes no draft, and nothing new takes the place of what somebody else wrote.
            let is_as_it_was = !form.is_behind() && !form.wants_list && form.values == before;
            ending.leave_line(model);
            if is_as_it_was { overtaken::noticed(model, None).into_iter().collect() } else { saving::changed(model) }
        }
        Err(why) => {
            form.trouble = Some(match ending {
                Ending::Leave => format!("{why}; it stays as it was"),
                Ending::Next | Ending::Previous => why,
            });
            form.edit = (ending != Ending::Leave).then_some(kept);
            form.esc_leaves = if ending == Ending::Leave { EscLeaves::Form } else { EscLeaves::Trouble };
            Vec::new()
        }
    }
}

fn set(values: &mut DraftForm, line: FormLine, typed: &str) -> Result<(), String> {
    match line {
        FormLine::Tag => values.tag = name(typed)?,
        FormLine::Stage => values.follow_up_stage = if typed.is_empty() { "Initial".to_owned() } else { name(typed)? },
        FormLine::Pace => (values.gap, values.rate) = read_pace(typed)?,
        FormLine::Window => set_window(values, typed)?,
        FormLine::First => values.first = first(typed)?,
        _ => {}
    }
    Ok(())
}

fn name(typed: &str) -> Result<String, String> {
    let name = clean_name(typed).trim().to_owned();
    if name.chars().count() <= NAME_MAX { Ok(name) } else { Err(format!("at most {NAME_MAX} characters")) }
}

/// A gap, a rate, or both; nothing is the sender's own.
pub fn read_pace(typed: &str) -> Result<(Option<Gap>, Option<Rate>), String> {
    let (mut gap, mut rate) = (None, None);
    let is_value = |word: &&str| !word.is_empty() && !["gap", "none"].contains(word);
    for word in typed.split([' ', ',']).filter(is_value) {
        match (Gap::from_str(word), Rate::from_str(word)) {
            (Ok(read), _) => gap = Some(read),
            (_, Ok(read)) => rate = Some(read),
            _ => {
                return Err(
                    "write a pause as 20s..60s or 20-60, a rate as 20/min, or nothing for the sender's own".to_owned()
                );
            }
        }
    }
    Ok((gap, rate))
}

/// Nothing is any hour, by the sender's clock.
fn set_window(values: &mut DraftForm, typed: &str) -> Result<(), String> {
    (values.window, values.weekdays, values.timezone) = read_hours(typed)?;
    // Without hours there are none to hold by anybody's clock.
    values.clocks.window_local &= values.window.is_some() || values.weekdays.is_some();
    Ok(())
}

/// What of hours, days and a zone was typed.
type TypedHours = (Option<Hours>, Option<Weekdays>, Option<Tz>);

/// Hours, days and a time zone, in any order.
pub fn read_hours(typed: &str) -> Result<TypedHours, String> {
    let (mut hours, mut days, mut zone_read) = (None, None, None);
    for word in typed.split_whitespace() {
        if let Ok(read) = Hours::from_str(word) {
            hours = Some(read);
        } else if let Ok(read) = Weekdays::from_str(word) {
            days = Some(read);
        } else if let Ok(read) = zone::parse(word) {
            zone_read = Some(read);
        } else {
            return Err(
                "write hours as 09:00-21:00, days as mon-fri, a zone as Asia/Kuala_Lumpur, or nothing".to_owned()
            );
        }
    }
    Ok((hours, days, zone_read))
}

/// A time to start at, still to come; nothing is as soon as it is sent.
fn start(typed: &str, zone: Tz, now: DateTime<Utc>) -> Result<Option<StartAt>, String> {
    if typed.is_empty() {
        return Ok(None);
    }
    let start: TypedStart = typed.parse().map_err(|_| match typed.parse::<Recurrence>() {
        Ok(_) => "that is how it repeats: write it on Repeat".to_owned(),
        Err(_) => {
            format!("{} is not a time: write 21:20, tomorrow 09:00, 2026-12-01 09:00, or nothing", clean(typed))
        }
    })?;
    let start = start.read_at(zone, now);
    start_after(start, zone, now).map(|_| Some(start))
}

fn first(typed: &str) -> Result<Option<NonZeroU32>, String> {
    if typed.is_empty() {
        return Ok(None);
    }
    let people = typed.replace(',', "").parse::<NonZeroU32>().ok().filter(|people| people.get() <= 1_000_000);
    people.map(Some).ok_or_else(|| "write how many people get it first, or nothing to send to everybody".to_owned())
}

/// Whether a line says when and how fast it is sent, and nothing is written on it.
pub(super) fn is_unset(line: FormLine, values: &DraftForm) -> bool {
    let text = match line {
        FormLine::Start => start_text(values),
        FormLine::Pace => pace_text(values),
        FormLine::Window => window_text(values),
        FormLine::Repeat => schedule::repeat_text(values),
        FormLine::Ends => schedule::ends_text(values),
        FormLine::OwnTime => schedule::own_time_text(values),
        FormLine::First => return values.first.is_none(),
        _ => return false,
    };
    text.is_empty()
}

/// The start as it is typed.
pub(super) fn start_text(values: &DraftForm) -> String {
    values.start.map(shown_start).unwrap_or_default()
}

/// The pace as it is typed.
pub(super) fn pace_text(values: &DraftForm) -> String {
    let gap = values.gap.map(|gap| gap.to_string());
    let rate = values.rate.map(|rate| rate.to_string());
    gap.into_iter().chain(rate).collect::<Vec<_>>().join(" ")
}

/// The window as it is typed.
pub(super) fn window_text(values: &DraftForm) -> String {
    let hours = values.window.map(|hours| hours.to_string());
    let days = values.weekdays.map(|days| days.to_string());
    let zone = values.timezone.map(|zone| zone.name().to_owned());
    hours.into_iter().chain(days).chain(zone).collect::<Vec<_>>().join(" ")
}
