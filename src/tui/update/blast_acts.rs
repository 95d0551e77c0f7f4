//! Pausing, cancelling and deleting blasts, and the questions before.

use super::{attention, lost, prompts, steps, written};
use crate::app::SeenState;
use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::text::clean;
use crate::tui::effect::{Effect, ReadRequest, WriteRequest};
use crate::tui::format::{counted, number};
use crate::tui::model::{ConfirmBy, ConfirmPrompt, Model, Notice, Overlay, Prompt};
use crate::tui::widget::TextField;
use chrono::TimeDelta;

/// A blast that starts within this time is paused before its cancel asks for a number.
const PAUSED_BEFORE: TimeDelta = TimeDelta::minutes(2);

pub fn pause(model: &mut Model) -> Vec<Effect> {
    if let Some(view) = model.chosen_step() {
        return steps::pause(view);
    }
    model.to_pause().map(|blast| Effect::Write(WriteRequest::Pause(blast.id))).into_iter().collect()
}

/// What `X` does to the blast that is meant, for the footer.
pub fn end_word(model: &Model) -> &'static str {
    match model.blast_meant() {
        Some(blast) if blast.state == BlastState::Draft => "delete",
        Some(blast) if blast.origin.repeat.rule.is_some() => "end for good",
        _ => "cancel",
    }
}

/// Cancels what was sent from, deletes a draft; removes the step of a line that is about one.
pub fn cancel(model: &mut Model) -> Vec<Effect> {
    attention::turned_to(model);
    if model.chosen_step().is_some() {
        return steps::ask_remove(model);
    }
    let Some(question) = model.blast_meant().map(|blast| end_question(model, blast)) else { return Vec::new() };
    model.prompt = Some(Prompt::Confirm(question));
    Vec::new()
}

/// What is asked before a blast is ended, as it stands now.
fn end_question(model: &Model, blast: &BlastView) -> ConfirmPrompt {
    let (id, version, tag) = (blast.id, blast.version, model.brief_distinct_name(blast));
    let yes = |question, then| {
        let otherwise = "nothing done".to_owned();
        ConfirmPrompt { question, by: ConfirmBy::Yes, then: vec![then], otherwise }
    };
    match blast.state {
        BlastState::Draft => {
            let people = match blast.total_recipients {
                0 => String::new(),
                people => format!(" and its {}", counted(people)),
            };
            let question = format!("delete the draft {tag}{people} for good?");
            yes(question, WriteRequest::Delete { blast: id, version })
        }
        // There is nothing to pause and nobody to leave out.
        BlastState::Sending if !blast.has_people_left() && blast.origin.repeat.rule.is_none() => {
            let open = match blast.counts.uncertain {
                0 => String::new(),
                uncertain => format!("; {} uncertain stay open, and cannot be sent to again", number(uncertain)),
            };
            let question = format!("cancel {tag}? Nobody is queued any more{open}.");
            yes(question, WriteRequest::Cancel { blast: id, version, people: 0 })
        }
        // Its start stands, whatever the answer; where it starts before that, the answer is refused.
        BlastState::Scheduled if blast.scheduled_for.is_some_and(|at| at - model.now > PAUSED_BEFORE) => {
            cancel_question(model, blast, TextField::default())
        }
        BlastState::Sending | BlastState::Scheduled => {
            let question = match blast.origin.repeat.rule {
                Some(_) => format!(
                    "end {tag} for good, with all its times to come? It pauses first; then you type the number."
                ),
                None => format!("cancel {tag}? It pauses first; then you type the number."),
            };
            let (by, otherwise) = (ConfirmBy::YesThenNumber(id), format!("nothing done: {tag} goes on"));
            ConfirmPrompt { question, by, then: Vec::new(), otherwise }
        }
        _ => cancel_question(model, blast, TextField::default()),
    }
}

