//! Answering somebody who wrote: the field below what was said, and what became of it.

use super::key_outcome::KeyOutcome;
use super::{lost, written};
use crate::app::QueuedAnswer;
use crate::app::view::{ActivityEvent, ActivityRow, RecipientDetails};
use crate::domain::session::{SESSION, SessionWindow};
use crate::domain::text::shell_quoted;
use crate::tui::availability::{cannot_answer, cannot_write_to};
use crate::tui::effect::{AnswerText, Effect, EffectError, ReadRequest, WriteRequest};
use crate::tui::format::{TimeFormat, brief};
use crate::tui::key::Key;
use crate::tui::model::{AnswerOverlay, AnswerProgress, Model, Notice, Overlay, Pane};
use crate::tui::widget::TextField;

/// Opens the field, with what was begun for the same person.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let Some(row) = model.person() else { return Vec::new() };
    let (person, blast, phone) = (row.id, row.blast_id, row.phone.clone());
    let who = brief(row.name.as_deref().unwrap_or("no name"));
    let field = TextField::with(&model.begun.answers.take(person).unwrap_or_default());
    let loaded = match model.overlays.last() {
        Some(Overlay::Details(details)) => details.loaded.clone(),
        _ => None,
    };
    let progress = AnswerProgress::Writing;
    let answer = AnswerOverlay { person, blast, phone, who, field, loaded, progress };
    model.notice = None;
    model.overlays.push(Overlay::Answer(Box::new(answer)));
    vec![Effect::Read(ReadRequest::Person(person))]
}

/// Only of whoever may be answered now, by what the screen shows of them: most people wrote nothing, or long ago.
pub fn footer_word(model: &Model) -> &'static str {
    let is_open = |loaded: &RecipientDetails| matches!(loaded.session, Some(SessionWindow::Open { .. }));
    let may_answer = match model.overlays.last() {
        Some(Overlay::Details(details)) => details.loaded.as_deref().is_some_and(is_open),
        _ => model.previewed().is_some_and(is_open) || is_recent_reply(model),
    };
    if may_answer && cannot_answer(model).is_none() { "answer" } else { "" }
}

/// Whether the line at the cursor of the activity is what somebody wrote less than 24 hours ago.
fn is_recent_reply(model: &Model) -> bool {
    let line = model.activity.at_cursor().filter(|_| model.overlays.is_empty() && model.focus == Pane::Activity);
    let is_reply = |row: &&ActivityRow| matches!(row.event, ActivityEvent::Reply { .. });
    let may_write = model.person().is_some_and(|person| person.opt_out.is_none());
    may_write && line.filter(is_reply).is_some_and(|row| model.now < row.place.at + SESSION)
}

/// What is typed goes into the field; `enter` sends it, `esc` keeps it for later.
pub fn key(model: &mut Model, key: Key) -> KeyOutcome {
    let Some(Overlay::Answer(answer)) = model.overlays.last_mut() else { return KeyOutcome::UNUSED };
    match key {
        Key::Enter => KeyOutcome::UNUSED,
        Key::Esc => {
            leave(model);
            KeyOutcome::DONE
        }
        _ if answer.progress == AnswerProgress::Sending => KeyOutcome::DONE,
        key => {
            answer.field.key(key);
            answer.progress = AnswerProgress::Writing;
            KeyOutcome::DONE
        }
    }
}

/// Closes the field. Its text is kept, unless it is on its way.
pub fn leave(model: &mut Model) {
    let Some(Overlay::Answer(answer)) = model.overlays.pop() else { return };
    let is_kept = answer.progress != AnswerProgress::Sending && !answer.field.is_empty();
    if is_kept {
        model.begun.answers.keep(answer.person, answer.field.text());
        model.say(Notice::done(format!("nothing sent to {}; ⟨a⟩ brings the text back", answer.who)));
    }
}

pub fn pasted(model: &mut Model, line: &str) {
    if let Some(Overlay::Answer(answer)) = model.overlays.last_mut()
        && answer.progress != AnswerProgress::Sending
    {
        answer.field.insert(line);
    }
}

