//! What becomes of a request by what became of its items: how long it waits, and when it is given up.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::item::{InboxItem, ItemOutcome};
use crate::store::inbox::{InboxProgress, InboxRow};

/// The first pause of what waits; it doubles with each try.
const PARKED_PAUSE: Duration = Duration::from_millis(250);
const PARKED_PAUSE_MAX: Duration = Duration::from_secs(5 * 60);
/// News of a message whose id is not known by then is of somebody else's message.
const PARKED_AT_MOST: TimeDelta = TimeDelta::days(1);

/// What became of each request.
pub(super) fn of<'a>(
    rows: &[InboxRow],
    counts: &[i32],
    outcomes: impl Iterator<Item = (&'a InboxItem, ItemOutcome)>,
    now: DateTime<Utc>,
) -> Vec<InboxProgress> {
    let mut all: Vec<InboxProgress> = rows
        .iter()
        .zip(counts)
        .map(|(row, items)| InboxProgress {
            items: *items,
            failed: row.failed_items.clone().unwrap_or_default(),
            reason: row.reason.clone().filter(|_| row.failed_items.is_some()),
            pause: PARKED_PAUSE.saturating_mul(1 << row.tries.clamp(0, 20)).min(PARKED_PAUSE_MAX),
            ..InboxProgress::default()
        })
        .collect();
    for (item, outcome) in outcomes {
        let progress = &mut all[item.row];
        match outcome {
            ItemOutcome::Applied => {}
            ItemOutcome::Waits { why, .. } if now - item.received_at > PARKED_AT_MOST => {
                progress.failed.push(item.position);
                progress.reason = Some(format!("given up after a day: {why}"));
            }
            ItemOutcome::Waits { why, id } => {
                progress.open.push(item.position);
                progress.waits_for.extend(id);
                progress.reason.get_or_insert(why);
            }
            ItemOutcome::Locked => {
                progress.open.push(item.position);
                progress.reason.get_or_insert_with(|| "a person's row is locked by somebody else".to_owned());
                progress.pause = progress.pause.min(Duration::from_millis(500));
            }
            ItemOutcome::Failed(why) => {
                progress.failed.push(item.position);
                progress.reason = Some(why);
            }
        }
    }
    all
}
