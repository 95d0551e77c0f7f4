//! The form of a blast: what opens it, where its keys go, and what is written of it.

mod ending;
mod leaving;
mod list;
mod list_columns;
mod logged;
mod opening;
mod overtaken;
mod pasting;
mod reread;
mod saving;
mod schedule;
mod template;

pub use ending::{read_hours, read_pace};
pub use leaving::{close_below, database_is_back, is_saving, last_save, left};
pub use opening::{cannot_duplicate, cannot_edit, cannot_edit_blast, duplicate, open_draft, open_draft_of};
pub use overtaken::{confirmed, declined, noticed, who_was_quicker};
pub use pasting::pasted;
pub use saving::{answered, edited_elsewhere, while_typing, written};

use chrono_tz::Tz;

use super::key_outcome::KeyOutcome;
use crate::tui::action::ACTIONS;
use crate::tui::effect::{DraftRead, Effect, ReadRequest};
use crate::tui::key::Key;
use crate::tui::model::{
    BlastForm, EscLeaves, FormLine, FormPage, FormWrites, LineEdit, MessagePlace, Model, NAMELESS, Notice, Overlay,
    UPLOADED,
};
use crate::tui::widget::{EditOutcome, TextArea, TextField};

/// The action that opens the operator's own editor.
const EDITOR: &str = "the-message-in-your-editor";

/// An empty form, for the sender of the selected blast.
pub fn open_new(model: &mut Model) -> Vec<Effect> {
    if leaving::reopened(model, None) {
        return saving::changed(model);
    }
    if !model.knows_senders {
        model.wants_form = true;
        model.say(Notice::done("reading the senders: the form opens once they are here"));
        return Vec::new();
    }
    let of_blast = model.blast().and_then(|blast| model.usable_senders().find(|sender| sender.id == blast.sender_id));
    let default = model.options.default_sender.as_ref();
    let of_config = || model.usable_senders().find(|sender| Some(&sender.name) == default);
    let sender = of_blast.or_else(of_config).or_else(|| model.usable_senders().next());
    let Some(sender) = sender.map(|sender| sender.name.clone()) else {
        super::welcome::open(model);
        model.refuse("a new blast needs a sender first");
        return Vec::new();
    };
    opening::show(model, BlastForm::new(sender))
}

/// The form, while it is the topmost overlay.
fn shown(model: &mut Model) -> Option<&mut BlastForm> {
    if model.overlays.last() == Some(&Overlay::Form) { model.form.as_deref_mut() } else { None }
}

/// A key while the form is open: to what is being typed or chosen, else to the keymap.
pub fn key(model: &mut Model, key: Key) -> KeyOutcome {
    let Some(form) = shown(model) else { return KeyOutcome::UNUSED };
    let is_free = form.edit.is_none() && form.page == FormPage::Lines;
    if let Some(effects) = (is_free && key == Key::Esc).then(|| list::stop(form)).flatten() {
        return KeyOutcome::Handled(effects);
    }
    let leaves = std::mem::replace(&mut form.esc_leaves, EscLeaves::Trouble);
    let is_refused = form.trouble.take().is_some() && leaves == EscLeaves::Trouble;
    if is_refused && key == Key::Esc && form.edit.is_none() && form.page == FormPage::Lines {
        return KeyOutcome::DONE;
    }
    match &form.page {
        FormPage::Columns { row, typed } => {
            let at = (*row, typed.clone());
            return KeyOutcome::Handled(list::column_key(model, at, key));
        }
        FormPage::Templates(_) => return KeyOutcome::Handled(template::key(model, key)),
        FormPage::LeftOut { .. } => return list::left_out_key(model, key),
        FormPage::ListColumns { .. } => return KeyOutcome::Handled(list_columns::key(model, key)),
        FormPage::Lines => {}
    }
    match &form.edit {
        None => super::idle_form_keys::key(model, key),
        Some(_) => KeyOutcome::Handled(edit_key(model, key)),
    }
}

