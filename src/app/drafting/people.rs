//! The people of a draft, as whoever writes on it sees them.

use sqlx::PgConnection;

use super::{OpenedDraft, SavedDraft};
use crate::app::{App, AppError};
use crate::domain::ids::BlastId;
use crate::domain::message::Variables;
use crate::domain::rejected_rows::RejectedRows;
use crate::engine::variables;
use crate::import::Imported;
use crate::store::draft::{self, RecipientValues};

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

/// Who came into a draft of a table, and who went out of it, by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ByHand {
    pub added: i64,
    /// Since its list was read: those of before are among the rows that were left out.
    pub taken_out: i64,
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

impl App {
    /// Reads a draft to write on it, with whom its filter finds by now: its plan would put them into it as well.
    pub async fn open_draft_as_found(&self, id: BlastId) -> Result<OpenedDraft, AppError> {
        // One whose filter cannot be read any more is opened all the same, and its plan says why.
        if let Err(error) = Box::pin(self.renew_audience(id)).await {
            tracing::warn!(%error, blast = id.0, "the people of a draft could not be found anew");
        }
        self.open_draft(id).await
    }
}

impl ByHand {
    /// Whoever is of no row was added, where there are rows.
    pub(super) async fn of(tx: &mut PgConnection, id: BlastId, list: Option<&RejectedRows>) -> Result<Self, AppError> {
        let Some(list) = list.filter(|list| list.columns.is_some()) else { return Ok(Self::default()) };
        Ok(Self { added: draft::without_row(tx, id).await?, taken_out: list.taken_out_since() })
    }
}

impl DraftPerson {
    pub(super) fn of((row, person): (Option<u64>, RecipientValues)) -> Self {
        let RecipientValues { phone_number, name, variables: columns, .. } = person;
        let variables = variables(name.as_deref(), columns.as_ref());
        Self { row, phone: phone_number.to_string(), variables, name }
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
