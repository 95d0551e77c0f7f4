//! The hours and the pace of a blast that has started, and the question before it sends outside its hours.

use super::form::{read_hours, read_pace};
use super::{armed, written};
use crate::app::DraftEdit;
use crate::app::view::{BlastView, SenderView};
use crate::domain::blast::BlastState;
use crate::domain::field_change::FieldChange;
use crate::domain::ids::BlastId;
use crate::domain::pace::{LimitColumns, UnreadableLimit};
use crate::domain::waiting::Waiting;
use crate::tui::effect::{Effect, ReadRequest, WriteRequest};
use crate::tui::format::number;
use crate::tui::key::Key;
use crate::tui::model::{ConfirmBy, ConfirmPrompt, Model, Notice, PaceLine, PacePrompt, Prompt};
use crate::tui::pace_words;
use crate::tui::widget::{EditOutcome, TextField};

/// Whether a blast waits for its own hours, which are the same for everybody in it.
pub fn waits_for_hours(blast: &BlastView) -> bool {
    blast.state == BlastState::Sending && matches!(blast.waiting, Some(Waiting::Window { .. }))
}

/// What the people of a blast that waits for its hours, or counts down its start, wait for beside that: `19 to be retried, next try 23:58`.
/// `None` where somebody is due.
pub fn nobody_due(model: &Model, blast: &BlastView) -> Option<String> {
    let waiting = blast.nobody_due.as_ref().filter(|waiting| waiting.until().is_some_and(|until| until > model.now))?;
    let sentence = waiting.sentence_in(model.options.zone, |at| model.time_of(blast, at));
    Some(sentence.strip_prefix("waits for: ").map_or_else(|| sentence.clone(), str::to_owned))
}

/// What `S` does with a blast that waits for its hours: nobody is sent to by it while nobody is due.
pub fn lifts_hours(model: &Model, blast: &BlastView) -> &'static str {
    if nobody_due(model, blast).is_some() { "lifts its hours" } else { "sends it now" }
}

/// `e` on a blast that has started: its hours, and how fast it goes.
pub fn open(model: &mut Model, id: BlastId) -> Vec<Effect> {
    let Some(blast) = model.blasts.get(id) else { return Vec::new() };
    let (hours, pace) = (TextField::with(&hours_text(&blast.limits)), TextField::with(&pace_text(blast)));
    let seen = Box::new(blast.clone());
    let prompt =
        PacePrompt { name: model.brief_distinct_name(blast), seen, line: PaceLine::Hours, hours, pace, trouble: None };
    model.notice = None;
    model.prompt = Some(Prompt::Pace(prompt));
    Vec::new()
}

/// A key while they are typed.
pub fn key(model: &mut Model, mut prompt: PacePrompt, key: Key) -> Vec<Effect> {
    match key {
        Key::Esc => return Vec::new(),
        Key::Enter => match read(&prompt) {
            Ok(edit) => return change(model, &prompt.seen, edit),
            Err((line, why)) => (prompt.line, prompt.trouble) = (line, Some(why)),
        },
        Key::Tab | Key::BackTab => (prompt.line, prompt.trouble) = (prompt.line.other(), None),
        key if prompt.field_mut().key(key) == EditOutcome::NotMine => {
            prompt.trouble = Some("enter changes it, esc leaves it as it was".to_owned());
        }
        _ => prompt.trouble = None,
    }
    model.prompt = Some(Prompt::Pace(prompt));
    Vec::new()
}

/// What is typed, where it is not what was there.
pub fn typed_on(prompt: &PacePrompt) -> Option<String> {
    let lines = [(&prompt.hours, hours_text(&prompt.seen.limits)), (&prompt.pace, pace_text(&prompt.seen))];
    let typed = lines.into_iter().filter(|(field, before)| field.text() != *before);
    let typed: Vec<_> = typed.map(|(field, _)| field.text()).filter(|text| !text.trim().is_empty()).collect();
    (!typed.is_empty()).then(|| typed.join(", "))
}

