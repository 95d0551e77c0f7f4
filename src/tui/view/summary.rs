//! What is left at sizes where no pane fits: the selected blast in a line, and what needs a person.

use super::header::kind_word;
use crate::domain::status::Status;
use crate::tui::format::{name_within, number};
use crate::tui::model::{Model, Notice, Tone};
use crate::tui::overlay::wrapped;
use crate::tui::theme::TextRole;
use crate::tui::widget::{Pen, TextLine, start_of, width};

pub fn draw(model: &Model, pen: &mut Pen<'_>) {
    let area = pen.screen();
    for (line, y) in lines(model).iter().zip(0..area.height) {
        line.draw(pen, (0, y), area.width);
    }
    if let Some(why) = model.not_drawn() {
        // Nothing else says at this size that messages are about to go out.
        if model.prompt.is_none() && model.announced().is_some() {
            return super::footer::draw_small(model, pen);
        }
        return below(pen, &[why, TOO_SMALL], area.height);
    }
    if area.height < 2 {
        return;
    }
    let is_worth = |notice: &Notice| notice.tone == Tone::Refused || area.height > 2;
    if model.prompt.is_some() || model.announced().is_some() {
        super::footer::draw_small(model, pen);
    } else if let Some(notice) = model.notice.as_ref().filter(|notice| is_worth(notice)) {
        below(pen, &shorter(notice), area.height - 1);
    }
}

/// Said where there is no room for the whole sentence that asks for a larger window.
const TOO_SMALL: &str = "too small";

/// What was said, and what is said in its place where that has no room: that nothing happened is never cut.
fn shorter(notice: &Notice) -> Vec<&str> {
    let nothing_done = "nothing done";
    let short = if notice.text.ends_with(nothing_done) { nothing_done } else { TOO_SMALL };
    std::iter::once(notice.text.as_str()).chain(notice.until_larger.then_some(short)).collect()
}

/// The first sentence that has room on the last lines, at most so many, broken where it is too long for one.
fn below(pen: &mut Pen<'_>, texts: &[&str], most: u16) {
    let area = pen.screen();
    let mut broken = texts.iter().map(|text| wrapped(text, area.width));
    let whole = broken.clone().find(|lines| lines.len() <= usize::from(most));
    let Some(lines) = whole.or_else(|| broken.next_back()) else { return };
    let rows = u16::try_from(lines.len()).unwrap_or(most).min(most);
    let blank = " ".repeat(usize::from(area.width));
    for (line, y) in shown(lines, rows, area.width).iter().zip(area.height - rows..area.height) {
        pen.put((0, y), &blank, area.width, TextRole::Plain);
        pen.put((0, y), line, area.width, TextRole::Plain);
    }
}

/// As many lines as there are rows; the last one is marked where more follow.
fn shown(lines: Vec<String>, rows: u16, room: u16) -> Vec<String> {
    let rows = usize::from(rows);
    let is_cut = lines.len() > rows;
    let mut shown: Vec<_> = lines.into_iter().take(rows).map(|line| line.trim_end().to_owned()).collect();
    if let Some(last) = shown.last_mut().filter(|_| is_cut) {
        *last = if width(last) + 2 <= room { format!("{last} ~") } else { start_of(&format!("{last}~"), room) };
    }
    shown
}

fn lines(model: &Model) -> Vec<TextLine> {
    let (word, role) = kind_word(model);
    let kind = TextLine::of(format!("{word} "), role);
    let Some(blast) = model.blast() else { return vec![kind.and("no blast", TextRole::Plain)] };
    let funnel = blast.counts.funnel();
    let needs = model.needs();
    let need = if needs > 0 { format!("!{} ", number(needs)) } else { String::new() };
    let state = if model.away_since().is_some() { "STALE" } else { blast.shown_state(model.now) };
    let kind = kind.and(need, TextRole::Need);
    // Of one that is over, `53/56 done` would read as three to go.
    let state = if blast.state.is_over() { format!("sent, {state}") } else { state.to_owned() };
    let sent = format!("{}/{} {state}", number(funnel.sent), number(blast.total_recipients));
    // Whose messages these are is seen first, and cuts nothing where another line takes the numbers.
    let is_one = kind.width() + width(&sent) <= model.size.width || model.size.height < 2;
    let first = if is_one { vec![kind.and(sent, TextRole::Plain)] } else { vec![kind, TextLine::plain(sent)] };
    let stages =
        [("received", funnel.received), ("read", funnel.read), ("replied", funnel.replied), ("closed", funnel.closed)];
    let count = |people: i64, stage: &str| format!("{:>11} {stage}", number(people));
    let stages = stages.map(|(stage, people)| TextLine::plain(count(people, stage)));
    let counts = &blast.counts;
    let line = |people: i64, status: &str, role| (people > 0).then(|| TextLine::of(count(people, status), role));
    let uncertain = line(counts.uncertain, "uncertain", TextRole::Stage(Status::Uncertain));
    let failed = line(counts.failed, "failed", TextRole::Trouble);
    let beside = match (uncertain, failed) {
        // In one line where both have room there: the last of the stages is to be seen as well.
        (Some(uncertain), Some(failed)) => {
            let both = uncertain.clone().and(format!(" {} failed", number(counts.failed)), TextRole::Trouble);
            if both.width() <= model.size.width { vec![both] } else { vec![uncertain, failed] }
        }
        (uncertain, failed) => uncertain.into_iter().chain(failed).collect(),
    };
    let name = TextLine::plain(name_within(blast, model.size.width));
    first.into_iter().chain([name]).chain(beside).chain(stages).collect()
}
