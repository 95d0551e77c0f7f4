//! `notices`: what providers say of accounts, numbers and templates, and what followed from it.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use color_eyre::Result;

use super::Global;
use super::blast::people::limit;
use super::context::{Context, Intent};
use super::inbox::since;
use super::listed::ListEnd;
use super::output::{json, text};
use super::table::{TextAlign, TextTable};
use crate::app::view::NoticeRow;

#[derive(Debug, clap::Args)]
pub(super) struct NoticesVerb {
    /// Only those since: a span such as 2h or 1d, or a time such as 2026-12-01T09:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<DateTime<Utc>>,
    /// At most this many.
    #[arg(long, default_value_t = 100, value_parser = limit, allow_hyphen_values = true)]
    limit: u32,
}

/// Rows per page.
const PAGE: u32 = 500;

const HEADER: [(&str, TextAlign); 5] = [
    ("when", TextAlign::Left),
    ("account", TextAlign::Left),
    ("about", TextAlign::Left),
    ("says", TextAlign::Left),
    ("so", TextAlign::Left),
];

impl NoticesVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        let context = Context::open(global, Intent::Reads).await?;
        let mut table = TextTable::new(&HEADER);
        let (mut last, mut left) = (None::<NoticeRow>, self.limit);
        while left > 0 {
            let mut page = context.app.notices(self.since, last.as_ref(), left.min(PAGE)).await?;
            // A command in them is for the database that they are read from.
            for row in &mut page {
                row.words = context.pasteable(&row.words);
            }
            if context.is_json {
                page.iter().try_for_each(json)?;
            } else {
                let rows: Vec<_> = page.iter().map(|row| cells(&context, row)).collect();
                let head = if last.is_none() { table.head(&rows) } else { String::new() };
                text(&(head + &table.rows(&rows)))?;
            }
            left = left.saturating_sub(u32::try_from(page.len()).unwrap_or(u32::MAX));
            match page.into_iter().next_back() {
                Some(row) => last = Some(row),
                None => break,
            }
        }
        let has_more = left == 0 && !context.app.notices(self.since, last.as_ref(), 1).await?.is_empty();
        ListEnd::at(self.limit, has_more).say();
        Ok(ExitCode::SUCCESS)
    }
}

fn cells(context: &Context, row: &NoticeRow) -> Vec<String> {
    vec![
        context.when(Some(row.at)),
        row.account.clone().unwrap_or_default(),
        row.subject.clone().unwrap_or_else(|| row.field.replace('_', " ")),
        row.words.clone(),
        row.effect.clone().unwrap_or_default(),
    ]
}
