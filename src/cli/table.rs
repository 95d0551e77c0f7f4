//! Plain tables for terminals and pipes: columns aligned by display width, text of others cleaned.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use crate::domain::text::clean;

/// How a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextAlign {
    Left,
    Right,
}

/// Renders rows under a header, with two spaces between columns and none after the last.
pub(super) fn render(header: &[(&str, TextAlign)], rows: &[Vec<String>]) -> String {
    let mut table = TextTable::new(header);
    let head = table.head(rows);
    head + &table.rows(rows)
}

/// A table that is rendered as its rows arrive. Columns are as wide as the widest cell so far: later rows may be
/// shifted to the right, but never into the wrong column.
pub(super) struct TextTable<'a> {
    header: &'a [(&'a str, TextAlign)],
    widths: Vec<usize>,
}

impl<'a> TextTable<'a> {
    pub(super) fn new(header: &'a [(&'a str, TextAlign)]) -> Self {
        Self { header, widths: header.iter().map(|(title, _)| title.width()).collect() }
    }

    /// The header, above these rows.
    pub(super) fn head(&mut self, first: &[Vec<String>]) -> String {
        self.widen(first);
        self.line(self.header.iter().map(|(title, _)| Cow::Borrowed(*title)))
    }

    pub(super) fn rows(&mut self, rows: &[Vec<String>]) -> String {
        self.widen(rows);
        rows.iter().map(|row| self.line(row.iter().map(|cell| clean(cell)))).collect()
    }

    fn widen(&mut self, rows: &[Vec<String>]) {
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(clean(cell).width());
            }
        }
    }

    fn line<'b>(&self, cells: impl Iterator<Item = Cow<'b, str>>) -> String {
        let mut line = String::new();
        for ((cell, width), (_, align)) in cells.zip(&self.widths).zip(self.header) {
            let gap = " ".repeat(width.saturating_sub(cell.width()));
            match align {
                TextAlign::Left => line.extend([&*cell, &gap, "  "]),
                TextAlign::Right => line.extend([&*gap, &cell, "  "]),
            }
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::{TextAlign, TextTable, render};

    #[test]
    fn columns_line_up_by_display_width_and_escapes_are_gone() {
        let header = [("name", TextAlign::Left), ("n", TextAlign::Right)];
        let rows = [vec!["陈小明".to_owned(), "5".to_owned()], vec!["a\u{1b}[2J".to_owned(), "120".to_owned()]];

        assert_eq!(render(&header, &rows), "name      n\n陈小明    5\na[2J    120\n");
    }

    #[test]
    fn rows_that_come_later_stand_in_their_columns_however_wide_they_are() {
        let header = [("name", TextAlign::Left), ("n", TextAlign::Right)];
        let row = |name: &str| vec![name.to_owned(), "5".to_owned()];
        let mut table = TextTable::new(&header);

        let text =
            table.head(&[row("Ali")]) + &table.rows(&[row("Ali")]) + &table.rows(&[row("Siti Aminah"), row("Ben")]);

        assert_eq!(text, "name  n\nAli   5\nSiti Aminah  5\nBen          5\n");
    }
}
