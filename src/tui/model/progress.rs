//! What the views of the funnel show besides counts: blasts over time, and why people failed. Read only while it is shown, and
//! again only when the counts that it follows from have changed.

use chrono::{DateTime, Utc};
use ratatui::layout::Rect;

use super::{Model, Pane};
use crate::app::report::ErrorLine;
use crate::app::view::BlastView;
use crate::domain::funnel::{Counts, Funnel};
use crate::domain::ids::BlastId;
use crate::domain::progress::BlastProgress;
use crate::tui::layout::Layout;

/// What the funnel's pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FunnelView {
    #[default]
    Bars,
    Timeline,
    Speed,
    Errors,
    Compare,
    Months,
}

impl FunnelView {
    /// In the pane's title.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bars => "bars",
            Self::Timeline => "timeline",
            Self::Speed => "speed",
            Self::Errors => "errors",
            Self::Compare => "compare",
            Self::Months => "months",
        }
    }

    /// The next one; where the bars are shown beside it, they are none of them.
    #[must_use]
    pub const fn next(self, has_bars_beside: bool) -> Self {
        match self {
            Self::Bars => Self::Timeline,
            Self::Timeline => Self::Speed,
            Self::Speed => Self::Errors,
            Self::Errors => Self::Compare,
            Self::Compare => Self::Months,
            Self::Months if has_bars_beside => Self::Timeline,
            Self::Months => Self::Bars,
        }
    }
}

/// Something that was read of a blast, and by which counts.
#[derive(Debug, Clone, PartialEq)]
pub struct BlastReading<T> {
    pub blast: BlastId,
    /// `None`: it could not be read since.
    pub read_at: Option<Counts>,
    /// When that was, and what: `None` until it is read for the first time.
    pub value: Option<(DateTime<Utc>, T)>,
}

/// The most blasts that are compared.
pub const COMPARED_MAX: usize = 4;

/// All that is read for the views.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FunnelViews {
    pub view: FunnelView,
    /// The chosen line of the errors.
    pub error: usize,
    pub progress: Vec<BlastReading<BlastProgress>>,
    pub errors: Option<BlastReading<Vec<ErrorLine>>>,
}

impl FunnelViews {
    pub fn progress_of(&self, blast: BlastId) -> Option<&BlastProgress> {
        Some(&self.progress.iter().find(|reading| reading.blast == blast)?.value.as_ref()?.1)
    }

    /// When a blast was read over time.
    pub fn read_at(&self, blast: BlastId) -> Option<DateTime<Utc>> {
        Some(self.progress.iter().find(|reading| reading.blast == blast)?.value.as_ref()?.0)
    }

    pub fn errors_of(&self, blast: BlastId) -> Option<&[ErrorLine]> {
        Some(&self.errors.as_ref().filter(|reading| reading.blast == blast)?.value.as_ref()?.1)
    }
}

impl Model {
    /// Whether the bars stand above the other views.
    pub fn has_bars_beside(&self) -> bool {
        match self.layout() {
            Layout::Large { .. } => true,
            Layout::Single { pane } if self.focus == Pane::Funnel => pane.height >= BESIDE_ROWS,
            Layout::Single { .. } => self.blasts_over_funnel().is_some(),
            _ => false,
        }
    }

    /// Where the blasts have the screen to themselves and leave room for it: the list with the senders, and below it the funnel of the
    /// selected blast with a view.
    pub fn blasts_over_funnel(&self) -> Option<(Rect, Rect)> {
        let Layout::Single { pane } = self.layout() else { return None };
        let rows = LIST_FRAME + self.blasts.shown().count() + self.senders.len() + LIST_SPARE;
        let height = u16::try_from(rows).ok().filter(|height| height + BESIDE_ROWS <= pane.height)?;
        let lower = Rect { y: pane.y + height, height: pane.height - height, ..pane };
        (self.focus == Pane::Blasts && self.blast().is_some()).then_some((Rect { height, ..pane }, lower))
    }

    /// The view that is shown; below the bars there is always one.
    pub fn shown_view(&self) -> FunnelView {
        match self.views.view {
            FunnelView::Bars if self.has_bars_beside() => FunnelView::Timeline,
            view => view,
        }
    }

    /// Whether the cursor of the stages is on the screen: keys about a stage work only there.
    pub fn shows_stages(&self) -> bool {
        match self.shown_view() {
            FunnelView::Bars => true,
            FunnelView::Errors => false,
            _ => self.has_bars_beside(),
        }
    }

    /// Whether the funnel's pane is on the screen.
    pub fn shows_funnel(&self) -> bool {
        self.overlays.is_empty()
            && match self.layout() {
                Layout::Large { .. } | Layout::Wide { .. } => true,
                Layout::Stacked { .. } => self.focus != Pane::Blasts,
                Layout::Single { .. } => self.focus == Pane::Funnel || self.blasts_over_funnel().is_some(),
                Layout::Summary => false,
            }
    }

    /// The blasts that are compared: those that were marked, the selected one of them first; else the selected one and what it is best
    /// compared with, the blast before it.
    pub fn compared(&self) -> Vec<&BlastView> {
        let mut marked: Vec<&BlastView> = self.blasts.marked().iter().filter_map(|id| self.blasts.get(*id)).collect();
        let selected = self.blast();
        marked.sort_by_key(|blast| Some(blast.id) != selected.map(|selected| selected.id));
        if marked.len() > 1 {
            return marked;
        }
        let Some(selected) = selected else { return Vec::new() };
        let others = marked.into_iter().filter(|blast| blast.id != selected.id);
        let older = self.blasts.rows().iter().filter(|blast| {
            blast.id != selected.id
                && !blast.is_test()
                && blast.follows.is_none()
                && blast.blast_date < selected.blast_date
                && sent(blast) > 0
        });
        let other = others.chain(older.max_by_key(|blast| blast.blast_date)).next();
        std::iter::once(selected).chain(other).collect()
    }
}

/// The title and the heads of a list.
const LIST_FRAME: usize = 2;

/// Rows of a list beside its blasts and senders: the rule of the senders, and a row to spare above it.
const LIST_SPARE: usize = 2;

/// From this height a pane shows the bars and a view below them.
const BESIDE_ROWS: u16 = 22;

fn sent(blast: &BlastView) -> i64 {
    let Funnel { sent, .. } = blast.counts.funnel();
    sent
}
