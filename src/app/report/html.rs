//! The report as one page of HTML, to be handed on: its pictures are inline SVG, its colours follow the reader's light or dark screen, and it
//! loads nothing. Pure. Whatever others wrote is escaped.

use std::fmt::{self, Write as _};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::{Report, Stage, also, explained, held, later, title, unasked};
use crate::domain::amount;
use crate::domain::progress::{BlastProgress, SendingHour};
use crate::domain::status::Status;
use crate::domain::text::{clean, count_of, number};

/// What is drawn beside the numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportPictures {
    pub progress: BlastProgress,
    /// The money of sales, by the hour in which they were closed.
    pub revenue: Vec<(DateTime<Utc>, Decimal)>,
    pub zone: Tz,
    /// When the report was made.
    pub made_at: DateTime<Utc>,
}

/// The size of a picture, in its own units.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 220.0;
/// What is kept free for labels on the left, and below.
const LEFT: f64 = 56.0;
const BELOW: f64 = 24.0;

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1b2430;--dim:#5d6b7a;--paper:#fff;--line:#d9dfe6;--s0:#5b7c99;--s1:#3a8fb7;--s2:#2f9e8f;--s3:#d08a1e;--s4:#2e8540;--bad:#b3402e}
@media(prefers-color-scheme:dark){:root{--ink:#e6ebf0;--dim:#9aa7b4;--paper:#12171d;--line:#2c3641;--s0:#8fb0cc;--s1:#63b8de;--s2:#5cc9b9;--s3:#f0b455;--s4:#6fcf83;--bad:#ef7f6c}}
body{margin:0 auto;max-width:46rem;padding:1.5rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}p,td,th{color:var(--ink)}.dim{color:var(--dim)}
table{border-collapse:collapse;width:100%}td,th{padding:.3rem .5rem;border-bottom:1px solid var(--line);text-align:left}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}svg{width:100%;height:auto}
text{fill:var(--ink);font-size:12px}text.dim{fill:var(--dim)}.axis{stroke:var(--line)}path{fill:none;stroke-width:2}
@media print{body{max-width:none}}";

/// Renders the page.
pub fn html(report: &Report, pictures: &ReportPictures) -> String {
    let heading = title(report);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{0}</title><style>{STYLE}</style></head><body>\n<h1>{0}</h1>\n",
        escaped(&heading)
    );
    let made_at = pictures.made_at.with_timezone(&pictures.zone).format("%-d %B %Y, %H:%M %Z");
    put(&mut page, format_args!("<p class=\"dim\">As of {}.</p>", escaped(&made_at.to_string())));
    let people = number(report.blast.total_recipients);
    put(&mut page, format_args!("<p>People: {people}. Money: {}.</p>", escaped(&report.money())));
    funnel(&mut page, report);
    timeline(&mut page, pictures);
    hours(&mut page, &pictures.progress.hours);
    revenue(&mut page, report, pictures);
    errors(&mut page, report);
    page.push_str("</body></html>\n");
    page
}

fn funnel(page: &mut String, report: &Report) {
    let stages = report.stages();
    open(page, "Funnel", rows_high(stages.len()));
    for (at, stage) in stages.iter().enumerate() {
        bar(page, (at, stage.share), &stage_words(stage), at);
    }
    page.push_str(
        "</svg>\n<table><tr><th>stage<th class=\"n\">count<th class=\"n\">of sent<th class=\"n\">stuck here</tr>\n",
    );
    for stage in &stages {
        let (count, percent, stuck) = (number(stage.count), stage.percent(), stage.stuck());
        put(
            page,
            format_args!(
                "<tr><td>{}<td class=\"n\">{count}<td class=\"n\">{percent}<td class=\"n\">{stuck}</tr>",
                stage.label
            ),
        );
    }
    for (status, people) in report.others() {
        let later = if status == Status::OptedOut { later(report.opted_out_later) } else { String::new() };
        put(page, format_args!("<tr><td>{status}<td class=\"n\">{}{later}<td><td></tr>", number(people)));
    }
    page.push_str("</table>\n");
    for words in held(report).into_iter().chain(unasked(report)).chain(also(report)) {
        put(page, format_args!("<p>{}.</p>", escaped(&words)));
    }
}