fn edit_key(model: &mut Model, key: Key) -> Vec<Effect> {
    if is_typing_message(model) && editor_key(model) == Some(key) {
        return edit_elsewhere(model);
    }
    let Some(form) = shown(model) else { return Vec::new() };
    let takes_columns =
        matches!(form.line, FormLine::Message | FormLine::Variable(_) | FormLine::Header | FormLine::Button(_))
            && !form.columns().is_empty();
    match (&mut form.edit, key) {
        (_, Key::Esc) => return ending::end(model, ending::Ending::Leave),
        (Some(LineEdit::Field(_)), Key::Enter | Key::Down) | (Some(LineEdit::Path { .. }), Key::Enter) => {
            return ending::end(model, ending::Ending::Next);
        }
        (Some(LineEdit::Field(_)), Key::Up) => return ending::end(model, ending::Ending::Previous),
        (Some(LineEdit::Path { .. }), Key::Down | Key::Up) => {
            // A list that was only looked at is not read again.
            let effects = ending::end(model, ending::Ending::Leave);
            moved(model, if key == Key::Down { 1 } else { -1 });
            return effects;
        }
        (Some(_), Key::Char('{')) if takes_columns => {
            form.page = FormPage::Columns { row: 0, typed: String::new() };
        }
        (Some(LineEdit::Path { field, .. }), Key::Tab) => {
            return vec![Effect::Read(ReadRequest::Draft(DraftRead::Paths(field.text())))];
        }
        (Some(LineEdit::Path { field, offers }), key) => {
            offers.clear();
            field.key(key);
        }
        (Some(LineEdit::Field(field)), key) => _ = field.key(key),
        (Some(LineEdit::Message(area)), key) => {
            if area.key(key) == EditOutcome::Changed {
                form.values.message = area.text();
                return saving::now_and_then(model);
            }
        }
        (None, _) => {}
    }
    Vec::new()
}

/// `enter` on a line.
pub fn begin(model: &mut Model) -> Vec<Effect> {
    let senders: Vec<String> = model.usable_senders().map(|sender| sender.name.clone()).collect();
    model.notice = None;
    let keys = model.options.keys.clone();
    let Some(form) = shown(model) else { return Vec::new() };
    form.wants_plan = false;
    let why = schedule::fixed(form).or_else(|| schedule::excluded(form.line, &form.values));
    form.trouble = why.map(|why| keys.in_sentence(why, &[]));
    if form.trouble.is_some() {
        return Vec::new();
    }
    let field = |text: &str| Some(LineEdit::Field(TextField::with(text)));
    form.edit = match form.line {
        FormLine::Sender => return next_sender(model, &senders),
        FormLine::Start => field(&ending::start_text(&form.values)),
        FormLine::Template => return template::choose(model),
        FormLine::People => return list::begin(model),
        FormLine::Columns => return list_columns::begin(model),
        FormLine::Country => field(&form.columns.country_text()),
        FormLine::Message => Some(LineEdit::Message(TextArea::with(&form.values.message))),
        FormLine::Tag if form.values.tag == NAMELESS => Some(LineEdit::Field(TextField::offering(NAMELESS))),
        FormLine::Tag => field(&form.values.tag),
        FormLine::Stage => field(&form.values.follow_up_stage),
        FormLine::Variable(n) => field(form.variables().get(n).map_or("", |(_, value)| value)),
        FormLine::Header => {
            let place = form.header().map(|(_, place)| place).unwrap_or_default();
            // What an upload is called is no text to be written on.
            if place.starts_with(UPLOADED) { Some(LineEdit::Field(TextField::offering(&place))) } else { field(&place) }
        }
        FormLine::Button(n) => field(form.buttons().get(n).map_or("", |button| button.text.as_str())),
        FormLine::Pace => field(&ending::pace_text(&form.values)),
        FormLine::Window => field(&ending::window_text(&form.values)),
        FormLine::Repeat => field(&schedule::repeat_text(&form.values)),
        FormLine::Ends => field(&schedule::ends_text(&form.values)),
        FormLine::OwnTime => field(&schedule::own_time_text(&form.values)),
        FormLine::First => field(&form.values.first.map(|first| first.to_string()).unwrap_or_default()),
    };
    Vec::new()
}

