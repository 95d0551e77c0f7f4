//! Curves over time in braille: counts at the side, times below. Each cell has two columns of four dots.

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::layout::Rect;

use super::{Pen, width};
use crate::tui::theme::TextRole;

/// A curve: how high it is at a time, and what it means.
pub struct ChartCurve<'a> {
    pub at: &'a dyn Fn(DateTime<Utc>) -> f64,
    pub meaning: TextRole,
}

/// Curves between two times, on one scale from nothing to `most`.
pub struct Chart<'a> {
    pub curves: Vec<ChartCurve<'a>>,
    pub span: ChartSpan,
    pub most: i64,
    /// After this nothing is known: the curves end.
    pub until: DateTime<Utc>,
}

/// A span of time whose ends and steps are round by the clock of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChartSpan {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub step: TimeDelta,
}

/// The steps between two times below a chart, in seconds.
const STEPS: [i64; 21] = [
    5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    1_209_600, 2_592_000, 7_776_000,
];

impl ChartSpan {
    /// Holds both times, with about so many steps. The ends stay where they are while news comes in, until one is passed.
    pub fn around(first: DateTime<Utc>, last: DateTime<Utc>, steps: i64, offset: TimeDelta) -> Self {
        let seconds = (last - first).num_seconds().max(1);
        let wanted = seconds / steps.max(1);
        let step = STEPS.into_iter().find(|step| *step > wanted).unwrap_or(STEPS[STEPS.len() - 1]);
        let length = step.max(seconds / 1_000);
        let floor = |at: DateTime<Utc>| {
            let local = at.timestamp() + offset.num_seconds();
            DateTime::from_timestamp(local.div_euclid(length) * length - offset.num_seconds(), 0).unwrap_or(at)
        };
        let step = TimeDelta::seconds(length);
        Self { from: floor(first), to: floor(last) + step, step }
    }

    /// The time at a dot of so many.
    fn at(self, dot: u16, dots: u16) -> DateTime<Utc> {
        let length = (self.to - self.from).num_milliseconds();
        self.from + TimeDelta::milliseconds(length / i64::from(dots.max(1)) * i64::from(dot))
    }

    /// The column of a time among so many.
    fn column(self, at: DateTime<Utc>, columns: u16) -> u16 {
        let length = (self.to - self.from).num_milliseconds().max(1);
        let share = (at - self.from).num_milliseconds().clamp(0, length) * i64::from(columns) / length;
        u16::try_from(share).unwrap_or(columns).min(columns)
    }
}

/// The columns of the counts at the side.
const SIDE: u16 = 10;

/// Draws a chart with its axes. `count` writes a number, `time` a time below.
pub fn chart(
    pen: &mut Pen<'_>,
    area: Rect,
    chart: &Chart<'_>,
    count: &dyn Fn(i64) -> String,
    time: &dyn Fn(DateTime<Utc>) -> String,
) {
    if area.width < SIDE + 10 || area.height < 3 {
        return;
    }
    let plot = Rect { x: area.x + SIDE, y: area.y, width: area.width - SIDE, height: area.height - 1 };
    side(pen, area, chart.most, count);
    below(pen, plot, chart.span, time);
    let mut canvas = BrailleCanvas::new(plot.width, plot.height);
    for curve in &chart.curves {
        line(&mut canvas, chart, curve);
    }
    canvas.draw(pen, plot);
}

fn side(pen: &mut Pen<'_>, area: Rect, most: i64, count: &dyn Fn(i64) -> String) {
    let rows = area.height - 1;
    for (label, from_below) in labels(most, rows) {
        let row = rows - 1 - from_below;
        pen.put_right((area.x + SIDE - 2, area.y + row), &count(label), SIDE - 2, TextRole::Dim);
    }
    for row in 0..rows {
        let upright = pen.theme.glyphs.upright;
        pen.put((area.x + SIDE - 1, area.y + row), upright, 1, TextRole::Dim);
    }
}

/// Into how many equal parts the scale is divided: whole numbers, no nearer than four rows.
fn parts(most: i64, rows: u16) -> u16 {
    let fits = |parts: &u16| most % i64::from(*parts) == 0 && rows > parts * 4;
    [5, 4, 2].into_iter().find(fits).unwrap_or(if rows > 4 { 2 } else { 1 })
}

/// The counts at the side, each with its row from below: where a curve has that height.
fn labels(most: i64, rows: u16) -> Vec<(i64, u16)> {
    let parts = parts(most, rows);
    let label = |part: u16| {
        let label = most * i64::from(part) / i64::from(parts);
        #[expect(clippy::cast_precision_loss, reason = "numbers of people")]
        let value = label as f64;
        (label, height(value, most, rows))
    };
    (0..=parts).map(label).collect()
}

/// A time under each step's beginning, as many as fit.
fn below(pen: &mut Pen<'_>, plot: Rect, span: ChartSpan, time: &dyn Fn(DateTime<Utc>) -> String) {
    let mut at = span.from;
    let mut free = plot.x;
    while at <= span.to {
        let words = time(at);
        let x = plot.x + span.column(at, plot.width);
        if x >= free && x + width(&words) <= plot.right() {
            free = pen.put((x, plot.bottom()), &words, width(&words), TextRole::Dim) + 2;
        }
        at += span.step;
    }
}

