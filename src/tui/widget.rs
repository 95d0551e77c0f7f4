//! The pen that everything is drawn with. All text of the screen passes through [`Pen::put`], which cleans it:
//! a name, a reply or a provider's text can neither steer the terminal nor shift a column.

mod area;
mod ascii;
mod bar;
mod chart;
mod field;
mod line;
mod rule;
mod table;

pub use area::TextArea;
pub use ascii::in_ascii;
pub use bar::bar;
pub use chart::{Chart, ChartCurve, ChartSpan, chart};
pub use field::{EditOutcome, TextField};
pub use line::TextLine;
pub use rule::{Focused, TitleRule, right_fits, rule};
pub use table::{ColumnAlign, ColumnLayout};

use std::borrow::Cow;

use ratatui::buffer::{Buffer, CellWidth};
use ratatui::layout::Rect;
use unicode_segmentation::UnicodeSegmentation;

use super::Charset;
use super::theme::{ScreenTheme, TextRole};
use crate::domain::text::{clean, clean_shown};

/// The most characters that are drawn as one: the longest emoji that people use has ten.
const CLUSTER_MAX: usize = 12;

/// The columns that a text takes once it is cleaned: those of its clusters, what a reader takes for one character each.
pub fn width(text: &str) -> u16 {
    columns(&clean_shown(text))
}

fn columns(text: &str) -> u16 {
    clusters(text).fold(0, |taken, cluster| taken.saturating_add(cluster.cell_width()))
}

/// As much of the start of a text as fits, with a mark where it was cut.
pub fn start_of(text: &str, room: u16) -> String {
    let mut kept = String::new();
    for cluster in clusters(text) {
        if width(&kept) + width(cluster) + 1 > room {
            return kept + "~";
        }
        kept.push_str(cluster);
    }
    kept
}

/// A text in exactly so many columns, with a mark where it was cut.
pub fn within(text: &str, columns: u16) -> String {
    let text = if width(text) > columns { start_of(text, columns) } else { text.to_owned() };
    let blank = usize::from(columns.saturating_sub(width(&text)));
    text + &" ".repeat(blank)
}

/// The characters as a reader counts them: a letter with its signs, an emoji with what is joined to it.
pub fn clusters(text: &str) -> impl Iterator<Item = &str> {
    text.graphemes(true)
}

/// Clusters of more characters than anybody writes are cut: one cell would carry them all to the terminal.
fn bounded(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_long = |cluster: &str| cluster.chars().count() > CLUSTER_MAX;
    if text.is_ascii() || !clusters(&text).any(is_long) {
        return text;
    }
    clusters(&text).flat_map(|cluster| cluster.chars().take(CLUSTER_MAX)).collect::<String>().into()
}

/// Draws into a rectangle of the buffer; what lies outside is cut off.
pub struct Pen<'a> {
    buffer: &'a mut Buffer,
    pub theme: &'a ScreenTheme,
}

impl<'a> Pen<'a> {
    pub fn new(buffer: &'a mut Buffer, theme: &'a ScreenTheme) -> Self {
        Self { buffer, theme }
    }

    /// The whole screen.
    pub fn screen(&self) -> Rect {
        self.buffer.area
    }

    /// Writes at a place of the screen, at most `max` columns, cut with `~`. Returns the column after it.
    pub fn put(&mut self, (x, y): (u16, u16), text: &str, max: u16, meaning: TextRole) -> u16 {
        let area = self.buffer.area;
        if x >= area.right() || y >= area.bottom() || max == 0 {
            return x;
        }
        let room = max.min(area.right() - x);
        let text = match self.theme.glyphs.charset {
            Charset::Unicode | Charset::Console => bounded(clean_shown(text)),
            Charset::Ascii => in_ascii(&clean(text)).into_owned().into(),
        };
        let style = self.theme.style(meaning);
        if columns(&text) <= room {
            return self.buffer.set_stringn(x, y, &text, usize::from(room), style).0;
        }
        let (end, _) = self.buffer.set_stringn(x, y, &text, usize::from(room) - 1, style);
        self.buffer.set_stringn(end, y, "~", 1, style).0
    }

    /// Empties a row.
    pub fn clear(&mut self, y: u16) {
        for x in self.buffer.area.left()..self.buffer.area.right() {
            if let Some(cell) = self.buffer.cell_mut((x, y)) {
                cell.reset();
            }
        }
    }

    /// Writes so that the text ends before column `end`, within `max` columns.
    pub fn put_right(&mut self, (end, y): (u16, u16), text: &str, max: u16, meaning: TextRole) {
        let taken = width(text).min(max);
        self.put((end.saturating_sub(taken), y), text, taken, meaning);
    }

    /// Writes a glyph several times.
    pub fn repeat(&mut self, (x, y): (u16, u16), glyph: &str, times: u16, meaning: TextRole) {
        self.put((x, y), &glyph.repeat(usize::from(times)), times, meaning);
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::Pen;
    use crate::tui::Charset;
    use crate::tui::theme::{Colours, ScreenTheme, TextRole};

    fn drawn(text: &str, max: u16) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 1));
        let theme = ScreenTheme::new(Colours::None, Charset::Unicode);
        Pen::new(&mut buffer, &theme).put((0, 0), text, max, TextRole::Plain);
        let row: String = buffer.content().iter().map(ratatui::buffer::Cell::symbol).collect();
        row.trim_end().to_owned()
    }

    #[test]
    fn a_long_name_is_cut_with_a_tilde_by_the_columns_it_takes() {
        assert_eq!(drawn("Muhammad Hafiz", 8), "Muhamma~");
        assert_eq!(drawn("Hafiz", 5), "Hafiz");
    }

    #[test]
    fn a_wide_character_that_would_stand_half_outside_is_left_out() {
        assert_eq!(drawn("陈小明陈", 6), "陈 小 ~");
        assert_eq!(drawn("陈小明", 6), "陈 小 明");
    }

    #[test]
    fn what_is_joined_stays_joined_and_is_cut_whole() {
        assert_eq!(drawn("👨\u{200d}👩\u{200d}👧 Tan", 20), "👨\u{200d}👩\u{200d}👧  Tan");
        assert_eq!(drawn("Ali 👨\u{200d}👩\u{200d}👧", 5), "Ali ~");
        assert_eq!(drawn("ශ්\u{200d}රී", 20), "ශ්\u{200d}රී");
        assert_eq!(drawn("A\u{200d}li", 20), "Ali");
    }

    #[test]
    fn a_letter_with_a_thousand_signs_is_no_more_than_twelve_characters() {
        let letter = format!("a{}", "\u{301}".repeat(1_000));

        assert_eq!(drawn(&letter, 20).chars().count(), 12);
    }

    #[test]
    fn an_escape_sequence_in_a_name_never_reaches_the_screen() {
        assert_eq!(drawn("\u{1b}[2JAina\u{202e}", 20), "[2JAina");
    }
}
