//! An act on several people is taken back on all of them but those whom it is too late for: they would hold up the others, some of
//! whom may be about to get a message.

use sqlx::PgConnection;

use super::{Undo, UndoOutcome};
use crate::app::AppError;
use crate::app::marks::{gone, person_of};
use crate::domain::act::Act;
use crate::domain::ids::{ActionId, RecipientId};
use crate::store::action::{self, LoggedAction};

/// Whom an undo left as they are.
#[derive(Debug, Default)]
pub(super) struct LeftAsTheyAre {
    people: usize,
    /// Why, of the first of them.
    why: String,
}

impl LeftAsTheyAre {
    pub(super) fn of(refused: &[String]) -> Self {
        Self { people: refused.len(), why: refused.first().cloned().unwrap_or_default() }
    }

    /// The outcome, which says of them as well.
    pub(super) fn beside(self, outcome: UndoOutcome) -> UndoOutcome {
        let Self { people: count, why } = self;
        let left = match count {
            0 => return outcome,
            1 => format!("1 not: {why}"),
            _ => format!("{count} not, the first: {why}"),
        };
        UndoOutcome { sentence: format!("{}; {left}", outcome.sentence), ..outcome }
    }
}

/// The acts on those of whom nobody has a newer mark.
///
/// # Errors
/// [`AppError::Refused`] where none is left: the newer marks have to be undone first.
pub(super) async fn unchanged_since(
    tx: &mut PgConnection,
    acts: Vec<LoggedAction>,
) -> Result<(Vec<LoggedAction>, LeftAsTheyAre), AppError> {
    let ids: Vec<RecipientId> = acts.iter().filter_map(|act| act.recipient_id).collect();
    let newest = action::newest_on_each(&mut *tx, &ids).await?;
    let newer: Vec<_> = newest.into_iter().filter(|newest| acts.iter().all(|act| act.id != newest.id)).collect();
    let Some(first) = newer.first() else { return Ok((acts, LeftAsTheyAre::default())) };
    let person = person_of(tx, first.recipient_id.ok_or_else(gone)?).await?;
    let why = format!("{} was changed since, by {}", person.who(), first.operator);
    let has_newer = |act: &LoggedAction| newer.iter().any(|newer| newer.recipient_id == act.recipient_id);
    let kept: Vec<_> = acts.into_iter().filter(|act| !has_newer(act)).collect();
    if kept.is_empty() {
        return Err(AppError::Refused(format!("{why}: ⟨U⟩ takes that back first")));
    }
    Ok((kept, LeftAsTheyAre { people: newer.len(), why }))
}

/// Whether somebody whom it is too late for holds up nobody else: what was suppressed is lifted for all, or for none.
pub(super) fn may_be_partly(undos: &[Undo]) -> bool {
    undos.len() > 1 && undos.iter().all(|undo| undo.act.action != Act::OptOut)
}

/// The acts of those who were left as they are can still be taken back.
pub(super) async fn keep(tx: &mut PgConnection, acts: &[ActionId]) -> Result<(), AppError> {
    if !acts.is_empty() {
        action::mark_done_still(tx, acts).await?;
    }
    Ok(())
}