fn stage_words(stage: &Stage) -> String {
    format!("{} {} ({})", stage.label, number(stage.count), stage.percent())
}

/// A bar of a share of the width, with words on it.
fn bar(page: &mut String, (row, share): (usize, f64), words: &str, colour: usize) {
    let (top, width) = (rows_high(row) - 4.0, share.clamp(0.0, 1.0) * WIDTH);
    put(
        page,
        format_args!(
            "<rect x=\"0\" y=\"{top:.0}\" width=\"{width:.1}\" height=\"10\" rx=\"3\" fill=\"var(--s{})\"/>",
            colour.min(4)
        ),
    );
    put(page, format_args!("<text x=\"0\" y=\"{:.0}\">{}</text>", top + 23.0, escaped(words)));
}

/// The labels of the curves, from the top of the funnel.
const STAGES: [&str; 5] = ["sent", "received", "read", "replied", "closed"];

/// Points of a curve.
const POINTS: i32 = 120;

fn timeline(page: &mut String, pictures: &ReportPictures) {
    let Some((from, to)) = pictures.progress.span() else { return };
    let most = pictures.progress.curves.iter().map(|curve| curve.at(to)).fold(1.0, f64::max);
    open(page, "Over time", HEIGHT + 20.0);
    axes(page, &rounded(most), (&clock(from, pictures.zone), &clock(to, pictures.zone)));
    for (stage, curve) in pictures.progress.curves.iter().enumerate() {
        let at = |step: i32| from + (to - from) / POINTS * step;
        let points = (0..=POINTS)
            .map(|step| (f64::from(step) / f64::from(POINTS), curve.at(if step == POINTS { to } else { at(step) })));
        line(page, points, most, stage);
        let x = LEFT + whole(stage) * 90.0;
        put(
            page,
            format_args!(
                "<text x=\"{x:.0}\" y=\"{:.0}\" style=\"fill:var(--s{stage})\">{}</text>",
                HEIGHT + 16.0,
                STAGES[stage]
            ),
        );
    }
    page.push_str("</svg>\n");
    if let Some(people) = pictures.progress.sampled {
        put(
            page,
            format_args!("<p class=\"dim\">Drawn from a sample of {}.</p>", count_of(people, "person", "people")),
        );
    }
}

fn clock(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%-d %b %H:%M").to_string()
}

/// The lines that a picture stands on: the largest value, and the first and last moment.
fn axes(page: &mut String, most: &str, (from, to): (&str, &str)) {
    let floor = HEIGHT - BELOW;
    put(page, format_args!("<line class=\"axis\" x1=\"{LEFT}\" y1=\"{floor}\" x2=\"{WIDTH}\" y2=\"{floor}\"/>"));
    put(page, format_args!("<line class=\"axis\" x1=\"{LEFT}\" y1=\"12\" x2=\"{WIDTH}\" y2=\"12\"/>"));
    put(page, format_args!("<text class=\"dim\" x=\"0\" y=\"16\">{}</text>", escaped(most)));
    put(page, format_args!("<text class=\"dim\" x=\"{LEFT}\" y=\"{:.0}\">{}</text>", HEIGHT - 8.0, escaped(from)));
    put(
        page,
        format_args!(
            "<text class=\"dim\" x=\"{WIDTH}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>",
            HEIGHT - 8.0,
            escaped(to)
        ),
    );
}

fn rounded(value: f64) -> String {
    format!("{value:.0}")
}

/// A curve through points whose first number is a share of the width.
fn line(page: &mut String, points: impl Iterator<Item = (f64, f64)>, most: f64, colour: usize) {
    let height = HEIGHT - BELOW - 12.0;
    let mut path = String::new();
    for (x, y) in points {
        let (x, y) = (LEFT + x * (WIDTH - LEFT), HEIGHT - BELOW - y / most.max(f64::MIN_POSITIVE) * height);
        let step = if path.is_empty() { 'M' } else { 'L' };
        // Writing to memory does not fail.
        _ = write!(path, "{step}{x:.1} {y:.1}");
    }
    put(page, format_args!("<path d=\"{path}\" stroke=\"var(--s{colour})\"/>"));
}

