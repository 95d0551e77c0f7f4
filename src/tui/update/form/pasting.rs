//! What is pasted into the form of a blast.

use super::{list, saving, schedule, shown, template};
use crate::tui::effect::Effect;
use crate::tui::model::{FormLine, FormPage, LineEdit, Model};

/// A paste: into what is being typed; several lines beside it are a list of people.
pub fn pasted(model: &mut Model, text: &str) -> Vec<Effect> {
    let fixed = model.with_keys(schedule::FIXED);
    let Some(form) = shown(model) else { return Vec::new() };
    if let FormPage::Templates(page) = &mut form.page {
        template::pasted(page, text);
        return Vec::new();
    }
    if let FormPage::LeftOut { edit, .. } = &mut form.page {
        let cells = text.trim().split(['\n', '\r', '\t']).filter(|cell| !cell.trim().is_empty()).count();
        match edit {
            // Which of them is meant, a row does not say.
            Some(_) if cells > 1 => {
                form.trouble = Some(format!("{cells} cells were pasted: paste the one that is corrected"));
            }
            Some(field) => field.insert(text.trim()),
            None => form.trouble = Some("enter on a row first, then paste".to_owned()),
        }
        return Vec::new();
    }
    let is_list = text.trim().contains(['\n', '\r', '\t']);
    let is_scheduled = form.is_scheduled();
    match &mut form.edit {
        Some(LineEdit::Message(area)) => {
            area.insert(text);
            form.values.message = area.text();
            return saving::now_and_then(model);
        }
        None if is_list && is_scheduled => form.trouble = Some(fixed),
        Some(LineEdit::Path { .. }) | None if is_list && form.line == FormLine::People => {
            form.edit = None;
            return list::take_pasted(model, text);
        }
        Some(LineEdit::Field(field) | LineEdit::Path { field, .. }) => field.insert(text.trim()),
        None => model.refuse("enter on a line first, then paste; cells are pasted on People"),
    }
    Vec::new()
}
