//! What is left at sizes where no pane fits: the selected blast in a line, and what needs a person.

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
        return below(pen, why, area.height);
    }
    if area.height < 2 {
        return;
    }
    let is_worth = |notice: &Notice| notice.tone == Tone::Refused || area.height > 2;
    if model.prompt.is_some() || model.announced().is_some() {
        super::footer::draw_small(model, pen);
    } else if let Some(notice) = model.notice.as_ref().filter(|notice| is_worth(notice)) {
        below(pen, &notice.text, area.height - 1);
    }
}

/// A sentence on the last lines, at most so many, broken where it is too long for one.
fn below(pen: &mut Pen<'_>, text: &str, most: u16) {
    let area = pen.screen();
    let lines = wrapped(text, area.width);
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
    let Some(blast) = model.blast() else { return vec![TextLine::plain("blastdeck: no blast")] };
    let funnel = blast.counts.funnel();
    let needs = model.needs();
    let need = if needs > 0 { format!("!{} ", number(needs)) } else { String::new() };
    let state = blast.shown_state(model.now);
    let first = TextLine::of(need, TextRole::Need)
        .and(format!("{}/{} {}", number(funnel.sent), number(blast.total_recipients), state), TextRole::Plain);
    let stages =
        [("received", funnel.received), ("read", funnel.read), ("replied", funnel.replied), ("closed", funnel.closed)];
    let stages = stages.map(|(stage, people)| TextLine::plain(format!("{:>11} {stage}", number(people))));
    [first, TextLine::plain(name_within(blast, model.size.width))].into_iter().chain(stages).collect()
}