fn hours(page: &mut String, hours: &[SendingHour]) {
    let Some(most) = hours.iter().map(|hour| hour.sent).reduce(f64::max).filter(|most| *most > 0.0) else { return };
    open(page, "Hours of sending, and who read and replied", HEIGHT);
    axes(page, &rounded(most), ("00:00", "24:00"));
    let (wide, height) = ((WIDTH - LEFT) / 24.0, HEIGHT - BELOW - 12.0);
    for hour in hours {
        for (people, colour) in [(hour.sent, 0), (hour.read, 2), (hour.replied, 3)] {
            let (x, tall) = (LEFT + f64::from(hour.hour) * wide, people / most * height);
            let y = HEIGHT - BELOW - tall;
            put(
                page,
                format_args!(
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" fill=\"var(--s{colour})\">\
                     <title>{:02}:00: {}</title></rect>",
                    wide - 2.0,
                    hour.hour,
                    rounded(people)
                ),
            );
        }
    }
    page.push_str("</svg>\n");
}

fn revenue(page: &mut String, report: &Report, pictures: &ReportPictures) {
    let (Some((from, _)), Some((to, _))) = (pictures.revenue.first(), pictures.revenue.last()) else {
        if report.unpriced().is_some() {
            put(page, format_args!("<p>Revenue: {}.</p>", escaped(&report.money())));
        }
        return;
    };
    let from = pictures.progress.span().map_or(*from, |(sent, _)| sent.min(*from));
    let span = seconds(*to - from).max(1.0);
    let total: Decimal = pictures.revenue.iter().map(|(_, sum)| *sum).sum();
    open(page, "Revenue", HEIGHT);
    axes(page, &amount::money(total), (&clock(from, pictures.zone), &clock(*to, pictures.zone)));
    let mut so_far = Decimal::ZERO;
    let steps = pictures.revenue.iter().flat_map(|(at, sum)| {
        let (x, before) = (seconds(*at - from) / span, so_far);
        so_far += sum;
        [(x, to_f64(before)), (x, to_f64(so_far))]
    });
    line(page, std::iter::once((0.0, 0.0)).chain(steps), to_f64(total), 4);
    page.push_str("</svg>\n");
    let words = format!("{} {}", report.currency, amount::money(total));
    let words = format!("{}{}", words.trim(), report.unpriced().unwrap_or_default());
    put(page, format_args!("<p>Revenue by the time of each sale: {}.</p>", escaped(&words)));
}

/// How high so many bars are.
fn rows_high(rows: usize) -> f64 {
    whole(rows) * 34.0 + 8.0
}

fn whole(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

fn seconds(span: TimeDelta) -> f64 {
    span.as_seconds_f64()
}

fn share(part: i64, of: i64) -> f64 {
    to_f64(Decimal::from(part)) / to_f64(Decimal::from(of)).max(1.0)
}

fn to_f64(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or(0.0)
}

fn errors(page: &mut String, report: &Report) {
    let Some(most) = report.errors.iter().map(|error| error.count).max().filter(|most| *most > 0) else { return };
    open(page, "Why people failed", rows_high(report.errors.len()));
    for (at, error) in report.errors.iter().enumerate() {
        let words = format!("{}: {}", clean(&error.code), number(error.count));
        bar(page, (at, share(error.count, most)), &words, 3);
    }
    page.push_str("</svg>\n<table><tr><th>error<th class=\"n\">people<th>why</tr>\n");
    for error in &report.errors {
        let (code, why) = (clean(&error.code).into_owned(), explained(error));
        put(
            page,
            format_args!("<tr><td>{}<td class=\"n\">{}<td>{}</tr>", escaped(&code), number(error.count), escaped(&why)),
        );
    }
    page.push_str("</table>\n");
}

/// A heading, and the beginning of the picture below it.
fn open(page: &mut String, heading: &str, height: f64) {
    put(
        page,
        format_args!(
            "<h2>{0}</h2>\n<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{0}\">",
            escaped(heading)
        ),
    );
}

fn put(page: &mut String, words: fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    _ = writeln!(page, "{words}");
}

/// Text that cannot be taken for markup, also within an attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
