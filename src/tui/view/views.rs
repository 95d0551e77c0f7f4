//! The views of the funnel besides its bars: over time, how fast, why people failed, blasts side by side.

use chrono::{DateTime, Offset, TimeDelta, Utc};
use ratatui::layout::Rect;

use super::months::{months, sum_within};
use super::side_by_side::{LABEL, SideBySide};
use super::speed::{speed, speed_lines};
use super::{cursor, focused};
use crate::app::report::ErrorLine;
use crate::app::view::BlastView;
use crate::domain::progress::BlastProgress;
use crate::domain::status::Status;
use crate::tui::format::{TimeFormat, compact, number, span_words, symbol};
use crate::tui::model::{FunnelView, Model, Pane, STAGES, is_going_out, stage_label};
use crate::tui::overlay::wrapped;
use crate::tui::theme::TextRole;
use crate::tui::widget::{Chart, ChartCurve, ChartSpan, Pen, TextLine, chart, start_of, width};

/// Draws the shown view into a rectangle.
pub fn draw(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    let Some(blast) = model.blast().filter(|_| area.height > 0) else { return };
    match model.shown_view() {
        FunnelView::Bars => {}
        FunnelView::Timeline => timeline(model, pen, area, blast),
        FunnelView::Speed => lines(model, pen, area, &speed(model, blast)),
        FunnelView::Errors => errors(model, pen, area, blast),
        FunnelView::Compare => lines(model, pen, area, &compare(model, area)),
        FunnelView::Months => lines(model, pen, area, &months(model, area)),
    }
}

/// A view in lines, for where rows are free beside the funnel; `None` while it would say nothing.
pub fn section(model: &Model, view: FunnelView, area: Rect) -> Option<Vec<TextLine>> {
    let blast = model.blast()?;
    match view {
        FunnelView::Speed => {
            let progress = model.views.progress_of(blast.id).filter(|progress| progress.span().is_some())?;
            // By the reading, so that a message that is sent draws nothing of it again.
            Some(speed_lines(progress, std::array::from_fn(|at| whole(progress.curves[at + 1].total()))))
        }
        // While something is sent, each message would draw this month again.
        FunnelView::Months if model.blasts.rows().iter().any(|blast| is_going_out(blast, model.now)) => None,
        FunnelView::Months => Some(months(model, area)),
        _ => None,
    }
}

fn lines(model: &Model, pen: &mut Pen<'_>, area: Rect, lines: &[TextLine]) {
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        line.draw(pen, (area.x, y), area.width);
    }
    let hidden = lines.len().saturating_sub(usize::from(area.height));
    if hidden > 0 {
        let y = area.bottom() - 1;
        let words = model.with_keys(&format!("  ~ {} more lines: ⟨z⟩, or a taller window", hidden + 1));
        pen.put((area.x, y), &" ".repeat(usize::from(area.width)), area.width, TextRole::Plain);
        pen.put((area.x, y), &words, area.width, TextRole::Dim);
    }
}

/// What is said where there is nothing to draw.
pub(super) fn instead(model: &Model, blast: &BlastView) -> Option<&'static str> {
    let has_started = blast.counts.funnel().sent > 0;
    match model.views.progress_of(blast.id) {
        _ if !has_started => Some("nothing has been sent yet"),
        None => Some(model.reading()),
        Some(progress) if progress.span().is_none() => Some("nothing has been sent yet"),
        Some(_) => None,
    }
}

fn timeline(model: &Model, pen: &mut Pen<'_>, area: Rect, blast: &BlastView) {
    if let Some(words) = instead(model, blast) {
        pen.put((area.x + 2, area.y), words, area.width.saturating_sub(2), TextRole::Dim);
        return;
    }
    let Some(progress) = model.views.progress_of(blast.id) else { return };
    let Some((first, last)) = progress.span() else { return };
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let offset = TimeDelta::seconds(i64::from(first.with_timezone(&clock.zone).offset().fix().local_minus_utc()));
    let span = ChartSpan::around(first, last, i64::from(area.width / 14).max(2), offset);
    legend(pen, area, progress);
    let at: [_; 5] = std::array::from_fn(|stage| move |time: DateTime<Utc>| progress.curves[stage].at(time));
    let curves = at.iter().zip(STAGES);
    let curves = curves.map(|(at, stage)| ChartCurve { at, meaning: TextRole::Stage(stage) }).collect();
    let most = scale(blast.counts.funnel().sent, blast.total_recipients.max(blast.counts.total()));
    let plot = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let drawn = Chart { curves, span, most, until: last };
    chart(pen, plot, &drawn, &compact, &|at| step_words(at, span, clock));
}

