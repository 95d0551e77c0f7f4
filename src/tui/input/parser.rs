//! From a terminal's bytes to keys and pastes. Any bytes yield keys or nothing, and none wait forever.
//! The sequences are those of xterm, screen, tmux and the Linux console.

use super::{Input, PASTE_MAX};
use crate::tui::key::Key;
use crate::tui::mouse::MouseEvent;

/// The longest control sequence that is completed, in bytes.
const SEQUENCE_MAX: usize = 32;
const PASTE_END: &[u8] = b"\x1b[201~";

/// Bytes that are not yet a whole key.
#[derive(Debug, Default)]
pub struct KeyParser {
    bytes: Vec<u8>,
    paste: Option<Vec<u8>>,
}

/// What the bytes begin with.
enum ParseStep {
    /// An input of so many bytes.
    Took(usize, Option<Input>),
    PasteBegins(usize),
    /// Perhaps the beginning of more.
    Incomplete,
}

impl KeyParser {
    /// Whether bytes wait that may be the beginning of a sequence.
    pub const fn is_waiting(&self) -> bool {
        !self.bytes.is_empty() && self.paste.is_none()
    }

    /// Takes what was read.
    pub fn feed(&mut self, read: &[u8]) -> Vec<Input> {
        self.bytes.extend_from_slice(read);
        let mut inputs = Vec::new();
        while !self.bytes.is_empty() {
            if self.paste.is_some() {
                match self.pasted() {
                    Some(input) => inputs.push(input),
                    None => break,
                }
                continue;
            }
            match step(&self.bytes) {
                ParseStep::Took(length, input) => {
                    self.bytes.drain(..length);
                    inputs.extend(input);
                }
                ParseStep::PasteBegins(length) => {
                    self.bytes.drain(..length);
                    self.paste = Some(Vec::new());
                }
                ParseStep::Incomplete => break,
            }
        }
        inputs
    }

    /// Nothing followed in time: a lone escape was the key, half a sequence was nothing.
    pub fn give_up_waiting(&mut self) -> Vec<Input> {
        if !self.is_waiting() {
            return Vec::new();
        }
        let lone = self.bytes == [0x1b];
        self.bytes.clear();
        if lone { vec![Input::Key(Key::Esc)] } else { Vec::new() }
    }

    /// Moves bytes into the paste; the paste, once its end is here.
    fn pasted(&mut self) -> Option<Input> {
        let paste = self.paste.as_mut()?;
        let end = self.bytes.windows(PASTE_END.len()).position(|window| window == PASTE_END);
        // What may be the beginning of the end mark stays for the next read.
        let until = end.unwrap_or_else(|| self.bytes.len().saturating_sub(PASTE_END.len() - 1));
        // One byte more than is taken shows whoever takes it that it is too long: half a list is another list, and half a number
        // somebody else's.
        let room = (PASTE_MAX + 1).saturating_sub(paste.len());
        paste.extend(self.bytes.drain(..until).take(room));
        end?;
        self.bytes.drain(..PASTE_END.len());
        let text = self.paste.take().unwrap_or_default();
        Some(Input::Paste(String::from_utf8_lossy(&text).into_owned()))
    }
}

fn step(bytes: &[u8]) -> ParseStep {
    match bytes {
        [0x1b] | [0x1b, b'O'] => ParseStep::Incomplete,
        [0x1b, b'[', rest @ ..] => csi(rest),
        [0x1b, b'O', last, ..] => ParseStep::Took(3, letter(*last).map(Input::Key)),
        [0x1b, ..] => ParseStep::Took(1, Some(Input::Key(Key::Esc))),
        [byte, ..] if *byte < 0x20 || *byte == 0x7f => ParseStep::Took(1, control(*byte).map(Input::Key)),
        _ => character(bytes),
    }
}

/// A control sequence: parameters, then one final byte. `rest` comes after `ESC [`.
fn csi(rest: &[u8]) -> ParseStep {
    let Some(length) = rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
        return if rest.len() > SEQUENCE_MAX { ParseStep::Took(rest.len() + 2, None) } else { ParseStep::Incomplete };
    };
    let parameters = &rest[..length];
    if let Some(report) = parameters.strip_prefix(b"<") {
        let event = MouseEvent::of_report(report, rest[length] == b'M');
        return ParseStep::Took(length + 3, event.map(Input::Mouse));
    }
    let first = parameters.split(|byte| *byte == b';').next().unwrap_or_default();
    match (rest[length], first) {
        (b'~', b"200") => ParseStep::PasteBegins(length + 3),
        (b'~', first) => ParseStep::Took(length + 3, tilde(first).map(Input::Key)),
        (b'Z', _) => ParseStep::Took(length + 3, Some(Input::Key(Key::BackTab))),
        (last, _) => ParseStep::Took(length + 3, letter(last).map(Input::Key)),
    }
}

const fn letter(last: u8) -> Option<Key> {
    match last {
        b'A' => Some(Key::Up),
        b'B' => Some(Key::Down),
        b'C' => Some(Key::Right),
        b'D' => Some(Key::Left),
        b'H' => Some(Key::Home),
        b'F' => Some(Key::End),
        b'M' => Some(Key::Enter),
        _ => None,
    }
}

const fn tilde(number: &[u8]) -> Option<Key> {
    match number {
        b"1" | b"7" => Some(Key::Home),
        b"4" | b"8" => Some(Key::End),
        b"3" => Some(Key::Delete),
        b"5" => Some(Key::PageUp),
        b"6" => Some(Key::PageDown),
        _ => None,
    }
}

