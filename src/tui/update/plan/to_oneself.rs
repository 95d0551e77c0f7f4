//! One message of a plan to oneself, to look at it before the others are sent.

use super::{read_again, shown};
use crate::app::AppError;
use crate::domain::ids::BlastId;
use crate::domain::phone::{Phone, PhoneError, Region};
use crate::tui::availability;
use crate::tui::effect::{Effect, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{ConfirmBy, Model, Notice, Overlay, OwnNumberPrompt, Prompt};
use crate::tui::update::{prompts, written};
use crate::tui::widget::{EditOutcome, TextField};

/// `M`: what the shown person reads, to the operator's own number.
pub fn send_test(model: &mut Model) -> Vec<Effect> {
    let Some(plan) = shown(model) else { return Vec::new() };
    let (blast, loaded) = (plan.blast, plan.loaded.as_ref());
    let known = loaded.and_then(|plan| plan.test_to.clone());
    let sample = loaded.and_then(|loaded| Some((loaded.blast.version, loaded.samples.get(plan.sample)?.person)));
    let Some((version, person)) = sample else {
        model.refuse("nobody in it gets a message: there is none to try");
        return Vec::new();
    };
    if let Some(own) = known {
        return ask_to_test(model, &own, WriteRequest::SendTest { blast, version, person, to: None });
    }
    let field = TextField::with(model.own_number.as_deref().unwrap_or_default());
    model.prompt = Some(Prompt::OwnNumber(OwnNumberPrompt { blast, version, person, field, trouble: None }));
    Vec::new()
}

fn ask_to_test(model: &mut Model, own: &str, send: WriteRequest) -> Vec<Effect> {
    prompts::ask(model, format!("send this one message to yourself, {own}?"), ConfirmBy::Yes, vec![send])
}

/// A key while the operator's own number is typed. It is kept for this window; the configuration keeps it for good.
pub fn own_number_key(model: &mut Model, mut own: OwnNumberPrompt, key: Key) -> Vec<Effect> {
    match key {
        Key::Esc => return Vec::new(),
        Key::Enter => match read_number(model, &own) {
            Ok(number) => {
                model.own_number = Some(number.clone());
                let OwnNumberPrompt { blast, version, person, .. } = own;
                let send = WriteRequest::SendTest { blast, version, person, to: Some(number.clone()) };
                return ask_to_test(model, &number, send);
            }
            Err(why) => own.trouble = Some(why.to_string()),
        },
        key if own.field.key(key) == EditOutcome::NotMine => {
            own.trouble = Some("enter continues, esc sends nothing".to_owned());
        }
        _ => own.trouble = None,
    }
    model.prompt = Some(Prompt::OwnNumber(own));
    Vec::new()
}

/// The number that was typed, as a list with it would be read.
fn read_number(model: &Model, own: &OwnNumberPrompt) -> Result<String, PhoneError> {
    let typed = own.field.text().trim().to_owned();
    let sender = model.blasts.get(own.blast).map(|blast| blast.sender_id);
    let sender = model.senders.iter().find(|row| Some(row.id) == sender);
    let region = sender.and_then(|sender| sender.usage.region).unwrap_or(Region::MALAYSIA);
    Phone::parse(&typed, region).map(|_| typed)
}

/// A message to oneself is on its way, as a blast of its own; or nothing was sent, since the blast may say something else by now than what
/// was shown: then its plan is read again.
pub fn tested(model: &mut Model, request: &WriteRequest, outcome: &WriteOutcome) -> Vec<Effect> {
    let WriteRequest::SendTest { blast, .. } = request else { return Vec::new() };
    let WriteOutcome::Blast(test) = outcome else {
        let why = AppError::Changed.to_string();
        return read_again(model, *blast, why.clone()).unwrap_or_else(|| {
            model.refuse(why);
            vec![Effect::Read(ReadRequest::Blasts)]
        });
    };
    if let Some(page) = shown(model).filter(|page| page.blast == *blast) {
        page.test = Some(test.id);
    }
    log_test(model, request, test.id);
    model.say(Notice::done("one is on its way to you: look at it before you send the others"));
    vec![Effect::Read(ReadRequest::Blasts)]
}

/// It cannot be sent to: the next `M` does not begin with it.
pub fn test_refused(model: &mut Model) {
    model.own_number = None;
}

/// Why nothing can be sent to oneself.
pub fn cannot_test(model: &Model) -> Option<String> {
    let Some(Overlay::Plan(plan)) = model.overlays.last() else { return None };
    let Some(loaded) = &plan.loaded else { return Some("still reading".to_owned()) };
    if plan.people.is_some() {
        return Some("esc goes back to the plan: there ⟨M⟩ sends the sample to yourself".to_owned());
    }
    availability::read_only(model).or_else(|| loaded.obstacles.first().cloned())
}

/// One message went to the operator: no command sends one, and the blast that it is can be looked at.
fn log_test(model: &mut Model, request: &WriteRequest, test: BlastId) {
    let WriteRequest::SendTest { blast, to, .. } = request else { return };
    let to = to.as_ref().map(|to| format!(", {to}")).unwrap_or_default();
    let sentence = format!("one message of blast {blast} to yourself{to}: blast {test}");
    let line = format!("# no command sends one message to yourself; `blast show {test}` shows what became of it");
    written::log(model, &sentence, &line);
}
