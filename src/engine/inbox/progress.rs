//! What becomes of a request by what became of its items: how long it waits, and when it is given up.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::item::{InboxItem, ItemOutcome};
use super::part::RequestPart;
use crate::store::StoreError;
use crate::store::inbox::InboxProgress;

/// The first pause of what waits; it doubles with each try.
const PARKED_PAUSE: Duration = Duration::from_millis(250);
const PARKED_PAUSE_MAX: Duration = Duration::from_secs(5 * 60);
/// News of a message whose id is not known by then is of somebody else's message.
const PARKED_AT_MOST: TimeDelta = TimeDelta::days(1);

/// What became of each request, by what became of the items of its part.
pub(super) fn of<'a>(
    parts: &[RequestPart],
    outcomes: impl Iterator<Item = (&'a InboxItem, ItemOutcome)>,
    now: DateTime<Utc>,
) -> Vec<InboxProgress> {
    let mut all: Vec<InboxProgress> = parts.iter().map(before).collect();
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
            ItemOutcome::Undecided { why, id } | ItemOutcome::InFlight { why, id } => {
                progress.open.push(item.position);
                progress.waits_for.push(id);
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
    for (part, progress) in parts.iter().zip(&mut all) {
        leave_the_rest(part, progress);
    }
    all
}

/// As it was before this part of it.
fn before(part: &RequestPart) -> InboxProgress {
    let row = &part.row;
    let waited = !part.waiting.is_empty();
    InboxProgress {
        items: part.count,
        open: part.waiting.clone(),
        waits_for: row.waits_for.clone().filter(|_| waited).unwrap_or_default(),
        failed: row.failed_items.clone().unwrap_or_default(),
        reason: row.reason.clone().filter(|_| waited || row.failed_items.is_some()),
        pause: PARKED_PAUSE.saturating_mul(1 << row.tries.clamp(0, 20)).min(PARKED_PAUSE_MAX),
        ..InboxProgress::default()
    }
}

/// The next part is due at once. What was tried and waits is kept as its complement: all are tried before it is tried again.
fn leave_the_rest(part: &RequestPart, progress: &mut InboxProgress) {
    if !part.rest.is_empty() {
        let waiting = progress.open.iter().map(|position| !position);
        progress.open = part.rest.iter().copied().chain(waiting).collect();
        progress.pause = Duration::ZERO;
        progress.is_part = true;
    }
}

/// What becomes of a request that the database does not take: like an item that waits, until it is given up.
pub(super) fn aside(part: &RequestPart, error: &StoreError, now: DateTime<Utc>) -> InboxProgress {
    let mut progress = before(part);
    progress.open.extend(part.items.iter().map(|item| item.position).chain(part.rest.iter().copied()));
    progress.reason = Some(error.to_string());
    if now - part.row.received_at > PARKED_AT_MOST {
        progress.failed.append(&mut progress.open);
        progress.reason = Some(format!("given up after a day: {error}"));
    }
    progress
}
