//! `blast list`: blasts, newest first.

use chrono::{NaiveDate, Utc};
use color_eyre::Result;

use super::show::{as_json, date_words};
use crate::app::report::later;
use crate::app::view::{BlastFilter, BlastView};
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::cli::exit::UsageError;
use crate::cli::output::{json, text};
use crate::cli::table::{TextAlign, render};
use crate::domain::amount::money;
use crate::domain::filter::blasts::{StateWord, states};
use crate::domain::text::{clean, number};
use crate::domain::zone;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ListArgs {
    /// Only blasts with this tag.
    #[arg(long)]
    tag: Option<String>,
    /// Only blasts in this follow-up stage.
    #[arg(long)]
    stage: Option<String>,
    /// Only blasts in this state: draft, scheduled, sending, paused, done (completed in JSON), cancelled or failed; or that the list shows
    /// as one that repeats, starts, waits, asks, or is over or ended, which are those that repeated and have no further time, or that
    /// somebody ended.
    #[arg(long, value_parser = state)]
    state: Option<StateWord>,
    /// Only blasts of this day, such as 2026-12-01.
    #[arg(long, conflicts_with_all = ["from", "to"], value_parser = zone::parse_day)]
    date: Option<NaiveDate>,
    /// From this day on.
    #[arg(long, value_parser = zone::parse_day)]
    from: Option<NaiveDate>,
    /// Up to this day, inclusive.
    #[arg(long, value_parser = zone::parse_day)]
    to: Option<NaiveDate>,
}

fn state(text: &str) -> Result<StateWord, String> {
    StateWord::parse(text).ok_or_else(|| format!("no such state: write one of {}", states().join(", ")))
}

impl ListArgs {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            let why = format!("--from {from} is later than --to {to}: nothing lies between them");
            return Err(UsageError(why).into());
        }
        let context = Context::open(global, Intent::Reads).await?;
        let (from, to) = self.date.map_or((self.from, self.to), |day| (Some(day), Some(day)));
        let filter = BlastFilter {
            tag: self.tag,
            follow_up_stage: self.stage,
            state: self.state.and_then(|word| match word {
                StateWord::State(state) => Some(state),
                StateWord::Shown(_) => None,
            }),
            is_armed: self.state == Some(StateWord::Shown("starts")),
            from: from.and_then(|day| zone::begins(day, context.zone)),
            to: to.and_then(|day| day.succ_opt()).and_then(|day| zone::begins(day, context.zone)),
            ..BlastFilter::default()
        };
        let mut blasts = context.app.blasts(&filter).await?;
        if let Some(word) = self.state {
            let now = Utc::now();
            blasts.retain(|blast| word.is_of(blast.state, blast.shown_state(now)));
        }
        if context.is_json {
            return blasts.iter().try_for_each(|blast| json(&as_json(&context, blast)));
        }
        text(&table(&context, &blasts))?;
        blasts.iter().filter_map(unreadable).try_for_each(|line| text(&line))
    }
}

/// Why nobody of a blast is sent to, where one of its limits cannot be read.
fn unreadable(blast: &BlastView) -> Option<String> {
    let unreadable = blast.limits.unreadable().filter(|_| !blast.state.is_over())?;
    Some(format!("blast {} sends nothing: {}\n", blast.id, clean(&unreadable.to_string())))
}

fn table(context: &Context, blasts: &[BlastView]) -> String {
    use TextAlign::{Left, Right};
    let header = [
        ("id", Right),
        ("name", Left),
        ("stage", Left),
        ("date", Left),
        ("state", Left),
        ("people", Right),
        ("done", Right),
        ("sent", Right),
        ("received", Right),
        ("read", Right),
        ("replied", Right),
        ("closed", Right),
        ("opted out", Right),
        ("amount", Right),
    ];
    let rows: Vec<Vec<String>> = blasts.iter().map(|blast| row(context, blast)).collect();
    render(&header, &rows)
}

fn row(context: &Context, blast: &BlastView) -> Vec<String> {
    let funnel = blast.counts.funnel();
    let mut row = vec![
        blast.id.to_string(),
        blast.tag.clone(),
        blast.follow_up_stage.clone(),
        date_words(context, blast),
        blast.shown_state(Utc::now()).to_owned(),
        number(blast.total_recipients),
        blast.settled_percent().map_or_else(|| "-".to_owned(), |percent| format!("{percent}%")),
    ];
    let stages = [funnel.sent, funnel.received, funnel.read, funnel.replied, funnel.closed];
    row.extend(stages.map(number));
    let opted_out = format!("{}{}", number(blast.counts.opted_out), later(blast.opted_out_later));
    row.extend([opted_out, money(blast.counts.amount)]);
    row
}
