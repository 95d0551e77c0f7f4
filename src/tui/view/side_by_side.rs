//! Columns beside each other: blasts at the same age, months.

use crate::domain::funnel::percent_words;
use crate::domain::text::clean_shown;
use crate::tui::format::number;
use crate::tui::theme::TextRole;
use crate::tui::widget::{TextLine, clusters, width};

/// The most columns of one, and the fewest in which a number stands beside its share.
const WIDEST: u16 = 28;
const WIDE: u16 = 18;
const NARROWEST: u16 = 11;

/// The columns of the stages' names.
pub(super) const LABEL: u16 = 14;

/// How the columns share a width.
#[derive(Debug, Clone, Copy)]
pub(super) struct SideBySide {
    pub width: u16,
    /// How many there is room for.
    pub fit: usize,
}

impl SideBySide {
    /// So many of them, two at least, as wide as there is room for.
    pub(super) fn of(room: u16, wanted: usize) -> Self {
        let space = room.saturating_sub(LABEL);
        let wanted = u16::try_from(wanted.max(2)).unwrap_or(u16::MAX);
        let width = (space / wanted).clamp(NARROWEST, WIDEST);
        Self { width, fit: usize::from(space / width) }
    }

    /// A line of them behind its label.
    pub(super) fn row(self, (label, role): (&str, TextRole), cells: impl Iterator<Item = String>) -> TextLine {
        let line = TextLine::of(format!("  {label:<12}"), role);
        cells.fold(line, |line, cell| line.and(pad(&cell, usize::from(self.width)), TextRole::Plain))
    }

    /// How many of those who were sent to reached a stage: beside their share where there is room for both.
    pub(super) fn reached(self, people: i64, sent: i64) -> String {
        let share = percent_words(people, sent);
        if self.width < WIDE { share } else { format!("{} {share:>7}", number(people)) }
    }
}

/// At the right of so many columns, cut with a mark where it is longer; by columns, since names may be wide.
fn pad(words: &str, columns: usize) -> String {
    let mut kept = String::new();
    for cluster in clusters(&clean_shown(words)) {
        if usize::from(width(&kept)) + 3 > columns {
            kept.push('~');
            break;
        }
        kept.push_str(cluster);
    }
    let taken = usize::from(width(&kept));
    format!("{}{kept}", " ".repeat(columns.saturating_sub(taken)))
}
