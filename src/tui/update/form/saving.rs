//! What of a form is written when. One write at a time: the next one names the version that the one before left.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::{lists, overlays};
use super::{ending, leaving, list, list_columns, logged, opening, overtaken, reread, shown, template};
use crate::app::{ByHand, SavedDraft, TakenList};
use crate::domain::list_columns::ListColumns;
use crate::domain::text::clean;
use crate::tui::effect::{
    DraftAnswer, DraftOutcome, DraftWrite, Effect, EffectError, ReadRequest, WriteOutcome, WriteRequest,
};
use crate::tui::format::{counted, number};
use crate::tui::model::{
    BlastForm, EscLeaves, FormLine, FormPage, FormWrites, LineEdit, ListProgress, MessagePlace, Model, Notice,
};

/// A message that is being typed is saved this often: whoever has a million people in the draft waits for none of it.
const WHILE_TYPING: TimeDelta = TimeDelta::seconds(3);

/// Something in the form changed: it is saved.
pub(super) fn changed(model: &mut Model) -> Vec<Effect> {
    let Some(form) = model.form.as_deref_mut() else { return Vec::new() };
    if form.is_half_typed() {
        return Vec::new();
    }
    if form.writes != FormWrites::Idle {
        form.writes = FormWrites::Again;
        return Vec::new();
    }
    form.writes = FormWrites::InFlight;
    vec![save(form)]
}

impl BlastForm {
    /// When a text that is being typed is saved, where it was saved before.
    pub fn save_due(&self) -> Option<DateTime<Utc>> {
        let waits = self.backlog.is_typed_on
            && !self.is_half_typed()
            && self.writes == FormWrites::Idle
            && self.backlog.refused.is_none();
        self.saved_at.filter(|_| waits).map(|saved| saved + WHILE_TYPING)
    }
}

/// Nobody typed on: what was typed is saved.
pub fn while_typing(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    let is_due = |form: &BlastForm| form.save_due().is_some_and(|due| due <= now);
    if model.form.as_deref().is_some_and(is_due) { changed(model) } else { Vec::new() }
}

/// The same while a text is typed.
pub(super) fn now_and_then(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    if let Some(form) = model.form.as_deref_mut() {
        form.backlog.is_typed_on = true;
    }
    let is_due = |form: &BlastForm| form.saved_at.is_none_or(|saved| now - saved >= WHILE_TYPING);
    if model.form.as_deref().is_some_and(is_due) { changed(model) } else { Vec::new() }
}

fn save(form: &mut BlastForm) -> Effect {
    form.backlog.is_typed_on = false;
    Effect::Write(WriteRequest::Draft(DraftWrite::Save { at: form.draft, form: Box::new(form.to_save()) }))
}

/// What is to be done once nothing is being written: the list, then the plan.
pub(super) fn next(model: &mut Model) -> Vec<Effect> {
    let Some(form) = model.form.as_deref_mut() else { return Vec::new() };
    if form.writes == FormWrites::Again && form.is_half_typed() {
        // The end of the typing saves it, with what was to be saved.
        (form.writes, form.backlog.is_typed_on) = (FormWrites::Idle, true);
        return Vec::new();
    }
    if form.writes == FormWrites::Again {
        form.writes = FormWrites::InFlight;
        return vec![save(form)];
    }
    if form.writes == FormWrites::InFlight {
        return Vec::new();
    }
    if let (Some(at), Some(list), true) = (form.draft, form.to_take(), form.wants_list) {
        (form.wants_list, form.is_taking, form.writes) = (false, true, FormWrites::InFlight);
        form.taking = ListProgress::default();
        let form = Box::new(form.to_save());
        return vec![Effect::Write(WriteRequest::Draft(DraftWrite::TakeList { at, form, list }))];
    }
    let id = form.id();
    // Not over a line that is typed by then: its letters would be keys of the plan.
    let is_free = form.edit.is_none() && form.page == FormPage::Lines;
    let wants_plan = std::mem::take(&mut form.wants_plan) && is_free;
    match id {
        Some(id) if wants_plan && shown(model).is_some() => overlays::open_plan_of(model, id),
        _ => Vec::new(),
    }
}

