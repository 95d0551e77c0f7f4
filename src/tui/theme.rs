//! How each role of text is drawn: 16 ANSI colours and attributes, never a painted background, in one table.
//! Without colour, words and glyphs still tell everything apart.

use ratatui::style::{Color, Modifier, Style};

use super::{Charset, Palette};
use crate::domain::status::Status;

/// What a piece of text is for. Widgets name roles, never colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextRole {
    Plain,
    /// Focus, the cursor, keys that can be pressed.
    Accent,
    /// Heads of columns, secondary text.
    Dim,
    /// Who or what the next key acts on: the cursor's row in the focused pane.
    Selected,
    /// A chosen line, and what a question is about.
    Strong,
    /// Something that waits for a person.
    Need,
    /// Refused, failed, stale.
    Trouble,
    Real,
    Demo,
    ReadOnly,
    /// A recipient's status: the same in table, bars and history.
    Stage(Status),
}

/// Whether colours may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// The plain ones, readable on most backgrounds.
    Sixteen,
    /// The bright ones, for a dark background.
    Bright,
    /// The plain ones for a light background, where dim text would be too faint.
    Deep,
    /// Colours that are dark enough for white, of a terminal with 256 of them: its own yellow and cyan are faint there.
    DeepExact,
    /// `NO_COLOR` is set, the terminal is dumb, or none are wanted: attributes only.
    None,
}

/// The drawing characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    pub rule: &'static str,
    /// The rule of the focused pane; must differ without colour.
    pub double: &'static str,
    pub full: &'static str,
    /// Half a bar's cell; the same as `full` where there is none.
    pub half: &'static str,
    pub upright: &'static str,
    pub tee: &'static str,
    /// Which characters text is drawn with.
    pub charset: Charset,
}

impl Glyphs {
    /// A cell of a chart with these dots, by the bits of Unicode's braille.
    pub fn dots(&self, bits: u8) -> char {
        match self.charset {
            Charset::Unicode => char::from_u32(0x2800 + u32::from(bits)).unwrap_or('*'),
            Charset::Console => halves(bits),
            Charset::Ascii => '*',
        }
    }
}

/// The same dots in halves of a cell.
const fn halves(bits: u8) -> char {
    const UPPER: u8 = 0x01 | 0x02 | 0x08 | 0x10;
    match (bits & UPPER != 0, bits & !UPPER != 0) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

const BLOCKS: Glyphs =
    Glyphs {
        rule: "─", double: "═", full: "█", half: "▌", upright: "│", tee: "┬", charset: Charset::Unicode
    };
const ASCII: Glyphs =
    Glyphs { rule: "-", double: "=", full: "#", half: "#", upright: "|", tee: "-", charset: Charset::Ascii };

/// Colours and glyphs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScreenTheme {
    pub colours: Colours,
    pub glyphs: Glyphs,
}

impl ScreenTheme {
    pub const fn new(colours: Colours, charset: Charset) -> Self {
        let glyphs = match charset {
            Charset::Unicode => BLOCKS,
            Charset::Console => Glyphs { charset, ..BLOCKS },
            Charset::Ascii => ASCII,
        };
        Self { colours, glyphs }
    }

    /// The cells of a bar that stages share, from the first: without colour each looks its own way.
    pub const fn shades(&self) -> [&'static str; 4] {
        match (self.colours, self.glyphs.charset) {
            (Colours::None, Charset::Ascii) => [".", "-", "=", "#"],
            (Colours::None, _) => ["░", "▒", "▓", "█"],
            _ => [self.glyphs.full; 4],
        }
    }

    pub fn style(&self, meaning: TextRole) -> Style {
        let (colour, modifier) = table(meaning);
        match self.colours {
            Colours::Bright => Style::new().fg(bright(colour)).add_modifier(modifier),
            Colours::Deep if modifier == Modifier::DIM => Style::new().fg(Color::DarkGray),
            Colours::DeepExact if modifier == Modifier::DIM => Style::new().fg(Color::Indexed(241)),
            Colours::DeepExact => Style::new().fg(deep(colour)).add_modifier(modifier),
            Colours::Sixteen | Colours::Deep => Style::new().fg(colour).add_modifier(modifier),
            // Keys stand out from their words.
            Colours::None if meaning == TextRole::Accent => Style::new().add_modifier(Modifier::BOLD),
            Colours::None => Style::new().add_modifier(modifier),
        }
    }
}

impl Colours {
    /// As set, unless the environment wants none: `NO_COLOR` (any value but empty, no-color.org), or a dumb `TERM`.
    pub fn choose(palette: Palette, no_color: Option<&str>, term: Option<&str>) -> Self {
        let unwanted = no_color.is_some_and(|value| !value.is_empty());
        match palette {
            _ if unwanted || term == Some("dumb") => Self::None,
            Palette::Auto => Self::Sixteen,
            Palette::Dark => Self::Bright,
            Palette::Light if term.is_some_and(|term| term.ends_with("-256color")) => Self::DeepExact,
            Palette::Light => Self::Deep,
            Palette::Mono => Self::None,
        }
    }
}

