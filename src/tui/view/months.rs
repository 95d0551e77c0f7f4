//! The months beside each other, newest first: everything that was sent in a month together, by the dates of its blasts.

use chrono::{DateTime, Datelike, Utc};
use ratatui::layout::Rect;
use rust_decimal::Decimal;

use super::side_by_side::SideBySide;
use crate::app::view::BlastView;
use crate::domain::amount::symbol;
use crate::domain::funnel::Funnel;
use crate::domain::status::Status;
use crate::tui::format::{TimeFormat, money, number, short_money};
use crate::tui::model::{Model, STAGES, stage_label};
use crate::tui::theme::TextRole;
use crate::tui::widget::{TextLine, width};

/// All blasts of a month that sent something.
struct MonthTotal {
    year: i32,
    /// 1 to 12.
    month: u32,
    /// A moment in it, to be written.
    at: DateTime<Utc>,
    blasts: i64,
    funnel: Funnel,
    amount: Decimal,
}

/// As many months as there is room for.
pub fn months(model: &Model, area: Rect) -> Vec<TextLine> {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let mut months = totals(model.blasts.rows(), clock);
    let columns = SideBySide::of(area.width, months.len().min(usize::from(area.width / 20)));
    months.truncate(columns.fit.max(1));
    if months.is_empty() {
        return vec![TextLine::dim("  nothing has been sent yet")];
    }
    let row = |label: &str, role: TextRole, cell: &dyn Fn(&MonthTotal) -> String| {
        columns.row((label, role), months.iter().map(cell))
    };
    let mut lines = vec![row("", TextRole::Dim, &|month| month.name(clock))];
    for stage in STAGES {
        lines.push(row(stage_label(stage), TextRole::Stage(stage), &|month| {
            let (people, sent) = (month.funnel.get(stage), month.funnel.sent);
            if stage == Status::Sent { number(people) } else { columns.reached(people, sent) }
        }));
    }
    // What there is no room for below the stages gives way without a word.
    let sums = columns.width.saturating_sub(3);
    lines.push(row(symbol(&model.options.currency), TextRole::Plain, &|month| sum_within(month.amount, sums)));
    lines.push(row("blasts", TextRole::Dim, &|month| number(month.blasts)));
    lines.push(TextLine::dim("  by the dates of the blasts; this month as it stands now"));
    lines.truncate(usize::from(area.height).max(1 + STAGES.len()));
    lines
}

/// A sum with its cents where they have room.
pub(super) fn sum_within(amount: Decimal, room: u16) -> String {
    let whole = money(amount);
    if width(&whole) > room { short_money(amount) } else { whole }
}

/// The months in which something was sent, newest first.
fn totals(blasts: &[BlastView], clock: TimeFormat) -> Vec<MonthTotal> {
    let mut months: Vec<MonthTotal> = Vec::new();
    for blast in blasts.iter().filter(|blast| blast.counts.funnel().sent > 0 && !blast.is_test()) {
        let date = blast.blast_date.with_timezone(&clock.zone);
        let (year, month) = (date.year(), date.month());
        let at = months.iter().position(|total| (total.year, total.month) == (year, month)).unwrap_or_else(|| {
            let (funnel, amount) = (Funnel::default(), Decimal::ZERO);
            months.push(MonthTotal { year, month, at: blast.blast_date, blasts: 0, funnel, amount });
            months.len() - 1
        });
        months[at].add(blast);
    }
    months.sort_unstable_by_key(|total| std::cmp::Reverse((total.year, total.month)));
    months
}

impl MonthTotal {
    fn add(&mut self, blast: &BlastView) {
        self.blasts += 1;
        self.funnel = self.funnel.plus(blast.counts.funnel());
        self.amount = self.amount.saturating_add(blast.counts.amount);
    }

    /// `Nov 2026`.
    fn name(&self, clock: TimeFormat) -> String {
        self.at.with_timezone(&clock.zone).format("%b %Y").to_string()
    }
}
