//! A text of several lines that is being typed: a cursor, the usual editing keys, a limit.

use super::{EditOutcome, TextLine};
use crate::domain::text::clean_typed;
use crate::tui::key::Key;
use crate::tui::theme::TextRole;

/// The most characters that are taken: twice as many as WhatsApp sends, so that a text can be shortened in place.
pub const AREA_MAX: usize = 8_192;

/// A text being typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextArea {
    text: Vec<char>,
    /// How many characters stand before the cursor.
    at: usize,
}

impl TextArea {
    /// With a text to begin with, the cursor at its end.
    pub fn with(text: &str) -> Self {
        let mut area = Self::default();
        area.insert(text);
        area
    }

    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// Puts text at the cursor, cleaned but for its line breaks, as far as it fits.
    pub fn insert(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        for (n, line) in text.split('\n').enumerate() {
            if n > 0 {
                self.put('\n');
            }
            clean_typed(line).chars().for_each(|c| self.put(c));
        }
    }

    fn put(&mut self, c: char) {
        if self.text.len() < AREA_MAX {
            self.text.insert(self.at, c);
            self.at += 1;
        }
    }

    /// Lets a key edit the text; enter begins another line.
    pub fn key(&mut self, key: Key) -> EditOutcome {
        let before = self.text.len();
        match key {
            Key::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            Key::Enter => self.put('\n'),
            Key::Backspace | Key::Ctrl('h') => self.remove(self.at.saturating_sub(1), self.at),
            Key::Delete | Key::Ctrl('d') => self.remove(self.at, self.at + 1),
            // At the beginning of a line, what stands before the cursor is its break.
            Key::Ctrl('u') if self.at == self.line_start() => self.remove(self.at.saturating_sub(1), self.at),
            Key::Ctrl('u') => self.remove(self.line_start(), self.at),
            Key::Ctrl('k') => self.remove(self.at, self.line_end()),
            Key::Ctrl('w') => self.remove(self.word_start(), self.at),
            Key::Left | Key::Ctrl('b') => self.at = self.at.saturating_sub(1),
            Key::Right | Key::Ctrl('f') => self.at = (self.at + 1).min(self.text.len()),
            Key::Up | Key::Ctrl('p') => self.line_up(),
            Key::Down | Key::Ctrl('n') => self.line_down(),
            Key::Home | Key::Ctrl('a') => self.at = self.line_start(),
            Key::End | Key::Ctrl('e') => self.at = self.line_end(),
            Key::PageUp => self.at = 0,
            Key::PageDown => self.at = self.text.len(),
            _ => return EditOutcome::NotMine,
        }
        if self.text.len() == before { EditOutcome::Same } else { EditOutcome::Changed }
    }

    fn remove(&mut self, from: usize, to: usize) {
        let to = to.min(self.text.len());
        if from < to {
            self.text.drain(from..to);
            self.at = from;
        }
    }

