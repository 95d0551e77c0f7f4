//! `replies --follow`: what comes from now on.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use color_eyre::Result;
use tokio::time::sleep;

use super::{HEADER, as_json, cells};
use crate::app::view::ReplyQuery;
use crate::cli::context::Context;
use crate::cli::output::{json, refuse_gone_reader, text};
use crate::cli::table::TextTable;
use crate::domain::ids::{BlastId, ReplyId};

const POLL_EVERY: Duration = Duration::from_secs(1);
/// Replies are seen in the order of their commits, not of their times: so far back they are looked for again.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);
/// More than come in that time, unless something is wrong.
const PAGE: u32 = 1_000;

/// Prints replies as they come, until the process is interrupted.
pub(super) async fn run(context: &Context, blast: Option<BlastId>) -> Result<()> {
    let mut table = TextTable::new(&HEADER);
    if !context.is_json {
        text(&table.head(&[]))?;
    }
    let mut seen: HashSet<ReplyId> = HashSet::new();
    let mut is_first = true;
    loop {
        let query = ReplyQuery { blast, since: Some(Utc::now() - OVERLAP), before: None, limit: PAGE };
        let mut page = context.app.replies(&query).await?;
        page.reverse();
        for row in page.iter().filter(|row| !is_first && !seen.contains(&row.id)) {
            if context.is_json {
                json(&as_json(context, row))?;
            } else {
                text(&table.rows(&[cells(context, row)]))?;
            }
        }
        seen = page.iter().map(|row| row.id).collect();
        is_first = false;
        sleep(POLL_EVERY).await;
        refuse_gone_reader()?;
    }
}
