//! Values of a template that a column of the list takes the place of.

use crate::app::{App, AppError};
use crate::domain::blast::BlastState;
use crate::domain::content::BlastContent;
use crate::domain::text::clean;
use crate::store::draft;
use crate::store::view::BlastRow;

impl App {
    /// Which values, that were given for everybody, somebody's own column comes before: a sentence for each. Of a draft alone, which can
    /// still be changed: where nobody has such a column, everybody is looked at.
    pub(super) async fn overridden_values(&self, row: &BlastRow) -> Result<Vec<String>, AppError> {
        if row.state != BlastState::Draft {
            return Ok(Vec::new());
        }
        let Ok(BlastContent::Template(template)) = BlastContent::parse(&row.message, row.template.as_ref()) else {
            return Ok(Vec::new());
        };
        let mut tx = self.begin().await?;
        let mut notes = Vec::new();
        for (key, value) in template.values_with_columns() {
            if draft::has_values(&mut tx, row.id, &key).await? {
                let (key, value) = (clean(&key), clean(&value));
                notes.push(format!("{{{{{key}}}}}: the list's column {key} comes before the value {value}"));
            }
        }
        tx.rollback().await?;
        Ok(notes)
    }
}
