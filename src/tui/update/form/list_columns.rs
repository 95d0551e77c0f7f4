//! Which columns of the list are the phones and the names: chosen one after the other, and the list is read again.

use super::list::stepped;
use super::{saving, shown};
use crate::app::{DraftList, ListColumn};
use crate::domain::list_columns::{ChosenName, ListColumns};
use crate::domain::phone::{Region, RegionError};
use crate::tui::effect::{DraftRead, Effect, ReadRequest};
use crate::tui::key::Key;
use crate::tui::model::{BlastForm, FormLine, FormPage, LineEdit, Model};
use crate::tui::widget::TextField;

/// `enter` on the columns: all of them, with some of their cells.
pub(super) fn begin(model: &mut Model) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    form.refused_list = None;
    let Some(list) = form.source() else {
        let unknown = "its file was not noted: enter on People gives the list again, then its columns can be chosen";
        form.trouble = Some(if form.left_out.is_pasted { NOT_KEPT } else { unknown }.to_owned());
        return Vec::new();
    };
    form.page = FormPage::ListColumns { row: 0, phone: None };
    form.list_columns = None;
    vec![Effect::Read(ReadRequest::Draft(DraftRead::Columns { sender: form.values.sender.clone(), list }))]
}

/// The columns are here: the cursor is on the one that is the phone.
pub(super) fn listed(model: &mut Model, list: &DraftList, columns: Result<Vec<ListColumn>, String>) {
    let Some(form) = shown(model).filter(|form| form.list_of_columns().as_ref() == Some(list)) else { return };
    // One that cannot be read at all has no columns; whoever is busy elsewhere by now is left there.
    let is_asked_for = match (&form.page, &form.refused_list) {
        (FormPage::Lines, Some(_)) => columns.is_ok() && !is_typed_on(form),
        (page, _) => matches!(page, FormPage::ListColumns { phone: None, .. }),
    };
    if !is_asked_for {
        form.refused_list = None;
        return;
    }
    let phone = form.columns_before().map(|read| read.phone.clone());
    let is_phone = |column: &ListColumn| Some(&column.reference) == phone.as_ref();
    let row = columns.iter().flatten().position(is_phone).unwrap_or_default();
    let is_refused = form.refused_list.is_some();
    (form.page, form.trouble) = (FormPage::ListColumns { row, phone: None }, None);
    form.list_columns = Some(columns);
    if is_refused {
        // The page itself says why.
        model.notice = None;
    }
}

/// A list was read and not taken: its columns are shown, for whoever knows better which of them are the phones.
pub(super) fn of_refused(form: &mut BlastForm, list: &DraftList, why: &str) -> Vec<Effect> {
    form.refused_list = Some((list.clone(), why.to_owned()));
    let sender = form.values.sender.clone();
    vec![Effect::Read(ReadRequest::Draft(DraftRead::Columns { sender, list: list.clone() }))]
}

/// Whether something other than the path of the list that was refused is being typed.
fn is_typed_on(form: &BlastForm) -> bool {
    let refused = form.refused_list.as_ref().map(|(list, _)| list);
    match (&form.edit, refused) {
        (None, _) => form.line != FormLine::People,
        (Some(LineEdit::Path { field, .. }), Some(DraftList::File(path))) => *path.to_string_lossy() != *field.text(),
        _ => true,
    }
}

impl BlastForm {
    /// The columns that the names can be in, beside the phones.
    pub fn name_columns(&self, phone: &str) -> Vec<&ListColumn> {
        self.list_columns.iter().flatten().flatten().filter(|column| column.reference != phone).collect()
    }
}

const KEYS: &str =
    "arrows choose, enter takes it, o: it says who opted out, c names another country, esc leaves all as it was";

/// A key while a column is chosen.
pub(super) fn key(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    let FormPage::ListColumns { row, phone } = form.page.clone() else { return Vec::new() };
    let columns = form.list_columns.iter().flatten().flatten().count();
    // In place of the phone's the names have a row for none.
    match (key, phone) {
        (Key::Esc | Key::Char('q'), _) => {
            form.page = FormPage::Lines;
            form.trouble = form.refused_list.take().map(|(_, why)| why);
        }
        (Key::Char('c'), _) => {
            (form.page, form.line) = (FormPage::Lines, FormLine::Country);
            form.edit = Some(LineEdit::Field(TextField::with(&form.columns.country_text())));
        }
        (Key::Char('o'), phone) => return choose_opt_outs(model, phone.as_deref(), row),
        (Key::Enter, None) => choose_phone(form, row),
        (Key::Enter, Some(phone)) => return choose_name(model, phone, row),
        (key, phone) => match stepped(row, key, columns) {
            Some(row) => form.page = FormPage::ListColumns { row, phone },
            None => form.trouble = Some(KEYS.to_owned()),
        },
    }
    Vec::new()
}