/// Whether the line at the cursor is a name that nobody gave, or when and how fast it is sent and nothing yet: a character that the
/// form does not need begins it.
pub fn takes_text(model: &Model) -> bool {
    lines_shown(model).is_some_and(|form| match form.line {
        FormLine::Tag => form.values.tag == NAMELESS,
        line => ending::is_unset(line, &form.values),
    })
}

/// Whether the line at the cursor is an empty text: any letter begins it, also one that is a key of the form elsewhere.
pub fn is_unwritten(model: &Model) -> bool {
    lines_shown(model).is_some_and(BlastForm::is_unwritten)
}

/// The form, while none of its lines is typed on and nothing covers them.
fn lines_shown(model: &Model) -> Option<&BlastForm> {
    let is_open = model.overlays.last() == Some(&Overlay::Form);
    model.form.as_deref().filter(|form| is_open && form.edit.is_none() && form.page == FormPage::Lines)
}

/// Whether a line of the form is being typed on.
pub fn is_typing(model: &Model) -> bool {
    model.form.as_deref().is_some_and(|form| form.edit.is_some())
}

/// The sender after this one.
fn next_sender(model: &mut Model, senders: &[String]) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    if senders.len() < 2 {
        form.trouble = Some("there is only this sender".to_owned());
        return Vec::new();
    }
    let at = senders.iter().position(|name| *name == form.values.sender).unwrap_or_default();
    form.values.sender.clone_from(&senders[(at + 1) % senders.len()]);
    form.templates = None;
    // Another sender may read numbers without a country code as another country's.
    form.wants_list = form.list.is_some();
    let name = form.values.sender.clone();
    let sends_templates = model.sends_templates(&name);
    if let Some(form) = shown(model) {
        // It would be sent in place of the text that is written now, and is there again with a sender that sends templates.
        let template = form.values.template.take().or_else(|| form.template_before.take());
        let kept = if sends_templates { &mut form.values.template } else { &mut form.template_before };
        *kept = template;
    }
    // A draft in which nothing is written is not kept.
    let is_untouched = model.form.as_deref().is_some_and(BlastForm::is_untouched);
    let mut effects = if is_untouched { Vec::new() } else { saving::changed(model) };
    if sends_templates {
        effects.extend(template::read(&name));
    }
    effects
}

/// The message in the operator's own editor, which also begins one and goes on with one that is being typed.
pub fn edit_elsewhere(model: &mut Model) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    form.line = FormLine::Message;
    form.backlog.message = MessagePlace::Editor;
    vec![Effect::Edit(form.values.message.clone())]
}

/// Whether the message is being typed.
fn is_typing_message(model: &Model) -> bool {
    model.form.as_deref().is_some_and(|form| matches!(form.edit, Some(LineEdit::Message(_))))
}

/// The key that opens the editor while letters are text: none where `[ui.keys]` left only letters.
pub fn editor_key(model: &Model) -> Option<Key> {
    let action = ACTIONS.iter().find(|action| action.id() == EDITOR)?;
    model.options.keys.keys(action).iter().find(|key| !matches!(key, Key::Char(_))).copied()
}

/// The same where the footer names it: on a message that is being typed, or has no text yet.
pub fn editor_key_here(model: &Model) -> Option<Key> {
    let form = model.form.as_deref().filter(|form| form.page == FormPage::Lines && form.line == FormLine::Message)?;
    editor_key(model).filter(|_| is_typing_message(model) || form.is_unwritten())
}

/// Why there is no message to edit.
pub fn has_no_message(model: &Model) -> Option<String> {
    let form = model.form.as_deref()?;
    let is_template = model.sends_templates(&form.values.sender);
    if is_template {
        return Some("this sender sends templates: choose one on its line".to_owned());
    }
    let is_there = form.line == FormLine::Message;
    let editor = model.options.keys.of(EDITOR);
    (!is_there).then(|| format!("{editor} opens your editor on the message: enter edits this line"))
}

