//! What became of a mark: the statuses before and after, or why it was not written.

use super::gone;
use crate::app::AppError;
use crate::domain::recipient::Mark;
use crate::domain::status::Status;
use crate::store::evidence::EntryOutcome;
use crate::store::person::PersonRow;

/// Whether it opts somebody out who has an opt-out on record that was lifted since: they are suppressed again.
pub(super) fn is_said_anew(person: &PersonRow, mark: &Mark) -> bool {
    *mark == Mark::OptOut && !person.is_suppressed
}

/// [`outcome`], where an opt-out that was lifted may be said anew.
pub(in crate::app) fn outcome_of_mark(
    settled: Option<&EntryOutcome>,
    person: &PersonRow,
    mark: &Mark,
) -> Result<(Status, Status), AppError> {
    match settled {
        Some(EntryOutcome::Nothing) if is_said_anew(person, mark) => Ok((person.status, person.status)),
        settled => outcome(settled, person),
    }
}

/// A status that somebody has, as in `has replied already`.
fn reached(status: Status) -> String {
    match status {
        Status::Replied => "has replied".to_owned(),
        Status::OptedOut => "has opted out".to_owned(),
        status => format!("is {status}"),
    }
}

/// The status before and after; a refusal as an error.
pub(in crate::app) fn outcome(
    settled: Option<&EntryOutcome>,
    person: &PersonRow,
) -> Result<(Status, Status), AppError> {
    match settled {
        Some(EntryOutcome::Changed { before, after }) => Ok((*before, *after)),
        Some(EntryOutcome::Refused(why)) => Err(AppError::Refused(format!("{}: {why}", person.who()))),
        Some(EntryOutcome::Nothing) => {
            Err(AppError::Refused(format!("{} {} already: nothing changed", person.who(), reached(person.status))))
        }
        Some(EntryOutcome::Locked) => {
            Err(AppError::Refused(format!("{} is being changed by somebody else: try again", person.who())))
        }
        Some(EntryOutcome::Gone) | None => Err(gone()),
    }
}
