//! A started blast whose new hours let it send at once: it waits a moment first, and can be given its former hours back until somebody of
//! it is sent to.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::launching::Counted;
use super::undo::{UndoOutcome, has_armed};
use super::{App, AppError, DraftEdit};
use crate::domain::act::Act;
use crate::domain::blast::BlastCommand;
use crate::domain::field_change::FieldChange;
use crate::domain::ids::BlastId;
use crate::domain::pace::{LimitColumns, UnreadableLimit};
use crate::store::action::{self, LoggedAction};
use crate::store::blast::{self, BlastHead};
use crate::store::draft::{self, DraftChange};
use crate::store::view::BlastRow;
use crate::store::{self, DbTransaction};
use sqlx::PgConnection;

/// The hours and weekdays of a blast, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredHours {
    window: Option<String>,
    weekdays: Option<String>,
}

impl StoredHours {
    fn of(limits: &LimitColumns) -> Self {
        Self { window: text(limits.hours.as_ref()), weekdays: text(limits.weekdays.as_ref()) }
    }
}

/// What an edit that had a blast wait a moment before it sends made of its hours, as it is logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OpenedHours {
    former: StoredHours,
    opened: StoredHours,
}

impl OpenedHours {
    pub fn of(act: &LoggedAction) -> Option<Self> {
        serde_json::from_value(act.detail.get("hours")?.clone()).ok()
    }

    /// As an edit that gives the former ones back.
    fn back(self) -> DraftChange {
        let change = |text: Option<String>| text.map_or(FieldChange::Clear, FieldChange::Set);
        let StoredHours { window, weekdays } = self.former;
        DraftChange { window: change(window), weekdays: change(weekdays), ..DraftChange::default() }
    }

    /// The same for a shell, where there are no seconds in which an undo would give them back.
    fn command_line(&self, blast: BlastId) -> String {
        let fields = [
            ("window", &self.former.window, &self.opened.window),
            ("weekdays", &self.former.weekdays, &self.opened.weekdays),
        ];
        let changed = || fields.iter().filter(|(_, former, opened)| former != opened);
        let set = changed().filter_map(|(name, former, _)| Some(format!(" --{name} {}", former.as_ref()?)));
        let set = set.collect::<Vec<_>>().concat();
        let cleared: Vec<_> = changed().filter(|(_, former, _)| former.is_none()).map(|(name, ..)| *name).collect();
        let clear = if cleared.is_empty() { String::new() } else { format!(" --clear {}", cleared.join(",")) };
        format!("blastdeck blast edit {blast}{set}{clear}")
    }
}

impl App {
    /// The hours of a blast that may send at once by an edit, and does not by those. `None` for any other edit. Refused where more people
    /// are queued than were confirmed.
    pub(super) async fn opened(
        &self,
        tx: &mut PgConnection,
        row: &BlastRow,
        edit: &DraftEdit,
        shown: Option<i64>,
    ) -> Result<Option<OpenedHours>, AppError> {
        let now = store::moment(tx).await?;
        let zone = self.known_zone_by(row.sender_id, &row.limits);
        if !edit.opens((row.state, &row.limits), zone, now) {
            return Ok(None);
        }
        if let Some(shown) = shown {
            Counted::AtMost.check(row.counts.queued, shown)?;
        }
        let (former, opened) = (StoredHours::of(&row.limits), StoredHours::of(&edit.limits_after(&row.limits)));
        Ok(Some(OpenedHours { former, opened }))
    }

    /// A pause in the moment before a blast sends by its new hours takes those back as well, unless somebody has given it others meanwhile.
    pub(super) async fn put_back_hours(&self, tx: &mut PgConnection, head: &BlastHead) -> Result<(), AppError> {
        let now = store::moment(&mut *tx).await?;
        if head.send_after.is_none_or(|after| after <= now) {
            return Ok(());
        }
        // Something later may have it wait: of an older change of its hours there is nothing to take back.
        let start = action::newest_start(tx, head.id).await?.filter(|act| has_armed(act, head));
        let Some(hours) = start.as_ref().and_then(OpenedHours::of) else { return Ok(()) };
        let row = self.blast_row_in(&mut *tx, head.id).await?;
        if StoredHours::of(&row.limits) == hours.opened {
            super::commands::require_unraced(draft::change(tx, head.id, row.version, hours.back()).await?)?;
        }
        Ok(())
    }

