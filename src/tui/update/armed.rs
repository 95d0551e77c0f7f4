//! The line that announces an armed launch, and what replaces it when the launch no longer stands as announced.

use std::ops::RangeInclusive;

use chrono::{DateTime, TimeDelta, Utc};

use super::{pace, senders};
use crate::app::SeenState;
use crate::app::view::BlastView;
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::text::clean;
use crate::domain::waiting::Waiting;
use crate::tui::effect::{Effect, ReadRequest, WriteRequest};
use crate::tui::model::{
    ArmedLaunch, ArmedWords, Leaving, Model, Notice, ResumedBlast, StandingBlast, StartsBeside, TakenBackStart,
};

/// Says when a launched blast starts, and that it can be stopped until then.
pub fn announcement(model: &Model, row: &BlastView, until: DateTime<Utc>) -> Notice {
    announced(model, row, ArmedWords::Start, model.starts_words(row, until))
}

/// The same of a blast whose stopped sender was resumed, with all that goes on with it. The others are read in a moment.
pub fn resumed(model: &Model, row: &BlastView, until: DateTime<Utc>) -> Notice {
    let is_unread = |before: &&BlastView| before.version < row.version && before.state == BlastState::Sending;
    let Some(before) = model.blasts.get(row.id).filter(is_unread) else { return announcement(model, row, until) };
    let is_other = |other: &&BlastView| other.id != row.id && other.counts.queued > 0;
    let others: Vec<_> = senders::that_go_on(model, &before.sender).filter(is_other).collect();
    announced(model, row, ArmedWords::Start, model.start_words_of(row, &others, until))
}

/// Says what was done while the start of a blast counts down, which is taken back by the same key as before.
pub fn standing(model: &Model, row: &BlastView, text: String) -> Notice {
    announced(model, row, ArmedWords::Act, text)
}

fn announced(model: &Model, row: &BlastView, says: ArmedWords, text: String) -> Notice {
    let armed = Some(ArmedLaunch { blast: row.id, version: row.version, says });
    let hint = format!("{} {}", model.options.keys.undo(), model.stops(row));
    Notice { armed, ..Notice::done(text).hint(hint) }
}

/// Says that a blast which was launched or resumed behind the stop of its sender starts, or goes on, once that is resumed: no time of it
/// counts down.
pub fn behind_stop(model: &Model, row: &BlastView) -> Notice {
    let armed = Some(ArmedLaunch { blast: row.id, version: row.version, says: ArmedWords::Start });
    let does = if row.counts.has_tried() { "goes on" } else { "starts" };
    Notice { armed, ..Notice::done(format!("{} {does}{}", model.distinct_name(row), until_resumed(model))) }
}

/// The end of the sentence about a blast behind the stop of its sender.
fn until_resumed(model: &Model) -> String {
    format!(" once its sender is resumed; until then {} stops it", model.options.keys.undo())
}

/// Says when a blast starts by itself, as long as it does. It is no armed launch: whoever goes on with other work is not reminded, and
/// `u` is for their newest act.
pub fn scheduled(model: &Model, row: &BlastView) -> Notice {
    let starts = row.send_after.map(|at| format!(", starts {}", model.time_of(row, at))).unwrap_or_default();
    let hint = format!("{} takes it back", model.options.keys.undo());
    Notice {
        until_next_key: true,
        says: vec![SeenState::of(row)],
        until_changed: Some(SeenState::of(row)),
        ..Notice::done(format!("{} is {}{starts}", model.distinct_name(row), row.state)).hint(hint)
    }
}

/// That a blast is paused. Of a sender's launch its other blasts start all the same: it keeps the time at which it was to start with them.
pub fn paused(model: &Model, row: &BlastView) -> Notice {
    // What was sent before its time has that again, and says no longer by which act it was to start.
    let before = model.blasts.get(row.id).filter(|_| row.armed_at.is_none()).unwrap_or(row);
    let still = starts_beside(model, before);
    // The key is about the blast that is selected: another one is chosen first. On the line of a sender it is about all that waits for that.
    let is_meant = !model.is_sender_line() && model.blast_meant().is_some_and(|meant| meant.id == row.id);
    let resumes = if is_meant { model.resumes_it() } else { "⟨S⟩ on it resumes it" };
    let said = format!("{} is paused; {resumes}{still}", model.distinct_name(row));
    let beside = StartsBeside { paused: Box::new(before.clone()), words: model.with_keys(&still) };
    let beside = Some(beside).filter(|_| !still.is_empty());
    Notice { stands: Some(stands(model, row)), beside, ..Notice::done(said) }
}

