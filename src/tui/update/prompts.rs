//! The open questions and their keys. What is not an answer is no.

use rust_decimal::Decimal;

use super::{acts, find, keys};
use crate::domain::recipient::Mark;
use crate::tui::effect::{Act, Effect};
use crate::tui::key::Key;
use crate::tui::model::{Amount, Ask, Model, Needs, Note, Prompt};
use crate::tui::widget::Edited;

/// A key while a question is open. The question was taken out of the model; who keeps it puts it back.
pub fn key(model: &mut Model, prompt: Prompt, key: Key) -> Vec<Effect> {
    match prompt {
        Prompt::Find(find) => find::key(model, find, key),
        Prompt::Amount(amount) => amount_key(model, amount, key),
        Prompt::Note(note) => note_key(model, note, key),
        Prompt::Ask(ask) => ask_key(model, ask, key),
    }
}

/// Digits and one point are the amount, enter keeps it; any other key leaves the close as it is, and acts.
fn amount_key(model: &mut Model, mut amount: Amount, key: Key) -> Vec<Effect> {
    let text = amount.field.text();
    let belongs = match key {
        Key::Char(c) => (c.is_ascii_digit() || c == '.' && !text.contains('.')) && text.len() < 12,
        Key::Backspace => true,
        _ => false,
    };
    if belongs {
        amount.field.key(key);
        model.prompt = Some(Prompt::Amount(amount));
        return Vec::new();
    }
    let typed = text.parse::<Decimal>().ok();
    match (key, typed) {
        (Key::Enter, Some(sum)) => vec![acts::act(Act::Mark { person: amount.person, mark: Mark::Closed(Some(sum)) })],
        (Key::Enter | Key::Esc, _) => Vec::new(),
        _ => {
            if !text.is_empty() {
                model.refuse(format!("{}: closed, the amount {text} was not kept", amount.who));
            }
            keys::by_keymap(model, key)
        }
    }
}

fn note_key(model: &mut Model, mut note: Note, key: Key) -> Vec<Effect> {
    match key {
        Key::Enter => vec![acts::act(Act::Mark { person: note.person, mark: Mark::Note(note.field.text()) })],
        Key::Esc => Vec::new(),
        key => {
            if note.field.key(key) == Edited::NotMine {
                model.refuse("enter keeps the note, esc leaves it as it was");
            }
            model.prompt = Some(Prompt::Note(note));
            Vec::new()
        }
    }
}

fn ask_key(model: &mut Model, mut ask: Ask, key: Key) -> Vec<Effect> {
    match (&mut ask.needs, key) {
        (Needs::Yes, Key::Char('y')) => yes(model, ask.then),
        (Needs::Number { people, field }, Key::Enter) => {
            let typed = field.text();
            if typed == people.to_string() {
                return yes(model, ask.then);
            }
            let typed = if typed.is_empty() { "nothing".to_owned() } else { typed };
            model.refuse(format!("{typed} is not {people}: nothing done"));
            Vec::new()
        }
        (Needs::Number { field, .. }, Key::Char('0'..='9') | Key::Backspace)
            if field.text().len() < 12 || key == Key::Backspace =>
        {
            field.key(key);
            model.prompt = Some(Prompt::Ask(ask));
            Vec::new()
        }
        _ => {
            model.refuse("nothing done");
            Vec::new()
        }
    }
}

fn yes(model: &mut Model, then: Vec<Act>) -> Vec<Effect> {
    model.notice = None;
    model.people.marked.clear();
    then.into_iter().map(acts::act).collect()
}

/// Asks before something is done.
pub fn ask(model: &mut Model, question: String, needs: Needs, then: Vec<Act>) -> Vec<Effect> {
    model.prompt = Some(Prompt::Ask(Ask { question, needs, then }));
    Vec::new()
}
