//! The title of a pane: a rule with words in it, double when the pane has the focus.

use super::{Pen, width};
use crate::tui::theme::TextRole;

/// What a title says.
#[derive(Debug, Default)]
pub struct TitleRule {
    /// Segments from the left, each after two rule glyphs; the last ones are dropped when they do not fit.
    pub left: Vec<String>,
    /// A segment at the right end, if it fits without taking one of the others' place.
    pub right: Option<String>,
}

/// Whether the pane has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focused {
    Yes,
    No,
}

/// Draws a title over `room` columns from `(x, y)`.
pub fn rule(pen: &mut Pen<'_>, (x, y): (u16, u16), room: u16, title: &TitleRule, focused: Focused) {
    let glyph = match focused {
        Focused::Yes => pen.theme.glyphs.double,
        Focused::No => pen.theme.glyphs.rule,
    };
    let (frame, words) = match focused {
        Focused::Yes => (TextRole::Accent, TextRole::Strong),
        Focused::No => (TextRole::Dim, TextRole::Plain),
    };
    pen.repeat((x, y), glyph, room, frame);
    let right = title.right.as_deref().filter(|_| right_fits(title, room));
    let taken = right.map_or(0, |words| width(words) + 4);
    let limit = room.saturating_sub(taken);
    let mut at = 0;
    for segment in title.left.iter().filter(|segment| !segment.is_empty()) {
        let left = limit.saturating_sub(at + 5);
        if left < width(segment).min(4) {
            break;
        }
        at += 2;
        at += segment_at(pen, (x + at, y), segment, left, words);
    }
    if let Some(words_right) = right {
        segment_at(pen, (x + room - width(words_right) - 4, y), words_right, room, words);
    }
}

/// Whether the words at the right end have room beside the beginning of every segment.
pub fn right_fits(title: &TitleRule, room: u16) -> bool {
    let taken = title.right.as_deref().map_or(0, width);
    taken + 10 <= room && all_shown(&title.left, room - taken - 4)
}

/// Whether at least the beginning of every segment has room.
fn all_shown(segments: &[String], room: u16) -> bool {
    let widths = segments.iter().map(|segment| width(segment)).filter(|width| *width > 0);
    let (_, shown) = widths.fold((0, true), |(at, shown), width| {
        let left = room.saturating_sub(at + 5);
        (at + 4 + width.min(left), shown && left >= width.min(4))
    });
    shown
}

/// A segment with a space either side; returns its columns.
fn segment_at(pen: &mut Pen<'_>, (x, y): (u16, u16), words: &str, room: u16, meaning: TextRole) -> u16 {
    pen.put((x, y), " ", 1, meaning);
    let end = pen.put((x + 1, y), words, room, meaning);
    pen.put((end, y), " ", 1, meaning);
    end + 1 - x
}
