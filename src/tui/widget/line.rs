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
    pub kind: LineKind,
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

    /// Draws the pieces one after the other, the right words only where they do not touch them.
    pub fn draw(&self, pen: &mut Pen<'_>, (x, y): (u16, u16), room: u16) {
        if self.kind == LineKind::Rule {
            let left = self.pieces.iter().map(|piece| piece.text.clone()).collect();
            let title = super::TitleRule { left, right: self.right.clone() };
            return super::rule(pen, (x, y), room, &title, super::Focused::No);
        }
        let mut at = x;
        for piece in &self.pieces {
            at = pen.put((at, y), &piece.text, (x + room).saturating_sub(at), piece.meaning);
        }
        if let Some(words) = &self.right {
            let taken = width(words);
            if at + 1 + taken <= x + room {
                pen.put_right((x + room, y), words, taken, TextRole::Accent);
            }
        }
    }
}