/// `S`: the plan, once everything is saved.
pub fn open_plan(model: &mut Model) -> Vec<Effect> {
    let Some(form) = shown(model) else { return Vec::new() };
    if form.draft.is_none() && form.writes == FormWrites::Idle {
        form.trouble = Some("nothing is written yet: enter on a line begins".to_owned());
        return Vec::new();
    }
    if let Some(what) = model.form.as_deref().and_then(|form| overtaken::what_ended_it(model, form)) {
        let Some(form) = shown(model) else { return Vec::new() };
        form.trouble = Some(format!("this {} {what} meanwhile: there is nothing to send", form.noun()));
        return Vec::new();
    }
    let Some(form) = shown(model) else { return Vec::new() };
    form.wants_plan = true;
    if form.writes == FormWrites::Idle && form.is_behind() {
        // A plan of what was not taken would be of something else.
        return saving::changed(model);
    }
    // What is being written comes to it by itself: two writes at once would name the same version.
    if form.writes == FormWrites::Idle { saving::next(model) } else { Vec::new() }
}

/// To another line.
pub fn moved(model: &mut Model, rows: isize) {
    let lines = model.form_lines();
    // What is being typed stays on its line, whatever the mouse does.
    let is_free = |form: &&mut BlastForm| form.edit.is_none() && form.page == FormPage::Lines;
    let Some(form) = shown(model).filter(is_free) else { return };
    let at = lines.iter().position(|line| *line == form.line).unwrap_or_default();
    if let Some(line) = lines.get(at.saturating_add_signed(rows).min(lines.len().saturating_sub(1))) {
        form.line = *line;
    }
    form.trouble = None;
}

/// `[` and `]`: the preview for another person.
pub fn step_row(model: &mut Model, by: isize) {
    if let Some(form) = shown(model) {
        let rows = form.first_people.len().max(1).cast_signed();
        form.shown = (form.shown.cast_signed() + by).rem_euclid(rows).cast_unsigned();
    }
}

/// `ctrl-c` in the form: what is being typed is kept. `None`: nothing is.
pub fn interrupted(model: &mut Model) -> Option<Vec<Effect>> {
    let form = shown(model)?;
    if form.page != FormPage::Lines {
        let unkept = list::unkept_cell(form);
        form.page = FormPage::Lines;
        if let Some(words) = unkept {
            model.say(Notice::done(words));
        }
        return Some(Vec::new());
    }
    form.edit.as_ref()?;
    Some(ending::end(model, ending::Ending::Leave))
}

impl Model {
    /// The zone whose clocks the blast that is being written goes by.
    pub fn form_zone(&self) -> Tz {
        let Some(form) = self.form.as_deref() else { return self.options.zone };
        let sender = self.senders.iter().find(|sender| sender.name == form.values.sender);
        form.values.timezone.or_else(|| sender?.usage.zone).unwrap_or(self.options.zone)
    }

    /// The lines of the form, from the top.
    pub fn form_lines(&self) -> Vec<FormLine> {
        let Some(form) = self.form.as_deref() else { return Vec::new() };
        let mut lines = vec![FormLine::Sender, FormLine::Tag, FormLine::Stage, FormLine::People];
        lines.extend(form.read_columns.as_ref().map(|_| FormLine::Columns));
        lines.extend(form.asks_country().then_some(FormLine::Country));
        if self.sends_templates(&form.values.sender) {
            lines.push(FormLine::Template);
            lines.extend((0..form.variables().len()).map(FormLine::Variable));
            lines.extend(form.header().map(|_| FormLine::Header));
            lines.extend((0..form.buttons().len()).map(FormLine::Button));
        } else {
            lines.push(FormLine::Message);
        }
        lines.extend([FormLine::Pace, FormLine::Window, FormLine::OwnTime, FormLine::Start, FormLine::Repeat]);
        lines.extend(form.values.repeat.as_ref().map(|_| FormLine::Ends));
        lines.push(FormLine::First);
        lines
    }
}
