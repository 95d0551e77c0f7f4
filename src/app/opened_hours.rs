//! A started blast whose new hours let it send at once: it waits a moment first, and can be given its former hours back until then.

use serde::{Deserialize, Serialize};

use super::undo::UndoOutcome;
use super::{App, AppError, DraftEdit};
use crate::domain::blast::blast_name;
use crate::domain::field_change::FieldChange;
use crate::domain::ids::BlastId;
use crate::domain::pace::UnreadableLimit;
use crate::store::action::{self, LoggedAction};
use crate::store::blast;
use crate::store::draft::{self, DraftChange};
use crate::store::view::BlastRow;
use crate::store::{self, DbTransaction};
use sqlx::PgConnection;

/// The hours and weekdays that a blast had before, as they are logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FormerHours {
    window: Option<String>,
    weekdays: Option<String>,
}

impl FormerHours {
    /// Of an edit that had a blast wait a moment before it sends.
    pub fn of(act: &LoggedAction) -> Option<Self> {
        serde_json::from_value(act.detail.get("former")?.clone()).ok()
    }

    /// As an edit that gives them back.
    fn back(self) -> DraftChange {
        let change = |text: Option<String>| text.map_or(FieldChange::Clear, FieldChange::Set);
        DraftChange { window: change(self.window), weekdays: change(self.weekdays), ..DraftChange::default() }
    }
}

impl App {
    /// The hours of a blast that may send at once by an edit, and does not by those. `None` for any other edit.
    pub(super) async fn opened(
        &self,
        tx: &mut PgConnection,
        row: &BlastRow,
        edit: &DraftEdit,
    ) -> Result<Option<FormerHours>, AppError> {
        let now = store::moment(tx).await?;
        let zone = self.known_zone_by(row.sender_id, &row.limits);
        if !edit.opens((row.state, &row.limits), zone, now) {
            return Ok(None);
        }
        Ok(Some(FormerHours { window: text(row.limits.hours.as_ref()), weekdays: text(row.limits.weekdays.as_ref()) }))
    }

    /// Gives a blast its former hours back: nothing has been sent since.
    pub(super) async fn close_hours(
        &self,
        mut tx: DbTransaction,
        (act, blast): (&LoggedAction, BlastId),
        former: FormerHours,
    ) -> Result<UndoOutcome, AppError> {
        draft::lock(&mut tx, blast).await?;
        let head = self.not_begun(&mut tx, blast).await?;
        super::commands::raced(draft::change(&mut tx, blast, head.version, former.back()).await?)?;
        blast::disarm_all(&mut tx, &head).await?;
        action::mark_undone(&mut tx, &[act.id], self.operator()).await?;
        tx.commit().await?;
        self.notify(blast).await?;
        Ok(UndoOutcome {
            recipients: Vec::new(),
            sentence: format!(
                "{} waits for its hours again: nothing was sent",
                blast_name(&head.blast_tag, &head.follow_up_stage)
            ),
            still_suppressed: Vec::new(),
            command_lines: Vec::new(),
        })
    }
}

/// A limit that can be read, as it is stored.
fn text<T: ToString>(limit: Option<&Result<T, UnreadableLimit>>) -> Option<String> {
    limit.and_then(|limit| limit.as_ref().ok()).map(ToString::to_string)
}
