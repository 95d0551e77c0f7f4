//! The topmost overlay: its title and as many of its lines as fit.

use crate::tui::model::{FormPage, Model, Overlay};
use crate::tui::overlay::{content, cuts_pinned, page_rows, pinned_lines, top_line};
use crate::tui::theme::TextRole;
use crate::tui::widget::{Focused, Pen, TextLine, TitleRule, right_fits, rule};

pub fn draw(model: &Model, pen: &mut Pen<'_>) {
    let area = pen.screen();
    let Some(mut content) = content(model, area.width) else { return };
    let (height, top) = (page_rows(model), top_line(model, &content));
    // The help says so itself, where it has room for that.
    let is_said = matches!(model.overlays.last(), Some(Overlay::Help(_))) && right_fits(&content.title, area.width);
    let mut scrolled = content.lines.split_off(pinned_lines(model).min(content.lines.len()));
    let height = height.saturating_sub(content.lines.len());
    if let Some(last) = content.lines.last_mut().filter(|_| top > 0 && cuts_pinned(model)) {
        *last = std::mem::take(last).and(" ~", TextRole::Plain);
    }
    let goes_on = top.checked_sub(1).and_then(|above| scrolled.get(above)).is_some_and(TextLine::goes_on_below);
    if let Some(first) = scrolled.get_mut(top).filter(|_| goes_on && marks_cut_sentences(model)) {
        *first = std::mem::take(first).begun_above();
    }
    if let Some(place) = place(model, (top, height), scrolled.len()).filter(|_| !is_said) {
        say_place(&mut content.title, place, area.width, keeps_words(model));
    }
    if keeps_words(model) {
        make_room(&mut content.title, area.width);
    }
    rule(pen, (0, 1), area.width, &content.title, Focused::Yes);
    let shown = content.lines.iter().chain(scrolled.iter().skip(top).take(height));
    for (line, y) in shown.zip(2..) {
        line.draw(pen, (0, y), area.width);
    }
}

/// Whether a sentence that begins above what is shown has a sign of that: of a plan the end is what is seen, from anywhere within its words.
fn marks_cut_sentences(model: &Model) -> bool {
    matches!(model.overlays.last(), Some(Overlay::Plan(_)))
}

/// Which lines these are, where there are more, and what shows the others.
fn place(model: &Model, (top, height): (usize, usize), lines: usize) -> Option<String> {
    let overlay = model.overlays.last().filter(|_| lines > height)?;
    let keys = match overlay {
        Overlay::Help(_)
        | Overlay::Details(_)
        | Overlay::Customer(_)
        | Overlay::Log(_)
        | Overlay::Plan(_)
        | Overlay::FollowUp(_)
        | Overlay::FollowFound(_) => ": PgUp PgDn",
        _ => "",
    };
    Some(format!("{}-{} of {lines}{keys}", top + 1, (top + height).min(lines)))
}

/// Whether no other words take the place of those at the right of the title: until when an answer may be sent, and that a form sends
/// nothing.
fn keeps_words(model: &Model) -> bool {
    let is_of_lines = || model.form.as_deref().is_some_and(|form| form.page == FormPage::Lines);
    match model.overlays.last() {
        Some(Overlay::Answer(answer)) => answer.loaded.is_some(),
        Some(Overlay::Form) => is_of_lines(),
        _ => false,
    }
}

/// At the right of the title, behind the words that stand there; where both have no room, in their place.
fn say_place(title: &mut TitleRule, place: String, room: u16, keeps_words: bool) {
    let words = title.right.take();
    title.right = words.as_ref().map(|words| format!("{words}, {place}"));
    if title.right.is_some() && right_fits(title, room) {
        return;
    }
    if keeps_words {
        title.right = words;
        return;
    }
    title.right = Some(place);
    make_room(title, room);
}

/// Leaves out segments that have no room beside the words at the right.
fn make_room(title: &mut TitleRule, room: u16) {
    while title.left.len() > 1 && !right_fits(title, room) {
        title.left.pop();
    }
}