/// The blast changed behind its question: nothing was done, and it is asked anew as it stands now. Never in the middle of something else,
/// nor once a key was typed since or waits for a list, as the next ones are meant for that; nor where it cannot be ended any more: then it
/// is said.
pub fn outdated(model: &mut Model, request: &WriteRequest, row: &BlastView, is_typed_since: bool) -> Vec<Effect> {
    model.blasts.update(row.clone());
    let is_delete = matches!(request, WriteRequest::Delete { .. });
    let can_be_ended = match row.state {
        BlastState::Draft => is_delete,
        BlastState::Sending | BlastState::Scheduled | BlastState::Paused => !is_delete,
        BlastState::Completed | BlastState::Cancelled | BlastState::Failed => false,
    };
    let is_asked = model.prompt.is_some() || model.overlays.last().is_some_and(Overlay::is_typed_on);
    let is_busy = is_asked || is_typed_since || !model.held.is_empty();
    if can_be_ended && !is_busy {
        let ask = end_question(model, row);
        let question = format!("changed meanwhile: {}", ask.question);
        model.prompt = Some(Prompt::Confirm(ConfirmPrompt { question, ..ask }));
    } else {
        let (name, done) = (model.distinct_name(row), if is_delete { "deleted" } else { "cancelled" });
        let again = if can_be_ended { "; ⟨X⟩ asks again" } else { "" };
        let sentence = match over_meanwhile(model, row).filter(|_| !is_delete) {
            Some(over) => format!("{over}: there is nothing left to cancel"),
            None => format!("{name} changed meanwhile, and is not {done}: {}{again}", stands_now(model, row)),
        };
        lost::say(model, &sentence);
    }
    vec![Effect::Read(ReadRequest::Blasts)]
}

/// `>`: leaves out the next time of a blast that repeats, after a question that names it.
pub fn skip(model: &mut Model) -> Vec<Effect> {
    let Some((blast, at)) = model.blast_meant().and_then(|blast| Some((blast, blast.scheduled_for?))) else {
        return Vec::new();
    };
    let question = format!("leave out {} at {}?", model.brief_distinct_name(blast), model.time_of(blast, at));
    let skip = WriteRequest::Skip { blast: blast.id, at };
    prompts::ask(model, question, ConfirmBy::Yes, vec![skip])
}

/// Its next time is left out: says which one comes now.
pub fn skipped(model: &mut Model, request: &WriteRequest, row: &BlastView) -> Vec<Effect> {
    let WriteRequest::Skip { blast, at } = request else { return Vec::new() };
    let next = row.scheduled_for.filter(|_| row.state == BlastState::Scheduled);
    let next =
        next.map_or_else(|| "that was its last".to_owned(), |next| format!("the next is {}", model.time_of(row, next)));
    let sentence = format!("{} at {} is left out: {next}", model.distinct_name(row), model.time_of(row, *at));
    written::log(model, &sentence, &format!("blastdeck blast schedule skip {blast}"));
    model.say(Notice::done(sentence));
    vec![Effect::Read(ReadRequest::Blasts)]
}

/// Nothing more is sent while the operator thinks about it, and the number to type stands still.
pub fn pause_before_cancel(model: &mut Model, id: BlastId) -> Vec<Effect> {
    let tag = model.blasts.get(id).map(|blast| model.brief_distinct_name(blast)).unwrap_or_default();
    let by = ConfirmBy::NumberOncePaused { blast: id, field: TextField::default() };
    let question = format!("{tag} is being paused; then it asks.");
    let otherwise = format!("{tag} is paused, not cancelled; ⟨S⟩ resumes it");
    model.prompt = Some(Prompt::Confirm(ConfirmPrompt { question, by, then: Vec::new(), otherwise }));
    vec![Effect::Write(WriteRequest::Pause(id))]
}

