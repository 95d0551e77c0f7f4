//! Steps in the list of what needs a person: follow-ups that make themselves are paused, resumed and removed there.

use super::{attention, prompts, step_message, written};
use crate::app::{StepChange, StepKey, StepView};
use crate::tui::availability;
use crate::tui::effect::{Effect, ReadRequest, WriteRequest};
use crate::tui::format::brief_name;
use crate::tui::model::{ConfirmBy, Model, Notice};

/// Reads the steps of every blast that has some.
pub fn read(model: &mut Model) -> Option<Effect> {
    let with_steps: Vec<_> =
        model.blasts.rows().iter().filter(|blast| blast.origin.has_steps).map(|blast| blast.id).collect();
    if with_steps.is_empty() {
        loaded(model, Vec::new());
        return None;
    }
    Some(Effect::Read(ReadRequest::Steps(with_steps)))
}

/// They are here.
pub fn loaded(model: &mut Model, steps: Vec<StepView>) {
    let before = model.needs_lines();
    model.steps = steps;
    step_message::loaded(model);
    attention::keep_cursor(model, &before);
}

pub fn cannot_pause(model: &Model, view: &StepView) -> Option<String> {
    if view.step.paused_at.is_some() {
        return Some(format!("{} is paused already: ⟨S⟩ resumes it", name(model, view.step.key())));
    }
    cannot_come(model, view)
}

pub fn cannot_resume(model: &Model, view: &StepView) -> Option<String> {
    if view.step.paused_at.is_none() {
        let leads = if view.waits.is_some() { "opens its draft" } else { "goes to its blast" };
        return Some(format!("{} is not paused: enter {leads}", name(model, view.step.key())));
    }
    cannot_come(model, view)
}

fn cannot_come(model: &Model, view: &StepView) -> Option<String> {
    let is_over = || format!("{} makes no more drafts: its blast is over", name(model, view.step.key()));
    view.is_over.then(is_over).or_else(|| availability::read_only(model))
}

pub fn pause(view: &StepView) -> Vec<Effect> {
    vec![Effect::Write(change(view, StepChange::Pause))]
}

/// Said in the question before such a step is resumed.
const LOST: &str = "somebody was forgotten, and their number was taken out of its words or of values that it sends; ";

pub fn ask_resume(model: &mut Model) -> Vec<Effect> {
    let Some(view) = model.chosen_step() else { return Vec::new() };
    let sends = match view.step.at_most {
        Some(most) => format!("it then sends by itself to at most {most}"),
        None => "each draft of it waits for your yes".to_owned(),
    };
    let lost = if view.lost_number { LOST } else { "" };
    let question = format!("resume {}? ({lost}{sends})", name(model, view.step.key()));
    let resume = change(view, StepChange::Resume);
    prompts::ask(model, question, ConfirmBy::Yes, vec![resume])
}

pub fn ask_remove(model: &mut Model) -> Vec<Effect> {
    let Some(view) = model.chosen_step() else { return Vec::new() };
    let question = format!("remove {} for good? What it made stays.", name(model, view.step.key()));
    let remove = change(view, StepChange::Remove);
    prompts::ask(model, question, ConfirmBy::Yes, vec![remove])
}

/// A step is changed as it is shown: what somebody changed in it since, or it lost by then, was not in the question.
const fn change(view: &StepView, to: StepChange) -> WriteRequest {
    WriteRequest::ChangeStep { step: view.step.key(), to, seen: view.seen() }
}

/// Says what became of a step, and reads them again.
pub fn changed(model: &mut Model, request: &WriteRequest) -> Vec<Effect> {
    let (sentence, command_line) = match request {
        WriteRequest::ChangeStep { step, to, .. } => changed_words(model, *step, *to),
        WriteRequest::SetStepMessage(edit) => step_message::saved(model, edit),
        _ => return Vec::new(),
    };
    written::log(model, &sentence, &command_line);
    model.say(Notice::done(sentence));
    std::iter::once(Effect::Read(ReadRequest::Blasts)).chain(read(model)).collect()
}

/// The sentence, and the command that does the same.
fn changed_words(model: &Model, step: StepKey, to: StepChange) -> (String, String) {
    let (verb, what) = match to {
        StepChange::Pause => ("pause", "is paused; ⟨S⟩ resumes it"),
        StepChange::Resume => ("resume", "goes on"),
        StepChange::Remove => ("remove", "is removed; what it made stays"),
    };
    let command_line = format!("blastdeck blast step {verb} {} {}", step.blast, step.number);
    (format!("{} {what}", name(model, step)), command_line)
}

/// `step 1 of Raya promo`.
pub(super) fn name(model: &Model, step: StepKey) -> String {
    format!("step {} of {}", step.number, blast_name(model, step))
}

pub(super) fn blast_name(model: &Model, step: StepKey) -> String {
    model.blasts.get(step.blast).map(brief_name).unwrap_or_default()
}

/// The command that gives a step another message, or another template.
pub fn set_command(model: &Model, view: &StepView) -> String {
    set_with(model, view.step.key(), if view.step.template.is_some() { "--template" } else { "--message" })
}

/// That the text of a step reaches nearly nobody, and what gives it a template.
pub fn refused_text(model: &Model, view: &StepView) -> Option<String> {
    let what = view.refused_text?;
    let set = set_with(model, view.step.key(), "--template");
    Some(format!("it {what}: `{set}` gives it a template, which reaches them"))
}

fn set_with(model: &Model, StepKey { blast, number }: StepKey, flag: &str) -> String {
    model.options.call(&format!("blastdeck blast step set {blast} {number} {flag} ..."))
}
