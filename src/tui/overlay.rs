//! What the overlays say, as lines for a width.

mod answer;
mod command_line;
mod customer;
mod details;
mod follow_found;
mod follow_up;
mod form;
mod help;
mod history;
mod lists;
mod message;
mod needs;
mod palette;
mod plan;
mod reply;
mod step_message;
mod uncertain;
mod welcome;

pub use details::preview;
pub use palette::{commands, works_here};

use super::format::TimeFormat;
use super::layout::Layout;
use super::model::{Model, Overlay, PlanOverlay};
use super::view;
use super::widget::{TextLine, TitleRule};

pub use details::before_resend;

/// An overlay as it is drawn: a title and lines.
#[derive(Debug, Default)]
pub struct OverlayContent {
    pub title: TitleRule,
    pub lines: Vec<TextLine>,
    /// The line that must be visible: a cursor or a field.
    pub focus: Option<usize>,
}

impl OverlayContent {
    /// The same with every sentence that is too long for its line going on below it; the focus stays on the end of its line.
    fn folded(self, width: u16) -> Self {
        let (mut lines, mut focus) = (Vec::new(), self.focus);
        for (at, line) in self.lines.into_iter().enumerate() {
            lines.extend(folded(line, width));
            if self.focus == Some(at) {
                focus = Some(lines.len() - 1);
            }
        }
        Self { lines, focus, ..self }
    }

    /// The same with further lines in a column of their own.
    fn beside(self, aside: Vec<TextLine>) -> Self {
        let lines = if aside.is_empty() { self.lines } else { TextLine::in_columns(self.lines, aside) };
        Self { lines, ..self }
    }

    /// The same of a page that is scrolled so far, on so many rows: the shorter column stays at its end while the other goes on.
    fn beside_scrolled(self, aside: Vec<TextLine>, (scroll, rows): (usize, usize)) -> Self {
        if aside.is_empty() {
            return self;
        }
        let top = scroll.min(self.lines.len().max(aside.len()).saturating_sub(rows));
        let held = |lines: Vec<TextLine>| {
            let above = top.saturating_sub(lines.len().saturating_sub(rows));
            std::iter::repeat_with(|| TextLine::plain("")).take(above).chain(lines).collect::<Vec<_>>()
        };
        let (lines, aside) = (held(self.lines), held(aside));
        Self { lines, ..self }.beside(aside)
    }

    /// The line that the cursor is on.
    pub fn cursor(&self) -> Option<usize> {
        let is_chosen = |line: &TextLine| {
            line.pieces
                .iter()
                .find(|piece| !piece.text.trim().is_empty())
                .is_some_and(|piece| piece.text.trim_start().starts_with('>'))
        };
        self.lines.iter().position(is_chosen)
    }
}

/// From this width on what belongs together stands in two columns.
const COLUMNS_FROM: u16 = 160;

/// How wide a column is on a screen with room for two.
fn column_of(width: u16) -> Option<u16> {
    (width >= COLUMNS_FROM).then(|| TextLine::column_width(width))
}

/// The content of the topmost overlay, for a width.
pub fn content(model: &Model, width: u16) -> Option<OverlayContent> {
    let content = match model.overlays.last()? {
        Overlay::Details(details) => details::content(model, details, width),
        Overlay::Customer(page) => customer::content(model, page, width),
        Overlay::Form => form::content(model, width).folded(width),
        Overlay::Welcome(row) => welcome::content(model, *row, width),
        Overlay::NewSender => welcome::new_sender(model.new_sender.as_deref()?, width),
        Overlay::Plan(plan) => plan::content(model, plan, width).folded(width),
        Overlay::FollowUp(page) => follow_up::content(model, page, width),
        Overlay::FollowFound(page) => follow_found::content(model, page, width),
        Overlay::Help(help) => help::content(model, help, width),
        Overlay::Log(_) => lists::log(model, width),
        Overlay::Commands(palette) => palette::content(model, palette),
        Overlay::Needs(chosen) => needs::content(model, *chosen, width),
        Overlay::Answer(answer) => answer::content(model, answer, width),
        Overlay::StepMessage(page) => step_message::content(model, page, width),
        Overlay::Elsewhere(elsewhere) => lists::elsewhere(model, elsewhere),
        Overlay::Uncertain(page) => uncertain::content(model, page, width),
    };
    Some(content)
}

