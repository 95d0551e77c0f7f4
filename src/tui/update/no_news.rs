//! Reads that say nothing new. They are neither applied nor drawn.

use super::plan;
use crate::app::DatabaseState;
use crate::app::view::{ActivityHead, RecipientRow};
use crate::tui::effect::{Completion, ListPart};
use crate::tui::model::{Model, Overlay, is_going_out};

/// Whether the model has all of it already, of those reads that are made again and again.
pub fn is_known(model: &Model, completion: &Completion) -> bool {
    match completion {
        Completion::Blasts(Ok(rows)) => {
            let follows = model.blast().map(|blast| blast.id) == model.recipients.blast;
            // Of a blast that is being sent, also that nothing has gone out since is news: its speed falls.
            let is_measured = rows.iter().any(|blast| is_going_out(blast, model.now));
            // What could not be read is read again with them.
            let is_whole = !model.recipients.is_unread && model.unread.is_empty();
            let is_current = follows && !is_measured && !plan::is_old(model) && is_whole;
            is_current && model.database == DatabaseState::Up && model.blasts.has(rows)
        }
        Completion::Senders(Ok(senders)) => model.knows_senders && model.senders == *senders,
        Completion::List { ticket, part: ListPart::Reload, rows: Ok(rows), .. } => {
            let people = &model.recipients;
            // Keys that wait for a list are released by any.
            let is_shown = people.awaiting.is_none() && !people.is_unread && people.is_list(rows);
            *ticket == people.ticket && model.held.is_empty() && is_shown
        }
        Completion::Rows(Ok(rows)) => rows.iter().all(|row| is_shown(model, row)),
        Completion::ActivityHead(Ok(head)) => is_read(model, head),
        Completion::FollowUp(Ok(preview)) => matches!(
            model.overlays.last(), Some(Overlay::FollowUp(page)) if page.loaded.as_ref() == Some(preview)
        ),
        Completion::FoundFollowUp(Ok(preview)) => matches!(
            model.overlays.last(), Some(Overlay::FollowFound(page)) if page.loaded.as_ref() == Some(preview)
        ),
        Completion::Others(Ok(others)) => model.presence.others == *others,
        _ => false,
    }
}

/// Whether somebody's row is the one on the screen, in whichever list they are.
fn is_shown(model: &Model, row: &RecipientRow) -> bool {
    model.recipients.get(row.id).is_none_or(|person| person.row == *row) && model.activity.has(row)
}

/// Whether the head is known and so is what it announces.
fn is_read(model: &Model, head: &ActivityHead) -> bool {
    !model.activity.has_unrecorded()
        && model.activity.head.as_ref() == Some(head)
        && head.newest <= model.activity.newest()
}
