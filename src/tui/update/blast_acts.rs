//! Pausing, cancelling and deleting blasts, and the questions before.

use super::{prompts, steps, written};
use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::tui::effect::{Effect, ReadRequest, WriteRequest};
use crate::tui::format::{counted, number};
use crate::tui::model::{ConfirmBy, ConfirmPrompt, Model, Notice, Prompt};
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

/// Cancels what was sent from, deletes a draft.
pub fn cancel(model: &mut Model) -> Vec<Effect> {
    let Some(blast) = model.blast_meant() else { return Vec::new() };
    let (id, tag) = (blast.id, model.brief_distinct_name(blast));
    match blast.state {
        BlastState::Draft => {
            let people = match blast.total_recipients {
                0 => String::new(),
                people => format!(" and its {}", counted(people)),
            };
            let question = format!("delete the draft {tag}{people} for good?");
            prompts::ask(model, question, ConfirmBy::Yes, vec![WriteRequest::Delete(id)])
        }
        // There is nothing to pause and nobody to leave out.
        BlastState::Sending if !blast.has_people_left() && blast.origin.repeat.rule.is_none() => {
            let open = match blast.counts.uncertain {
                0 => String::new(),
                uncertain => format!("; {} uncertain stay open, and cannot be sent to again", number(uncertain)),
            };
            let question = format!("cancel {tag}? Nobody is queued any more{open}.");
            prompts::ask(model, question, ConfirmBy::Yes, vec![WriteRequest::Cancel(id)])
        }
        // Nothing goes out while the question is open: its start stands, whatever the answer.
        BlastState::Scheduled if blast.scheduled_for.is_some_and(|at| at - model.now > PAUSED_BEFORE) => {
            model.prompt = Some(Prompt::Confirm(cancel_question(model, blast, TextField::default())));
            Vec::new()
        }
        BlastState::Sending | BlastState::Scheduled => {
            let question = match blast.origin.repeat.rule {
                Some(_) => format!(
                    "end {tag} for good, with all its times to come? It pauses first; then you type the number."
                ),
                None => format!("cancel {tag}? It pauses first; then you type the number."),
            };
            let (by, otherwise) = (ConfirmBy::YesThenNumber(id), format!("nothing done: {tag} goes on"));
            model.prompt = Some(Prompt::Confirm(ConfirmPrompt { question, by, then: Vec::new(), otherwise }));
            Vec::new()
        }
        _ => {
            model.prompt = Some(Prompt::Confirm(cancel_question(model, blast, TextField::default())));
            Vec::new()
        }
    }
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
    ConfirmPrompt { question, by, then: vec![WriteRequest::Cancel(id)], otherwise }
}

/// What a no to a cancel leaves, where its blast does not stand as the question has it: somebody may have resumed it meanwhile.
pub fn not_cancelled(model: &Model, ask: &ConfirmPrompt) -> Option<String> {
    let [WriteRequest::Cancel(id)] = ask.then[..] else { return None };
    // Where nobody is queued it was not paused for the question.
    if !matches!(ask.by, ConfirmBy::Number { .. } | ConfirmBy::NumberOncePaused { .. }) {
        return None;
    }
    let row = model.blasts.get(id).filter(|row| row.state != BlastState::Paused)?;
    let name = model.distinct_name(row);
    if let (BlastState::Scheduled, Some(at)) = (row.state, row.scheduled_for) {
        return Some(format!("nothing done: {name} still starts {}", model.time_of(row, at)));
    }
    let now = match row.armed_until(model.now) {
        Some(until) => {
            format!("it starts at {}; ⟨p⟩ pauses it", model.start_after(row, until))
        }
        None if row.state == BlastState::Sending => "it is being sent; ⟨p⟩ pauses it".to_owned(),
        None => format!("it is {}", row.state),
    };
    Some(format!("{name} is not cancelled: {now}"))
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
