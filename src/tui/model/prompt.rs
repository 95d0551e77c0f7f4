//! The questions of the last line but one: find, a filter of the blasts, an amount, a note, yes or a number.

use rust_decimal::Decimal;

use crate::app::view::{BlastView, ElsewhereRow, RowPosition, Total};
use crate::domain::amount;
use crate::domain::ids::{BlastId, RecipientId};
use crate::tui::effect::WriteRequest;
use crate::tui::model::NarrowedBlasts;
use crate::tui::model::customer::ItemsPrompt;
use crate::tui::model::recipients::ListScope;
use crate::tui::widget::TextField;

/// What the operator is being asked. While it is open, keys go to it first.
#[derive(Debug, Clone, PartialEq)]
pub enum Prompt {
    Find(FindPrompt),
    BlastFilter(BlastFilterPrompt),
    Amount(AmountPrompt),
    Note(NotePrompt),
    Items(ItemsPrompt),
    OwnNumber(OwnNumberPrompt),
    Pace(PacePrompt),
    Confirm(ConfirmPrompt),
    /// Why there is no field for what is being typed.
    Refused(RefusedPrompt),
}

/// Takes what is still typed for a field that is gone, so that none of it is a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedPrompt {
    pub why: String,
    pub takes: RefusedKeys,
    /// Whom it was about, if anybody.
    pub of: Option<RecipientId>,
    /// What was typed for it.
    pub typed: TextField,
}

/// Which keys are for the field that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedKeys {
    /// There never was a field: letters are keys.
    Digits,
    /// It was on the screen: letters are typed too, such as a currency's.
    Text,
    /// The same of a sale's amount, which is said again: it is lost otherwise.
    Amount,
}

/// `/`: the table follows what is typed.
#[derive(Debug, Clone, PartialEq)]
pub struct FindPrompt {
    pub field: TextField,
    /// Why the text is not a filter, if it is not.
    pub trouble: Option<String>,
    /// The list to return to.
    pub before: Box<ListScope>,
    /// The cursor in that list.
    pub person: Option<RowPosition>,
    /// How many match what was typed in any way, where those are shown whose number ends in it.
    pub wider: Option<Total>,
    /// Who matches in every blast, once that is read.
    pub elsewhere: Option<Vec<ElsewhereRow>>,
    /// `tab` was pressed before that: it opens once it is read, and the keys after it wait.
    pub wants_elsewhere: bool,
    /// It was typed for a blast: the only person who is found in any is gone to at once.
    pub goes_there: bool,
    /// The newest request's ticket; completions of older ones are dropped.
    pub ticket: u64,
}

/// `/` among the blasts: the list follows what is typed, the cursor once it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlastFilterPrompt {
    pub field: TextField,
    /// Why the text is not a filter, if it is not.
    pub trouble: Option<String>,
    /// The filter to return to.
    pub before: Option<NarrowedBlasts>,
}

/// After `c`: the person is closed already, an amount may follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmountPrompt {
    pub person: RecipientId,
    pub who: String,
    pub field: TextField,
    pub sale: PricedSale,
    /// Why what was typed is not an amount.
    pub trouble: Option<String>,
}

impl AmountPrompt {
    /// Whether what was typed was refused: nothing is added to it.
    pub const fn is_refused(&self) -> bool {
        self.trouble.is_some() && !self.field.is_empty()
    }

    /// Whether what was typed is an amount, or nothing was typed.
    pub fn can_be_kept(&self, currency: &str) -> bool {
        self.field.is_empty() || amount::parse_with_currency(&self.field.text(), currency).is_ok()
    }

    /// Whether a currency was typed before the digits: whoever types it reads it once.
    pub fn names_currency(&self) -> bool {
        self.field.text().starts_with(|c: char| c.is_alphabetic() || c == '$')
    }
}

/// The sale that an amount is typed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PricedSale {
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
    /// The note as it was when this opened.
    pub seen: String,
    pub field: TextField,
}

/// `M` on a plan, where no number of the operator's own is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnNumberPrompt {
    pub blast: BlastId,
    /// As its words were shown.
    pub version: i64,
    /// Whose message it is, of those in the samples.
    pub person: RecipientId,
    pub field: TextField,
    /// Why what was typed is not taken.
    pub trouble: Option<String>,
}

/// `e` on a blast that has started: its hours and its pace, one of which is in sight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacePrompt {
    /// As it was when this opened: what somebody else changed since is not undone by it.
    pub seen: Box<BlastView>,
    pub name: String,
    pub line: PaceLine,
    pub hours: TextField,
    pub pace: TextField,
    /// Why what was typed is not taken.
    pub trouble: Option<String>,
}

/// Which of both is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaceLine {
    Hours,
    Pace,
}

impl PaceLine {
    pub const fn other(self) -> Self {
        match self {
            Self::Hours => Self::Pace,
            Self::Pace => Self::Hours,
        }
    }
}

impl PacePrompt {
    pub const fn field(&self) -> &TextField {
        match self.line {
            PaceLine::Hours => &self.hours,
            PaceLine::Pace => &self.pace,
        }
    }

    pub const fn field_mut(&mut self) -> &mut TextField {
        match self.line {
            PaceLine::Hours => &mut self.hours,
            PaceLine::Pace => &mut self.pace,
        }
    }
}

/// A question before something that a key cannot undo.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfirmPrompt {
    pub question: String,
    pub by: ConfirmBy,
    /// What is done when the answer is right.
    pub then: Vec<WriteRequest>,
    /// Said when it is not.
    pub otherwise: String,
}

impl ConfirmPrompt {
    /// The question as it is shown: once another number was typed, with that before it.
    pub fn shown(&self) -> String {
        match &self.by {
            ConfirmBy::Number { refused: Some(refused), .. } => format!("{refused}: {}", self.question),
            _ => self.question.clone(),
        }
    }
}

/// What counts as yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfirmBy {
    /// `y`; all else is no.
    Yes,
    /// The same, and then the number of people is asked for: the blast is paused first, so that it stands still.
    YesThenNumber(BlastId),
    /// This number of people, typed, and enter. After another number, `refused` says so, and it is asked for again.
    Number { people: i64, field: TextField, refused: Option<String> },
    /// The same, once the blast is paused and the number stands still; what is typed until then is kept.
    NumberOncePaused { blast: BlastId, field: TextField },
}

impl ConfirmBy {
    /// This number of people, nothing of it typed yet.
    pub fn number(people: i64) -> Self {
        Self::Number { people, field: TextField::default(), refused: None }
    }
}