/// A write of a form was completed or refused.
pub fn written(model: &mut Model, request: &DraftWrite, outcome: Result<WriteOutcome, EffectError>) -> Vec<Effect> {
    match outcome {
        Ok(WriteOutcome::Draft(DraftOutcome::Saved(saved))) => draft_saved(model, &saved),
        Ok(WriteOutcome::Draft(DraftOutcome::ListTaken(taken))) => list_taken(model, *taken),
        Ok(WriteOutcome::Draft(DraftOutcome::Duplicated { copy, people, dropped_hours })) => {
            opening::copied(model, request, copy.id, (people, dropped_hours))
        }
        Ok(WriteOutcome::Draft(DraftOutcome::Uploaded { kind, id })) => template::uploaded(model, request, (kind, &id)),
        Ok(_) => Vec::new(),
        Err(failure) => refused(model, request, &failure),
    }
}

fn draft_saved(model: &mut Model, saved: &SavedDraft) -> Vec<Effect> {
    let now = model.now;
    let Some(form) = model.form.as_deref_mut() else { return Vec::new() };
    let is_new = form.draft.is_none();
    (form.draft, form.saved_at) = (Some(saved.at), Some(now));
    form.unfinished.clone_from(&saved.unfinished);
    (form.backlog.refused, form.backlog.was_reopened) = (None, false);
    if form.writes == FormWrites::InFlight {
        form.writes = FormWrites::Idle;
    }
    if is_new {
        model.blasts.select(saved.at.id);
    }
    logged::saved(model);
    let mut effects = vec![Effect::Read(ReadRequest::Blasts)];
    effects.extend(next(model));
    leaving::saved(model);
    effects
}

fn list_taken(model: &mut Model, mut taken: TakenList) -> Vec<Effect> {
    let Some(form) = model.form.as_deref_mut() else { return Vec::new() };
    form.first_people = taken.first_people();
    form.shown = 0;
    form.people = taken.people;
    let added = i64::try_from(taken.imported.by_hand).unwrap_or(i64::MAX);
    form.by_hand = ByHand { added, taken_out: 0 };
    form.left_out_since = taken.left_out_since;
    form.is_taking = false;
    let left_out = taken.imported.rejected.total;
    if taken.imported.corrected_as_before > 0 {
        form.mends.clone_from(&taken.imported.mends);
    }
    let beside = reread::reread_in_words(form, &mut taken.imported);
    list::replace_left_out(form, taken.imported.left_out());
    form.read_columns = taken.imported.list_columns(&form.columns);
    form.kept_list.clone_from(&form.list);
    form.taken = Some(taken.imported);
    if list::name_after(form) {
        form.writes = FormWrites::Again;
    }
    let words = match left_out {
        0 => format!("{} in the draft", counted(form.people)),
        left_out => format!(
            "{} in the draft, {} left out",
            counted(form.people),
            number(i64::try_from(left_out).unwrap_or(i64::MAX))
        ),
    };
    let doubt = form.read_columns.as_ref().and_then(ListColumns::doubt);
    let doubt = doubt.map(|doubt| format!("; {}: look at Columns", clean(&doubt))).unwrap_or_default();
    let sentence = format!("{words}{beside}{doubt}");
    model.say(Notice::done(sentence.clone()));
    let mut effects = draft_saved(model, &taken.saved);
    // Whoever left the form reads that as well, in place of that it is kept.
    if !beside.is_empty() {
        model.say(Notice::done(sentence));
    }
    logged::list_taken(model, taken.saved.at.id);
    effects.extend(lists::follow_selection(model));
    effects
}