/// The end of a sentence about a blast that does not start: what the same act starts all the same. Nothing where that is nothing.
fn starts_beside(model: &Model, blast: &BlastView) -> String {
    let others = model.starting_with(blast);
    let start = others.split_first().and_then(|(first, rest)| Some((first, rest, first.armed_until(model.now)?)));
    start.map(|(first, rest, until)| format!("; {}", model.start_words_of(first, rest, until))).unwrap_or_default()
}

/// Says of the others what is so by now: they may have started, or somebody stopped them.
fn follow_others(model: &mut Model) {
    let Some(beside) = model.notice.as_ref().and_then(|notice| notice.beside.as_ref()) else { return };
    let words = model.with_keys(&starts_beside(model, &beside.paused));
    let Some(notice) = &mut model.notice else { return };
    let Some(beside) = &mut notice.beside else { return };
    if let Some(said) = notice.text.strip_suffix(beside.words.as_str()) {
        notice.text = format!("{said}{words}");
        beside.words = words;
    }
}

/// What is printed before the dashboard is stopped by `ctrl-z`: which blast starts meanwhile, since another engine may send it.
pub fn goes_on(model: &Model) -> Option<String> {
    let (row, until) = model.armed().next()?;
    let (starts, undo, stops) = (model.starts_words(row, until), model.options.keys.undo(), model.stops(row));
    Some(clean(&format!("{starts}, also while this is stopped: fg, then {undo} {stops} until then")).into_owned())
}

/// A time on the screen has come: what could be undone until now is being sent.
pub fn time_came(model: &mut Model) -> Vec<Effect> {
    recheck(model);
    let has_begun = |blast: &BlastView| {
        let since = blast.send_after.map(|from| model.now - from);
        blast.state == BlastState::Sending && since.is_some_and(|since| JUST_BEGUN.contains(&since))
    };
    let begun = model.blasts.rows().iter().any(has_begun);
    begun.then_some(Effect::Read(ReadRequest::Blasts)).into_iter().collect()
}

/// For so long a launch has begun to send a moment ago.
const JUST_BEGUN: RangeInclusive<TimeDelta> = TimeDelta::zero()..=TimeDelta::seconds(2);

/// What a line stands for that names the keys of a blast.
pub fn stands(model: &Model, row: &BlastView) -> StandingBlast {
    let selected = model.blast().map(|blast| blast.id);
    let asks = row.asks_for_person();
    StandingBlast { blast: row.id, version: row.version, state: row.state, asks, selected }
}

/// Whether what a line says of blasts, or of the database, is no longer so.
fn is_over(model: &Model, notice: &Notice) -> bool {
    let is_other = |seen: &SeenState| match model.blasts.get(seen.blast) {
        // A row of an older version was read before it was said.
        Some(row) => row.version >= seen.version && row.state != seen.state,
        None => model.blasts.is_loaded(),
    };
    let is_newer = |seen: SeenState| model.blasts.get(seen.blast).is_some_and(|row| row.version > seen.version);
    notice.while_away && model.away_since().is_none()
        || notice.says.iter().any(is_other)
        || notice.until_changed.is_some_and(is_newer)
}

/// Ends a line once what it says is no longer so. Where it asked whether to leave, that is asked anew.
fn end_what_is_over(model: &mut Model) {
    if model.notice.as_ref().is_some_and(|notice| is_over(model, notice)) {
        model.notice = None;
        if model.leaving == Leaving::Warned {
            model.leaving = Leaving::No;
        }
    }
}

/// Ends a line that names the keys of a blast once that stands otherwise, or another one is selected; and one that says what is so
/// of a person once their row has changed since.
pub fn expire(model: &mut Model) {
    end_what_is_over(model);
    follow_others(model);
    let person = model.notice.as_ref().and_then(|notice| notice.of);
    let listed = person.and_then(|person| model.recipients.get(person));
    if listed.is_some_and(|listed| listed.row.changed_at > model.said_at) {
        model.notice = None;
    }
    let Some(said) = model.notice.as_ref().and_then(|notice| notice.stands) else { return };
    let is_selected = model.blast().map(|blast| blast.id) == said.selected;
    let is_as_said = |row: &BlastView| (row.state, row.asks_for_person()) == (said.state, said.asks);
    let stands = |row: &BlastView| row.version < said.version || is_as_said(row) && row.has_people_left();
    if !is_selected || !model.blasts.get(said.blast).is_some_and(stands) {
        model.notice = None;
    }
}

