//! The template of a form: chosen from the provider's own list, its variables filled from columns.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::ending::Ending;
use super::list::stepped;
use super::{saving, shown};
use crate::app::SenderTemplate;
use crate::domain::text::clean;
use crate::tui::effect::{DraftRead, DraftWrite, Effect, HeaderOfForm, ReadRequest, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::template_source::{self, ButtonText};
use crate::tui::model::{BlastForm, FormLine, FormPage, Model, Notice, TemplatesPage, UPLOADED};
use crate::tui::widget::EditOutcome;

pub(super) fn read(sender: &str) -> Vec<Effect> {
    vec![Effect::Read(ReadRequest::Draft(DraftRead::Templates(sender.to_owned())))]
}

/// `enter` on the template: the provider's list.
pub(super) fn choose(model: &mut Model) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    form.page = FormPage::Templates(TemplatesPage::default());
    if matches!(form.templates, Some(Ok(_))) {
        return Vec::new();
    }
    form.templates = None;
    let sender = form.values.sender.clone();
    read(&sender)
}

pub(super) fn listed(model: &mut Model, sender: &str, list: Result<Vec<SenderTemplate>, String>) {
    let Some(form) = model.form.as_deref_mut().filter(|form| form.values.sender == sender) else { return };
    form.templates = Some(list);
    form.values.is_marketing = form.template().is_some_and(SenderTemplate::is_marketing);
}

/// A key on the list of templates: to the words that narrow it while they are typed, else to the list.
pub(super) fn key(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    let FormPage::Templates(page) = &mut form.page else { return Vec::new() };
    match key {
        Key::Char('/') if !page.is_typing => page.is_typing = true,
        // The list is whole again before it is left.
        Key::Esc if page.is_typing || !page.filter.is_empty() => *page = TemplatesPage::default(),
        Key::Enter if page.is_typing => page.is_typing = false,
        Key::Esc => form.page = FormPage::Lines,
        Key::Char('q') if !page.is_typing => form.page = FormPage::Lines,
        Key::Enter => return chosen(model),
        key if page.is_typing && !matches!(key, Key::Up | Key::Down | Key::PageUp | Key::PageDown) => {
            if page.filter.key(key) == EditOutcome::Changed {
                page.row = 0;
            }
        }
        key => step(form, key),
    }
    Vec::new()
}

fn step(form: &mut BlastForm, key: Key) {
    let FormPage::Templates(page) = &form.page else { return };
    let row = stepped(page.row, key, form.listed_templates(page).len());
    if let (FormPage::Templates(page), Some(row)) = (&mut form.page, row) {
        page.row = row;
    }
}

/// `enter`: the template at the cursor.
fn chosen(model: &mut Model) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    let FormPage::Templates(page) = &form.page else { return Vec::new() };
    let template = form.listed_templates(page).get(page.row).copied().cloned();
    match template {
        Some(template) => take(model, &template),
        // Nothing has the words: they stay to be changed.
        None if !page.filter.is_empty() => Vec::new(),
        None => {
            form.page = FormPage::Lines;
            Vec::new()
        }
    }
}

/// A paste narrows the list.
pub(super) fn pasted(page: &mut TemplatesPage, text: &str) {
    page.filter.insert(text.trim().lines().next().unwrap_or_default());
    (page.is_typing, page.row) = (true, 0);
}

/// Puts a template in the place of the one before; one that was there before is as it was.
fn take(model: &mut Model, template: &SenderTemplate) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    if template.status != "APPROVED" {
        form.trouble =
            Some(format!("Meta has not approved {}: it is {}", template.name, template.status.to_lowercase()));
        return Vec::new();
    }
    form.templates_left.extend(form.values.template.take());
    let filled = form.templates_left.iter().rposition(|left| is_of(left, template));
    let source = match filled {
        Some(at) => form.templates_left.remove(at),
        None => unfilled(form, template),
    };
    form.values.template = Some(source);
    form.values.is_marketing = template.is_marketing();
    form.page = FormPage::Lines;
    form.wants_list = form.list.is_some();
    super::moved(model, 1);
    saving::changed(model)
}

/// Whether values were filled in for this template, with the variables that it has by now.
fn is_of(source: &Value, template: &SenderTemplate) -> bool {
    let is_named = source.get("name").and_then(Value::as_str) == Some(template.name.as_str())
        && template_source::language(source) == template.language;
    let none = Map::new();
    let given = source.get("variables").map_or(Some(&none), Value::as_object);
    let has_its_variables = |given: &Map<String, Value>| {
        given.len() == template.variables.len() && template.variables.iter().all(|name| given.contains_key(name))
    };
    is_named && given.is_some_and(has_its_variables)
}

