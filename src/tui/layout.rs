//! Which panes stand where at a size. Pure arithmetic, used by the drawing and by everything that moves over rows.

use ratatui::layout::Rect;

use super::Size;

/// One pane alone, or all that fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zoom {
    In,
    Out,
}

/// Side by side from this many columns.
const WIDE: u16 = 110;
/// One pane at a time below these.
const STACKED: Size = Size { width: 80, height: 18 };
/// A summary below these.
const SINGLE: Size = Size { width: 40, height: 10 };
/// The columns of the blast list where it stands beside the funnel.
pub const BLASTS_WIDTH: u16 = 47;
/// Rows of the upper panes, titles included, when side by side.
const UPPER_WIDE: u16 = 10;
/// The same when stacked.
const UPPER_STACKED: u16 = 9;

/// Details, activity and a view of the funnel stand beside the rest from here on.
const LARGE: Size = Size { width: 160, height: 40 };
/// The least columns of the table in which each stage has its time.
const PEOPLE_WIDE: u16 = 110;

/// Where everything is. The notice is on the last line but one, the footer on the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// The same with the funnel's view below its bars, and with the person under the cursor and what happens beside the table.
    Large { blasts: Rect, funnel: Rect, people: Rect, details: Rect, activity: Rect },
    /// Blasts and funnel side by side over the recipients, where there are columns enough with the activity beside these.
    Wide { blasts: Rect, funnel: Rect, people: Rect, activity: Option<Rect> },
    /// Funnel, or the blasts while they have the focus, over the recipients.
    Stacked { upper: Rect, people: Rect },
    /// The focused pane alone.
    Single { pane: Rect },
    /// One line, or as many as there are.
    Summary,
}

/// The layout at a size.
pub fn layout(size: Size, zoom: Zoom) -> Layout {
    let Size { width, height } = size;
    if width < SINGLE.width || height < SINGLE.height {
        return Layout::Summary;
    }
    let body = Rect::new(0, 1, width, height - 3);
    if zoom == Zoom::In || width < STACKED.width || height < STACKED.height {
        return Layout::Single { pane: body };
    }
    if width >= LARGE.width && height >= LARGE.height {
        return large(body);
    }
    let upper = if width >= WIDE { UPPER_WIDE } else { UPPER_STACKED };
    let people = Rect::new(0, 1 + upper, width, body.height - upper);
    if width < WIDE {
        return Layout::Stacked { upper: Rect { height: upper, ..body }, people };
    }
    let blasts = Rect::new(0, 1, BLASTS_WIDTH, upper);
    let funnel = Rect::new(BLASTS_WIDTH, 1, width - BLASTS_WIDTH, upper);
    if width < LARGE.width {
        return Layout::Wide { blasts, funnel, people, activity: None };
    }
    let (people, beside) = split(people);
    Layout::Wide { blasts, funnel, people, activity: Some(beside) }
}

/// The table, and what stands beside it.
fn split(lower: Rect) -> (Rect, Rect) {
    let table = (lower.width * 3 / 5).max(PEOPLE_WIDE);
    (Rect { width: table, ..lower }, Rect { x: table, width: lower.width - table, ..lower })
}

/// The lines below the list of what happened that show the line at its cursor in full.
pub const fn preview_rows(area: Rect) -> u16 {
    match area.height {
        0..=9 => 0,
        10..=13 => 2,
        14..=24 => 3,
        _ => 6,
    }
}

/// The lines above the list of what happened: its title and, where there is room, the names of its columns.
pub const fn activity_head_rows(area: Rect) -> u16 {
    if area.height >= HEADED_ACTIVITY { 2 } else { 1 }
}

/// From this many rows on the columns of what happened are named.
const HEADED_ACTIVITY: u16 = 8;

/// How many events fit into a pane of what happened: what stands above them, and the line at the cursor in full, take the rest.
pub const fn activity_rows(area: Rect) -> usize {
    area.height.saturating_sub(activity_head_rows(area) + preview_rows(area)) as usize
}

fn large(body: Rect) -> Layout {
    let upper = (body.height * 9 / 20).clamp(19, 24);
    let left = (body.width * 3 / 4 - 48).clamp(70, 110);
    let blasts = Rect { width: left, height: upper, ..body };
    let funnel = Rect { x: left, width: body.width - left, height: upper, ..body };
    let lower = Rect { y: body.y + upper, height: body.height - upper, ..body };
    let (people, beside) = split(lower);
    let details = Rect { height: lower.height * 3 / 5, ..beside };
    let activity = Rect { y: details.bottom(), height: lower.height - details.height, ..beside };
    Layout::Large { blasts, funnel, people, details, activity }
}

impl Layout {
    /// Whether the blasts stand beside the funnel.
    pub const fn is_side_by_side(self) -> bool {
        matches!(self, Self::Wide { .. } | Self::Large { .. })
    }

    /// How many people are visible: the pane without its title and column heads.
    pub const fn people_rows(self) -> usize {
        let pane = match self {
            Self::Large { people, .. } | Self::Wide { people, .. } | Self::Stacked { people, .. } => people,
            Self::Single { pane } => pane,
            Self::Summary => return 1,
        };
        pane.height.saturating_sub(2) as usize
    }

    /// Where the activity stands open beside the recipients, whichever pane has the focus.
    pub const fn activity(self) -> Option<Rect> {
        match self {
            Self::Large { activity, .. } => Some(activity),
            Self::Wide { activity, .. } => activity,
            _ => None,
        }
    }

    /// The table and the person at its cursor side by side, where the table has the screen to itself and leaves room for that.
    pub fn zoomed_people(self) -> Option<(Rect, Rect)> {
        let Self::Single { pane } = self else { return None };
        (pane.width >= LARGE.width).then(|| split(pane))
    }

    /// How many lines an overlay has.
    pub const fn page_rows(size: Size) -> usize {
        size.height.saturating_sub(3) as usize
    }

    pub const fn is_summary(self) -> bool {
        matches!(self, Self::Summary)
    }
}