/// Replaces the announcement when its blast is no longer armed, or armed anew.
pub fn recheck(model: &mut Model) {
    let Some(announced) = model.notice.as_ref().and_then(|notice| notice.armed) else { return };
    let was = model.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default();
    let notice = match model.blasts.get(announced.blast) {
        // Read before the launch.
        Some(row) if row.version < announced.version => return,
        Some(row) => match as_it_stands(model, row, (&was, row.version == announced.version)) {
            // It was sent before its time, and has that again: its row does not say by whom.
            Some(notice) if row.state == BlastState::Scheduled => {
                Notice { taken_back: Some(TakenBackStart { blast: row.id, is_asked: false }), ..notice }
            }
            Some(notice) => notice,
            None => return,
        },
        None => Notice::done("the blast was deleted"),
    };
    if notice.armed.is_some() {
        starts_later(model, &was, &notice);
    }
    model.say(notice);
}

/// How a launch that was announced stands now; `None` where the line `was` says that. Its sender may have been stopped, or resumed, since: that
/// gives the blast no other version. Another pace or other hours do: what waited behind the stop does so still.
fn as_it_stands(model: &Model, row: &BlastView, (was, is_same_version): (&str, bool)) -> Option<Notice> {
    let held_up = behind_stop(model, row);
    let said_held_up = was == model.with_keys(&held_up.text);
    let is_held_up = row.state == BlastState::Sending && row.is_behind_stop();
    match row.armed_until(model.now) {
        Some(_) if is_same_version && !said_held_up => None,
        Some(until) => Some(announcement(model, row, until)),
        None if is_same_version && is_held_up => Some(held_up).filter(|_| !said_held_up),
        None if is_held_up && was.ends_with(&model.with_keys(&until_resumed(model))) => Some(held_up),
        None => Some(others_start(model, row).unwrap_or_else(|| what_became_of(model, row))),
    }
}

/// That a blast which was announced does not start, where others that the same act armed do all the same: the line announces these from now
/// on, with the keys that stop them.
fn others_start(model: &Model, row: &BlastView) -> Option<Notice> {
    let said = starts_no_more(model, row)?;
    let next = *model.starting_with(row).first()?;
    Some(announced(model, next, ArmedWords::Beside, said))
}

/// That a blast was paused or cancelled, and by whom where that is known. `None` where it was not.
fn starts_no_more(model: &Model, row: &BlastView) -> Option<String> {
    let name = model.distinct_name(row);
    let by = row.state_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    match row.state {
        BlastState::Paused => Some(match model.resumed.as_ref().filter(|resumed| resumed.blast == row.id) {
            Some(resumed) if is_as_before(resumed, row) => format!("{name} is paused again"),
            Some(ResumedBlast { before: None, .. }) => format!("{name} is paused"),
            _ if row.state_by == Some(Actor::Engine) => format!("{name} is paused"),
            _ => format!("{name} was paused{by}"),
        }),
        BlastState::Cancelled => Some(format!("{name} was cancelled{by}")),
        _ => None,
    }
}

/// Whether a blast is paused by whoever had paused it before it was resumed: so it is where somebody took the resume back, whoever that was.
fn is_as_before(resumed: &ResumedBlast, row: &BlastView) -> bool {
    let is_same = |before: &BlastView| before.state == BlastState::Paused && before.state_by == row.state_by;
    resumed.before.as_deref().is_some_and(is_same)
}

/// Keeps how a blast was that is resumed in this window, before its row is taken.
pub fn note_resumed(model: &mut Model, request: &WriteRequest, row: &BlastView) {
    if !matches!(request, WriteRequest::Resume(_)) {
        return;
    }
    let before = model.blasts.get(row.id).filter(|before| before.version < row.version);
    model.resumed = Some(ResumedBlast { blast: row.id, before: before.cloned().map(Box::new) });
}

/// The log says when a launch of this window starts as the screen does: an engine that could not be reached gives it ten seconds anew.
fn starts_later(model: &mut Model, was: &str, notice: &Notice) {
    let is_ours = |row: &BlastView| model.launched_by(row).is_empty();
    let announced = notice.armed.filter(|armed| armed.says == ArmedWords::Start);
    if !announced.and_then(|armed| model.blasts.get(armed.blast)).is_some_and(is_ours) {
        return;
    }
    let (was, now) = (model.with_keys(was), model.with_keys(&notice.text));
    if let Some(line) = model.log.iter_mut().rev().find(|line| line.sentence == was) {
        line.sentence = now;
    }
}

