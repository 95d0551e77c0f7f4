//! The list of people of a form: its file or pasted cells, the rows that were left out, the columns to choose from.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::key_outcome::KeyOutcome;
use super::ending::Ending;
use super::{saving, shown};
use crate::app::DraftList;
use crate::domain::list_columns::ListColumns;
use crate::domain::rejected_rows::{CellMend, LeftOutRow, RejectedRows};
use crate::domain::text::{clean_name, shell_quoted, shell_word};
use crate::tui::effect::Effect;
use crate::tui::key::Key;
use crate::tui::model::{BlastForm, EscLeaves, FormLine, FormPage, LineEdit, Model, NAMELESS, Notice, UnreadablePath};
use crate::tui::widget::TextField;

/// `enter` on the list: the rows that were left out, once there is one; else its path.
pub(super) fn begin(model: &mut Model) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    if form.left_out.total > 0 || !form.mends.is_empty() {
        form.page = FormPage::LeftOut { row: 0, edit: None };
        return Vec::new();
    }
    type_path(form);
    Vec::new()
}

fn type_path(form: &mut BlastForm) {
    let field = TextField::offering(&offered_path(form));
    form.edit = Some(LineEdit::Path { field, offers: Vec::new() });
}

/// The path that the field begins with: of the list that the people are from.
fn offered_path(form: &BlastForm) -> String {
    match &form.list {
        Some(DraftList::File(path)) => path.to_string_lossy().into_owned(),
        Some(DraftList::Pasted(_)) => String::new(),
        None => form.left_out.file.clone().unwrap_or_default(),
    }
}

/// What a list that is kept is named by in a filter, and no path of a file.
const KEPT: &str = "list:";

/// How a draft is made to a list that is kept, which the form does not take.
fn by_command_line(model: &Model, from: &str) -> Option<String> {
    let sender = &model.form.as_deref()?.values.sender;
    let is_of_meta = model.senders.iter().any(|known| known.name == *sender && known.provider == "meta");
    let content = if is_of_meta { "--template NAME" } else { "--message 'TEXT'" };
    let (sender, from) = (shell_word(sender), shell_quoted(from));
    let line = format!("`blastdeck blast new --sender {sender} --from {from} {content}`");
    Some(model.options.pasteable(&format!("the form takes no list that is kept: {line} makes a draft to it")))
}

/// The path that was typed is the list.
pub(super) fn take_file(model: &mut Model, path: &str, ending: Ending) -> Vec<Effect> {
    let kept = path.starts_with(KEPT).then(|| by_command_line(model, path)).flatten();
    let Some(form) = shown(model) else { return Vec::new() };
    if let Some(why) = kept {
        if ending != Ending::Leave {
            form.edit = Some(LineEdit::Path { field: TextField::with(path), offers: Vec::new() });
            (form.trouble, form.esc_leaves) = (Some(why), EscLeaves::Trouble);
        }
        return Vec::new();
    }
    if path.is_empty() {
        form.trouble =
            (ending != Ending::Leave).then(|| "type the path of a CSV or Excel file, or paste its cells".to_owned());
        return Vec::new();
    }
    // Looked at and left: what was taken stays, with the cells that were mended.
    if ending == Ending::Leave && path == offered_path(form) {
        return Vec::new();
    }
    forget_reading(form, path == offered_path(form));
    form.unreadable_path = if ending == Ending::Leave { UnreadablePath::Dropped } else { UnreadablePath::Offered };
    let effects = take(model, DraftList::File(PathBuf::from(path)));
    ending.leave_line(model);
    // Past how the list before was read.
    let is_of_reading = |line| matches!(line, FormLine::Columns | FormLine::Country);
    while ending == Ending::Next && model.form.as_deref().is_some_and(|form| is_of_reading(form.line)) {
        super::moved(model, 1);
    }
    effects
}

/// Another list is read without the cells that were mended in the one before; only of the same file those and the columns stay chosen.
fn forget_reading(form: &mut BlastForm, is_same: bool) {
    form.list_columns = None;
    if !is_same {
        form.mends_before.append(&mut form.mends);
        form.columns = form.columns.of_another_list();
    }
}

