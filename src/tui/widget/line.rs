//! A line of pieces, each with its role: what overlays and prompts are made of.

use super::{Pen, width};
use crate::tui::theme::TextRole;

/// A run of text of one meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPiece {
    pub text: String,
    pub meaning: TextRole,
}

/// A line of text, or a rule with a title.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextLine {
    pub pieces: Vec<TextPiece>,
    /// Words at the right end.
    pub right: Option<String>,
    /// They are no keys, but facts.
    pub is_right_dim: bool,
    pub kind: LineKind,
    /// Another line beside it, from the middle on.
    pub beside: Option<Box<Self>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineKind {
    #[default]
    Text,
    /// A heading: each piece a segment of a rule.
    Rule,
}

impl TextLine {
    pub fn plain(text: impl Into<String>) -> Self {
        Self::of(text, TextRole::Plain)
    }

    pub fn dim(text: impl Into<String>) -> Self {
        Self::of(text, TextRole::Dim)
    }

    pub fn of(text: impl Into<String>, meaning: TextRole) -> Self {
        Self::default().and(text, meaning)
    }

    pub fn rule(text: impl Into<String>) -> Self {
        Self { kind: LineKind::Rule, ..Self::plain(text) }
    }

    #[must_use]
    pub fn and(mut self, text: impl Into<String>, meaning: TextRole) -> Self {
        self.pieces.push(TextPiece { text: text.into(), meaning });
        self
    }

    #[must_use]
    pub fn right(mut self, text: impl Into<String>) -> Self {
        self.right = Some(text.into());
        self
    }

    /// The same after two blanks.
    #[must_use]
    pub fn indented(mut self) -> Self {
        self.pieces.insert(0, TextPiece { text: "  ".to_owned(), meaning: TextRole::Plain });
        self
    }

    pub fn is_rule(&self) -> bool {
        self.kind == LineKind::Rule
    }

    /// Whether its words go on in the next line: wrapping leaves the blank at which they were broken.
    pub fn goes_on_below(&self) -> bool {
        !self.is_rule() && self.pieces.last().is_some_and(|piece| piece.text.ends_with(' '))
    }

    /// The same with a sign in its margin that its words began further up.
    #[must_use]
    pub fn begun_above(mut self) -> Self {
        if let Some(first) = self.pieces.first_mut()
            && let Some(rest) = first.text.strip_prefix(' ')
        {
            first.text = format!("~{rest}");
        }
        self
    }

    /// The columns that its pieces take.
    pub fn width(&self) -> u16 {
        self.pieces.iter().fold(0, |taken, piece| taken.saturating_add(width(&piece.text)))
    }

    /// Facts at the right end.
    #[must_use]
    pub fn right_dim(mut self, text: impl Into<String>) -> Self {
        (self.right, self.is_right_dim) = (Some(text.into()), true);
        self
    }

    /// Lines in two columns, with an upright between them.
    pub fn in_columns(left: Vec<Self>, right: Vec<Self>) -> Vec<Self> {
        let rows = left.len().max(right.len());
        let (mut left, mut right) = (left.into_iter(), right.into_iter());
        let row = |_| {
            let beside = Some(Box::new(right.next().unwrap_or_default()));
            Self { beside, ..left.next().unwrap_or_default() }
        };
        (0..rows).map(row).collect()
    }

    /// How wide each of two columns is.
    pub const fn column_width(room: u16) -> u16 {
        room.saturating_sub(1) / 2
    }

    /// Draws the pieces one after the other, the right words only where they do not touch them.
    pub fn draw(&self, pen: &mut Pen<'_>, (x, y): (u16, u16), room: u16) {
        let Some(beside) = &self.beside else { return self.draw_alone(pen, (x, y), (room, 0)) };
        let column = Self::column_width(room);
        // What stands at the right end does not touch the upright.
        self.draw_alone(pen, (x, y), (column, 1));
        let upright = pen.theme.glyphs.upright;
        pen.put((x + column, y), upright, 1, TextRole::Dim);
        beside.draw_alone(pen, (x + column + 1, y), (room.saturating_sub(column + 1), 0));
    }

    /// `margin`: columns that the words at the right end keep free.
    fn draw_alone(&self, pen: &mut Pen<'_>, (x, y): (u16, u16), (room, margin): (u16, u16)) {
        if self.kind == LineKind::Rule {
            let left = self.pieces.iter().map(|piece| piece.text.clone()).collect();
            let title = super::TitleRule { left, right: self.right.clone() };
            return super::rule(pen, (x, y), room, &title, super::Focused::No);
        }
        let mut at = x;
        for piece in &self.pieces {
            let left = (x + room).saturating_sub(at);
            if left == 0 && room > 0 && !piece.text.trim().is_empty() {
                pen.put((x + room - 1, y), "~", 1, piece.meaning);
                break;
            }
            at = pen.put((at, y), &piece.text, left, piece.meaning);
        }
        if let Some(words) = &self.right {
            let room = room.saturating_sub(margin);
            let taken = width(words);
            if at + 1 + taken <= x + room {
                let meaning = if self.is_right_dim { TextRole::Dim } else { TextRole::Accent };
                pen.put_right((x + room, y), words, taken, meaning);
            } else if self.is_right_dim && room > 0 {
                // Keys are in the footer too; a fact that has no room is seen to have none.
                let from = (at + 1).min(x + room - 1);
                pen.put((from, y), words, x + room - from, TextRole::Dim);
            }
        }
    }
}