fn control(byte: u8) -> Option<Key> {
    match byte {
        b'\r' | b'\n' => Some(Key::Enter),
        b'\t' => Some(Key::Tab),
        0x08 | 0x7f => Some(Key::Backspace),
        0x01..=0x1a => Some(Key::Ctrl(char::from(byte - 1 + b'a'))),
        _ => None,
    }
}

/// One character of UTF-8; a byte that cannot be part of one is skipped.
fn character(bytes: &[u8]) -> ParseStep {
    let length = match bytes[0] {
        0x00..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return ParseStep::Took(1, None),
    };
    let have = &bytes[..length.min(bytes.len())];
    match std::str::from_utf8(have) {
        Ok(text) => {
            let key = text.chars().next().filter(|c| !c.is_control()).map(Key::Char);
            ParseStep::Took(length, key.map(Input::Key))
        }
        Err(error) if error.error_len().is_none() && have.len() < length => ParseStep::Incomplete,
        Err(_) => ParseStep::Took(1, None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::{Input, Key, KeyParser, PASTE_MAX};

    fn keys(bytes: &[u8]) -> Vec<Input> {
        let mut parser = KeyParser::default();
        let mut inputs = parser.feed(bytes);
        inputs.extend(parser.give_up_waiting());
        inputs
    }

    fn key(key: Key) -> Input {
        Input::Key(key)
    }

    #[test]
    fn arrows_are_read_in_both_spellings_and_with_modifiers() {
        for bytes in [b"\x1b[A".as_slice(), b"\x1bOA", b"\x1b[1;5A"] {
            assert_eq!(keys(bytes), [key(Key::Up)]);
        }
        assert_eq!(keys(b"\x1b[5~\x1b[6~\x1b[Z"), [key(Key::PageUp), key(Key::PageDown), key(Key::BackTab)]);
    }

    #[test]
    fn clicks_and_the_wheel_are_read_and_all_else_of_the_mouse_is_nothing() {
        use crate::tui::mouse::{MouseEvent, MouseKind};
        let mouse = |kind, at| Input::Mouse(MouseEvent { kind, at });

        assert_eq!(keys(b"\x1b[<0;12;3M\x1b[<0;12;3m"), [mouse(MouseKind::Press, (11, 2))]);
        assert_eq!(keys(b"\x1b[<64;1;1Mj"), [mouse(MouseKind::WheelUp, (0, 0)), key(Key::Char('j'))]);
        assert_eq!(keys(b"\x1b[<65;200;50M"), [mouse(MouseKind::WheelDown, (199, 49))]);
        assert_eq!(keys(b"\x1b[<2;1;1M\x1b[<35;1;1M\x1b[<0;0;0M\x1b[<;1M"), []);
    }

    #[test]
    fn alt_and_a_letter_are_escape_and_the_letter() {
        assert_eq!(keys(b"\x1br"), [key(Key::Esc), key(Key::Char('r'))]);
        assert_eq!(keys(b"\x1b"), [key(Key::Esc)]);
    }

    #[test]
    fn a_paste_is_one_input_even_when_it_holds_keys_and_comes_in_parts() {
        let mut parser = KeyParser::default();

        let mut inputs = parser.feed(b"\x1b[200~+60 10-012\rS\x1b[2");
        inputs.extend(parser.feed(b"01~j"));

        assert_eq!(inputs, [Input::Paste("+60 10-012\rS".to_owned()), key(Key::Char('j'))]);
    }

    #[test]
    fn a_paste_is_whole_or_longer_than_what_is_taken() {
        for length in [65_537, PASTE_MAX, PASTE_MAX + 1, PASTE_MAX + 100] {
            let paste = [b"\x1b[200~".as_slice(), &vec![b'7'; length], b"\x1b[201~"].concat();
            let [Input::Paste(text)] = &keys(&paste)[..] else { panic!("{length}") };
            assert_eq!(text.len(), length.min(PASTE_MAX + 1));
        }
    }

    #[test]
    fn half_a_sequence_that_never_ends_is_no_key_at_all() {
        assert_eq!(keys(b"\x1b[1;"), []);
        assert_eq!(keys(b"\x1bO"), []);
    }

    #[test]
    fn control_letters_and_characters_of_any_script_are_read() {
        assert_eq!(keys(b"\x03\r\t\x7f"), [key(Key::Ctrl('c')), key(Key::Enter), key(Key::Tab), key(Key::Backspace)]);
        assert_eq!(keys("陈é😀".as_bytes()), [key(Key::Char('陈')), key(Key::Char('é')), key(Key::Char('😀'))]);
        assert_eq!(keys(b"\xff\xc3j"), [key(Key::Char('j'))]);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_parts_are_read_to_the_end(parts in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..40), 0..20)) {
            let mut parser = KeyParser::default();
            for part in &parts {
                parser.feed(part);
            }
            parser.give_up_waiting();
            prop_assert!(!parser.is_waiting());
        }

        #[test]
        fn text_is_read_as_it_was_typed_however_it_was_cut(text in "[a-z陈é😀]{0,20}", cut in 0_usize..80) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            let mut parser = KeyParser::default();
            let mut inputs = parser.feed(&bytes[..cut]);
            inputs.extend(parser.feed(&bytes[cut..]));
            let typed: Vec<Input> = text.chars().map(|c| Input::Key(Key::Char(c))).collect();
            prop_assert_eq!(inputs, typed);
        }
    }
}