/// A list was read: names the blast after its file, unless somebody typed a name. Whether that changed it.
pub(super) fn name_after(form: &mut BlastForm) -> bool {
    let is_typed = ![form.tag_of_list.as_str(), NAMELESS, ""].contains(&form.values.tag.as_str());
    let Some(DraftList::File(path)) = form.list.as_ref().filter(|_| !is_typed) else { return false };
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let tag = clean_name(&stem).trim().to_owned();
    let is_new = !tag.is_empty() && tag != form.values.tag;
    if is_new {
        form.values.tag.clone_from(&tag);
        form.tag_of_list = tag;
    }
    is_new
}

/// A list could not be read: the one before stays, with its columns, and the path of a file is in the field to be mended, unless the field
/// was left by `esc` or another column was chosen.
pub(super) fn refused(form: &mut BlastForm, list: &DraftList) {
    let is_reread = form.source().as_ref() == Some(list) && form.kept_list.as_ref() == Some(list);
    form.list.clone_from(&form.kept_list);
    if !form.mends_before.is_empty() {
        form.mends = std::mem::take(&mut form.mends_before);
    }
    let columns = form.read_columns.as_ref().map_or_else(|| form.columns.of_another_list(), ListColumns::again);
    if std::mem::replace(&mut form.columns, columns.clone()) != columns && is_reread {
        let is_of_country = form.line == FormLine::Country;
        form.line = if is_of_country { FormLine::Country } else { FormLine::Columns };
        return;
    }
    if form.unreadable_path == UnreadablePath::Dropped {
        form.esc_leaves = EscLeaves::Form;
        return;
    }
    form.line = FormLine::People;
    if let (DraftList::File(path), None, FormPage::Lines) = (list, &form.edit, &form.page) {
        let field = TextField::with(&path.to_string_lossy());
        form.edit = Some(LineEdit::Path { field, offers: Vec::new() });
    }
}

/// `esc` while a list is being taken: nothing of it is kept. `None` where nothing is to be stopped; once it stops, `esc` leaves as ever.
/// The same list read again, for a message that was changed since, say, is not what `esc` is about: that goes on behind a form that is left.
pub(super) fn stop(form: &mut BlastForm) -> Option<Vec<Effect>> {
    let is_stopped_now =
        form.is_taking && !form.is_list_again() && !std::mem::replace(&mut form.taking.is_stopping, true);
    if !is_stopped_now {
        return None;
    }
    // Its path is not offered again: leaving the field would take it once more.
    form.unreadable_path = UnreadablePath::Dropped;
    Some(vec![Effect::StopList])
}

/// Pasted cells are the list.
pub(super) fn take_pasted(model: &mut Model, text: &str) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    forget_reading(form, false);
    // A terminal sends a paste's line ends as carriage returns.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    take(model, DraftList::Pasted(Arc::from(text)))
}

fn take(model: &mut Model, list: DraftList) -> Vec<Effect> {
    if let Some(form) = shown(model) {
        form.list = Some(list);
        form.wants_list = true;
    }
    // A list is taken into a draft: it is saved first.
    saving::changed(model)
}

/// Said of any other key there.
const LEFT_OUT_KEYS: &str =
    "enter corrects this row, u undoes the last correction, l gives another list, esc goes back";

