//! Columns at fixed places: heads, cells, cut by display width.

use super::Pen;
use crate::tui::theme::TextRole;

/// Which side of its column a cell stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnAlign {
    Left,
    Right,
}

/// A column: where it begins, counted from the table's left edge, and how wide it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableColumn<Name> {
    pub name: Name,
    pub x: u16,
    pub width: u16,
    pub align: ColumnAlign,
}

/// The columns of a table, laid out for one width.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnLayout<Name> {
    pub columns: Vec<TableColumn<Name>>,
}

impl<Name: Copy> ColumnLayout<Name> {
    /// Lays columns out from the left, one space between, after two columns for the cursor.
    pub fn lay(columns: &[(Name, u16, ColumnAlign)]) -> Self {
        let mut x = 2;
        let columns = columns.iter().map(|&(name, width, align)| {
            let column = TableColumn { name, x, width, align };
            x += width + 1;
            column
        });
        Self { columns: columns.collect() }
    }

    /// Draws one row: what stands in each column, and how.
    pub fn row(&self, pen: &mut Pen<'_>, (x, y): (u16, u16), cell: impl Fn(Name) -> (String, TextRole)) {
        for column in &self.columns {
            let (text, meaning) = cell(column.name);
            let left = x + column.x;
            match column.align {
                ColumnAlign::Left => _ = pen.put((left, y), &text, column.width, meaning),
                ColumnAlign::Right => pen.put_right((left + column.width, y), &text, column.width, meaning),
            }
        }
    }
}