fn refused(model: &mut Model, request: &DraftWrite, failure: &EffectError) -> Vec<Effect> {
    let is_of_former_text = model.form.as_deref().is_some_and(|form| form.writes == FormWrites::Again);
    if is_of_former_text && matches!(request, DraftWrite::Save { .. }) {
        // What was typed since is what counts: it is saved, and says what is wrong with it.
        return next(model);
    }
    let sentence = failure.sentence(&model.options.keys);
    if let (Some(form), DraftWrite::Save { .. } | DraftWrite::TakeList { .. }) = (model.form.as_deref_mut(), request) {
        (form.writes, form.is_taking, form.wants_plan) = (FormWrites::Idle, false, false);
        form.trouble = Some(sentence.clone());
        if matches!(failure, EffectError::Overtaken(_)) {
            // As it says: esc leads to the question.
            form.esc_leaves = EscLeaves::Form;
        }
        if let DraftWrite::TakeList { list: unread, .. } = request {
            list::refused(form, &unread.list);
        }
    }
    // The path is there again to be mended.
    if let (Some(form), DraftWrite::Upload { path, .. }) = (model.form.as_deref_mut(), request)
        && template::is_for(form, request)
        && form.line == FormLine::Header
        && form.edit.is_none()
    {
        form.edit = Some(LineEdit::Field(crate::tui::widget::TextField::with(&path.to_string_lossy())));
    }
    let mut effects = vec![Effect::Read(ReadRequest::Blasts)];
    effects.extend(columns_of_refused(model, request, failure));
    match request {
        DraftWrite::Save { .. } => leaving::refused(model, failure),
        _ => model.refuse(sentence),
    }
    effects
}

/// What a list that was just given for the first time, or another one, has for columns; those that were chosen are there already.
fn columns_of_refused(model: &mut Model, request: &DraftWrite, failure: &EffectError) -> Vec<Effect> {
    let (DraftWrite::TakeList { list, .. }, EffectError::List(why)) = (request, failure) else { return Vec::new() };
    match shown(model) {
        Some(form) if form.line == FormLine::People && form.esc_leaves == EscLeaves::Trouble => {
            list_columns::of_refused(form, &list.list, why)
        }
        _ => Vec::new(),
    }
}

/// What was read for a form is here.
pub fn answered(model: &mut Model, answer: DraftAnswer) -> Vec<Effect> {
    match answer {
        DraftAnswer::Opened(opened) => match *opened {
            Ok(opened) => return opening::opened(model, opened),
            Err(failure) => model.refuse_failed(&failure),
        },
        DraftAnswer::ReadAgain(again) => {
            if let Ok((opened, by)) = *again {
                overtaken::read_again(model, opened, &by);
            }
        }
        DraftAnswer::Paths { typed, found } => offer_paths(model, &typed, found),
        DraftAnswer::Templates { sender, list } => template::listed(model, &sender, list),
        DraftAnswer::RowsRead(rows) => {
            if let Some(form) = model.form.as_deref_mut() {
                form.taking.rows = rows;
            }
        }
        DraftAnswer::Columns { list, columns } => list_columns::listed(model, &list, columns),
    }
    Vec::new()
}

/// The message as it came back from the editor, or why it did not.
pub fn edited_elsewhere(model: &mut Model, edited: Result<String, String>) -> Vec<Effect> {
    if let Some(form) = model.form.as_deref_mut() {
        form.backlog.message = MessagePlace::Form;
    }
    match (shown(model), edited) {
        (Some(form), Ok(text)) => {
            let text = crate::tui::widget::TextArea::with(&text);
            form.line = FormLine::Message;
            form.edit = Some(LineEdit::Message(text));
            return ending::end(model, ending::Ending::Leave);
        }
        (_, Err(why)) => model.refuse(why),
        (None, Ok(_)) => {}
    }
    // What somebody else made of it meanwhile is shown now.
    overtaken::noticed(model, None).into_iter().collect()
}

/// As much as all files that may be meant have in common; the files, where that is no more than was typed.
fn offer_paths(model: &mut Model, asked: &str, found: Vec<String>) {
    let Some(form) = shown(model) else { return };
    let Some(LineEdit::Path { field, offers }) = &mut form.edit else { return };
    if field.text() != asked {
        return;
    }
    let Some(first) = found.first() else {
        form.trouble = Some("no file begins like that".to_owned());
        return;
    };
    let common = found.iter().fold(first.as_str(), |common, path| {
        let same = common.char_indices().zip(path.chars()).find(|((_, ours), theirs)| ours != theirs);
        &common[..same.map_or(common.len().min(path.len()), |((at, _), _)| at)]
    });
    if common.len() > asked.len() {
        *field = crate::tui::widget::TextField::with(common);
    }
    *offers = if found.len() > 1 { found } else { Vec::new() };
}
