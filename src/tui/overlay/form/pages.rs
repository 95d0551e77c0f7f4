//! What covers the lines of a form: columns and templates to choose from, rows that were left out.

use super::super::{OverlayContent, title, wrapped};
use crate::app::{HeaderFormat, ListColumn, SenderTemplate};
use crate::domain::rejected_rows::{CellMend, LeftOutRow};
use crate::domain::text::count_of;
use crate::tui::model::{BlastForm, TemplatesPage};
use crate::tui::theme::TextRole;
use crate::tui::widget::{TextField, TextLine, width as display_width, within};

pub(super) fn columns(form: &BlastForm, row: usize, typed: &str) -> OverlayContent {
    let person = form.first_people.get(form.shown);
    let line = |(n, column): (usize, String)| {
        let value = person.and_then(|person| person.variables.get(&column)).unwrap_or("-").to_owned();
        chosen(n == row).and(format!("{:<24} ", format!("{{{column}}}")), strong(n == row)).and(value, TextRole::Dim)
    };
    let lines = form.columns_beginning(typed).into_iter().enumerate().map(line).collect();
    // Once a name was begun, esc leaves the whole line.
    let leaves = if typed.is_empty() { "is a plain {".to_owned() } else { format!("leaves the text with {{{typed}") };
    let title = title(
        vec!["Columns".to_owned(), format!("{{{typed}_")],
        Some(format!("letters narrow, enter takes it, esc {leaves}")),
    );
    OverlayContent { title, lines, focus: Some(row) }
}

/// The columns of the list: for the phones, or for the names beside a column of phones.
pub(super) fn list_columns(form: &BlastForm, row: usize, phone: Option<&str>, width: u16) -> OverlayContent {
    let question = if phone.is_some() { "which has the names?" } else { "which has the phone numbers?" };
    let title = title(
        vec!["Columns".to_owned(), question.to_owned()],
        Some("enter takes it, o: it says who opted out, esc leaves it".to_owned()),
    );
    let columns = match &form.list_columns {
        None => return OverlayContent { title, lines: vec![TextLine::dim("  reading the list ...")], focus: None },
        Some(Err(why)) => {
            let lines = wrapped(why, width.saturating_sub(4));
            let lines = lines.into_iter().map(|line| TextLine::of(format!("  {line}"), TextRole::Trouble)).collect();
            return OverlayContent { title, lines, focus: None };
        }
        Some(Ok(columns)) => columns,
    };
    let longest = columns.iter().map(|column| display_width(&column_name(column))).max().unwrap_or_default();
    let name_width = longest.clamp(8, NAME_WIDTH.min(width / 2));
    let read = form.columns_before();
    let now = |column: &ListColumn| match (phone, read) {
        _ if form.columns.opt_outs.as_ref() == Some(&column.reference) => "stop",
        (Some(phone), _) if phone == column.reference => "phone",
        (None, Some(read)) if read.phone == column.reference => "phone",
        (_, Some(read)) if read.name.as_ref() == Some(&column.reference) => "name",
        _ => "",
    };
    let line = |(n, column): (usize, &ListColumn)| {
        let name = within(&column_name(column), name_width);
        let samples = if column.samples.is_empty() { "(empty)".to_owned() } else { column.samples.join("  |  ") };
        chosen(n == row)
            .and(format!("{:<6}", now(column)), TextRole::Dim)
            .and(name, strong(n == row))
            .and(format!("  {samples}"), TextRole::Dim)
    };
    let refused = form.refused_list.iter().flat_map(|(_, why)| wrapped(why, width.saturating_sub(4)));
    let mut lines: Vec<_> = refused.map(|line| TextLine::of(format!("  {line}"), TextRole::Trouble)).collect();
    // Chosen by the question before, and no answer to this one.
    let taken = columns.iter().find(|column| phone == Some(column.reference.as_str()));
    lines.extend(taken.map(|column| line((usize::MAX, column))));
    let chosen_at = lines.len() + row;
    lines.extend(match phone {
        None => columns.iter().enumerate().map(line).collect::<Vec<_>>(),
        Some(phone) => {
            let now = if read.is_some_and(|read| read.name.is_none()) { "name" } else { "" };
            let none = chosen(row == 0).and(format!("{now:<6}"), TextRole::Dim);
            let none = none.and("no column: the list has no names", strong(row == 0));
            let names = form.name_columns(phone).into_iter().enumerate().map(|(n, column)| line((n + 1, column)));
            std::iter::once(none).chain(names).collect()
        }
    });
    let below = (chosen_at + 1).min(lines.len());
    lines.splice(below..below, trouble(form));
    OverlayContent { title, lines, focus: Some(chosen_at + usize::from(form.trouble.is_some())) }
}

/// Why a key did nothing. It stands below the row that it was pressed on: below a long list it would be off the screen.
fn trouble(form: &BlastForm) -> Option<TextLine> {
    form.trouble.as_ref().map(|why| TextLine::of(format!("  {why}"), TextRole::Trouble))
}

/// The most columns of a column's name.
const NAME_WIDTH: u16 = 28;

/// Its name, and its place where another one has the same.
fn column_name(column: &ListColumn) -> String {
    if column.name == column.reference { column.name.clone() } else { format!("{}, {}", column.reference, column.name) }
}