/// A key on the rows that were left out.
pub(super) fn left_out_key(model: &mut Model, key: Key) -> KeyOutcome {
    let Some(form) = shown(model) else { return KeyOutcome::UNUSED };
    let FormPage::LeftOut { row, edit } = form.page.clone() else { return KeyOutcome::UNUSED };
    let rows = form.left_out.rows.len();
    match (edit, key) {
        (Some(field), Key::Enter) => return KeyOutcome::Handled(mend(model, row, &field.text())),
        (Some(_), Key::Esc) => {
            let unkept = unkept_cell(form);
            form.page = FormPage::LeftOut { row, edit: None };
            if let Some(words) = unkept {
                model.say(Notice::done(words));
            }
        }
        (Some(mut field), key) => {
            field.key(key);
            form.page = FormPage::LeftOut { row, edit: Some(field) };
        }
        (None, Key::Esc | Key::Char('q')) => form.page = FormPage::Lines,
        // Nothing more is read or written until that is answered.
        (None, Key::Enter | Key::Char('u')) if form.backlog.refused.is_some() => {
            form.trouble = Some("this draft was changed meanwhile: esc asks what becomes of what you wrote".to_owned());
        }
        // The next one takes its place once the list is read: what is typed now is meant for that one.
        (None, Key::Enter) if is_being_mended(form, row) => {
            form.trouble = Some("the list is being read: wait for it, what is typed now is not used".to_owned());
        }
        (None, Key::Enter) => mend_begin(form, row),
        (None, Key::Char('u')) => return KeyOutcome::Handled(undo_correction(model)),
        (None, Key::Char('l')) => {
            form.page = FormPage::Lines;
            type_path(form);
        }
        (None, key) => match stepped(row, key, rows) {
            Some(row) => form.page = FormPage::LeftOut { row, edit: None },
            None => form.trouble = Some(LEFT_OUT_KEYS.to_owned()),
        },
    }
    KeyOutcome::DONE
}

/// What is said of a cell that is left while it is corrected; nothing where it stands as it was.
pub(super) fn unkept_cell(form: &BlastForm) -> Option<String> {
    let FormPage::LeftOut { row, edit: Some(field) } = &form.page else { return None };
    let cell = form.left_out.rows.get(*row)?;
    let typed = field.text();
    let is_typed = !typed.trim().is_empty() && typed != in_one_line(&cell.value);
    is_typed.then(|| format!("row {} not corrected: {typed}", cell.row))
}

/// The field has one line: words on two do not run together.
fn in_one_line(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the correction of this row is being read.
fn is_being_mended(form: &BlastForm, row: usize) -> bool {
    let is_of = |mend: &CellMend| {
        form.left_out.rows.get(row).is_some_and(|row| (row.row, &row.column) == (mend.row, &mend.column))
    };
    (form.is_taking || form.wants_list) && form.mends.iter().any(is_of)
}

/// Other rows are left out now. The cursor stays on its cell; where that was mended, it is on the one now in its place, and what was
/// typed for the other is gone.
pub(super) fn replace_left_out(form: &mut BlastForm, rows: RejectedRows) {
    let before = std::mem::replace(&mut form.left_out, rows);
    let FormPage::LeftOut { row, edit } = &mut form.page else { return };
    let rows = &form.left_out.rows;
    let was = before.rows.get(*row);
    let is_there = |cell: &LeftOutRow| was.is_some_and(|was| (was.row, &was.column) == (cell.row, &cell.column));
    // In a file that was changed its row may have moved, and another one is in its place.
    let of_was = |row: &&LeftOutRow| was.is_some_and(|was| was.digest.is_known() && was.digest == row.digest);
    let is_alike = before.rows.iter().filter(of_was).count() > 1;
    let is_same = |cell: &LeftOutRow| was.is_some_and(|was| was.digest == cell.digest && was.column == cell.column);
    let same = |cell: &LeftOutRow| is_there(cell) && is_same(cell);
    if let Some(at) = rows.iter().position(same).or_else(|| rows.iter().position(is_same).filter(|_| !is_alike)) {
        *row = at;
    } else {
        (*row, *edit) = ((*row).min(rows.len().saturating_sub(1)), None);
    }
}

/// The row that a key moves to.
pub(super) fn stepped(row: usize, key: Key, rows: usize) -> Option<usize> {
    let last = rows.saturating_sub(1);
    Some(match key {
        Key::Up | Key::Char('k') => row.saturating_sub(1),
        Key::Down | Key::Char('j') => (row + 1).min(last),
        Key::PageUp | Key::Ctrl('u') => row.saturating_sub(10),
        Key::PageDown | Key::Ctrl('d') => (row + 10).min(last),
        Key::Home | Key::Char('g') => 0,
        Key::End | Key::Char('G') => last,
        _ => return None,
    })
}

fn mend_begin(form: &mut BlastForm, row: usize) {
    let Some(left_out) = form.left_out.rows.get(row) else { return };
    if !left_out.is_cell {
        form.trouble = Some(format!(
            "row {} cannot be corrected here ({}): change the message or the list",
            left_out.row, left_out.reason
        ));
    } else if !left_out.digest.is_known() {
        form.trouble = Some(
            "what stands in this row is not known any more: l reads the list again, then it can be corrected"
                .to_owned(),
        );
    } else if let Some(why) = cannot_reread(form) {
        form.trouble = Some(why.to_owned());
    } else {
        form.page = FormPage::LeftOut { row, edit: Some(TextField::with(&in_one_line(&left_out.value))) };
    }
}

/// Reads a cell as something else, and takes the list again.
fn mend(model: &mut Model, row: usize, value: &str) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    let Some(left_out) = form.left_out.rows.get(row) else { return Vec::new() };
    let rows = form.left_out.rows.iter().map(|row| (row.row, &row.digest));
    let corrected = form.mends.iter().map(|mend| (mend.row, &mend.digest));
    let is_alike = rows.chain(corrected).any(|(row, digest)| row != left_out.row && *digest == left_out.digest);
    let mend = CellMend {
        row: left_out.row,
        column: left_out.column.clone(),
        digest: left_out.digest.clone(),
        phone: left_out.phone.clone(),
        is_alike,
        whose: left_out.name.clone(),
        value: value.trim().to_owned(),
    };
    form.mends.retain(|other| (other.row, &other.column) != (mend.row, &mend.column));
    form.mends.push(mend);
    form.page = FormPage::LeftOut { row, edit: None };
    reread(model)
}

