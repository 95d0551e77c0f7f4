//! The first screen, and the form that adds a sender.

use std::collections::BTreeSet;

use super::key_outcome::KeyOutcome;
use super::{form, idle_form_keys, written};
use crate::app::TypedToken;
use crate::domain::sender::ProviderKind;
use crate::tui::ExitReason;
use crate::tui::effect::{Effect, EffectError, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{Model, Overlay, SenderForm, SenderLine, WELCOME, WelcomeChoice};
use crate::tui::widget::TextField;

/// Said of a key on the line of a token that is there: a slip must not replace it.
const TOKEN_STORED: &str = "a token is stored: enter types a new one in its place";

/// To the first screen: what is wanted needs a sender.
pub fn open(model: &mut Model) {
    model.overlays.clear();
    model.overlays.push(Overlay::Welcome(1));
}

/// `enter` on a choice of the first screen.
pub fn choose(model: &mut Model, row: usize) -> Vec<Effect> {
    match WELCOME.get(row) {
        Some(WelcomeChoice::Practise) => vec![Effect::Practise(model.options.charset)],
        Some(WelcomeChoice::AddSender | WelcomeChoice::NewBlast) if model.is_read_only() => {
            model.refuse("read-only: nothing is changed from here");
            Vec::new()
        }
        Some(WelcomeChoice::AddSender) => {
            model.notice = None;
            if model.new_sender.is_none() {
                let taken = model.senders.iter().map(|sender| sender.name.clone()).collect();
                let mut form = SenderForm { taken, ..SenderForm::default() };
                form.sender.name = free_name(&form.taken);
                form.businesses = businesses(model);
                // Whoever wants no more messages of a shop wants none by another number of it.
                form.sender.business = form.businesses.first().cloned().unwrap_or_default();
                model.new_sender = Some(Box::new(form));
            }
            model.overlays.push(Overlay::NewSender);
            Vec::new()
        }
        Some(WelcomeChoice::NewBlast) => form::open_new(model),
        Some(WelcomeChoice::Quit) => vec![Effect::Exit(ExitReason::Quit)],
        None => Vec::new(),
    }
}

/// The businesses of the senders that there are, each once.
fn businesses(model: &Model) -> Vec<String> {
    let all: BTreeSet<_> = model.senders.iter().map(|sender| sender.business.clone()).collect();
    all.into_iter().collect()
}

/// What a further sender is called until somebody says otherwise.
fn free_name(taken: &[String]) -> String {
    let is_free = |name: &String| !taken.contains(name);
    let numbered = (2..).map(|n| format!("sales-{n}"));
    std::iter::once("sales".to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

/// A key while a line of the form is typed; else it is the keymap's.
pub fn key(model: &mut Model, key: Key) -> KeyOutcome {
    let Some(form) = model.new_sender.as_deref_mut() else { return KeyOutcome::UNUSED };
    form.trouble = None;
    let keeps_token = form.has_token() && form.line == SenderLine::Token;
    let Some(field) = &mut form.edit else { return idle_form_keys::key(model, key) };
    match key {
        Key::Esc if keeps_token => form.edit = None,
        Key::Enter | Key::Esc | Key::Tab | Key::Up | Key::Down => {
            let typed = field.clone();
            if !end(form) {
                // A text that is not taken stays to be corrected, unless it may be a token.
                let stays = key != Key::Esc && form.line != SenderLine::Token;
                form.edit =
                    Some(typed).filter(|field| stays && SenderForm::refused(form.line, &field.text()).is_none());
                return KeyOutcome::DONE;
            }
            match key {
                Key::Up => moved(model, -1),
                Key::Esc => {}
                _ => moved(model, 1),
            }
        }
        key => _ = field.key(key),
    }
    KeyOutcome::DONE
}

/// Whether the line at the cursor of the form that adds a sender is a text: a letter begins it.
pub fn takes_text(model: &Model) -> bool {
    let form = model.new_sender.as_deref().filter(|_| model.overlays.last() == Some(&Overlay::NewSender));
    form.is_some_and(|form| !matches!(form.line, SenderLine::Provider | SenderLine::Business | SenderLine::Add))
}

/// Whether that line is still empty: any letter begins it then, also one that moves the cursor elsewhere.
pub fn is_unwritten(model: &Model) -> bool {
    let form = model.new_sender.as_deref().filter(|_| takes_text(model));
    form.is_some_and(|form| form.text(form.line).is_empty())
}

/// Refuses a letter on the line of a token that is there. `false`: none is.
pub fn keeps_token(model: &mut Model) -> bool {
    let Some(form) = model.new_sender.as_deref_mut() else { return false };
    let keeps = form.line == SenderLine::Token && form.has_token();
    if keeps {
        form.trouble = Some(TOKEN_STORED.to_owned());
    }
    keeps
}

/// Keeps what is being typed, unless it looks like a token: that is on the screen no longer. Whether it can stay as it is.
fn end(form: &mut SenderForm) -> bool {
    let Some(field) = form.edit.take() else { return true };
    if field.text().trim().is_empty() && form.line == SenderLine::Token && form.has_token() {
        return true;
    }
    take(form, form.line, &field.text())
}

fn take(form: &mut SenderForm, line: SenderLine, text: &str) -> bool {
    let refused = SenderForm::refused(line, text.trim());
    match refused {
        None => form.set(line, text),
        Some(why) => form.trouble = Some(why.to_owned()),
    }
    if refused.is_none() {
        form.trouble = form.fault(line);
    }
    form.trouble.is_none()
}

/// `ctrl-c`: out of a line that is being typed. `false`: none is.
pub fn interrupted(model: &mut Model) -> bool {
    let is_open = model.overlays.last() == Some(&Overlay::NewSender);
    let Some(form) = model.new_sender.as_deref_mut().filter(|form| is_open && form.edit.is_some()) else {
        return false;
    };
    end(form);
    true
}

/// `enter` on a line of the form.
pub fn begin(model: &mut Model) -> Vec<Effect> {
    let Some(form) = model.new_sender.as_deref_mut() else { return Vec::new() };
    match form.line {
        SenderLine::Provider => {
            form.sender.provider = match form.sender.provider {
                ProviderKind::Wsapme => ProviderKind::Meta,
                ProviderKind::Meta => ProviderKind::Wsapme,
            };
        }
        SenderLine::Business => form.next_business(),
        SenderLine::Add => return check(form),
        // Never shown again: it is typed anew.
        SenderLine::Token if matches!(form.sender.token, TypedToken::Secret(_)) => {
            form.edit = Some(TextField::default());
        }
        line => form.edit = Some(TextField::offering(&form.text(line))),
    }
    Vec::new()
}

fn check(form: &mut SenderForm) -> Vec<Effect> {
    if form.is_checking {
        return Vec::new();
    }
    if let Some((line, why)) = form.missing() {
        (form.line, form.trouble) = (line, Some(why.to_owned()));
        return Vec::new();
    }
    let fault = form.lines().into_iter().find_map(|line| Some((line, form.fault(line)?)));
    if let Some((line, why)) = fault {
        (form.line, form.trouble) = (line, Some(why));
        return Vec::new();
    }
    let mut sender = form.sender.clone();
    if sender.provider == ProviderKind::Wsapme {
        sender.waba_id.clear();
    } else {
        sender.gap.clear();
    }
    form.is_checking = true;
    vec![Effect::Write(WriteRequest::AddSender(Box::new(sender)))]
}

pub fn moved(model: &mut Model, rows: isize) {
    let Some(form) = model.new_sender.as_deref_mut().filter(|form| form.edit.is_none()) else { return };
    let lines = form.lines();
    let at = lines.iter().position(|line| *line == form.line).unwrap_or_default();
    form.line = lines[at.saturating_add_signed(rows).min(lines.len() - 1)];
    form.trouble = None;
}

pub fn pasted(model: &mut Model, text: &str) {
    let line = text.trim().lines().next().unwrap_or_default();
    let Some(form) = model.new_sender.as_deref_mut() else { return };
    let at = form.line;
    match &mut form.edit {
        Some(_) if SenderForm::refused(at, line).is_some() => _ = take(form, at, line),
        Some(field) => field.insert(line),
        None if matches!(at, SenderLine::Provider | SenderLine::Business | SenderLine::Add) => {
            form.trouble = Some("nothing is typed on this line".to_owned());
        }
        None => {
            if take(form, at, line) {
                moved(model, 1);
            }
        }
    }
}

/// The dashboard is opened again with the sender that was added.
pub fn added(model: &mut Model, outcome: Result<WriteOutcome, EffectError>) -> Vec<Effect> {
    if let Some(form) = model.new_sender.as_deref_mut() {
        form.is_checking = false;
    }
    match outcome {
        Ok(WriteOutcome::SenderAdded(added)) => {
            written::log(
                model,
                &format!("{} is added ({}), {}", added.name, added.health, added.written),
                &format!("# no command adds a sender: {} is {}; edit that file", added.name, added.written),
            );
            vec![Effect::Exit(ExitReason::Reopen)]
        }
        Ok(_) => Vec::new(),
        Err(failure) => {
            let sentence = failure.sentence(&model.options.keys);
            if let Some(form) = model.new_sender.as_deref_mut() {
                form.trouble = Some(sentence.clone());
            }
            model.refuse(sentence);
            Vec::new()
        }
    }
}