    fn line_start(&self) -> usize {
        self.text[..self.at].iter().rposition(|c| *c == '\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        self.text[self.at..].iter().position(|c| *c == '\n').map_or(self.text.len(), |at| self.at + at)
    }

    fn line_up(&mut self) {
        let start = self.line_start();
        let column = self.at - start;
        if start == 0 {
            self.at = 0;
            return;
        }
        self.at = start - 1;
        self.at = (self.line_start() + column).min(start - 1);
    }

    fn line_down(&mut self) {
        let (column, end) = (self.at - self.line_start(), self.line_end());
        if end == self.text.len() {
            self.at = end;
            return;
        }
        self.at = end + 1;
        self.at = (end + 1 + column).min(self.line_end());
    }

    /// Where the word before the cursor begins.
    fn word_start(&self) -> usize {
        let before = &self.text[..self.at];
        let spaces = before.iter().rev().take_while(|c| c.is_whitespace()).count();
        let letters = before.iter().rev().skip(spaces).take_while(|c| !c.is_whitespace()).count();
        self.at - spaces - letters
    }

    /// The text in lines of at most so many columns as `wrap` breaks it, with the cursor as `_`; and which line that is on.
    pub fn lines(&self, wrap: impl Fn(&str) -> Vec<String>) -> (Vec<TextLine>, usize) {
        let (before, after) = self.text.split_at(self.at);
        let marked: String = before.iter().chain(['_'].iter()).chain(after).collect();
        let mut underscores_left = before.iter().filter(|c| **c == '_').count();
        let mut cursor = 0;
        let mut is_found = false;
        let mut lines = Vec::new();
        for (n, text) in wrap(&marked).into_iter().enumerate() {
            let places: Vec<usize> = text.match_indices('_').map(|(at, _)| at).collect();
            let place = places.get(underscores_left).copied().filter(|_| !is_found);
            underscores_left = underscores_left.saturating_sub(places.len());
            lines.push(match place {
                None => TextLine::of(text, TextRole::Strong),
                Some(at) => {
                    (cursor, is_found) = (n, true);
                    TextLine::of(&text[..at], TextRole::Strong)
                        .and("_", TextRole::Accent)
                        .and(&text[at + 1..], TextRole::Strong)
                }
            });
        }
        (lines, cursor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};

    use super::{AREA_MAX, TextArea};
    use crate::tui::key::Key;

    #[test]
    fn lines_are_typed_left_and_come_back_to() {
        let mut area = TextArea::with("Salam_{name},\npromo Raya");

        area.key(Key::Up);
        area.key(Key::End);
        area.key(Key::Enter);
        "陈!".chars().for_each(|c| _ = area.key(Key::Char(c)));
        area.key(Key::Down);
        area.key(Key::Ctrl('u'));

        assert_eq!(area.text(), "Salam_{name},\n陈!\nomo Raya");
    }

    #[test]
    fn ctrl_u_at_the_beginning_of_a_line_joins_it_to_the_one_above() {
        let mut area = TextArea::with("Salam\npromo\nRaya");

        for text in ["Salam\npromo\n", "Salam\npromo", "Salam\n", "Salam", "", ""] {
            area.key(Key::Ctrl('u'));
            assert_eq!(area.text(), text);
        }
    }

    #[test]
    fn a_paste_keeps_its_lines_and_loses_what_steers_a_terminal() {
        let mut area = TextArea::default();

        area.insert("one\r\n\u{1b}[31mtwo\rthree\u{202e}");

        assert!(area.text().starts_with("one\n[31mtwo\nthree"), "{:?}", area.text());
        assert!(!area.text().contains(['\u{1b}', '\u{202e}']));
        area.insert(&"x".repeat(100_000));
        assert_eq!(area.text().chars().count(), AREA_MAX);
    }

    proptest! {
        #[test]
        fn any_run_of_keys_leaves_the_cursor_in_the_text_and_on_one_line(
            keys in proptest::collection::vec(any_key(), 0..200),
        ) {
            let mut area = TextArea::default();
            for key in keys {
                area.key(key);
                prop_assert!(area.at <= area.text.len());
            }
            let (lines, cursor) = area.lines(|text| text.split('\n').map(str::to_owned).collect());
            prop_assert!(cursor < lines.len());
            let cursors = lines.iter().filter(|line| line.pieces.len() == 3).count();
            prop_assert_eq!(cursors, 1);
        }
    }

    fn any_key() -> impl Strategy<Value = Key> {
        prop_oneof![
            proptest::char::any().prop_map(Key::Char),
            proptest::char::range('a', 'z').prop_map(Key::Ctrl),
            proptest::sample::select(vec![
                Key::Left,
                Key::Right,
                Key::Up,
                Key::Down,
                Key::Home,
                Key::End,
                Key::Enter,
                Key::Backspace,
                Key::Char('_'),
            ]),
        ]
    }
}