/// `u`: without the last correction, its row is read as it stands in the list.
fn undo_correction(model: &mut Model) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    if form.is_taking || form.wants_list {
        form.trouble = Some("the list is being read: wait for it".to_owned());
    } else if form.mends.is_empty() {
        form.trouble = Some("nothing was corrected".to_owned());
    } else if let Some(why) = cannot_reread(form) {
        form.trouble = Some(why.to_owned());
    } else {
        form.mends.pop();
        return reread(model);
    }
    Vec::new()
}

/// Why its list cannot be read once more.
fn cannot_reread(form: &BlastForm) -> Option<&'static str> {
    form.source().is_none().then_some("the pasted list is not kept: l gives a list again, corrected")
}

/// Takes the list again with the cells that were corrected; of a draft that was opened again its file.
fn reread(model: &mut Model) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    form.list = form.source();
    form.wants_list = true;
    form.line = FormLine::People;
    saving::changed(model)
}

/// A key while a column is chosen: letters of its name leave those that begin so, enter takes it, esc is a plain brace; what no column
/// begins with goes on as text.
pub(super) fn column_key(model: &mut Model, (row, mut typed): (usize, String), key: Key) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    let columns = form.columns_beginning(&typed);
    let text = match key {
        Key::Up | Key::Down | Key::PageUp | Key::PageDown => {
            form.page = FormPage::Columns { row: stepped(row, key, columns.len()).unwrap_or_default(), typed };
            return Vec::new();
        }
        Key::Backspace if typed.pop().is_some() => {
            form.page = FormPage::Columns { row: 0, typed };
            return Vec::new();
        }
        Key::Enter | Key::Tab => columns.get(row).map(|column| format!("{{{column}}}")).unwrap_or_default(),
        Key::Char(c) => {
            typed.push(c);
            if !form.columns_beginning(&typed).is_empty() {
                form.page = FormPage::Columns { row: 0, typed };
                return Vec::new();
            }
            format!("{{{typed}")
        }
        // Whoever typed a name leaves the text with it.
        Key::Esc if !typed.is_empty() => {
            form.page = FormPage::Lines;
            put(form, &format!("{{{typed}"));
            return super::ending::end(model, Ending::Leave);
        }
        _ => format!("{{{typed}"),
    };
    form.page = FormPage::Lines;
    let is_message = matches!(form.edit, Some(LineEdit::Message(_)));
    put(form, &text);
    if is_message { saving::now_and_then(model) } else { Vec::new() }
}

/// Puts a text where one is being typed.
fn put(form: &mut BlastForm, text: &str) {
    match &mut form.edit {
        Some(LineEdit::Message(area)) => {
            area.insert(text);
            form.values.message = area.text();
        }
        Some(LineEdit::Field(field)) => field.insert(text),
        _ => {}
    }
}
