//! The person under the cursor, in full beside the table on large screens.

use super::Model;
use crate::app::view::{RecipientDetails, RecipientRow};
use crate::tui::layout::Layout;

impl Model {
    /// What is known of the person under the cursor.
    pub fn previewed(&self) -> Option<&RecipientDetails> {
        let cursor = self.recipients.cursor()?;
        self.preview.as_deref().filter(|details| details.row.id == cursor)
    }

    /// The person to be read: shown beside the table, and not known as they are in the list.
    pub fn to_preview(&self) -> Option<&RecipientRow> {
        let is_shown = matches!(self.layout(), Layout::Large { .. }) && self.overlays.is_empty();
        let listed = &self.recipients.at_cursor().filter(|_| is_shown)?.row;
        let known = self.previewed().is_some_and(|details| details.row == *listed);
        (!known).then_some(listed)
    }
}