/// The topmost plan as it is written to a file.
pub fn plan_file(model: &Model, width: u16) -> Option<OverlayContent> {
    let Overlay::Plan(plan) = model.overlays.last()? else { return None };
    Some(plan::of_file(model, plan, width).folded(width))
}

/// How many lines of the topmost overlay are on the screen: what is said over several rows takes the last ones.
pub fn page_rows(model: &Model) -> usize {
    Layout::page_rows(model.size).saturating_sub(1 + view::covered_rows(model))
}

/// How many lines of the topmost overlay stay above those that scroll: the field of the commands, and whom a plan is for and what
/// to know of them before the number is typed, on at most half of the page.
pub fn pinned_lines(model: &Model) -> usize {
    match model.overlays.last() {
        Some(Overlay::Commands(_)) => 1,
        Some(Overlay::Help(help)) => usize::from(help::has_field(help)),
        Some(Overlay::FollowUp(page)) => says_below(model, &follow_up::segments(model, page)),
        Some(Overlay::FollowFound(page)) => says_below(model, &follow_found::segments(model, page)),
        Some(Overlay::Plan(plan)) => whom_lines(model, plan).min(page_rows(model) / 2),
        _ => 0,
    }
}

/// The line that says that nothing is sent, where the title has no room for it.
fn says_below(model: &Model, title: &[String]) -> usize {
    usize::from(!follow_up::says_in_title(title, model.size.width))
}

/// Whether some of what is to stay above is among the lines that scroll: there is no room for all of it.
pub fn cuts_pinned(model: &Model) -> bool {
    matches!(model.overlays.last(), Some(Overlay::Plan(plan)) if whom_lines(model, plan) > page_rows(model) / 2)
}

fn whom_lines(model: &Model, plan: &PlanOverlay) -> usize {
    let width = plan::columns(model, plan, model.size.width).0;
    plan::whom(model, plan).into_iter().flat_map(|line| folded(line, width)).count()
}

/// The first line on the screen of those that scroll: the line with the cursor or the field is visible, unless somebody scrolled away from it.
pub fn top_line(model: &Model, content: &OverlayContent) -> usize {
    let Some(overlay) = model.overlays.last() else { return 0 };
    let last = content.lines.len().saturating_sub(page_rows(model));
    natural_top(model, content).saturating_add_signed(overlay.peek()).min(last)
}

fn natural_top(model: &Model, content: &OverlayContent) -> usize {
    let (height, overlay) = (page_rows(model), model.overlays.last());
    let scroll = overlay.map_or(0, Overlay::scroll).min(content.lines.len().saturating_sub(height));
    let top = content.focus.map_or(scroll, |line| scroll.max((line + 1).saturating_sub(height)));
    // What needs somebody may have a name that fills the screen: its beginning says which it is.
    let begins = content.cursor().filter(|_| matches!(overlay, Some(Overlay::Needs(_))));
    begins.map_or(top, |line| top.min(line))
}

/// Keeps the scroll and the cursor of the topmost overlay within its content.
pub fn clamp(model: &mut Model) {
    if let Some(Overlay::Commands(palette)) = model.overlays.last() {
        let last = commands(model, palette).entries.len().saturating_sub(1);
        if let Some(Overlay::Commands(palette)) = model.overlays.last_mut() {
            palette.row = palette.row.min(last);
        }
        return;
    }
    let Some(content) = content(model, model.size.width) else { return };
    let last = content.lines.len().saturating_sub(page_rows(model));
    let (up, down) = (natural_top(model, &content), last.saturating_sub(natural_top(model, &content)));
    if let Some(peek) = model.overlays.last_mut().and_then(Overlay::peek_mut) {
        *peek = (*peek).clamp(-up.cast_signed(), down.cast_signed());
    }
    if let Some(scroll) = model.overlays.last_mut().and_then(Overlay::scroll_mut) {
        *scroll = (*scroll).min(last);
    }
}