/// What the scale ends with: everybody, as the bars have it; while only few of them were sent to, a round number above those. One that grew
/// with each message would draw everything again.
fn scale(sent: i64, everybody: i64) -> i64 {
    let round =
        (0..).map(|power| 10_i64.saturating_pow(power)).flat_map(|ten| [1, 2, 5].map(|by| ten.saturating_mul(by)));
    round.take_while(|most| *most <= everybody / 4).find(|most| *most >= sent.max(10)).unwrap_or(everybody.max(1))
}

/// A time below the chart: hours within a day or two, days beyond.
fn step_words(at: DateTime<Utc>, span: ChartSpan, clock: TimeFormat) -> String {
    let is_midnight = clock.minute(at) == "00:00";
    match span.step {
        step if step < TimeDelta::minutes(1) => clock.time_of_day(at),
        step if step >= TimeDelta::days(1) => clock.day(at),
        _ if is_midnight => clock.day(at),
        _ => clock.minute(at),
    }
}

/// Which curve is which, in the order in which they stand from the top.
fn legend(pen: &mut Pen<'_>, area: Rect, progress: &BlastProgress) {
    let mut line = TextLine::dim("          from the top: ");
    for stage in STAGES {
        line = line.and(format!("{}  ", stage_label(stage)), TextRole::Stage(stage));
    }
    if let Some(people) = progress.sampled {
        let people = number(i64::try_from(people).unwrap_or(i64::MAX));
        let words = [format!("drawn from {people} people"), format!("from {people}")];
        let room = area.width.saturating_sub(line.width());
        if let Some(words) = words.into_iter().find(|words| width(words) <= room) {
            line = line.and(words, TextRole::Dim);
        }
    }
    line.draw(pen, (area.x, area.y), area.width);
}

pub(super) fn whole(people: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "numbers of people")]
    let whole = people.round() as i64;
    whole
}

/// Codes with plain advice; the one at the cursor opens its people.
fn errors(model: &Model, pen: &mut Pen<'_>, area: Rect, blast: &BlastView) {
    let Some(errors) = model.views.errors_of(blast.id).filter(|errors| !errors.is_empty()) else {
        let words = if blast.counts.failed == 0 { "nobody failed" } else { model.reading() };
        pen.put((area.x + 2, area.y), words, area.width.saturating_sub(2), TextRole::Dim);
        return;
    };
    TextLine::dim(format!("  {:<14}{:>9}  why, and what to do", "error", "people")).draw(
        pen,
        (area.x, area.y),
        area.width,
    );
    let rows = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    if let Some(words) = whole_words(rows, errors) {
        return whole_errors(model, pen, rows, (errors, words));
    }
    let (list, advice) = list_and_advice(model, rows, errors);
    let below = rows.height - list.height;
    error_list(model, pen, list, errors);
    let hidden = errors.len().saturating_sub(usize::from(list.height));
    if hidden > 0 {
        pen.put_right((area.right(), area.y), &format!("  ~ {hidden} more"), 14.min(area.width), TextRole::Dim);
    }
    let is_cut = usize::from(below) < advice.len();
    for ((at, line), y) in advice.iter().enumerate().zip(list.bottom()..area.bottom()) {
        let cut = if is_cut && at + 1 == usize::from(below) { "~" } else { "" };
        let line = format!("{}{cut}", line.trim_end());
        pen.put((area.x + 4, y), &line, area.width.saturating_sub(4), TextRole::Dim);
    }
}

