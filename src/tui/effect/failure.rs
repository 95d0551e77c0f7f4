//! Why something that the dashboard wanted was not done, or not read.

use crate::app::{AppError, DraftOvertaken, SeenState, StoreError};
use crate::domain::text::{clean, without_details};
use crate::tui::keymap::Keymap;

/// Why an effect failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectError {
    /// The database does not respond; the header says since when.
    Unavailable,
    /// It did not say whether it kept a change, or not in time: it may or may not have been saved.
    Unconfirmed,
    /// It is done, and how things stand now could not be read.
    Unread,
    /// A list of people that was read, but not taken: other columns of it may do.
    List(String),
    /// Somebody else was quicker with the draft that is written.
    Overtaken(DraftOvertaken),
    /// Refused, by a sentence of how a blast stands.
    AsItStands { why: String, seen: SeenState },
    /// Anything else, in a sentence.
    Other(String),
}

impl From<AppError> for EffectError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Store(store @ StoreError::Refusing(_)) => Self::Other(refused(&store)),
            AppError::Store(StoreError::Unconfirmed(_)) => Self::Unconfirmed,
            AppError::Unread { .. } => Self::Unread,
            AppError::Store(store) if store.is_transient() => Self::Unavailable,
            AppError::Refused(why) => Self::Other(why),
            AppError::RefusedAsItStands { why, seen } => Self::AsItStands { why, seen },
            AppError::Overtaken(overtaken) => Self::Overtaken(overtaken),
            other => Self::Other(other.to_string()),
        }
    }
}

/// A database that responds, but takes no writes.
fn refused(error: &StoreError) -> String {
    let why = error.trouble().map_or_else(String::new, |why| format!("{}: {}; ", why.words(), why.mend()));
    format!("{why}nothing was changed")
}

impl EffectError {
    /// The state of a blast that the sentence is about.
    pub const fn seen(&self) -> Option<SeenState> {
        match self {
            Self::AsItStands { seen, .. } => Some(*seen),
            _ => None,
        }
    }

    /// With the keys as this operator has them.
    pub fn sentence(&self, keys: &Keymap) -> String {
        match self {
            Self::Unavailable => "the database does not answer: nothing was changed".to_owned(),
            Self::Unconfirmed => {
                "the database did not confirm that: it may or may not have been saved, so look before you do it again"
                    .to_owned()
            }
            Self::Unread => {
                "that is done; how it stands now could not be read, so look before you repeat it".to_owned()
            }
            Self::Overtaken(overtaken) => {
                format!("{}: what you wrote is not saved; esc asks what becomes of it", clean(&overtaken.to_string()))
            }
            Self::List(sentence) | Self::Other(sentence) | Self::AsItStands { why: sentence, .. } => {
                keys.in_sentence(&without_details(sentence), &[])
            }
        }
    }
}

pub type EffectResult<T> = Result<T, EffectError>;
