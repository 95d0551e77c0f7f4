//! The log's lines of a draft: what was written in the form, and the command line that writes the same.

use std::path::Path;

use super::opening;
use crate::app::{CopiedPeople, DraftForm, DraftList};
use crate::domain::ids::BlastId;
use crate::domain::list_columns::{ChosenColumns, ChosenName};
use crate::domain::template::TemplateMessage;
use crate::domain::text::{clean, shell_quoted, shell_word};
use crate::tui::effect::DraftWrite;
use crate::tui::format;
use crate::tui::model::{BlastForm, FormLog, Model};
use crate::tui::update::written;

/// What `blast edit` changes: the name of its option, and the value; `None` where it is taken away.
type Field = (&'static str, Option<String>);

/// A draft was saved. While nothing else was done, its line in the log stays one line.
pub(super) fn saved(model: &mut Model) {
    let Some(form) = model.form.as_deref() else { return };
    let is_last = form.log.line.is_some() && form.log.line.as_ref() == model.log.back().map(|line| &line.command_line);
    let base = if is_last || form.log.line.is_none() { form.log.opened.as_ref() } else { form.log.written.as_ref() };
    let base = base.cloned();
    let Some((sentence, command_line)) = line_of(form, base.as_ref()) else { return };
    if is_last {
        model.log.pop_back();
    }
    written::log(model, &sentence, &command_line);
    let line = model.log.back().map(|line| line.command_line.clone());
    if let Some(form) = model.form.as_deref_mut() {
        form.log = FormLog { opened: base, written: Some(form.to_save()), line };
    }
}

/// A list was taken into a draft that was there before: no command puts a list in the place of another.
pub(super) fn list_taken(model: &mut Model, id: BlastId) {
    let Some(form) = model.form.as_deref().filter(|form| form.log.opened.is_some()) else { return };
    let list = form.list.as_ref().map(list_words).unwrap_or_default();
    let people = format::counted(form.people);
    let adds = format!("# no command puts a list in the place of another; `blast add {id}` adds people to a draft");
    written::log(model, &format!("draft {id}: {people} from {list}, in place of those before"), &adds);
}

/// A copy was made.
pub(super) fn duplicated(model: &mut Model, request: &DraftWrite, (copy, people): (BlastId, CopiedPeople)) {
    let DraftWrite::Duplicate(of) = request else { return };
    let sentence = format!("draft {copy} is a copy of blast {of}, with {}", opening::whose(people));
    written::log(model, &sentence, "# no command copies a blast; `blast new` makes another one");
}

fn list_words(list: &DraftList) -> String {
    match list {
        DraftList::File(path) => clean(&path.to_string_lossy()).into_owned(),
        DraftList::Pasted(_) => "what was pasted".to_owned(),
    }
}

/// What was done and the same as a command; `None` where nothing was changed since.
fn line_of(form: &BlastForm, base: Option<&DraftForm>) -> Option<(String, String)> {
    let (id, now) = (form.id()?, form.to_save());
    let Some(before) = base else {
        let made = format!("draft {id}, {}: made{}", clean(&now.tag), mended(form));
        return Some((made, new_line(form, &now)));
    };
    let others = unoptioned(before, &now).join(", ");
    let edit = edit_line(id, before, &now);
    let changed = format!("{} {id} is changed", form.noun());
    match (edit, others.is_empty()) {
        (None, true) => None,
        (Some(line), true) => Some((changed, line)),
        (Some(line), false) => Some((format!("{changed}; no command changes {others} of a draft"), line)),
        (None, false) => Some((changed, format!("# no command changes {others} of a draft"))),
    }
}

/// Cells that were mended are in no file.
fn mended(form: &BlastForm) -> String {
    match i64::try_from(form.mends.len()).unwrap_or(i64::MAX) {
        0 => String::new(),
        mends => {
            format!("; {} corrected here: correct the file too", format::count_of(mends, "cell was", "cells were"))
        }
    }
}

/// `blast new` with all that is written. It needs a text and people.
fn new_line(form: &BlastForm, now: &DraftForm) -> String {
    let (Some(text), Some(list)) = (content(now), &form.list) else {
        return "# only begun: `blast new` needs a message or a template, and a list of people".to_owned();
    };
    let people = match list {
        DraftList::File(path) => path_word(path),
        DraftList::Pasted(_) => "-".to_owned(),
    };
    let columns = column_options(&form.columns);
    let stage = (now.follow_up_stage != "Initial").then(|| now.follow_up_stage.clone());
    let options =
        [("tag", Some(now.tag.clone())), ("stage", stage)].into_iter().chain(limits(now)).chain(only_new(now));
    let sender = shell_word(&now.sender);
    let flag = if now.clocks.window_local { " --window-local" } else { "" };
    format!("blastdeck blast new --sender {sender} {text} --recipients {people}{columns}{}{flag}", spelled(options))
}

/// `blast edit` with what is different; `None` where nothing is that it changes.
fn edit_line(id: BlastId, before: &DraftForm, now: &DraftForm) -> Option<String> {
    let named = |form: &DraftForm| [("tag", Some(form.tag.clone())), ("stage", Some(form.follow_up_stage.clone()))];
    let fields = |form: &DraftForm| named(form).into_iter().chain(limits(form)).collect::<Vec<Field>>();
    let (old, new) = (fields(before), fields(now));
    let changed: Vec<Field> = new.into_iter().filter(|field| !old.contains(field)).collect();
    let cleared: Vec<_> = changed.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
    let clear = if cleared.is_empty() { String::new() } else { format!(" --clear {}", cleared.join(",")) };
    let is_other_text = (&before.message, &before.template) != (&now.message, &now.template);
    let text = content(now).filter(|_| is_other_text).map(|text| format!(" {text}")).unwrap_or_default();
    let options = format!("{text}{}{clear}", spelled(changed));
    (!options.is_empty()).then(|| format!("blastdeck blast edit {id}{options}"))
}

/// What is different and no option of `blast edit` stands for, in the words of the form's lines.
fn unoptioned(before: &DraftForm, now: &DraftForm) -> Vec<&'static str> {
    let is_other_text = (&before.message, &before.template) != (&now.message, &now.template);
    let different = [
        ("the sender", before.sender != now.sender),
        ("the text to this one", is_other_text && content(now).is_none()),
        ("the first people", before.first != now.first),
        ("how it repeats", before.repeat != now.repeat),
        ("people's own clocks", before.clocks != now.clocks),
    ];
    different.into_iter().filter(|(_, is_different)| *is_different).map(|(name, _)| name).collect()
}

