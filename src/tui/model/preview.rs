//! The person whom keys are about, in full beside the table on large screens.

use super::{Model, Pane};
use crate::app::view::{RecipientDetails, RecipientRow};
use crate::domain::ids::RecipientId;
use crate::tui::layout::Layout;

impl Model {
    /// Whom the pane is about: the person of the activity's line while that has the focus, else the one in the table.
    pub fn preview_target(&self) -> Option<RecipientId> {
        if self.focus == Pane::Activity {
            return self.activity.person().map(|row| row.id);
        }
        self.recipients.cursor()
    }

    /// Whether the person stands beside the table.
    pub fn shows_preview(&self) -> bool {
        match self.layout() {
            Layout::Large { .. } => true,
            layout => self.focus == Pane::Recipients && layout.zoomed_people().is_some(),
        }
    }

    /// What is known of that person.
    pub fn previewed(&self) -> Option<&RecipientDetails> {
        let target = self.preview_target()?;
        self.preview.as_deref().filter(|details| details.row.id == target)
    }

    /// The person to be read: shown beside the table, and not known as they are in the list.
    pub fn to_preview(&self) -> Option<&RecipientRow> {
        let listed = self.person().filter(|_| self.shows_preview() && self.overlays.is_empty())?;
        let known = self.previewed().is_some_and(|details| details.row == *listed);
        (!known).then_some(listed)
    }
}
