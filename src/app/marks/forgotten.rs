//! Whoever was forgotten keeps their counts, and gets no new words.

use crate::app::AppError;
use crate::domain::forgotten::is_forgotten;
use crate::domain::recipient::Mark;
use crate::store::person::PersonRow;

/// Refuses a note on somebody who was forgotten, as between the look for them and their mark: it may name them.
pub(in crate::app) fn refuse_words_on_forgotten(person: &PersonRow, mark: &Mark) -> Result<(), AppError> {
    let has_words = matches!(mark, Mark::Note(note) if !note.is_empty());
    if has_words && is_forgotten(person.phone_number.as_str()) {
        return Err(AppError::Refused(format!("{} was forgotten: nothing new is written about them", person.who())));
    }
    Ok(())
}
