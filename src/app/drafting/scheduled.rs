//! A blast that is scheduled, written on in its form: every save is the edit of a program, complete or refused, for it may start in the
//! next moment.

use super::{DraftAt, DraftForm, SavedDraft};
use crate::app::{App, AppError, DraftEdit, DraftOvertaken};
use crate::domain::blast::BlastState;
use crate::domain::content::BlastContent;
use crate::domain::field_change::FieldChange;

impl App {
    /// Edits what is scheduled as its form has it. `None`: it is not scheduled, or not any more.
    pub(super) async fn save_scheduled(&self, at: DraftAt, form: &DraftForm) -> Result<Option<SavedDraft>, AppError> {
        let row = self.blast_row(at.id).await?;
        if row.state != BlastState::Scheduled {
            return Ok(None);
        }
        let before = self.form_of(&row);
        if is_fixed_changed(&before, form) {
            return Err(AppError::Refused(
                "its sender, its people and how it repeats stay as they were confirmed: ⟨d⟩ makes a new one like it"
                    .to_owned(),
            ));
        }
        let edit = DraftEdit { content: self.new_content(&before, form).await?, ..changes(&before, form) };
        if edit == DraftEdit::default() {
            return Ok(Some(SavedDraft { at, unfinished: None }));
        }
        if row.version != at.version {
            let by = self.overtaken_by(&mut *self.begin().await?, at.id).await?;
            return Err(AppError::Overtaken(DraftOvertaken::Changed { by, version: row.version }));
        }
        let is_changed = self.edit(at.id, at.version, edit).await?;
        let version = at.version + i64::from(is_changed);
        Ok(Some(SavedDraft { at: DraftAt::new(at.id, version), unfinished: None }))
    }

    /// The content, where it is another one: complete, and as the provider has its template.
    async fn new_content(&self, before: &DraftForm, form: &DraftForm) -> Result<Option<BlastContent>, AppError> {
        if (&before.message, &before.template) == (&form.message, &form.template) {
            return Ok(None);
        }
        let content = form.content().map_err(|why| AppError::invalid("message", why))?;
        Ok(Some(match content {
            BlastContent::Template(template) => {
                BlastContent::Template(Box::new(self.fit_or_take(&form.sender, *template).await?.message))
            }
            text @ BlastContent::Text(_) => text,
        }))
    }
}

/// Whether something differs that was confirmed with the number of people.
fn is_fixed_changed(before: &DraftForm, form: &DraftForm) -> bool {
    before.sender != form.sender
        || before.first != form.first
        || before.repeat != form.repeat
        || before.clocks != form.clocks
}

fn changes(before: &DraftForm, form: &DraftForm) -> DraftEdit {
    let name = |before: &String, now: &String| (before != now).then(|| now.clone());
    DraftEdit {
        tag: name(&before.tag, &form.tag),
        follow_up_stage: name(&before.follow_up_stage, &form.follow_up_stage),
        rate: changed(before.rate, form.rate),
        gap: changed(before.gap, form.gap),
        window: changed(before.window, form.window),
        weekdays: changed(before.weekdays, form.weekdays),
        timezone: changed(before.timezone, form.timezone),
        start: changed(before.start, form.start),
        ..DraftEdit::default()
    }
}

fn changed<T: PartialEq + Copy>(before: Option<T>, now: Option<T>) -> FieldChange<T> {
    if now == before {
        return FieldChange::Keep;
    }
    now.map_or(FieldChange::Clear, FieldChange::Set)
}