pub(super) fn templates(form: &BlastForm, page: &TemplatesPage, width: u16) -> OverlayContent {
    let all = form.templates.as_ref().and_then(|list| list.as_ref().ok()).map_or(0, Vec::len);
    let listed = form.listed_templates(page);
    let is_narrowed = page.is_typing || !page.filter.is_empty();
    let counted = is_narrowed.then(|| format!("{} of {all}", listed.len()));
    let title = title(
        ["Templates".to_owned(), form.values.sender.clone()].into_iter().chain(counted).collect(),
        Some("enter takes it, / filters, esc goes back".to_owned()),
    );
    let (lines, focus) = match &form.templates {
        None => (vec![TextLine::dim("  asking Meta ...")], None),
        Some(Err(why)) => {
            let lines = wrapped(why, width.saturating_sub(4));
            (lines.into_iter().map(|line| TextLine::of(format!("  {line}"), TextRole::Trouble)).collect(), None)
        }
        Some(Ok(list)) if list.is_empty() => (vec![TextLine::dim("  this account has no template yet")], None),
        Some(Ok(_)) if listed.is_empty() => (vec![TextLine::dim("  no template has these words")], None),
        Some(Ok(_)) => list_of(&listed, page.row, width),
    };
    let filter = match (page.is_typing, is_narrowed) {
        (true, _) => Some(page.filter.line(TextLine::of(" / ", TextRole::Accent))),
        (false, true) => Some(TextLine::of(" / ", TextRole::Accent).and(page.filter.text(), TextRole::Strong)),
        (false, false) => None,
    };
    let above: Vec<TextLine> = filter.into_iter().chain(trouble(form)).collect();
    let focus = focus.map(|line| line + above.len());
    OverlayContent { title, lines: above.into_iter().chain(lines).collect(), focus }
}

fn list_of(list: &[&SenderTemplate], row: usize, width: u16) -> (Vec<TextLine>, Option<usize>) {
    let mut lines = Vec::new();
    let mut focus = None;
    for (n, template) in list.iter().enumerate() {
        let role = if template.status == "APPROVED" { TextRole::Dim } else { TextRole::Trouble };
        let about = format!("{}, {}", template.category.to_lowercase(), template.status.to_lowercase());
        let name = format!("{} ({}) ", template.name, template.language);
        lines.push(chosen(n == row).and(name, strong(n == row)).and(about, role));
        if n == row {
            let header = match &template.header {
                Some(HeaderFormat::Media(kind)) => format!("[{}] ", kind.words()),
                _ => String::new(),
            };
            let text = wrapped(&format!("{header}{}", template.body), width.saturating_sub(8));
            lines.extend(text.into_iter().take(8).map(|line| TextLine::dim(format!("      {line}"))));
            focus = Some(lines.len() - 1);
        }
    }
    (lines, focus)
}

pub(super) fn left_out(form: &BlastForm, row: usize, edit: Option<&TextField>, width: u16) -> OverlayContent {
    let keys = match edit {
        Some(_) => "enter takes it, ctrl-u empties it, esc leaves it",
        None if form.mends.is_empty() => "enter corrects, l another list, esc goes back",
        None => "enter corrects, u undoes the last, l another list, esc goes back",
    };
    let left_out = &form.left_out;
    let title = title(vec!["Left out".to_owned(), count_of(left_out.total, "row", "rows")], Some(keys.to_owned()));
    let mut lines = Vec::new();
    let mut focus = None;
    for (n, rejection) in left_out.rows.iter().enumerate() {
        let head = chosen(n == row).and(format!("row {:<6} ", rejection.row), TextRole::Dim);
        let head = head.and(format!("{} ", rejection.column), TextRole::Dim);
        lines.push(match edit.filter(|_| n == row) {
            Some(field) => field.line(head),
            None => cell(head, rejection, strong(n == row)),
        });
        // What is typed takes the place of whose row it is.
        let whose = rejection.name.as_ref().filter(|_| n == row && edit.is_some());
        let why = whose.map_or_else(|| rejection.reason.clone(), |name| format!("{name}: {}", rejection.reason));
        let why = wrapped(&why, width.saturating_sub(14));
        lines.extend(why.into_iter().map(|line| TextLine::of(format!("             {line}"), TextRole::Plain)));
        if n == row {
            lines.extend(trouble(form));
            focus = Some(lines.len() - 1);
        }
    }
    if left_out.rows.is_empty() {
        lines.push(TextLine::plain("  nobody is left out any more"));
        lines.extend(trouble(form));
    } else if u64::try_from(left_out.rows.len()).unwrap_or(u64::MAX) < left_out.total {
        lines.push(TextLine::dim("  and more: correct the file itself, and load it again"));
    }
    lines.extend(corrected(form));
    OverlayContent { title, lines, focus }
}

/// The cells that are read as something else than stands there, the last one first.
fn corrected(form: &BlastForm) -> impl Iterator<Item = TextLine> {
    let line = |mend: &CellMend| {
        let whose = mend.whose.as_ref().map(|name| format!("   {name}")).unwrap_or_default();
        let value = if mend.value.is_empty() { "(empty)" } else { mend.value.as_str() };
        TextLine::dim(format!("  row {:<6} {} {value}{whose}", mend.row, mend.column))
    };
    let rule = (!form.mends.is_empty()).then(|| TextLine::rule("Corrected"));
    rule.into_iter().chain(form.mends.iter().rev().map(line))
}

/// What stands in the cell, and whose row it is.
pub fn cell(head: TextLine, row: &LeftOutRow, meaning: TextRole) -> TextLine {
    let line = match row.value.as_str() {
        "" => head.and("(empty)", TextRole::Dim),
        value => head.and(value, meaning),
    };
    let name = row.name.iter().filter(|name| **name != row.value);
    name.fold(line, |line, name| line.and(format!("   {name}"), TextRole::Plain))
}

fn chosen(is_chosen: bool) -> TextLine {
    TextLine::of(if is_chosen { "> " } else { "  " }, TextRole::Accent)
}

const fn strong(is_chosen: bool) -> TextRole {
    if is_chosen { TextRole::Strong } else { TextRole::Plain }
}
