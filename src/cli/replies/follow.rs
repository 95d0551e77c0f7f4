//! `replies --follow`: what comes from now on.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use color_eyre::Result;
use tokio::time::sleep;

use super::{HEADER, as_json, cells};
use crate::app::view::{ReplyQuery, ReplyRow};
use crate::cli::context::Context;
use crate::cli::output::{json, refuse_gone_reader, text};
use crate::cli::table::TextTable;
use crate::domain::ids::{BlastId, ReplyId};

const POLL_EVERY: Duration = Duration::from_secs(1);
/// Replies are seen in the order of their commits, not of their times: so far back they are looked for again.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);
const PAGE: u32 = 1_000;

/// Prints replies as they come, until the process is interrupted.
pub(super) async fn run(context: &Context, blast: Option<BlastId>) -> Result<()> {
    let mut table = TextTable::new(&HEADER);
    if !context.is_json {
        text(&table.head(&[]))?;
    }
    let newest = ReplyQuery { blast, since: None, before: None, limit: 1 };
    let mut seen = SeenReplies::default();
    seen.see(context.app.replies(&newest).await?.iter().map(of));
    seen.see(all_since(context, blast, seen.from()).await?.iter().map(of));
    loop {
        sleep(POLL_EVERY).await;
        refuse_gone_reader()?;
        let page = all_since(context, blast, seen.from()).await?;
        for row in page.iter().filter(|row| !seen.ids.contains(&row.id)) {
            if context.is_json {
                json(&as_json(context, row))?;
            } else {
                text(&table.rows(&[cells(context, row)]))?;
            }
        }
        seen.see(page.iter().map(of));
    }
}

const fn of(row: &ReplyRow) -> (ReplyId, DateTime<Utc>) {
    (row.id, row.received_at)
}

/// Up to where replies were seen: by the times that they have, which are the database's, however long the last look is ago and whatever
/// the clock of this machine shows.
#[derive(Debug, Default)]
struct SeenReplies {
    newest: Option<DateTime<Utc>>,
    ids: HashSet<ReplyId>,
}

impl SeenReplies {
    /// Where to look from; `None`: from the first of all, where there was none yet.
    fn from(&self) -> Option<DateTime<Utc>> {
        self.newest.map(|newest| newest - OVERLAP)
    }

    /// All that came since [`Self::from`].
    fn see(&mut self, replies: impl Iterator<Item = (ReplyId, DateTime<Utc>)>) {
        self.ids.clear();
        for (id, received_at) in replies {
            self.ids.insert(id);
            self.newest = self.newest.max(Some(received_at));
        }
    }
}

/// All that came since then, oldest first, page by page.
async fn all_since(context: &Context, blast: Option<BlastId>, since: Option<DateTime<Utc>>) -> Result<Vec<ReplyRow>> {
    let (mut replies, mut before) = (Vec::new(), None);
    loop {
        let page = context.app.replies(&ReplyQuery { blast, since, before, limit: PAGE }).await?;
        before = page.last().map(ReplyRow::place);
        let is_last = page.len() < PAGE as usize;
        replies.extend(page);
        if is_last {
            replies.reverse();
            return Ok(replies);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_a_long_pause_is_looked_for_from_the_last_that_was_seen() {
        let hours_ago = |hours: i64| Utc::now() - TimeDelta::hours(hours);
        let (first, last) = (hours_ago(9), hours_ago(8));
        let mut seen = SeenReplies::default();
        assert_eq!(seen.from(), None);

        seen.see([(ReplyId(1), first), (ReplyId(2), last)].into_iter());
        assert_eq!(seen.from(), Some(last - OVERLAP));

        // One that was committed late moves nothing back, and nothing that is quiet moves on.
        seen.see([(ReplyId(2), last), (ReplyId(3), last - TimeDelta::minutes(1))].into_iter());
        seen.see([(ReplyId(2), last), (ReplyId(3), last - TimeDelta::minutes(1))].into_iter());
        assert_eq!((seen.from(), seen.ids.len()), (Some(last - OVERLAP), 2));
    }
}
