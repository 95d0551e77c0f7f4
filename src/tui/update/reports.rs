//! `w`: writes the report of the blast that is meant to a file; `W`: those of its people who are listed.

use super::written::log;
use crate::domain::text::shell_word;
use crate::tui::effect::{Effect, WriteRequest};
use crate::tui::format::count_of;
use crate::tui::model::{ListScope, Model, Notice};

pub fn write(model: &mut Model) -> Vec<Effect> {
    let Some(blast) = model.blast_meant().map(|blast| blast.id) else { return Vec::new() };
    model.say(Notice::done("writing the report"));
    vec![Effect::Write(WriteRequest::Report(blast))]
}

pub fn reported(model: &mut Model, request: &WriteRequest, path: &str) -> Vec<Effect> {
    let WriteRequest::Report(id) = request else { return Vec::new() };
    let text = format!("the report is in {path}");
    log(model, &text, &format!("blastdeck blast report {id} --format markdown"));
    model.say(Notice::done(text));
    Vec::new()
}

pub fn export(model: &mut Model) -> Vec<Effect> {
    let Some(blast) = model.blast_meant().map(|blast| blast.id) else { return Vec::new() };
    // On the page of another blast the list behind it is of nobody in it.
    let scope = if model.people_of() == Some(blast) { &model.recipients.scope } else { &ListScope::Everyone };
    let (filter, search) = (scope.filter(), scope.search());
    model.say(Notice::done("writing the workbook"));
    vec![Effect::Write(WriteRequest::Export { blast, filter, search })]
}

pub fn exported(model: &mut Model, request: &WriteRequest, path: &str, people: u64) -> Vec<Effect> {
    let WriteRequest::Export { blast, search, .. } = request else { return Vec::new() };
    let people = count_of(people.cast_signed(), "person is", "people are");
    let text = format!("{people} in {path}");
    let search = search.as_ref().map(|words| format!(" --search {}", shell_word(words))).unwrap_or_default();
    log(model, &text, &format!("blastdeck blast export {blast}{search} --output people.xlsx"));
    model.say(Notice::done(text));
    Vec::new()
}
