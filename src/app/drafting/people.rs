//! The people of a draft, as whoever writes on it sees them.

use super::SavedDraft;
use crate::domain::message::Variables;
use crate::engine::variables;
use crate::import::Imported;
use crate::store::claim::Claimed;

/// A list that was taken into a draft, in place of whoever was in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenList {
    pub saved: SavedDraft,
    /// In the draft: those of the list, and those who were added by hand.
    pub people: i64,
    pub imported: Imported,
    /// Who of its people gets nothing, as it stands.
    pub left_out_since: i64,
}

/// Somebody in a draft, for a look at what they will read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftPerson {
    /// Their row in the list, where they are from one.
    pub row: Option<u64>,
    pub phone: String,
    pub name: Option<String>,
    pub variables: Variables,
}

impl DraftPerson {
    pub(super) fn of((row, person): (Option<u64>, Claimed)) -> Self {
        Self { row, phone: person.phone_number.to_string(), variables: variables(&person), name: person.name }
    }
}

impl TakenList {
    /// The first people of the list.
    pub fn first_people(&self) -> Vec<DraftPerson> {
        let people = self.imported.first.iter().map(|(row, person)| DraftPerson {
            row: Some(*row),
            phone: person.phone.to_string(),
            name: person.name.clone(),
            variables: person.variables.clone(),
        });
        people.collect()
    }
}

/// The columns that a message to these people may name.
pub fn variable_names(people: &[DraftPerson]) -> Vec<String> {
    let mut names: Vec<String> =
        people.iter().flat_map(|person| person.variables.iter()).map(|(name, _)| name.to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