const fn table(meaning: TextRole) -> (Color, Modifier) {
    let plain = Modifier::empty();
    match meaning {
        TextRole::Plain => (Color::Reset, plain),
        TextRole::Accent => (Color::Cyan, plain),
        TextRole::Dim => (Color::Reset, Modifier::DIM),
        TextRole::Strong => (Color::Reset, Modifier::BOLD),
        TextRole::Need => (Color::Red, Modifier::BOLD),
        TextRole::Trouble => (Color::Red, plain),
        TextRole::Selected | TextRole::Real | TextRole::ReadOnly => (Color::Reset, Modifier::REVERSED),
        TextRole::Demo => (Color::Yellow, plain),
        TextRole::Stage(status) => stage(status),
    }
}

const fn bright(colour: Color) -> Color {
    match colour {
        Color::Blue => Color::LightBlue,
        Color::Cyan => Color::LightCyan,
        Color::Yellow => Color::LightYellow,
        Color::Green => Color::LightGreen,
        Color::Red => Color::LightRed,
        Color::Magenta => Color::LightMagenta,
        other => other,
    }
}

/// Of the 256: against white each has a contrast of 4.3 or more.
const fn deep(colour: Color) -> Color {
    match colour {
        Color::Blue => Color::Indexed(25),
        Color::Cyan => Color::Indexed(30),
        Color::Yellow => Color::Indexed(94),
        Color::Green => Color::Indexed(28),
        Color::Red => Color::Indexed(160),
        Color::Magenta => Color::Indexed(127),
        other => other,
    }
}

const fn stage(status: Status) -> (Color, Modifier) {
    let plain = Modifier::empty();
    match status {
        Status::Sent => (Color::Blue, plain),
        Status::Delivered => (Color::Cyan, plain),
        Status::Read => (Color::Yellow, plain),
        Status::Replied => (Color::Green, plain),
        Status::Closed => (Color::Green, Modifier::BOLD),
        Status::Failed => (Color::Red, plain),
        Status::Uncertain => (Color::Magenta, Modifier::BOLD),
        Status::Sending => (Color::Reset, plain),
        Status::Queued | Status::Skipped | Status::OptedOut => (Color::Reset, Modifier::DIM),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Modifier};

    use super::{Charset, Colours, Palette, ScreenTheme, TextRole};

    #[test]
    fn a_console_without_braille_shows_curves_in_blocks() {
        let dots = |bits| ScreenTheme::new(Colours::None, Charset::Console).glyphs.dots(bits);

        assert_eq!([dots(0x01), dots(0x40), dots(0x88), dots(0xff)], ['▀', '▄', '█', '█']);
        assert_eq!(ScreenTheme::new(Colours::None, Charset::Unicode).glyphs.dots(0x01), '⠁');
    }
    use crate::domain::status::Status;

    const MEANINGS: [TextRole; 10] = [
        TextRole::Plain,
        TextRole::Accent,
        TextRole::Dim,
        TextRole::Selected,
        TextRole::Strong,
        TextRole::Need,
        TextRole::Trouble,
        TextRole::Real,
        TextRole::Demo,
        TextRole::ReadOnly,
    ];

    #[test]
    fn no_color_takes_the_colours_and_leaves_the_attributes() {
        for palette in [Palette::Auto, Palette::Dark, Palette::Light] {
            let theme = ScreenTheme::new(Colours::choose(palette, Some("1"), Some("xterm")), Charset::Unicode);

            for meaning in MEANINGS.into_iter().chain(Status::ALL.map(TextRole::Stage)) {
                assert_eq!(theme.style(meaning).fg, None, "{meaning:?}");
            }
            assert!(!theme.style(TextRole::Real).add_modifier.is_empty());
        }
    }

    #[test]
    fn each_palette_that_is_set_looks_its_own_way() {
        let style = |palette, meaning| {
            ScreenTheme::new(Colours::choose(palette, None, Some("xterm")), Charset::Unicode).style(meaning)
        };
        let sent = TextRole::Stage(Status::Sent);

        assert_eq!(style(Palette::Auto, sent).fg, Some(Color::Blue));
        assert_eq!(style(Palette::Dark, sent).fg, Some(Color::LightBlue));
        assert_eq!(style(Palette::Light, sent).fg, Some(Color::Blue));
        assert_eq!(style(Palette::Mono, sent).fg, None);
        assert!(style(Palette::Auto, TextRole::Dim).add_modifier.contains(Modifier::DIM));
        assert_eq!(style(Palette::Light, TextRole::Dim).fg, Some(Color::DarkGray));
    }

    #[test]
    fn nothing_ever_paints_a_background() {
        for colours in [Colours::Sixteen, Colours::Bright, Colours::Deep, Colours::DeepExact, Colours::None] {
            let theme = ScreenTheme::new(colours, Charset::Unicode);

            for meaning in MEANINGS.into_iter().chain(Status::ALL.map(TextRole::Stage)) {
                assert_eq!(theme.style(meaning).bg, None, "{meaning:?}");
            }
        }
    }

    #[test]
    fn an_empty_no_color_and_a_usual_terminal_mean_colours() {
        assert_eq!(Colours::choose(Palette::Auto, Some(""), Some("tmux-256color")), Colours::Sixteen);
        assert_eq!(Colours::choose(Palette::Dark, None, Some("dumb")), Colours::None);
        assert_eq!(Colours::choose(Palette::Light, None, Some("xterm-256color")), Colours::DeepExact);
        assert_eq!(Colours::choose(Palette::Light, None, Some("linux")), Colours::Deep);
    }
}