fn cancel_question(model: &Model, row: &BlastView, field: TextField) -> ConfirmPrompt {
    let (id, tag, queued) = (row.id, model.brief_distinct_name(row), row.counts.queued);
    let typed = number(queued);
    let question = if row.origin.repeat.rule.is_some() {
        format!("end {tag} for good, with all its times to come? Type {typed}:")
    } else {
        format!("cancel {tag} for good? {typed} still queued; type {typed}:")
    };
    let otherwise = match row.scheduled_for.filter(|_| row.state == BlastState::Scheduled) {
        Some(at) => format!("nothing done: {tag} still starts {}", model.time_of(row, at)),
        None => format!("{tag} stays paused; ⟨S⟩ resumes it"),
    };
    let by = ConfirmBy::Number { people: queued, field, refused: None };
    let then = vec![WriteRequest::Cancel { blast: id, version: row.version, people: queued }];
    ConfirmPrompt { question, by, then, otherwise }
}

/// What a no leaves. Of a blast that a cancel was asked about that is said as long as it stands so.
pub fn declined(model: &Model, ask: ConfirmPrompt) -> Notice {
    let meant = match ask.then[..] {
        [WriteRequest::Cancel { blast, .. }] => model.blasts.get(blast),
        _ => None,
    };
    let says = meant.map(SeenState::of).into_iter().collect();
    Notice { says, ..Notice::refusal(not_cancelled(model, &ask).unwrap_or(ask.otherwise)) }
}

/// What a no to a cancel leaves, where its blast does not stand as the question has it: somebody may have resumed it meanwhile.
fn not_cancelled(model: &Model, ask: &ConfirmPrompt) -> Option<String> {
    let [WriteRequest::Cancel { blast: id, .. }] = ask.then[..] else { return None };
    // Where nobody is queued it was not paused for the question.
    if !matches!(ask.by, ConfirmBy::Number { .. } | ConfirmBy::NumberOncePaused { .. }) {
        return None;
    }
    let row = model.blasts.get(id).filter(|row| row.state != BlastState::Paused)?;
    if let Some(over) = over_meanwhile(model, row) {
        return Some(format!("nothing done: {over}"));
    }
    let name = model.distinct_name(row);
    if let (BlastState::Scheduled, Some(at)) = (row.state, row.scheduled_for) {
        return Some(format!("nothing done: {name} still starts {}", model.time_of(row, at)));
    }
    Some(format!("{name} is not cancelled: {}", stands_now(model, row)))
}

/// That a blast was ended otherwise than by the cancel that was asked about: of that one it is not said that it is not cancelled.
fn over_meanwhile(model: &Model, row: &BlastView) -> Option<String> {
    let name = model.distinct_name(row);
    match row.state {
        BlastState::Cancelled => {
            let by = row.state_by.as_ref().map(|by| format!(" by {}", clean(by.name()))).unwrap_or_default();
            Some(format!("{name} was cancelled meanwhile{by}"))
        }
        BlastState::Failed => Some(format!("{name} failed meanwhile")),
        _ => None,
    }
}

/// What a blast that was not ended does now.
fn stands_now(model: &Model, row: &BlastView) -> String {
    match row.armed_until(model.now) {
        Some(until) => format!("it starts {}; ⟨p⟩ pauses it", model.at_start_after(row, until)),
        None if row.state == BlastState::Sending && row.starts_with_sender(model.now) => {
            "it starts once its sender is resumed; ⟨p⟩ pauses it".to_owned()
        }
        None if row.state == BlastState::Sending => "it is being sent; ⟨p⟩ pauses it".to_owned(),
        None => format!("it is {}", row.state.with_article()),
    }
}

/// The blast is paused: asks how many are to be left out, if a cancel waits for that.
pub fn ask_once_paused(model: &mut Model, row: &BlastView) {
    if let Some(Prompt::Confirm(ConfirmPrompt { by: ConfirmBy::NumberOncePaused { blast, field }, .. })) = &model.prompt
        && *blast == row.id
        && row.state == BlastState::Paused
    {
        let question = cancel_question(model, row, field.clone());
        model.prompt = Some(Prompt::Confirm(question));
    }
}