/// The error that is drawn in a row of the errors' view.
pub fn error_at(model: &Model, area: Rect, y: u16) -> Option<usize> {
    let errors = model.views.errors_of(model.blast()?.id)?;
    let rows = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let row = usize::from(y.checked_sub(rows.y)?);
    if let Some(words) = whole_words(rows, errors) {
        let mut end = 0;
        return words.iter().position(|lines| {
            end += lines.len().max(1);
            row < end
        });
    }
    let (list, _) = list_and_advice(model, rows, errors);
    let at = first_listed(model, list) + row;
    (row < usize::from(list.height) && at < errors.len()).then_some(at)
}

/// All words of each error, in rows of the width that they have; `None`: not all of them have room.
fn whole_words(area: Rect, errors: &[ErrorLine]) -> Option<Vec<Vec<String>>> {
    let room = area.width.saturating_sub(WORDS_AT + 1);
    let words: Vec<Vec<String>> = errors.iter().map(|error| wrapped(&explained(error), room)).collect();
    let rows: usize = words.iter().map(|lines| lines.len().max(1)).sum();
    (room >= 30 && rows <= usize::from(area.height)).then_some(words)
}

/// Where the errors are listed, a row each, and what is said of the chosen one below them.
fn list_and_advice(model: &Model, area: Rect, errors: &[ErrorLine]) -> (Rect, Vec<String>) {
    let advice = errors.get(model.views.error).map(|error| wrapped(&explained(error), area.width.saturating_sub(4)));
    let advice = advice.filter(|lines| lines.len() > 1 || area.width < 60).unwrap_or_default();
    let below = u16::try_from(advice.len()).unwrap_or(u16::MAX).min(area.height / 2);
    (Rect { height: area.height - below, ..area }, advice)
}

/// Draws all errors with all of their words.
fn whole_errors(model: &Model, pen: &mut Pen<'_>, area: Rect, (errors, words): (&[ErrorLine], Vec<Vec<String>>)) {
    let room = area.width.saturating_sub(WORDS_AT + 1);
    let mut y = area.y;
    for ((at, error), lines) in errors.iter().enumerate().zip(words) {
        error_head(model, pen, (area.x, y), (at, error));
        for (line, y) in lines.iter().zip(y..) {
            pen.put((area.x + WORDS_AT, y), line.trim_end(), room, TextRole::Plain);
        }
        y += u16::try_from(lines.len().max(1)).unwrap_or(u16::MAX);
    }
}

/// The first error that is listed, so that the chosen one is in sight.
fn first_listed(model: &Model, list: Rect) -> usize {
    (model.views.error + 1).saturating_sub(usize::from(list.height))
}

/// The column of what is said of an error.
const WORDS_AT: u16 = 27;

fn error_list(model: &Model, pen: &mut Pen<'_>, area: Rect, errors: &[ErrorLine]) {
    let top = first_listed(model, area);
    for ((at, error), y) in errors.iter().enumerate().skip(top).zip(area.y..area.bottom()) {
        error_head(model, pen, (area.x, y), (at, error));
        pen.put((area.x + WORDS_AT, y), &explained(error), area.width.saturating_sub(WORDS_AT), TextRole::Plain);
    }
}

/// The cursor, the code and how many people have it.
fn error_head(model: &Model, pen: &mut Pen<'_>, (x, y): (u16, u16), (at, error): (usize, &ErrorLine)) {
    let is_chosen = at == model.views.error;
    let (glyph, role) = if is_chosen { cursor(focused(model, Pane::Funnel)) } else { (" ", TextRole::Plain) };
    pen.put((x, y), glyph, 1, role);
    let meaning = if is_chosen { TextRole::Strong } else { TextRole::Stage(Status::Failed) };
    pen.put((x + 2, y), &error.code, 13, meaning);
    pen.put_right((x + 25, y), &number(error.count), 9, TextRole::Plain);
}

/// The provider's words, and what to do.
fn explained(error: &ErrorLine) -> String {
    let said = [error.title.trim_end_matches('.'), error.advice.as_str()];
    said.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(": ")
}

/// Why there is nothing to compare.
fn not_compared(model: &Model) -> String {
    let compared = model.compared();
    let unsent = compared.iter().find(|blast| blast.counts.funnel().sent == 0);
    match (unsent, compared.len()) {
        (Some(blast), _) => format!("nothing has been sent in {} yet", model.distinct_name(blast)),
        (None, 2..) => model.reading().to_owned(),
        (None, _) => "two blasts with messages are needed: in Blasts, space marks them".to_owned(),
    }
}

