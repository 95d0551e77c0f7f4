//! The last line: the keys that work here, as many as fit.

use super::prompt_keys;
use crate::tui::action;
use crate::tui::action::{ACTIONS, Danger, FooterText, KeyScope, UiAction};
use crate::tui::availability;
use crate::tui::key::Key;
use crate::tui::model::{FormPage, LineEdit, Model, Overlay, SenderLine};
use crate::tui::theme::TextRole;
use crate::tui::update::form;
use crate::tui::widget::{Pen, width};

/// The keys that work here, as many as fit, the important ones first to stay.
pub fn draw(model: &Model, pen: &mut Pen<'_>, y: u16) {
    let room = pen.screen().width.saturating_sub(1);
    let keys = match &model.prompt {
        Some(prompt) => prompt_keys::of(prompt, &model.options.currency),
        None => keys_here(model),
    };
    let shown = fitting(keys, room);
    let mut at = 1;
    for (key, word) in shown {
        at = pen.put((at, y), &key, room.saturating_sub(at) + 1, TextRole::Accent);
        at = pen.put((at + 1, y), &word, room.saturating_sub(at), TextRole::Plain) + 2;
    }
}

pub struct FooterKey {
    pub key: String,
    pub word: &'static str,
    /// Higher is dropped first.
    pub dropped: u8,
}

fn keys_here(model: &Model) -> Vec<FooterKey> {
    if let Some(keys) = while_typing(model) {
        let entry = |(at, (key, word)): (usize, &(&str, &'static str))| FooterKey {
            key: (*key).to_owned(),
            word,
            dropped: if *key == "esc" { 0 } else { u8::try_from(at).unwrap_or(u8::MAX) },
        };
        let editor = form::editor_key_here(model);
        let editor = editor.map(|key| FooterKey { key: key.to_string(), word: "editor", dropped: 1 });
        let (first, others) = keys.split_at(1.min(keys.len()));
        let others = others.iter().enumerate().map(|(at, pair)| entry((at + 1, pair)));
        return first.iter().map(|pair| entry((0, pair))).chain(editor).chain(others).collect();
    }
    let scopes = action::scopes(model);
    let works = |action: &&UiAction| {
        let is_nearest =
            |key: &Key| model.options.keys.lookup(*key, scopes).is_some_and(|near| near.id() == action.id());
        action.scopes.iter().any(|scope| scopes.contains(scope))
            && model.options.keys.keys(action).first().is_none_or(is_nearest)
    };
    let mut entries: Vec<FooterKey> = ACTIONS
        .iter()
        .filter(works)
        .filter(|action| is_of_use(model, action))
        .filter_map(|action| entry(model, action))
        .collect();
    if !model.overlays.is_empty() {
        let is_draft = matches!(model.overlays.last(), Some(Overlay::Plan(plan)) if !plan.is_scheduled
                                && plan.people.is_none() && availability::not_asked_any_more(model, plan).is_none());
        let word = if is_draft { "not now" } else { "back" };
        entries.push(FooterKey { key: "esc".to_owned(), word, dropped: 0 });
    }
    entries
}

/// The keys of a line that is being typed, where every letter is text.
fn while_typing(model: &Model) -> Option<&'static [(&'static str, &'static str)]> {
    if model.overlays.last() == Some(&Overlay::NewSender) {
        let form = model.new_sender.as_deref()?;
        return Some(match (&form.edit, form.line) {
            (Some(_), _) => &[("enter", "next line"), ("esc", "done")],
            (None, SenderLine::Provider) => &[("enter", "the other one"), ("up down", "lines"), ("esc", "back")],
            (None, SenderLine::Business) => &[("enter", "the other choice"), ("up down", "lines"), ("esc", "back")],
            (None, SenderLine::Add) => &[("enter", "checks and adds"), ("up down", "lines"), ("esc", "back")],
            (None, _) => &[("enter", "edits"), ("up down", "lines"), ("esc", "back")],
        });
    }
    if let Some(Overlay::Help(help)) = model.overlays.last() {
        return help.is_typing.then_some(&[("enter", "keeps these lines"), ("esc", "all")]);
    }
    let form = model.form.as_deref().filter(|_| model.overlays.last() == Some(&Overlay::Form))?;
    match (&form.page, &form.edit) {
        (FormPage::Columns { .. }, _) => Some(&[
            ("up down", "choose"),
            ("letters", "narrow"),
            ("enter", "takes the column"),
            ("esc", "a plain brace"),
        ]),
        (FormPage::Templates(page), _) if page.is_typing => Some(&[("enter", "these templates"), ("esc", "all")]),
        (FormPage::Templates(page), _) if !page.filter.is_empty() => {
            Some(&[("enter", "takes the template"), ("/", "filter"), ("esc", "all")])
        }
        (FormPage::Templates(_), _) => Some(&[("enter", "takes the template"), ("/", "filter"), ("esc", "back")]),
        (FormPage::ListColumns { .. }, _) => Some(&[
            ("up down", "choose"),
            ("enter", "takes it"),
            ("o", "opted out"),
            ("c", "country"),
            ("esc", "as it was"),
        ]),
        (FormPage::LeftOut { edit: Some(_), .. }, _) => Some(&[("enter", "takes it"), ("esc", "as it was")]),
        (FormPage::LeftOut { .. }, _) if form.mends.is_empty() => {
            Some(&[("enter", "correct"), ("l", "another list"), ("esc", "back")])
        }
        (FormPage::LeftOut { .. }, _) => {
            Some(&[("enter", "correct"), ("u", "undo"), ("l", "another list"), ("esc", "back")])
        }
        (FormPage::Lines, Some(LineEdit::Message(_))) => {
            Some(&[("{", "column"), ("enter", "new line"), ("esc", "done")])
        }
        (FormPage::Lines, Some(LineEdit::Path { .. })) => {
            Some(&[("tab", "completes"), ("enter", "reads it"), ("esc", "done")])
        }
        (FormPage::Lines, Some(LineEdit::Field(_))) => Some(&[("enter", "next line"), ("esc", "done")]),
        (FormPage::Lines, None) if form.is_unwritten() => {
            Some(&[("enter", "edits"), ("any letter", "starts typing"), ("up down", "lines"), ("esc", "back")])
        }
        (FormPage::Lines, None) => None,
    }
}

