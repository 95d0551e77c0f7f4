//! The questions of the last line but one: find, an amount, a note, yes or a number.

use rust_decimal::Decimal;

use crate::app::view::ElsewhereRow;
use crate::domain::ids::{BlastId, RecipientId};
use crate::tui::effect::WriteRequest;
use crate::tui::model::people::ListScope;
use crate::tui::widget::TextField;

/// What is being asked. While it is open, keys go to it first.
#[derive(Debug, Clone, PartialEq)]
pub enum Prompt {
    Find(FindPrompt),
    Amount(AmountPrompt),
    Note(NotePrompt),
    Confirm(ConfirmPrompt),
    /// Why there is no field for the digits that are being typed.
    Refused(String),
}

/// `/`: the table follows what is typed.
#[derive(Debug, Clone, PartialEq)]
pub struct FindPrompt {
    pub field: TextField,
    /// What is wrong with the words, if they cannot be understood.
    pub trouble: Option<String>,
    /// The list to go back to when it is left.
    pub before: Box<ListScope>,
    /// Who was chosen in it.
    pub person: Option<RecipientId>,
    /// The same text in every blast, once it was looked up.
    pub elsewhere: Option<Vec<ElsewhereRow>>,
    /// The newest question's ticket; answers to older ones are dropped.
    pub ticket: u64,
}

/// After `c`: the person is closed already, an amount may follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmountPrompt {
    pub person: RecipientId,
    pub who: String,
    pub field: TextField,
    pub sale: Sale,
    /// What was typed is not an amount.
    pub trouble: Option<&'static str>,
}

/// The sale that an amount is typed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sale {
    /// Closed by the key that opened the field.
    New,
    /// Closed earlier, with this amount by what the screen showed.
    Earlier(Option<Decimal>),
}

/// `e`: the note being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotePrompt {
    pub person: RecipientId,
    pub who: String,
    pub field: TextField,
}

/// A question before something that cannot simply be taken back.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfirmPrompt {
    pub question: String,
    pub needs: ConfirmBy,
    /// What is done when the answer is right.
    pub then: Vec<WriteRequest>,
    /// Said when it is not.
    pub otherwise: String,
}

/// What counts as yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfirmBy {
    /// `y`; all else is no.
    Yes,
    /// This number of people, typed, and enter.
    Number { people: i64, field: TextField },
    /// The same, once the blast is paused and the number stands still; what is typed meanwhile is kept.
    Pause { blast: BlastId, field: TextField },
}