fn clock(model: &Model) -> TimeFormat {
    TimeFormat { zone: model.options.zone, now: model.now }
}

/// A title of segments, with words at its right end.
fn title(left: Vec<String>, right: Option<String>) -> TitleRule {
    TitleRule { left, right }
}

/// Text in lines of at most so many columns, broken at spaces where there are any.
pub fn wrapped(text: &str, width: u16) -> Vec<String> {
    let width = width.max(4);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_inclusive(' ') {
            if !line.is_empty() && super::widget::width(&line) + super::widget::width(word.trim_end()) > width {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(word);
            while super::widget::width(line.trim_end()) > width {
                let rest = split_off(&mut line, width);
                lines.push(std::mem::replace(&mut line, rest));
            }
        }
        lines.push(line);
    }
    lines
}

/// Fewer columns than these are no room for words to go on in.
const FOLD_LEAST: u16 = 12;

/// A line whose last words go on below it where they are too long, under where they began.
fn folded(line: TextLine, width: u16) -> Vec<TextLine> {
    let Some((last, before)) = line.pieces.split_last().filter(|_| !line.is_rule() && line.width() > width) else {
        return vec![line];
    };
    let indent = last.text.len() - last.text.trim_start().len();
    let head = before.iter().fold(0, |taken, piece| taken + super::widget::width(&piece.text));
    let column = usize::from(head) + indent;
    let room = width.saturating_sub(u16::try_from(column).unwrap_or(u16::MAX));
    if room < FOLD_LEAST {
        return vec![line];
    }
    let mut texts = wrapped(last.text.trim_start(), room).into_iter();
    let first = format!("{}{}", " ".repeat(indent), texts.next().unwrap_or_default().trim_end());
    let first = TextLine { pieces: before.to_vec(), ..line.clone() }.and(first, last.meaning);
    let below = |text: String| TextLine::of(format!("{}{}", " ".repeat(column), text.trim_end()), last.meaning);
    let mut lines: Vec<_> = std::iter::once(first).chain(texts.map(below)).collect();
    // Words at the right end stand where they have room.
    let has_room = |line: &TextLine| {
        let right = line.right.as_deref().or(lines[0].right.as_deref()).map_or(0, super::widget::width);
        line.width() + right + 2 <= width
    };
    if let (false, true) = (has_room(&lines[0]), lines.last().is_some_and(has_room)) {
        let right = lines[0].right.take();
        lines.last_mut().into_iter().for_each(|last| last.right.clone_from(&right));
    }
    lines
}

/// Cuts a line without spaces after so many columns; returns the rest.
fn split_off(line: &mut String, width: u16) -> String {
    let (mut taken, mut at) = (0, 0);
    for cluster in super::widget::clusters(line) {
        taken += super::widget::width(cluster);
        if taken > width && at > 0 {
            break;
        }
        at += cluster.len();
    }
    line.split_off(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::wrapped;
    use crate::tui::widget::width;

    #[test]
    fn text_is_broken_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrapped("promo Raya: diskaun 20%", 12), ["promo Raya: ", "diskaun 20%"]);
        assert_eq!(wrapped("by itself. Open the chat", 10), ["by itself. ", "Open the ", "chat"]);
        assert_eq!(wrapped("aaaaaaaaaa", 4), ["aaaa", "aaaa", "aa"]);
        assert_eq!(wrapped("one\n\ntwo", 20), ["one", "", "two"]);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_asked_whatever_the_text(text in any::<String>(), room in 4_u16..40) {
            for line in wrapped(&text, room) {
                prop_assert!(width(line.trim_end()) <= room);
            }
        }
    }
}