/// Each variable is filled from the column of its name, where the people have one or are still to come; the first of those without one, from
/// the name.
fn unfilled(form: &BlastForm, template: &SenderTemplate) -> Value {
    let columns = form.columns();
    // Those of a follow-up are of no list, and nothing more comes of them.
    let has_people = form.taken.is_some() || form.people > 0;
    let value = |(n, name): (usize, &String)| {
        let is_column = columns.iter().any(|column| column.eq_ignore_ascii_case(name));
        if has_people && !is_column && n > 0 {
            return (name.clone(), Value::String(String::new()));
        }
        let column = if !is_column && n == 0 { "name" } else { name };
        (name.clone(), Value::String(format!("{{{column}}}")))
    };
    let variables: Map<String, Value> = template.variables.iter().enumerate().map(value).collect();
    let mut source = json!({ "name": template.name, "language": template.language });
    if !variables.is_empty() {
        source["variables"] = Value::Object(variables);
    }
    source
}

pub(super) fn set_variable(form: &mut BlastForm, n: usize, text: &str) -> Result<(), String> {
    let variables = form.variables();
    let (name, _) = variables.get(n).ok_or("the template has no such variable")?;
    let source = form.values.template.as_mut().and_then(Value::as_object_mut).ok_or("choose a template first")?;
    let given = source.entry("variables").or_insert_with(|| Value::Object(Map::new()));
    given[name.as_str()] = Value::String(text.to_owned());
    form.wants_list = form.list.is_some();
    Ok(())
}

pub(super) fn set_button(form: &mut BlastForm, n: usize, text: &str) -> Result<(), String> {
    let button = form.buttons().into_iter().nth(n).ok_or("the template has no such button")?;
    let source = form.values.template.as_mut().ok_or("choose a template first")?;
    template_source::put_button(source, &ButtonText { text: text.to_owned(), ..button });
    form.wants_list = form.list.is_some();
    Ok(())
}

/// An address, a column of addresses, or a file, which is handed to Meta first; or the variable of a text.
pub(super) fn set_header(model: &mut Model, text: &str, ending: Ending) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    let Some((kind, _)) = form.header() else { return Vec::new() };
    if kind == "text" {
        put_header_text(form, text);
        ending.leave_line(model);
        return saving::changed(model);
    }
    if text.starts_with("https://") || text.contains('{') {
        put_header(form, kind, &json!({ "link": text }));
        ending.leave_line(model);
        return saving::changed(model);
    }
    if text.is_empty() || text.starts_with(UPLOADED) {
        ending.leave_line(model);
        return Vec::new();
    }
    let Some(of) = header_of(form) else { return Vec::new() };
    let (sender, path) = (form.values.sender.clone(), PathBuf::from(text));
    vec![Effect::Write(WriteRequest::Draft(DraftWrite::Upload { of, sender, kind, path }))]
}

/// The header of the template that a form has now.
fn header_of(form: &BlastForm) -> Option<Box<HeaderOfForm>> {
    let source = form.values.template.as_ref()?;
    let template = source.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Box::new(HeaderOfForm { form: form.number, template, language: template_source::language(source).to_owned() }))
}

/// Whether a form still has the header that a file was given for. What one sender uploaded no other one can send.
pub(super) fn is_for(form: &BlastForm, upload: &DraftWrite) -> bool {
    let DraftWrite::Upload { of, sender, .. } = upload else { return false };
    header_of(form).as_ref() == Some(of) && form.values.sender == *sender
}

/// A file is uploaded: the header that it was given for has it.
pub(super) fn uploaded(model: &mut Model, upload: &DraftWrite, (kind, id): (&str, &str)) -> Vec<Effect> {
    let DraftWrite::Upload { path, .. } = upload else { return Vec::new() };
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let file = clean(&file);
    let Some(form) = model.form.as_deref_mut().filter(|form| is_for(form, upload)) else {
        model.refuse(format!("{file} is not used: another blast or template was chosen while it was uploaded"));
        return Vec::new();
    };
    put_header(form, kind, &json!({ "id": id }));
    let stands_there = form.line == FormLine::Header && form.edit.is_none();
    model.say(Notice::done(format!("{file} is uploaded")));
    if stands_there {
        super::moved(model, 1);
    }
    saving::changed(model)
}

fn put_header(form: &mut BlastForm, kind: &str, medium: &Value) {
    if let Some(template) = form.values.template.as_mut() {
        template_source::put_header(template, kind, medium);
    }
}

/// A variable that has a name is sent with it.
fn put_header_text(form: &mut BlastForm, text: &str) {
    let name = form.template().and_then(|template| template.header_variables().first().cloned());
    let name = name.filter(|name| name.parse::<usize>().is_err());
    put_header(form, "text", &json!(text));
    let header = form.values.template.as_mut().and_then(|template| template.get_mut("header")?.as_object_mut());
    if let (Some(header), Some(name)) = (header, name) {
        header.insert("type".to_owned(), json!("text"));
        header.insert("parameter_name".to_owned(), json!(name));
    }
    form.wants_list = form.list.is_some();
}
