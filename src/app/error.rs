//! How a use case can fail, by exit code and by what the operator can do.

use std::fmt;

use super::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::text::default_keys;
use crate::import::ImportError;
use crate::store::StoreError;

/// So many places that are wrong are named.
const NAMED_MAX: usize = 20;

/// An error of a use case.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A rule or a state forbids it; nothing changed. Exit code 3. The sentence says what to do, and may mark keys
    /// ([`default_keys`]).
    #[error("{}", default_keys(.0))]
    Refused(String),
    /// The same of how a blast stands: once it is in another state, the sentence is over. Exit code 3.
    #[error("{}", default_keys(.why))]
    RefusedAsItStands { why: String, seen: SeenState },
    /// It has another version than was seen; nothing changed. Exit code 3.
    #[error("somebody changed this blast a moment ago: read it again, nothing was done")]
    Changed,
    /// Other people would get it than those who were shown; nothing changed. Exit code 3.
    #[error("{0}: check again, nothing was sent")]
    PeopleChanged(String),
    /// Others are still queued in it than those who were shown; nothing changed. Exit code 3.
    #[error("{0}: nothing was cancelled, look again")]
    QueuedChanged(String),
    /// Somebody else was quicker with a draft that is being written; nothing changed. Exit code 3.
    #[error("{0}: what was written is not saved")]
    Overtaken(DraftOvertaken),
    /// The input is invalid, such as a text that is not a phone number; nothing changed. Exit code 2.
    #[error("{0}")]
    Invalid(String),
    /// The same, with the places of the input that are wrong.
    #[error("{why}")]
    InvalidAt { why: String, places: Vec<InvalidPlace> },
    /// It could not be done, though no rule forbids it: somebody else's service did not answer, or refused. Exit code 1.
    #[error("{0}")]
    Failed(String),
    /// It took effect, and the work that follows from it was broken off: an engine finishes that. Exit code 1.
    #[error("{done}; what is left of it was broken off ({error}): an engine finishes it, or the same command")]
    Unfinished { done: &'static str, error: StoreError },
    /// It is done, and a read behind its commit failed: only what was to be answered is missing. Exit code 1. Done once more, it may be done
    /// twice.
    #[error("{done}; how it stands now could not be read ({error}): look before you do it again")]
    Unread { done: String, error: StoreError },
    /// A part of it is done, and the rest was broken off: the same command does that. Exit code 1.
    #[error("{done}, and the rest is not, since {}: look, then repeat it for the rest", cause_in_words(.error))]
    PartlyDone { done: String, error: Box<AppError> },
    /// There is no such blast, person or sender. Exit code 1.
    #[error("{0}")]
    NotFound(String),
    /// The same of something that a field of the input names; nothing changed. Exit code 1.
    #[error("{why}")]
    NotFoundIn { field: &'static str, why: String },
    /// Somebody was forgotten while people were read; nothing changed. The next try reads the others anew. Exit code 3.
    #[error("{}", ImportError::Forgotten)]
    ForgottenMeanwhile,
    /// A request with this idempotency key had its effect already; nothing changed.
    #[error("a request with this idempotency key had its effect already")]
    Repeated,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A blast in the state of which something was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenState {
    pub blast: BlastId,
    /// Its version when it was said: rows of an older one were read before it.
    pub version: i64,
    pub state: BlastState,
}

impl SeenState {
    pub const fn of(row: &BlastView) -> Self {
        Self { blast: row.id, version: row.version, state: row.state }
    }
}

/// What became of a draft while somebody wrote on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DraftOvertaken {
    Changed {
        by: String,
        /// It has this version now.
        version: i64,
    },
    Deleted {
        by: String,
    },
    /// Launched or cancelled: nothing more is written on it.
    Started {
        by: String,
        state: BlastState,
    },
}

impl fmt::Display for DraftOvertaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { by, .. } => write!(f, "{by} changed this draft meanwhile"),
            Self::Deleted { by } => write!(f, "{by} deleted this draft meanwhile"),
            Self::Started { by, state: BlastState::Cancelled } => write!(f, "{by} cancelled this blast meanwhile"),
            Self::Started { by, .. } => write!(f, "{by} launched this draft meanwhile"),
        }
    }
}

