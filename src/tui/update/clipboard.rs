//! Copies the number of a person, or the link that opens their chat, to the terminal's clipboard.

use crate::app::view::RecipientRow;
use crate::domain::forgotten::is_forgotten;
use crate::tui::effect::Effect;
use crate::tui::format::brief;
use crate::tui::model::{Model, Notice};

pub fn copy_number(model: &mut Model) -> Vec<Effect> {
    copy(model, |row| row.phone.as_str().to_owned())
}

pub fn copy_chat_link(model: &mut Model) -> Vec<Effect> {
    copy(model, |row| format!("https://wa.me/{}", row.phone.digits()))
}

/// The text is shown too, for terminals that do not take it. Only the phone number is in it, nothing that others wrote.
fn copy(model: &mut Model, text_of: impl Fn(&RecipientRow) -> String) -> Vec<Effect> {
    let Some(row) = model.person() else { return Vec::new() };
    if is_forgotten(row.phone.as_str()) {
        model.refuse("they were forgotten: there is no number to copy");
        return Vec::new();
    }
    let text = text_of(row);
    let who = brief(row.name.as_deref().unwrap_or("no name"));
    model.say(Notice::done(format!("copied to the terminal's clipboard: {text} ({who})")));
    vec![Effect::Copy(text)]
}
