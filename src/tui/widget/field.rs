//! A line of text that is being typed: a cursor, the usual editing keys, a limit.

use super::TextLine;
use crate::domain::text::clean;
use crate::tui::key::Key;
use crate::tui::theme::TextRole;

/// The most characters that a field takes: as many as a note has.
pub const FIELD_MAX: usize = 2_000;

/// The most characters before the cursor that are shown, so that the cursor stays in sight.
const SHOWN_MAX: usize = 40;

/// What a key did to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditOutcome {
    /// The text is another one now.
    Changed,
    /// The key was for the field, and the text is the same.
    Same,
    /// Not an editing key.
    NotMine,
}

/// A line being typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextField {
    text: Vec<char>,
    /// How many characters stand before the cursor.
    at: usize,
    /// The text was offered and nothing was done to it yet: what is typed takes its place.
    is_offered: bool,
}

impl TextField {
    /// With a text to begin with, the cursor at its end.
    pub fn with(text: &str) -> Self {
        let mut field = Self::default();
        field.insert(text);
        field
    }

    /// The same with a text that the first character typed takes the place of. A key that moves in it keeps it to be edited.
    pub fn offering(text: &str) -> Self {
        Self { is_offered: !text.is_empty(), ..Self::with(text) }
    }

    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    pub const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Puts text at the cursor, cleaned, as far as it fits.
    pub fn insert(&mut self, text: &str) {
        if std::mem::take(&mut self.is_offered) {
            (self.text, self.at) = (Vec::new(), 0);
        }
        for c in clean(text).chars().take(FIELD_MAX.saturating_sub(self.text.len())) {
            self.text.insert(self.at, c);
            self.at += 1;
        }
    }

    /// Lets a key edit the text.
    pub fn key(&mut self, key: Key) -> EditOutcome {
        let before = self.text.len();
        let was_offered = self.is_offered;
        if !matches!(key, Key::Char(_)) {
            self.is_offered = false;
        }
        match key {
            Key::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            Key::Backspace | Key::Ctrl('h') => self.remove(self.at.saturating_sub(1), self.at),
            Key::Delete | Key::Ctrl('d') => self.remove(self.at, self.at + 1),
            Key::Ctrl('u') => self.remove(0, self.at),
            Key::Ctrl('k') => self.remove(self.at, self.text.len()),
            Key::Ctrl('w') => self.remove(self.word_start(), self.at),
            Key::Left | Key::Ctrl('b') => self.at = self.at.saturating_sub(1),
            Key::Right | Key::Ctrl('f') => self.at = (self.at + 1).min(self.text.len()),
            Key::Home | Key::Ctrl('a') => self.at = 0,
            Key::End | Key::Ctrl('e') => self.at = self.text.len(),
            _ => return EditOutcome::NotMine,
        }
        let is_replaced = was_offered && matches!(key, Key::Char(_));
        if self.text.len() == before && !is_replaced { EditOutcome::Same } else { EditOutcome::Changed }
    }

    fn remove(&mut self, from: usize, to: usize) {
        let to = to.min(self.text.len());
        if from < to {
            self.text.drain(from..to);
            self.at = from;
        }
    }

    /// Where the word before the cursor begins.
    fn word_start(&self) -> usize {
        let before = &self.text[..self.at];
        let spaces = before.iter().rev().take_while(|c| c.is_whitespace()).count();
        let letters = before.iter().rev().skip(spaces).take_while(|c| !c.is_whitespace()).count();
        self.at - spaces - letters
    }

    /// The text as pieces, the cursor shown as `_` at the end or by the theme's accent on the character it stands on.
    pub fn line(&self, before: TextLine) -> TextLine {
        let head: String = self.text[self.at.saturating_sub(SHOWN_MAX)..self.at].iter().collect();
        let cut = if self.at > SHOWN_MAX { "~" } else { "" };
        // Where nothing more fits, whatever was pasted may have lost its end: that is said.
        let full = if self.text.len() < FIELD_MAX { "" } else { "(full: 2,000 characters) " };
        let line = before.and(full, TextRole::Need).and(format!("{cut}{head}"), TextRole::Strong);
        match self.text.get(self.at) {
            None => line.and("_", TextRole::Accent),
            Some(c) => {
                let tail: String = self.text[self.at + 1..].iter().collect();
                line.and("_", TextRole::Accent).and(*c, TextRole::Strong).and(tail, TextRole::Strong)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, prop_assert, prop_oneof, proptest};

    use super::{EditOutcome, FIELD_MAX, TextField};
    use crate::tui::key::Key;
    use crate::tui::theme::TextRole;
    use crate::tui::widget::TextLine;

    #[test]
    fn typing_and_taking_words_back_works_in_any_script() {
        let mut field = TextField::with("陈小明 Aina");

        assert_eq!(field.key(Key::Ctrl('w')), EditOutcome::Changed);
        assert_eq!(field.text(), "陈小明 ");
        field.key(Key::Home);
        field.key(Key::Delete);
        field.key(Key::Char('é'));
        assert_eq!(field.text(), "é小明 ");
    }

    #[test]
    fn what_is_offered_is_replaced_by_what_is_typed_and_kept_by_a_key_that_moves() {
        let mut field = TextField::offering("cars.csv");
        field.key(Key::Char('v'));
        field.key(Key::Char('a'));
        assert_eq!(field.text(), "va");

        let mut field = TextField::offering("cars.csv");
        field.key(Key::Left);
        field.key(Key::Char('2'));
        assert_eq!(field.text(), "cars.cs2v");
    }

    #[test]
    fn a_pasted_escape_sequence_is_cleaned_and_a_pasted_book_is_cut() {
        let mut field = TextField::with("\u{1b}[31m6789\n");
        assert_eq!(field.text(), "[31m6789 ");

        field.insert(&"x".repeat(100_000));
        assert_eq!(field.text().chars().count(), FIELD_MAX);
        let says = |field: &TextField| {
            format!("{:?}", field.line(TextLine::of("", TextRole::Plain))).contains("full: 2,000 characters")
        };
        assert!(says(&field));
        field.key(Key::Backspace);
        assert!(!says(&field));
    }

    #[test]
    fn keys_that_do_not_edit_are_left_to_others() {
        assert_eq!(TextField::default().key(Key::Enter), EditOutcome::NotMine);
        assert_eq!(TextField::default().key(Key::Backspace), EditOutcome::Same);
    }

    proptest! {
        #[test]
        fn any_run_of_keys_leaves_the_cursor_within_the_text(keys in proptest::collection::vec(any_key(), 0..200)) {
            let mut field = TextField::default();
            for key in keys {
                field.key(key);
                prop_assert!(field.at <= field.text.len());
            }
        }
    }

    fn any_key() -> impl Strategy<Value = Key> {
        prop_oneof![
            proptest::char::any().prop_map(Key::Char),
            proptest::char::range('a', 'z').prop_map(Key::Ctrl),
            proptest::sample::select(vec![Key::Left, Key::Right, Key::Home, Key::End, Key::Backspace, Key::Delete]),
        ]
    }
}