/// Marks are shown wherever there is somebody to mark; other actions where they are available. Where something is typed, few keys are
/// keys.
fn is_of_use(model: &Model, action: &UiAction) -> bool {
    let typing = matches!(
        model.overlays.last(),
        Some(Overlay::Commands(_) | Overlay::Plan(_) | Overlay::Answer(_) | Overlay::StepMessage(_))
    );
    let everywhere = action.scopes.contains(&KeyScope::Everywhere);
    let is_about_blasts = action.scopes.contains(&KeyScope::Funnel);
    let marks = action.danger != Danger::Harmless && action.scopes.contains(&KeyScope::Recipients) && !is_about_blasts;
    let is_behind = model.overlays.last().is_some_and(Overlay::is_form) && !action.is_of_forms();
    let is_key = !(is_behind || typing && everywhere);
    let marks_here = marks && !availability::never_marks(model);
    is_key && (marks_here || (action.why_not)(model).is_none())
}

fn entry(model: &Model, action: &UiAction) -> Option<FooterKey> {
    let (text, dropped) = action.footer?;
    let dropped = if (action.is_at_hand)(model) { 1 } else { dropped };
    let (key, word) = match text {
        FooterText::Word(word) => (model.options.keys.keys(action).first()?.to_string(), word),
        FooterText::Here(word) => {
            let word = Some(word(model)).filter(|word| !word.is_empty())?;
            (model.options.keys.keys(action).first()?.to_string(), word)
        }
        FooterText::Pair(word) => (pair(model), word(model)?),
    };
    Some(FooterKey { key, word, dropped })
}

/// The keys of the step back and the step on.
fn pair(model: &Model) -> String {
    let keys = &model.options.keys;
    format!("{} {}", keys.of("previous-stage-person-sample"), keys.of("next-stage-person-sample"))
}

fn fitting(mut entries: Vec<FooterKey>, room: u16) -> Vec<(String, String)> {
    let taken =
        |entries: &[FooterKey]| -> u16 { entries.iter().map(|entry| width(&entry.key) + width(entry.word) + 3).sum() };
    while taken(&entries) > room + 2 {
        let Some(last) = entries.iter().enumerate().max_by_key(|(at, entry)| (entry.dropped, *at)).map(|(at, _)| at)
        else {
            break;
        };
        entries.remove(last);
    }
    entries.into_iter().map(|entry| (entry.key, entry.word.to_owned())).collect()
}