    /// Gives a blast its former hours back: nothing has been sent since. Where somebody has given it others meanwhile, it is paused and those stay.
    pub(super) async fn close_hours(
        &self,
        mut tx: DbTransaction,
        (act, blast): (&LoggedAction, BlastId),
        hours: OpenedHours,
    ) -> Result<UndoOutcome, AppError> {
        // The lease before the blast's row, as claims and takeovers have it.
        let head = self.require_not_begun(&mut tx, blast).await?;
        draft::lock(&mut tx, blast).await?;
        let limits = self.blast_row_in(&mut *tx, blast).await?.limits;
        if StoredHours::of(&limits) != hours.opened {
            return self.pause_instead(tx, act, &head).await;
        }
        let command_lines = vec![hours.command_line(blast)];
        super::commands::require_unraced(draft::change(&mut tx, blast, head.version, hours.back()).await?)?;
        blast::disarm(&mut tx, head.id).await?;
        action::mark_undone(&mut tx, &[act.id], self.operator()).await?;
        let name = blast::distinct_name(&mut tx, &head).await?;
        tx.commit().await?;
        self.notify(blast).await;
        Ok(UndoOutcome {
            recipients: Vec::new(),
            sentence: format!("{name} waits for its hours again: nothing was sent"),
            still_suppressed: Vec::new(),
            command_lines,
        })
    }

    /// The start is stopped, and nothing else is changed.
    async fn pause_instead(
        &self,
        mut tx: DbTransaction,
        act: &LoggedAction,
        head: &BlastHead,
    ) -> Result<UndoOutcome, AppError> {
        self.change_in(&mut tx, head.id, BlastCommand::Pause, None).await?;
        self.log_blast_act(&mut tx, Act::Pause, head, json!({})).await?;
        action::mark_undone(&mut tx, &[act.id], self.operator()).await?;
        let name = blast::distinct_name(&mut tx, head).await?;
        tx.commit().await?;
        self.notify(head.id).await;
        Ok(UndoOutcome {
            recipients: Vec::new(),
            sentence: format!("{name} is paused: its hours were changed once more since, and stay; nothing was sent"),
            still_suppressed: Vec::new(),
            command_lines: vec![format!("blastdeck blast pause {}", head.id)],
        })
    }
}

/// A limit that can be read, as it is stored.
fn text<T: ToString>(limit: Option<&Result<T, UnreadableLimit>>) -> Option<String> {
    limit.and_then(|limit| limit.as_ref().ok()).map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(window: Option<&str>, weekdays: Option<&str>) -> StoredHours {
        StoredHours { window: window.map(str::to_owned), weekdays: weekdays.map(str::to_owned) }
    }

    #[test]
    fn hours_that_are_given_back_have_a_command_line_that_gives_back_what_was_changed_and_no_more() {
        let line = |former, opened| OpenedHours { former, opened }.command_line(BlastId(14));
        let both = stored(Some("20:00-22:00"), Some("mon,tue"));

        let cleared = line(both.clone(), stored(None, None));
        let earlier = line(both.clone(), stored(Some("09:00-22:00"), Some("mon,tue")));
        let had_no_days = line(stored(Some("20:00-22:00"), None), stored(Some("09:00-22:00"), Some("fri")));

        assert_eq!(cleared, "blastdeck blast edit 14 --window 20:00-22:00 --weekdays mon,tue");
        assert_eq!(earlier, "blastdeck blast edit 14 --window 20:00-22:00");
        assert_eq!(had_no_days, "blastdeck blast edit 14 --window 20:00-22:00 --clear weekdays");
    }
}
