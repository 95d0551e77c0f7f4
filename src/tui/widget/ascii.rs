//! Text for a terminal that shows nothing but ASCII.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_width::UnicodeWidthChar;

/// The same text in ASCII, in as many columns: letters lose their accents, and what has no likeness is `?`.
pub fn in_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.chars().map(likeness).collect()) }
}

fn likeness(c: char) -> Cow<'static, str> {
    let plain = match c {
        c if c.is_ascii() => Some(c),
        '\u{b7}' | '\u{2022}' => Some('.'),
        '\u{2010}'..='\u{2015}' => Some('-'),
        '\u{2018}' | '\u{2019}' => Some('\''),
        '\u{201c}' | '\u{201d}' => Some('"'),
        '\u{2026}' => Some('~'),
        '\u{a0}' => Some(' '),
        c => std::iter::once(c).nfkd().next().filter(char::is_ascii),
    };
    let columns = c.width().unwrap_or_default();
    match plain {
        Some(plain) if columns == 1 => Cow::Owned(plain.to_string()),
        _ => Cow::Owned("?".repeat(columns)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use unicode_width::UnicodeWidthStr;

    use super::in_ascii;
    use crate::domain::text::clean;

    #[test]
    fn letters_lose_their_accents_and_other_scripts_become_question_marks() {
        assert_eq!(in_ascii("Zo\u{eb} caf\u{e9} \u{2013} \u{201c}ok\u{201d}\u{2026}"), "Zoe cafe - \"ok\"~");
        assert_eq!(in_ascii("\u{9648}\u{5c0f}\u{660e} Tan"), "?????? Tan");
        assert_eq!(in_ascii("e\u{301}le\u{300}ve"), "eleve");
    }

    proptest! {
        #[test]
        fn whatever_the_text_it_is_ascii_and_no_wider(text in any::<String>()) {
            let text: String = clean(&text).chars().collect();
            prop_assert!(in_ascii(&text).is_ascii());
            let by_char: usize = text.chars().map(|c| c.to_string().width()).sum();
            prop_assert_eq!(in_ascii(&text).width(), by_char);
        }
    }
}