fn line(canvas: &mut BrailleCanvas, chart: &Chart<'_>, curve: &ChartCurve<'_>) {
    let (dots, rows) = (canvas.width * 2, canvas.height * 4);
    let mut before = None;
    for dot in 0..dots {
        let at = chart.span.at(dot, dots);
        if at > chart.until {
            break;
        }
        // What came within the dot's time counts: the last one stands for everybody.
        let value = (curve.at)(chart.span.at(dot + 1, dots).min(chart.until));
        if value <= 0.0 {
            continue;
        }
        let row = height(value, chart.most, rows);
        // A step is drawn whole, so that a curve has no holes.
        let from = before.map_or(row, |before: u16| before.min(row));
        (from..=row).for_each(|row| canvas.set(dot, rows - 1 - row, curve.meaning));
        before = Some(row);
    }
}

/// The dot's row from below.
fn height(value: f64, most: i64, rows: u16) -> u16 {
    #[expect(clippy::cast_precision_loss, reason = "numbers of people")]
    let share = (value / most.max(1) as f64).clamp(0.0, 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the rows of a screen")]
    let row = (share * f64::from(rows - 1)).round() as u16;
    row.min(rows - 1)
}

/// Dots in cells; a cell has the meaning of the last curve that touched it.
struct BrailleCanvas {
    width: u16,
    height: u16,
    cells: Vec<(u8, TextRole)>,
}

/// The bits of a cell's dots, by row and column (Unicode 2800).
const DOTS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

impl BrailleCanvas {
    fn new(width: u16, height: u16) -> Self {
        Self { width, height, cells: vec![(0, TextRole::Plain); usize::from(width) * usize::from(height)] }
    }

    fn set(&mut self, x: u16, y: u16, meaning: TextRole) {
        let at = usize::from(y / 4) * usize::from(self.width) + usize::from(x / 2);
        if let Some((dots, role)) = self.cells.get_mut(at) {
            *dots |= DOTS[usize::from(y % 4)][usize::from(x % 2)];
            *role = meaning;
        }
    }

    fn draw(&self, pen: &mut Pen<'_>, plot: Rect) {
        for (row, y) in self.cells.chunks(usize::from(self.width)).zip(plot.y..plot.bottom()) {
            for (&(dots, meaning), x) in row.iter().zip(plot.x..) {
                if dots > 0 {
                    pen.put((x, y), pen.theme.glyphs.dots(dots).encode_utf8(&mut [0; 4]), 1, meaning);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, TimeZone, Utc};
    use proptest::prelude::{prop_assert, proptest};

    use super::{ChartSpan, height, labels, parts};

    fn at(hour: u32, minute: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 20, hour, minute, 0).unwrap()
    }

    #[test]
    fn the_ends_of_a_span_are_round_and_stay_while_news_comes_in() {
        let eight_hours = TimeDelta::hours(8);

        let span = ChartSpan::around(at(4, 31), at(6, 2), 6, eight_hours);

        assert_eq!((span.from, span.to, span.step), (at(4, 30), at(6, 30), TimeDelta::minutes(30)));
        assert_eq!(ChartSpan::around(at(4, 31), at(6, 20), 6, eight_hours), span);
        let brief = ChartSpan::around(at(4, 31), at(4, 31) + TimeDelta::seconds(44), 6, eight_hours);
        assert_eq!(
            (brief.from, brief.to, brief.step),
            (at(4, 31), at(4, 31) + TimeDelta::seconds(50), TimeDelta::seconds(10))
        );
    }

    #[test]
    fn a_scale_is_divided_into_whole_numbers() {
        assert_eq!(
            [(250, 24), (200, 17), (287, 24), (287, 4), (500, 10)].map(|(most, rows)| parts(most, rows)),
            [5, 4, 2, 1, 2]
        );
    }

    #[test]
    fn a_count_that_is_no_half_of_the_scale_does_not_stand_in_its_middle() {
        assert_eq!(labels(3, 9), [(0, 0), (1, 3), (3, 8)]);
        assert_eq!(labels(200, 9), [(0, 0), (100, 4), (200, 8)]);
        assert_eq!(labels(1, 9), [(0, 0), (0, 0), (1, 8)]);
    }

    #[test]
    fn heights_reach_from_the_bottom_to_the_top() {
        assert_eq!((height(0.1, 1_000, 32), height(500.0, 1_000, 32), height(1_000.0, 1_000, 32)), (0, 16, 31));
        assert_eq!(height(9e18, 1, 32), 31);
    }

    proptest! {
        #[test]
        fn any_two_times_have_a_span_that_holds_them(from in 0_i64..250_000_000_000, length in 0_i64..250_000_000_000, steps in 1_i64..30) {
            let first = DateTime::from_timestamp(from, 0).unwrap();
            let last = first + TimeDelta::seconds(length.min(200_000_000_000 - from).max(0));

            let span = ChartSpan::around(first, last, steps, TimeDelta::hours(8));

            prop_assert!(span.from <= first && last <= span.to && span.step > TimeDelta::zero());
            prop_assert!((span.to - span.from).num_seconds() / span.step.num_seconds() <= 1_100);
        }
    }
}
