//! What is said below the line of a form that is being typed on.

use crate::domain::zone::words::city;
use crate::tui::model::{BlastForm, FormLine, LineEdit, Model};
use crate::tui::update::form::editor_key;

/// A line that is not typed on has none: a click finds each line where it was drawn.
pub(super) fn hint(model: &Model, form: &BlastForm) -> Option<String> {
    match (form.edit.as_ref()?, form.line) {
        (_, FormLine::Start) => Some(format!(
            "21:20, tomorrow 09:00 or 2026-12-01 09:00; now {} in {}; {}",
            model.now.with_timezone(&model.form_zone()).format("%a %-d %b %H:%M"),
            city(model.form_zone()),
            if form.is_scheduled() { "it keeps one while it is scheduled" } else { "empty: when you send it" }
        )),
        (_, FormLine::Button(n)) => Some(button(form, n)),
        (LineEdit::Message(_), _) => Some(message(model, form)),
        _ => words(form).map(str::to_owned),
    }
}

fn message(model: &Model, form: &BlastForm) -> String {
    let columns = match (has_columns(form), form.first_people.is_empty()) {
        (true, _) => "{ picks a column",
        (false, true) => "{name} is a column once there is a list",
        (false, false) => "the list has no columns to put in",
    };
    let editor = editor_key(model).map(|key| format!("; {key} opens your editor")).unwrap_or_default();
    format!("{columns}{editor}")
}

/// Whether `{` picks one: of a list of phone numbers alone it is a brace, as before there is a list.
fn has_columns(form: &BlastForm) -> bool {
    !form.columns().is_empty()
}

/// What is typed as a value of a template.
fn value(form: &BlastForm) -> &'static str {
    match (has_columns(form), form.first_people.is_empty()) {
        (true, _) => "a text, or { for a column",
        (false, true) => "a text, or {column} once there is a list",
        (false, false) => "a text: the list has no columns to put in",
    }
}

/// Which button it is of, and what it opens.
fn button(form: &BlastForm, n: usize) -> String {
    let take = value(form);
    let place = form.buttons().get(n).map(|button| button.index);
    let about = place.zip(form.template()).map(|(place, template)| {
        let label = template.page.buttons.get(place).map(|label| format!("[{label}] ")).unwrap_or_default();
        let address = template.addresses.get(place).cloned().flatten().unwrap_or_default();
        format!("{label}{address}").trim_end().to_owned()
    });
    about.map_or_else(|| take.to_owned(), |about| format!("{about}: {take}"))
}

fn words(form: &BlastForm) -> Option<&'static str> {
    match (form.edit.as_ref()?, form.line) {
        (LineEdit::Path { .. }, _) => Some("tab completes; enter reads it; or paste cells here"),
        (_, FormLine::Tag) => Some("its name in the list of blasts, such as Raya promo"),
        (_, FormLine::Stage) => Some("which message of a series it is, such as Reminder; empty: Initial"),
        (_, FormLine::Pace) => {
            Some("20-60: seconds between two messages; 20/min: at most so many; empty: the sender's own")
        }
        (_, FormLine::Country) => {
            Some("two letters, as ID for Indonesia; empty: the sender's; enter reads the list again")
        }
        (_, FormLine::Window) => Some("such as 09:00-21:00 mon-fri Asia/Kuala_Lumpur; empty: any hour"),
        (_, FormLine::Repeat) => {
            Some("every mon 09:00, every month last 18:00, every hour, or five fields of cron; empty: once")
        }
        (_, FormLine::Ends) => Some("its last day as 2026-12-31, or 10 times, or both; empty: until you end it"),
        (_, FormLine::OwnTime) => {
            Some("10:00 by each person's own clock; hours: Window holds by theirs; empty: the sender's clock")
        }
        (_, FormLine::First) => Some("so many people get it, then it waits for you; empty: everybody"),
        (_, FormLine::Variable(_)) => Some(value(form)),
        _ => None,
    }
}