/// What of its sender's pace holds all the same, while a faster one is typed.
pub fn sender_binds(model: &Model, prompt: &PacePrompt) -> Option<String> {
    let pace = read_pace(prompt.pace.text().trim()).ok().filter(|_| prompt.line == PaceLine::Pace)?;
    pace_words::sender_binds(pace, sender_of(model, &prompt.seen)?)
}

fn sender_of<'a>(model: &'a Model, blast: &BlastView) -> Option<&'a SenderView> {
    model.senders.iter().find(|sender| sender.id == blast.sender_id)
}

/// `S` on a blast that waits for its hours: without them it sends at once.
pub fn send_now(model: &mut Model, blast: BlastId) -> Vec<Effect> {
    let edit = DraftEdit { window: FieldChange::Clear, weekdays: FieldChange::Clear, ..DraftEdit::default() };
    let Some(blast) = model.blasts.get(blast).cloned() else { return Vec::new() };
    change(model, &blast, edit)
}

/// What was typed as an edit of the blast, or what is wrong with which of both.
fn read(prompt: &PacePrompt) -> Result<DraftEdit, (PaceLine, String)> {
    let blast = &prompt.seen;
    let (hours, days, zone) = read_hours(prompt.hours.text().trim()).map_err(|_| {
        (PaceLine::Hours, "write hours as 09:00-21:00 and days as mon-fri, or nothing for any hour".to_owned())
    })?;
    if zone.is_some() {
        return Err((PaceLine::Hours, "its time zone stays: write hours and days alone".to_owned()));
    }
    let (gap, rate) = read_pace(prompt.pace.text().trim()).map_err(|why| (PaceLine::Pace, why))?;
    Ok(DraftEdit {
        window: changed(blast.limits.hours.as_ref(), hours),
        weekdays: changed(blast.limits.weekdays.as_ref(), days),
        gap: changed(blast.limits.gap.as_ref(), gap),
        rate: changed(blast.limits.rate.as_ref(), rate),
        ..DraftEdit::default()
    })
}

fn changed<T: Copy + PartialEq>(before: Option<&Result<T, UnreadableLimit>>, now: Option<T>) -> FieldChange<T> {
    match now {
        now if now == own(before) => FieldChange::Keep,
        Some(now) => FieldChange::Set(now),
        None => FieldChange::Clear,
    }
}

fn own<T: Copy>(limit: Option<&Result<T, UnreadableLimit>>) -> Option<T> {
    limit.and_then(|limit| limit.as_ref().ok()).copied()
}

/// Writes an edit of a blast as it was seen; where it may send at once by it, after a question.
fn change(model: &mut Model, blast: &BlastView, edit: DraftEdit) -> Vec<Effect> {
    if edit == DraftEdit::default() {
        let unchanged = format!("{}: nothing is changed", model.distinct_name(blast));
        model.say(Notice::done(unchanged));
        return Vec::new();
    }
    let (opens, hours) = (edit.opens_hours(blast, model.zone_of(blast), model.now), hours_after(&edit, blast));
    let name = model.brief_distinct_name(blast);
    let (version, edit) = (blast.version, Box::new(edit));
    let write = |people| WriteRequest::EditPace { blast: blast.id, version, people, edit };
    if !opens {
        return vec![Effect::Write(write(None))];
    }
    // Others may be queued in it by now than when its hours were opened to be typed.
    let row = model.blasts.get(blast.id).unwrap_or(blast);
    let people = row.counts.queued;
    let (typed, first) = (number(people), first_of(row));
    let asks = match nobody_due(model, blast) {
        Some(due) => format!("lift the hours of {name}? {due}: it sends nothing before that{hours}."),
        None => format!("send {name} now? It starts 10 s later{hours}."),
    };
    let question = format!("{asks} {typed} still queued{first}; type {typed}:");
    let (by, write) = (ConfirmBy::number(people), write(Some(people)));
    let otherwise = format!("nothing changed: {name} still waits for its hours");
    model.prompt = Some(Prompt::Confirm(ConfirmPrompt { question, by, then: vec![write], otherwise }));
    Vec::new()
}