/// Where something in the input is wrong, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPlace {
    /// As programs spell it, such as `phone_number`.
    pub field: String,
    /// Of a list, from 1; in a file its header is the first.
    pub row: Option<u64>,
    pub why: String,
}

impl AppError {
    /// A refusal in other words; any other error as it is.
    #[must_use]
    pub fn reworded(self, words: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Refused(why) => Self::Refused(words(why)),
            Self::RefusedAsItStands { why, seen } => Self::RefusedAsItStands { why: words(why), seen },
            other => other,
        }
    }

    /// Invalid for one field of the input.
    pub(super) fn invalid(field: &str, why: impl Into<String>) -> Self {
        let why = why.into();
        Self::InvalidAt { places: vec![InvalidPlace { field: field.to_owned(), row: None, why: why.clone() }], why }
    }

    /// What one field of the input names is not there.
    pub(super) fn not_found_in(field: &'static str, why: impl Into<String>) -> Self {
        Self::NotFoundIn { field, why: why.into() }
    }

    /// Whoever its filter names changed since its people were shown.
    pub(super) fn found_others() -> Self {
        Self::PeopleChanged("its filter finds different people now".to_owned())
    }

    /// Invalid in all these places, of which the first 20 are named. There is at least one.
    pub(super) fn invalid_at(mut places: Vec<InvalidPlace>) -> Self {
        let more = places.len().saturating_sub(NAMED_MAX);
        places.truncate(NAMED_MAX);
        let said: Vec<_> = places.iter().map(|place| place.why.as_str()).collect();
        let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
        Self::InvalidAt { why: format!("{}{tail}", said.join("; ")), places }
    }
}

/// Says of an error that came after something took effect what that was.
pub(super) fn broken_off(done: &'static str) -> impl Fn(StoreError) -> AppError {
    move |error| match error {
        error if error.is_transient() => AppError::Unfinished { done, error },
        other => AppError::Store(other),
    }
}

/// Why the rest of something was not done: of what is refused since it changed, not that nothing was done.
fn cause_in_words(error: &AppError) -> String {
    match error {
        AppError::Changed => "somebody changed this blast meanwhile".to_owned(),
        other => other.to_string(),
    }
}

/// Says of an error of the database that came after an act was committed, and from reading alone, that the act is done.
pub fn unread_after(done: impl Into<String>) -> impl FnOnce(AppError) -> AppError {
    move |error| match error {
        AppError::Store(error) => AppError::Unread { done: done.into(), error },
        other => other,
    }
}

impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken() -> AppError {
        AppError::Store(StoreError::Unavailable(sqlx::Error::PoolTimedOut))
    }

    #[test]
    fn a_read_that_fails_behind_a_commit_says_that_the_act_is_done() {
        let unread = unread_after("it is launched")(broken());

        assert!(matches!(&unread, AppError::Unread { done, .. } if done == "it is launched"), "{unread:?}");
        let says = "it is launched; how it stands now could not be read (the database cannot be reached: ";
        assert!(unread.to_string().starts_with(says), "{unread}");
    }

    #[test]
    fn of_what_is_partly_done_nothing_says_that_nothing_was() {
        let partly = |error| AppError::PartlyDone { done: "Raya: 1,000 people are queued again".to_owned(), error };

        let changed = partly(Box::new(AppError::Changed)).to_string();
        let away = partly(Box::new(broken())).to_string();

        let says = "Raya: 1,000 people are queued again, and the rest is not, since ";
        let rest = ": look, then repeat it for the rest";
        assert_eq!(changed, format!("{says}somebody changed this blast meanwhile{rest}"));
        assert!(away.starts_with(&format!("{says}the database cannot be reached: ")) && away.ends_with(rest), "{away}");
    }

    #[test]
    fn what_was_said_to_be_done_first_stays_and_a_refusal_is_one() {
        let twice = unread_after("order 3 is written")(unread_after("it is launched")(broken()));
        let refused = unread_after("it is launched")(AppError::Refused("it is deleted".to_owned()));

        assert!(matches!(twice, AppError::Unread { done, .. } if done == "it is launched"));
        assert!(matches!(refused, AppError::Refused(_)));
    }
}
