//! Keys as the dashboard knows them, and how they are called on the screen. Knows no terminal's bytes.

use std::fmt;
use std::str::FromStr;

/// A key that was pressed. `alt-x` is not one: it reads as [`Key::Esc`] and then `x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    Char(char),
    /// With a lower-case letter.
    Ctrl(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
}

/// Keys that have a name, as it is printed and read.
const NAMED: [(Key, &str); 15] = [
    (Key::Char(' '), "space"),
    (Key::Enter, "enter"),
    (Key::Esc, "esc"),
    (Key::Tab, "tab"),
    (Key::BackTab, "shift-tab"),
    (Key::Backspace, "backspace"),
    (Key::Delete, "delete"),
    (Key::Up, "up"),
    (Key::Down, "down"),
    (Key::Left, "left"),
    (Key::Right, "right"),
    (Key::PageUp, "PgUp"),
    (Key::PageDown, "PgDn"),
    (Key::Home, "Home"),
    (Key::End, "End"),
];

/// Reads a key by the name that it is printed with.
impl FromStr for Key {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((key, _)) = NAMED.iter().find(|(_, name)| name.eq_ignore_ascii_case(text)) {
            return Ok(*key);
        }
        let only = |text: &str| Some(text.chars().next()?).filter(|c| c.len_utf8() == text.len() && !c.is_control());
        let ctrl = text.strip_prefix("ctrl-").and_then(only).filter(char::is_ascii_lowercase);
        let key = ctrl.map(Self::Ctrl).or_else(|| only(text).map(Self::Char));
        key.ok_or("write one character, ctrl- and a small letter, or a name such as space, tab, up or PgDn")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMED.iter().find(|(key, _)| key == self).map(|(_, name)| *name);
        match (self, name) {
            (_, Some(name)) => f.pad(name),
            (Self::Char(c), None) => f.pad(c.encode_utf8(&mut [0; 4])),
            (Self::Ctrl(c), None) => f.pad(&format!("ctrl-{c}")),
            (key, None) => write!(f, "{key:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, NAMED};

    #[test]
    fn a_key_is_read_by_the_name_that_it_is_printed_with() {
        let others = [Key::Char('r'), Key::Char('R'), Key::Char('陈'), Key::Ctrl('u'), Key::Char('-')];
        for key in NAMED.map(|(key, _)| key).into_iter().chain(others) {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        for wrong in ["", "ctrl-", "ctrl-U", "F5x", "alt-x", "\u{1b}"] {
            assert!(wrong.parse::<Key>().is_err(), "{wrong}");
        }
    }
}