/// How many of those who are queued it sends to before it waits for somebody to look, as the end of a sentence.
fn first_of(blast: &BlastView) -> String {
    let left = blast.first.left.map(i64::from).filter(|left| (1..blast.counts.queued).contains(left));
    left.map(|left| format!(", {} of them first", number(left))).unwrap_or_default()
}

/// At which hours and on which days a blast sends after an edit, as the end of a sentence.
fn hours_after(edit: &DraftEdit, blast: &BlastView) -> String {
    match hours_text(&edit.limits_after(&blast.limits)) {
        none if none.is_empty() => ", and sends at any hour from then on".to_owned(),
        hours => format!(", and its hours become {hours}"),
    }
}

/// It is changed: says how it goes from now on.
pub fn edited(model: &mut Model, request: &WriteRequest, row: BlastView) -> Vec<Effect> {
    let WriteRequest::EditPace { edit, .. } = request else { return Vec::new() };
    let pace = (own(row.limits.gap.as_ref()), own(row.limits.rate.as_ref()));
    let is_of_pace = !edit.gap.is_keep() || !edit.rate.is_keep();
    let binds = sender_of(model, &row).filter(|_| is_of_pace);
    let binds = binds.and_then(|sender| pace_words::sender_binds(pace, sender));
    let binds = binds.map(|binds| format!("; {binds}")).unwrap_or_default();
    let sentence = format!("{}: {} from now on{binds}", model.distinct_name(&row), words(edit, &row));
    written::log(model, &sentence, &command_line(edit, row.id));
    // Where a start was announced before, it still is, and is taken back by the same key.
    let was_armed = model.blasts.get(row.id).and_then(|before| before.armed_until(model.now));
    match row.armed_until(model.now) {
        Some(until) if was_armed == Some(until) => {
            let text = format!("{sentence}; it starts {}", model.at_start_after(&row, until));
            model.say(armed::standing(model, &row, text));
        }
        Some(until) => model.say(armed::announcement(model, &row, until)),
        None => model.say(Notice::done(sentence)),
    }
    model.blasts.update(row);
    vec![Effect::Read(ReadRequest::Blasts)]
}

fn words(edit: &DraftEdit, row: &BlastView) -> String {
    let of_hours = !edit.window.is_keep() || !edit.weekdays.is_keep();
    let of_pace = !edit.gap.is_keep() || !edit.rate.is_keep();
    let said = |text: String, none: &str| if text.is_empty() { none.to_owned() } else { text };
    let hours = of_hours.then(|| said(hours_text(&row.limits), "any hour"));
    let pace = of_pace.then(|| said(pace_text(row), "the sender's own pace"));
    hours.into_iter().chain(pace).collect::<Vec<_>>().join(", ")
}

/// The same for a shell.
fn command_line(edit: &DraftEdit, id: BlastId) -> String {
    let fields = [
        ("window", edit.window.map(ToString::to_string)),
        ("weekdays", edit.weekdays.map(ToString::to_string)),
        ("gap", edit.gap.map(ToString::to_string)),
        ("rate", edit.rate.map(ToString::to_string)),
    ];
    let set = fields.iter().filter_map(|(name, change)| change.get().map(|value| format!(" --{name} {value}")));
    let cleared: Vec<_> =
        fields.iter().filter(|(_, change)| *change == FieldChange::Clear).map(|(name, _)| *name).collect();
    let clear = if cleared.is_empty() { String::new() } else { format!(" --clear {}", cleared.join(",")) };
    format!("blastdeck blast edit {id}{}{clear}", set.collect::<Vec<_>>().concat())
}

/// The hours and days as they are typed.
fn hours_text(limits: &LimitColumns) -> String {
    let hours = own(limits.hours.as_ref()).map(|hours| hours.to_string());
    let days = own(limits.weekdays.as_ref()).map(|days| days.to_string());
    hours.into_iter().chain(days).collect::<Vec<_>>().join(" ")
}

/// The pace as it is typed.
fn pace_text(blast: &BlastView) -> String {
    let gap = own(blast.limits.gap.as_ref()).map(|gap| gap.to_string());
    let rate = own(blast.limits.rate.as_ref()).map(|rate| rate.to_string());
    gap.into_iter().chain(rate).collect::<Vec<_>>().join(" ")
}