/// What became of a launch that was announced. Keys are named where they would act on it.
fn what_became_of(model: &Model, row: &BlastView) -> Notice {
    let (name, is_selected) = (model.distinct_name(row), model.blast().is_some_and(|blast| blast.id == row.id));
    let keys = |keys: &'static str| if is_selected { keys } else { "" };
    let said = match row.state {
        BlastState::Sending if model.away_since().is_some() => {
            format!(
                "{name} starts ten seconds after its engine reaches the database again{}",
                keys(": ⟨p⟩ pauses it then")
            )
        }
        BlastState::Sending => match &row.waiting {
            // As it was before, where somebody took it back that the stop was lifted.
            Some(Waiting::SenderStopped { why, .. }) => {
                format!("{name} waits again for its sender, which is stopped as before: {why}")
            }
            Some(waiting) if row.is_held_up() => {
                let waits = model.wait_sentence(row, waiting);
                let lifts = || format!(", ⟨S⟩ {}", pace::lifts_hours(model, row));
                let hours = if is_selected && pace::waits_for_hours(row) { lifts() } else { String::new() };
                format!("{name} {waits}{}{hours}", keys("; ⟨p⟩ pauses it"))
            }
            _ => waits_or_started(model, row, is_selected),
        },
        BlastState::Paused | BlastState::Cancelled => {
            let said = starts_no_more(model, row).unwrap_or_default();
            if row.state == BlastState::Cancelled {
                return Notice::done(said);
            }
            format!("{said}{}{}", keys("; "), keys(model.resumes_it()))
        }
        // Somebody else took it back.
        BlastState::Draft => return Notice::done(format!("{name} is a draft again{}", model.launched_by(row))),
        BlastState::Scheduled => return Notice::done(format!("{name} is scheduled again: nothing was sent")),
        state => return Notice::done(format!("{name} is {state}")),
    };
    let taken_back = may_be_taken_back(model, row).then_some(TakenBackStart { blast: row.id, is_asked: false });
    Notice { stands: Some(stands(model, row)), taken_back, ..Notice::done(said) }
}

/// The same of a blast whose engine may not have said yet that it waits for the daily cap or for its hours, else for somebody to be due.
fn waits_or_started(model: &Model, row: &BlastView, names_key: bool) -> String {
    let name = model.distinct_name(row);
    let keys = |keys: &'static str| if names_key { keys } else { "" };
    if let Some(capped @ Waiting::DailyCap { .. }) = model.unreported_wait(row) {
        let waits = capped.sentence_in(model.options.zone, |at| model.time_of(row, at));
        return format!("{name} {waits}{}", keys("; ⟨p⟩ pauses it"));
    }
    if let Some(at) = model.hours_open_at(row, model.now) {
        return format!("{name} waits for its hours, {}{}", model.time_of(row, at), keys(": ⟨p⟩ pauses it"));
    }
    match pace::nobody_due(model, row) {
        Some(due) => format!("{name} waits for {due}{}", keys(": ⟨p⟩ pauses it")),
        None => has_started(model, row, names_key),
    }
}

/// Whether a blast stands as before its start, which somebody may have taken back: its row does not say who.
fn may_be_taken_back(model: &Model, row: &BlastView) -> bool {
    let resumed = model.resumed.as_ref().filter(|resumed| resumed.blast == row.id);
    match row.state {
        BlastState::Paused => resumed.is_some_and(|resumed| is_as_before(resumed, row)),
        BlastState::Sending => row.is_behind_stop() && model.away_since().is_none(),
        _ => false,
    }
}

/// Reads once who took back what the line says to stand as before.
pub fn ask_who_took_back(model: &mut Model) -> Option<Effect> {
    let taken_back = model.notice.as_mut()?.taken_back.as_mut().filter(|taken_back| !taken_back.is_asked)?;
    taken_back.is_asked = true;
    Some(Effect::Read(ReadRequest::TakenBackBy(taken_back.blast)))
}

/// It is read: the line begins with whoever that was. Nobody did where it stands so by itself, or by another act.
pub fn taken_back_by(model: &mut Model, blast: BlastId, by: Option<String>) {
    let is_of = |notice: &&mut Notice| notice.taken_back.is_some_and(|taken_back| taken_back.blast == blast);
    let Some(notice) = model.notice.as_mut().filter(is_of) else { return };
    notice.taken_back = None;
    if let Some(by) = by {
        notice.text = format!("{} took it back: {}", clean(&by), notice.text);
    }
}

/// That a blast has started, with all that the same act started. The key that pauses it is named where it would.
fn has_started(model: &Model, row: &BlastView, names_key: bool) -> String {
    let name = model.distinct_name(row);
    let (started, paused) = match &model.started_with(row)[..] {
        [] => (format!("{name} has started"), "it".to_owned()),
        [other] => (format!("{name} and {} have started", model.distinct_name(other)), name),
        several => (format!("{name} and {} others have started", several.len()), name),
    };
    if names_key { format!("{started}: ⟨p⟩ pauses {paused}") } else { started }
}
