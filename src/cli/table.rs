//! Plain tables for terminals and pipes: columns by display width, outside text cleaned.

use unicode_width::UnicodeWidthStr;

use crate::domain::text::clean;

/// How a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// Lays rows out under a header, two blanks between columns, nothing after the last.
pub(super) fn render(header: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| clean(cell).into_owned()).collect()).collect();
    let widths: Vec<usize> = (0..header.len()).map(|column| width(header, &rows, column)).collect();
    let head: Vec<String> = header.iter().map(|(title, _)| (*title).to_owned()).collect();
    let mut text = String::new();
    for row in std::iter::once(&head).chain(&rows) {
        let mut line = String::new();
        for ((cell, width), (_, align)) in row.iter().zip(&widths).zip(header) {
            let gap = " ".repeat(width.saturating_sub(cell.width()));
            match align {
                Align::Left => line.extend([cell.as_str(), &gap, "  "]),
                Align::Right => line.extend([gap.as_str(), cell, "  "]),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn width(header: &[(&str, Align)], rows: &[Vec<String>], column: usize) -> usize {
    let title = header.get(column).map_or(0, |(title, _)| title.width());
    rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).chain([title]).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Align, render};

    #[test]
    fn columns_line_up_by_display_width_and_escapes_are_gone() {
        let header = [("name", Align::Left), ("n", Align::Right)];
        let rows = [vec!["陈小明".to_owned(), "5".to_owned()], vec!["a\u{1b}[2J".to_owned(), "120".to_owned()]];

        assert_eq!(render(&header, &rows), "name      n\n陈小明    5\na[2J    120\n");
    }
}
