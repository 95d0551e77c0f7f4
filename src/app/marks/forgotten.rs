//! Whoever was forgotten keeps their counts, and gets no new words.

use crate::app::{App, AppError};
use crate::domain::forgotten::is_forgotten;
use crate::domain::ids::RecipientId;
use crate::domain::recipient::Mark;
use crate::store::DbTransaction;
use crate::store::person::PersonRow;

impl App {
    /// Words about somebody may name them: they wait for whoever is being forgotten. What has none counts on whoever stands for them, and asks
    /// a far server for no more than it needs.
    pub(super) async fn begin_marks(&self, recipient: RecipientId, marks: &[Mark]) -> Result<DbTransaction, AppError> {
        let has_words = marks.iter().any(|mark| matches!(mark, Mark::Note(_)));
        if has_words { self.begin_about_people(&[recipient]).await } else { self.begin().await }
    }
}

/// Refuses a note on somebody who was forgotten, as between the look for them and their mark: it may name them.
pub(in crate::app) fn refuse_words_on_forgotten(person: &PersonRow, mark: &Mark) -> Result<(), AppError> {
    let has_words = matches!(mark, Mark::Note(note) if !note.is_empty());
    if has_words && is_forgotten(person.phone_number.as_str()) {
        return Err(AppError::Refused(format!("{} was forgotten: nothing new is written about them", person.who())));
    }
    Ok(())
}
