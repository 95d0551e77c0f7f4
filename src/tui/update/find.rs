//! `/`: the table follows what is typed; enter stays with what was found, esc goes back.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::lists::{self, Fresh};
use crate::domain::filter::{Filter, Sense, Term, Test};
use crate::engine::view::Anchor;
use crate::tui::action::Verb;
use crate::tui::effect::Effect;
use crate::tui::key::Key;
use crate::tui::model::{Arrival, Elsewhere, Find, Hint, Label, Model, Page, Pane, Prompt};
use crate::tui::widget::{Edited, Field};

/// Opens the question, with a text to begin with.
pub fn open(model: &mut Model, text: &str) -> Vec<Effect> {
    if let Some(why) = crate::tui::action::action(Verb::Find, &[]).and_then(|action| (action.why_not)(model)) {
        model.refuse(why);
        return Vec::new();
    }
    model.pages.clear();
    model.notice = None;
    let before = Box::new(model.people.label.clone());
    let field = Field::with(text);
    let begun = !field.is_empty();
    model.prompt = Some(Prompt::Find(Find { field, trouble: None, before, elsewhere: None, ticket: model.people.ticket }));
    if begun { changed(model) } else { Vec::new() }
}

/// A key while finding.
pub fn key(model: &mut Model, mut find: Find, key: Key) -> Vec<Effect> {
    match key {
        Key::Esc => leave(model, &find),
        Key::Enter => stay(model, &find),
        Key::Tab => elsewhere(model, find),
        key => {
            let edited = find.field.key(key);
            model.prompt = Some(Prompt::Find(find));
            if edited == Edited::Changed { changed(model) } else { Vec::new() }
        }
    }
}

/// Back to the list of before.
pub fn leave(model: &mut Model, find: &Find) -> Vec<Effect> {
    let before = (*find.before).clone();
    if before == model.people.label { Vec::new() } else { lists::load(model, keeping(before)) }
}

const fn keeping(label: Label) -> Fresh {
    Fresh { label, anchor: Anchor::Start, arrival: Arrival::Keep }
}

/// The text is another one: asks for its people, here and elsewhere.
pub fn changed(model: &mut Model) -> Vec<Effect> {
    let Some(Prompt::Find(find)) = &mut model.prompt else { return Vec::new() };
    let text = find.field.text().trim().to_owned();
    find.elsewhere = None;
    find.trouble = None;
    if text.is_empty() {
        let before = (*find.before).clone();
        return lists::load(model, keeping(before));
    }
    match filter(&text, model.now, model.options.zone) {
        Ok(filter) => ask(model, text, filter),
        Err(trouble) => {
            find.trouble = Some(trouble);
            Vec::new()
        }
    }
}

fn ask(model: &mut Model, text: String, filter: Filter) -> Vec<Effect> {
    let label = Label::Found { text: text.clone(), filter };
    let mut effects = lists::load(model, Fresh { label, anchor: Anchor::Start, arrival: Arrival::Only });
    let ticket = model.people.ticket;
    if let Some(Prompt::Find(find)) = &mut model.prompt {
        find.ticket = ticket;
    }
    effects.push(Effect::Elsewhere { ticket, text });
    effects
}

/// The words as a filter. A number in any spelling is one term, not several words.
fn filter(text: &str, now: DateTime<Utc>, zone: Tz) -> Result<Filter, String> {
    match digits_of_phone(text) {
        Some(digits) => Ok(Filter { terms: vec![Term { sense: Sense::Is, test: Test::Phone(digits) }] }),
        None => Filter::parse(text, now, zone).map_err(|error| error.to_string()),
    }
}

/// The digits of what can only be a number, without the zero that stands for the country.
fn digits_of_phone(text: &str) -> Option<String> {
    let of_phone = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.'));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let national = !text.starts_with('+') && digits.len() >= 9;
    let digits = if national { digits.trim_start_matches('0').to_owned() } else { digits };
    (of_phone && digits.len() >= 3).then_some(digits)
}

fn stay(model: &mut Model, find: &Find) -> Vec<Effect> {
    if let Some(trouble) = &find.trouble {
        model.refuse(trouble.clone());
        model.prompt = Some(Prompt::Find(find.clone()));
        return Vec::new();
    }
    if model.hint == Some(Hint::Find) {
        model.hint = Some(Hint::Reply);
    }
    lists::focus(model, Pane::People)
}

fn elsewhere(model: &mut Model, find: Find) -> Vec<Effect> {
    let Some(rows) = find.elsewhere.clone() else {
        model.prompt = Some(Prompt::Find(find));
        return Vec::new();
    };
    if rows.is_empty() {
        model.refuse(format!("nobody in any blast is {}", find.field.text()));
        model.prompt = Some(Prompt::Find(find));
        return Vec::new();
    }
    model.pages.push(Page::Elsewhere(Elsewhere { text: find.field.text(), rows, row: 0 }));
    let before = (*find.before).clone();
    lists::load(model, keeping(before))
}

#[cfg(test)]
mod tests {
    use super::digits_of_phone;

    #[test]
    fn a_pasted_number_in_any_spelling_is_its_digits() {
        for text in ["+60 10-012 6789", "010-012 6789", "60100126789", "0100126789"] {
            let digits = digits_of_phone(text).unwrap();
            assert!("60100126789".contains(&digits), "{text} gave {digits}");
        }
        assert_eq!(digits_of_phone("6789").as_deref(), Some("6789"));
        assert_eq!(digits_of_phone("0126").as_deref(), Some("0126"));
        assert_eq!(digits_of_phone("ali 6789"), None);
        assert_eq!(digits_of_phone("12"), None);
    }
}