/// The message or the template; `None` where none is written, or no option stands for something of it.
fn content(form: &DraftForm) -> Option<String> {
    match &form.template {
        Some(template) => TemplateMessage::parse(template).ok()?.arguments(),
        None if form.message.trim().is_empty() => None,
        None => Some(format!("--message {}", shell_quoted(&form.message))),
    }
}

fn limits(form: &DraftForm) -> [Field; 6] {
    [
        ("rate", form.rate.map(|rate| rate.to_string())),
        ("gap", form.gap.map(|gap| gap.to_string())),
        ("window", form.window.map(|window| window.to_string())),
        ("weekdays", form.weekdays.map(|days| days.to_string())),
        ("timezone", form.timezone.map(|zone| zone.name().to_owned())),
        ("at", form.start.map(format::start_at)),
    ]
}

fn only_new(form: &DraftForm) -> Vec<Field> {
    let mut fields = vec![
        ("local-time", form.clocks.local_time.map(|time| time.format("%H:%M").to_string())),
        ("first", form.first.map(|first| first.to_string())),
    ];
    if let Some(repeat) = &form.repeat {
        fields.push(("repeat", Some(repeat.rule.to_string())));
        fields.push(("until", repeat.until.map(|day| day.to_string())));
        fields.push(("times", repeat.times.map(|times| times.to_string())));
        fields.push(("at-most", repeat.at_most.map(|most| most.to_string())));
    }
    fields
}

fn column_options(columns: &ChosenColumns) -> String {
    let name = match &columns.name {
        ChosenName::Guessed => None,
        ChosenName::None => Some(String::new()),
        ChosenName::Column(column) => Some(column.clone()),
    };
    let country = columns.country.map(|country| country.to_string());
    spelled([
        ("phone-column", columns.phone.clone()),
        ("name-column", name),
        ("opt-out-column", columns.opt_outs.clone()),
        ("country", country),
    ])
}

/// The options that have a value. One that begins with a hyphen would be read as another option.
fn spelled(fields: impl IntoIterator<Item = Field>) -> String {
    let option = |(name, value): Field| {
        let value = value?;
        let between = if value.starts_with('-') { '=' } else { ' ' };
        Some(format!(" --{name}{between}{}", shell_word(&value)))
    };
    fields.into_iter().filter_map(option).collect()
}

/// A path for a shell, which reads `~/` as the home directory only without quotes.
fn path_word(path: &Path) -> String {
    let path = path.to_string_lossy();
    match path.strip_prefix("~/") {
        Some(rest) => format!("~/{}", shell_word(rest)),
        None => shell_word(&path),
    }
}