/// Blasts at the same age, side by side.
fn compare(model: &Model, area: Rect) -> Vec<TextLine> {
    let room = area.width;
    let mut blasts: Vec<(&BlastView, &BlastProgress)> = model
        .compared()
        .into_iter()
        .filter_map(|blast| Some((blast, model.views.progress_of(blast.id)?)))
        .filter(|(_, progress)| progress.span().is_some())
        .collect();
    let columns = SideBySide::of(room, blasts.len());
    let hidden = blasts.len().saturating_sub(columns.fit.max(2));
    blasts.truncate(columns.fit.max(2));
    if blasts.len() < 2 {
        let words = wrapped(&not_compared(model), room.saturating_sub(4));
        return words.into_iter().map(|words| TextLine::dim(format!("  {words}"))).collect();
    }
    // By the time of the reading, so that an idle screen stays as it is.
    let age =
        |(blast, progress): &(&BlastView, &BlastProgress)| Some(model.views.read_at(blast.id)? - progress.span()?.0);
    let age = rounded_down(blasts.iter().filter_map(age).min().unwrap_or_default());
    let row = |label: &str, role: TextRole, cell: &dyn Fn(&BlastView, &BlastProgress) -> String| {
        columns.row((label, role), blasts.iter().map(|(blast, progress)| cell(blast, progress)))
    };
    let namesakes = blasts.iter().any(|(blast, _)| blasts.iter().any(|(other, _)| other.is_namesake_of(blast)));
    // Where there is no room for a sentence about their age, it stands beside their names.
    let is_low = usize::from(area.height) < STAGES.len() + 2 + usize::from(namesakes);
    let mut lines =
        vec![row(&if is_low { brief_age(age) } else { String::new() }, TextRole::Dim, &|blast, _| blast.name())];
    if namesakes {
        let clock = TimeFormat { zone: model.options.zone, now: model.now };
        lines.push(row("which", TextRole::Dim, &|blast, _| format!("{} #{}", clock.date(blast.blast_date), blast.id)));
    }
    // What the figures are comes before the stage, where there is no room for both.
    if usize::from(area.height) >= lines.len() + STAGES.len() + 2 {
        lines.push(row("stage", TextRole::Dim, &|blast, _| blast.follow_up_stage.clone()));
    }
    for (at, stage) in STAGES.into_iter().enumerate() {
        lines.push(row(stage_label(stage), TextRole::Stage(stage), &|_, progress| {
            let Some((first, _)) = progress.span() else { return "-".to_owned() };
            let reached = |stage: usize| whole(progress.curves[stage].at(first + age));
            match at {
                0 => number(reached(0)),
                at => columns.reached(reached(at), reached(0)),
            }
        }));
    }
    // What each brought in at that age is not known.
    let has_room = usize::from(area.height) > lines.len() + usize::from(!is_low);
    let is_sold = has_room && blasts.iter().any(|(blast, _)| !blast.counts.amount.is_zero());
    let (currency, room) = (symbol(&model.options.currency), columns.width.saturating_sub(3));
    let sold = is_sold.then(|| row(currency, TextRole::Plain, &|blast, _| sum_within(blast.counts.amount, room)));
    let now = if is_sold { format!("; {currency} as of now") } else { String::new() };
    lines.extend(sold);
    if !is_low {
        let more = if hidden > 0 { format!("; {hidden} more: a wider window") } else { String::new() };
        let age = span_words(age);
        lines.push(TextLine::dim(format!("  each as it stood {age} after its first message{now}{more}")));
    }
    lines
}

/// To the unit that it is said in: the figures are those of that very age.
fn rounded_down(age: TimeDelta) -> TimeDelta {
    match age.num_seconds() {
        seconds @ ..60 => TimeDelta::seconds(seconds),
        60..86_400 => TimeDelta::minutes(age.num_minutes()),
        _ => TimeDelta::hours(age.num_hours()),
    }
}

/// `at 1h 31min`, in the columns of the stages' names.
fn brief_age(age: TimeDelta) -> String {
    let words = span_words(age).replace(" h", "h").replace(" min", "min");
    start_of(&format!("at {words}"), LABEL - 2)
}
