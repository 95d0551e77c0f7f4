//! The form of a draft that was saved before.

use super::{BlastForm, FormLine, FormLog};
use crate::app::OpenedDraft;
use crate::domain::ids::BlastId;
use crate::domain::list_columns::ListColumns;
use crate::tui::action::KeyScope;

/// A draft that a key asked for, and that is not here yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedDraft {
    /// The draft; of a copy that is still being made, the blast that it is made of.
    pub id: BlastId,
    /// Where the key was pressed: it opens there, and nowhere else.
    pub scopes: &'static [KeyScope],
    /// What is said of a copy once it is open.
    pub words: Option<String>,
}

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
