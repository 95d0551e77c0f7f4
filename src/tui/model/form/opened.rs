//! The form of a draft that was saved before.

use super::{BlastForm, FormLine, FormLog};
use crate::app::OpenedDraft;
use crate::domain::list_columns::ListColumns;

impl BlastForm {
    /// A draft that was saved before, at what it says once it has all its people.
    pub fn of(opened: OpenedDraft, sends_templates: bool) -> Self {
        let left_out = opened.left_out.unwrap_or_default();
        let is_listed = opened.people > 0 && left_out.total == 0;
        let content = if sends_templates { FormLine::Template } else { FormLine::Message };
        Self {
            draft: Some(opened.at),
            state: opened.state,
            log: FormLog { opened: Some(opened.form.clone()), ..FormLog::default() },
            values: opened.form,
            people: opened.people,
            by_hand: opened.by_hand,
            left_out_since: opened.left_out_since,
            first_people: opened.first_people,
            unfinished: opened.unfinished,
            columns: left_out.columns.as_deref().map(ListColumns::again).unwrap_or_default(),
            read_columns: left_out.columns.as_deref().cloned(),
            mends: left_out.mends.clone(),
            left_out,
            line: if is_listed { content } else { FormLine::People },
            ..Self::new(String::new())
        }
    }
}