/// What was said is here. The field closes on whoever opted out or never wrote; what was typed meanwhile is kept.
pub fn loaded(model: &mut Model, details: RecipientDetails) {
    let Some(Overlay::Answer(answer)) = model.overlays.last_mut() else { return };
    if details.row.id != answer.person {
        return;
    }
    let refusal = cannot_write_to(&details);
    answer.loaded = Some(Box::new(details));
    if let Some(why) = refusal.filter(|_| answer.progress != AnswerProgress::Sending) {
        leave(model);
        model.refuse(why);
    }
}

/// Sends what was typed, once: until its outcome is known, nothing more is taken.
pub fn send(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Answer(answer)) = model.overlays.last_mut() else { return Vec::new() };
    let text = answer.field.text().trim().to_owned();
    let session = answer.loaded.as_ref().map(|loaded| loaded.session);
    let refused = match (&answer.progress, session) {
        (AnswerProgress::Sending, _) => return Vec::new(),
        (_, None) => Some("what was said is still being read: enter once it is here"),
        (_, Some(Some(SessionWindow::Over { .. }))) => Some("the 24 hours are over: nothing sent"),
        _ if text.is_empty() => Some("nothing is written: nothing sent"),
        _ => None,
    };
    if let Some(why) = refused {
        answer.progress = AnswerProgress::Refused(why.to_owned());
        return Vec::new();
    }
    answer.progress = AnswerProgress::Sending;
    let (blast, person, phone) = (answer.blast, answer.person, answer.phone.as_str().to_owned());
    vec![Effect::Write(WriteRequest::Answer(AnswerText { blast, person, phone, text }))]
}

/// It is queued.
pub fn queued(model: &mut Model, request: &WriteRequest, queued: &QueuedAnswer) -> Vec<Effect> {
    let WriteRequest::Answer(answer) = request else { return Vec::new() };
    model.overlays.retain(|overlay| !matches!(overlay, Overlay::Answer(page) if sends(page, answer)));
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let until = clock.long(queued.until);
    let sentence =
        format!("{} gets your answer, in turn; if it has not gone by {until}, it will not be sent", brief(&queued.who));
    let line = format!("blastdeck reply {} {} {}", answer.blast, answer.phone, shell_quoted(&answer.text));
    written::log(model, &sentence, &line);
    model.say(Notice::done(sentence));
    vec![Effect::Read(ReadRequest::Person(answer.person)), Effect::Read(ReadRequest::Blasts)]
}

/// Whether it is this text that a page has handed over: another one for the same person may be written on a page that was opened since.
fn sends(page: &AnswerOverlay, answer: &AnswerText) -> bool {
    let is_sending = page.progress == AnswerProgress::Sending;
    is_sending && page.person == answer.person && page.field.text().trim() == answer.text
}

/// It was refused: the text stays, with the reason below it, and is back on a page that was merely opened again. Where its page was left,
/// the text is kept for the next one; where another text was begun by then, it is said. `about` names whom it was for.
pub fn refused(model: &mut Model, (answer, about): (&AnswerText, &str), failure: &EffectError) {
    let why = failure.sentence(&model.options.keys);
    let mut pages = model.overlays.iter_mut().filter_map(|overlay| match overlay {
        Overlay::Answer(page) if page.person == answer.person => Some(page),
        _ => None,
    });
    let open = pages.next();
    let is_begun = open.is_some() || model.begun.answers.has(answer.person);
    if let Some(page) = open.filter(|page| sends(page, answer) || page.field.is_empty()) {
        if !sends(page, answer) {
            page.field = TextField::with(&answer.text);
        }
        page.progress = AnswerProgress::Refused(why);
        return;
    }
    let refused = if lost::may_be_done(failure) { "" } else { "not answered: " };
    let text = if is_begun { format!("it said: {}", answer.text) } else { "⟨a⟩ brings the text back".to_owned() };
    if !is_begun {
        model.begun.answers.keep(answer.person, answer.text.clone());
    }
    lost::say(model, &format!("{about}{refused}{why}; {text}"));
}