fn choose_phone(form: &mut BlastForm, row: usize) {
    let columns = form.list_columns.iter().flatten().flatten();
    let Some(phone) = columns.map(|column| column.reference.clone()).nth(row) else { return };
    let name = form.columns_before().and_then(|read| read.name.clone());
    let names = form.name_columns(&phone);
    let row = names.iter().position(|column| Some(&column.reference) == name.as_ref()).map_or(0, |at| at + 1);
    form.page = FormPage::ListColumns { row, phone: Some(phone) };
}

/// The column at the cursor says who wants no messages, or does not any more where it was chosen so: the list is read again by that.
fn choose_opt_outs(model: &mut Model, phone: Option<&str>, row: usize) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    let at_cursor = match phone {
        None => form.list_columns.iter().flatten().flatten().nth(row),
        Some(phone) => row.checked_sub(1).and_then(|at| form.name_columns(phone).get(at).copied()),
    };
    let Some(column) = at_cursor.map(|column| column.reference.clone()) else { return Vec::new() };
    let phones = phone.map(str::to_owned).or_else(|| form.columns_before().map(|read| read.phone.clone()));
    if phones.as_ref() == Some(&column) && missing_opt_outs(form).is_some() {
        form.columns.opt_outs = None;
        form.page = FormPage::Lines;
        return read_again(model);
    }
    if phones.as_ref() == Some(&column) {
        form.trouble = Some("that column has the phone numbers: another one says who opted out".to_owned());
        return Vec::new();
    }
    if let Some(phone) = phone {
        // It was chosen by the question before.
        form.columns.phone = Some(phone.to_owned());
    }
    form.columns.opt_outs = Some(column).filter(|column| form.columns.opt_outs.as_ref() != Some(column));
    form.page = FormPage::Lines;
    read_again(model)
}

/// The column that somebody said has who opted out, where the list has none such any more.
fn missing_opt_outs(form: &BlastForm) -> Option<String> {
    let wanted = form.columns.opt_outs.as_ref()?;
    let is_place = wanted.strip_prefix("column ").is_some_and(|place| place.parse::<usize>().is_ok());
    let mut columns = form.list_columns.iter().flatten().flatten();
    (!is_place && !columns.any(|column| column.name == *wanted)).then(|| wanted.clone())
}

/// By other columns than before.
fn read_again(model: &mut Model) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    form.list = form.list_of_columns();
    if form.refused_list.take().is_some() {
        (form.edit, form.line) = (None, FormLine::People);
    } else {
        form.kept_list.clone_from(&form.list);
        form.line = FormLine::Columns;
    }
    form.wants_list = true;
    saving::changed(model)
}

/// Both are chosen: the list is read again by them, unless they are those that it was read by.
fn choose_name(model: &mut Model, phone: String, row: usize) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    if let Some(column) = missing_opt_outs(form) {
        form.trouble = Some(format!(
            "the list has no column {column} any more, which said who opted out (o: another one does; on the phones': none)"
        ));
        return Vec::new();
    }
    let name =
        row.checked_sub(1).and_then(|at| form.name_columns(&phone).get(at).map(|column| column.reference.clone()));
    form.page = FormPage::Lines;
    let is_as_before = |read: &ListColumns| read.phone == phone && read.name == name && read.other_phones.is_empty();
    if form.columns_before().is_some_and(is_as_before) {
        form.line = FormLine::Columns;
        return Vec::new();
    }
    let name = name.map_or(ChosenName::None, ChosenName::Column);
    (form.columns.phone, form.columns.name) = (Some(phone), name);
    read_again(model)
}

/// A country was typed, or none for the sender's: the list is read again, of which numbers without a country code are that country's.
///
/// # Errors
/// Where it names no country, or there is nothing to be read again.
pub(super) fn set_country(form: &mut BlastForm, typed: &str) -> Result<(), String> {
    let country = if typed.is_empty() { None } else { Some(typed.to_uppercase().parse::<Region>()) };
    let country = country.transpose().map_err(|error: RegionError| error.to_string())?;
    if country == form.columns.country && form.refused_list.is_none() {
        return Ok(());
    }
    let Some(list) = form.list_of_columns() else { return Err(NOT_KEPT.to_owned()) };
    form.list = Some(list);
    if form.refused_list.take().is_none() {
        form.kept_list.clone_from(&form.list);
    }
    form.columns.country = country;
    form.wants_list = true;
    Ok(())
}

const NOT_KEPT: &str = "the cells that were pasted are not kept: paste them again on People to read them otherwise";
